"""A person takes over: called, told, left alone, and handed back; and what the day's budget does."""

from __future__ import annotations

from redis.asyncio import Redis

from agent.meter import Call
from agent.models import Models
from server import alerts
from server.bots import Bot
from server.spending import Spending
from tests.agent.chatting import Scripted
from tests.server.office import Office
from tests.server.test_worker import polite
from tests.waiting import until

OPERATOR = "77009990000"


def models() -> Models:
    found = Models(Scripted(script=polite, asked=[]))
    return found


async def test_the_operator_is_told_once_and_the_bot_is_silent_until_it_is_handed_back(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, operator_number=OPERATOR)
    async with office.working(models()):
        conversation = await office.writes("77010000001", "I want to talk to a human")
        (told,) = await until(lambda: office.replies(OPERATOR))
        assert "needs a person" in told and f"/dashboard/default/{conversation}" in told
        contact = await office.desk.conversations.contact(conversation)
        assert contact and contact.owner == "person" and "asks for a person" in contact.task
        await until(office.idle)
        await office.writes("77010000001", "hello?")
        await until(office.idle)
        assert len(office.replies("77010000001")) == 1
    assert len(office.replies(OPERATOR)) == 1 and not await redis.hlen("sg:{default}:notices")  # pyright: ignore[reportGeneralTypeIssues]


async def test_the_bot_goes_on_after_the_pause(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, handoff_minutes=10)
    async with office.working(models()):
        conversation = await office.writes("77010000002", "I want to talk to a human")
        await until(lambda: office.replies("77010000002"))
        await until(office.idle)
        await redis.hincrby(f"sg:{{default}}:contact:{conversation}", "owner_at", -11 * 60_000)  # pyright: ignore[reportGeneralTypeIssues]
        await office.writes("77010000002", "is anybody there now")
        await until(lambda: len(office.replies("77010000002")) == 2)
        await until(office.idle)
    contact = await office.desk.conversations.contact(conversation)
    assert contact and contact.owner == "bot"


async def test_a_budget_degrades_alerts_once_and_recovers(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, daily_budget=1)
    spending, bot = Spending(office.settings, redis), office.desk.bot
    conversation = await office.writes("77010000003", "hello")
    assert await spending.allowance(bot) == "full"
    await spending.record(bot.id, conversation, [Call("sell", "openai:x", 1000, 0, 10, 0.85)])
    assert await spending.allowance(bot) == "cheaper" == await spending.allowance(bot)
    await spending.record(bot.id, conversation, [Call("sell", "openai:x", 1000, 0, 10, 0.2, priced=False)])
    assert await spending.allowance(bot) == "offline"
    (alert,) = await alerts.all_alerts(redis)
    assert alert["setting"] == "daily_budget" and "of 1.00 US dollars" in alert["text"]
    today = await spending.of(bot.id)
    assert (today["calls"], today["input_tokens"], round(today["cost"], 6), today["unpriced_calls"]) == (
        2,
        2000,
        1.05,
        1,
    )
    contact = await office.desk.conversations.contact(conversation)
    assert contact and contact.nano == 1_050_000_000
    assert await spending.allowance(Bot("default", bot.context.model_copy(update={"daily_budget": 100.0}))) == "full"
    assert not await alerts.all_alerts(redis)
