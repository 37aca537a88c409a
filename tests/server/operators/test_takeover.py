"""A person takes over: called, told, left alone, and handed back; and what the day's budget does."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from redis.asyncio import Redis

from agent.language.phrases import with_return
from agent.models.chat import Models
from agent.models.usage import Call
from server.bots.bot import Bot
from server.clock import now_ms
from server.observability.costs import Spending
from server.pipeline.agents import forget_trouble
from server.store import alerts
from tests.fakes.serving import served
from tests.support.office import Office
from tests.support.shop.chatting import Scripted, polite
from tests.support.waiting import until

OPERATOR = "77009990000"


def models() -> Models:
    found = Models(Scripted(script=polite, asked=[]))
    return found


async def test_the_operator_is_told_once_and_the_bot_is_silent_until_it_is_handed_back(
    redis: Redis, tmp_path
):
    office = Office(redis, tmp_path, operator_number=OPERATOR)
    async with office.working(models()):
        conversation = await office.writes("77010000001", "I want to talk to a human")
        (told,) = await until(lambda: office.replies(OPERATOR))
        assert "needs a person" in told and f"/dashboard/default/{conversation}" in told
        contact = await office.runtime.conversations.contact(conversation)
        assert contact and contact.assignee == "person" and "asks for a person" in contact.task
        await until(office.idle)
        await office.writes("77010000001", "hello?")
        await until(office.idle)
        assert len(office.replies("77010000001")) == 1
    assert len(office.replies(OPERATOR)) == 1 and not await redis.hlen("sg:{default}:notices")  # pyright: ignore[reportGeneralTypeIssues]


async def test_what_operators_are_told_is_on_the_bill(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, operator_number=OPERATOR)
    spending = Spending(office.settings, redis)
    async with office.working(models()):
        await office.writes("77010000014", "I want to talk to a human")
        await until(lambda: office.replies(OPERATOR))
        await until(office.idle)

        async def billed() -> bool:
            found = await spending.of("default")
            return found.paid_messages + found.free_messages == 2

        await until(billed)  # the reply and the notice
    (conversation,) = [name async for name in redis.scan_iter("sg:{default}:contact:*")]
    bill = await redis.hgetall(conversation)  # pyright: ignore[reportGeneralTypeIssues]
    assert int(bill.get(b"wa_paid", 0)) + int(bill.get(b"wa_free", 0)) == 1, "a notice is of no conversation"


async def sooner(redis: Redis) -> None:
    """The time to tell again has come."""
    for id, row in (await redis.hgetall("sg:{default}:reminders")).items():  # pyright: ignore[reportGeneralTypeIssues]
        await redis.hset("sg:{default}:reminders", id, json.dumps({**json.loads(row), "next": 0}))  # pyright: ignore[reportGeneralTypeIssues]


async def test_whom_nobody_answers_hears_that_they_are_not_forgotten_and_operators_hear_it_again(
    redis: Redis, tmp_path
):
    office = Office(redis, tmp_path, operator_number=OPERATOR)
    async with office.working(models()):
        await office.writes("77010000011", "I want to talk to a human")
        await until(lambda: office.replies(OPERATOR))
        await until(office.idle)
        assert len(office.replies("77010000011")) == 1
        await sooner(redis)
        told = await until(lambda: len(office.replies(OPERATOR)) == 2 and office.replies(OPERATOR))
        assert "nobody has answered for 15 minutes" in told[1]
        await until(lambda: len(office.replies("77010000011")) == 2)
        assert "not forgotten" in office.replies("77010000011")[1]
        await until(office.idle)
    assert not await redis.hlen("sg:{default}:reminders")  # pyright: ignore[reportGeneralTypeIssues]


async def test_whoever_said_stop_meanwhile_hears_nothing_and_an_unreadable_notice_stops_no_other(
    redis: Redis, tmp_path
):
    office = Office(redis, tmp_path, operator_number=OPERATOR)
    await redis.hset("sg:{default}:notices", "odd", "not ours")  # pyright: ignore[reportGeneralTypeIssues]
    async with office.working(models()):
        await office.writes("77010000013", "I want to talk to a human")
        await until(lambda: office.replies(OPERATOR))
        await office.writes("77010000013", "stop")
        await until(lambda: len(office.replies("77010000013")) == 2)
        await sooner(redis)
        await until(lambda: len(office.replies(OPERATOR)) == 2)
        await until(office.idle)
    assert len(office.replies("77010000013")) == 2


async def test_whom_somebody_has_answered_is_not_reminded_of(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, operator_number=OPERATOR)
    async with office.working(models()):
        conversation = await office.writes("77010000012", "I want to talk to a human")
        await until(lambda: office.replies(OPERATOR))
        await until(office.idle)
        await office.runtime.conversations.assign(conversation, "bot", task="")
        await sooner(redis)

        async def forgotten() -> bool:
            return not await redis.hlen("sg:{default}:reminders")  # pyright: ignore[reportGeneralTypeIssues]

        await until(forgotten)
        await until(office.idle)
    assert len(office.replies("77010000012")) == 1 and len(office.replies(OPERATOR)) == 1


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
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and contact.assignee == "bot"


async def test_a_budget_degrades_alerts_once_and_recovers(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, daily_budget=1)
    spending, bot = Spending(office.settings, redis), office.runtime.bot
    conversation = await office.writes("77010000003", "hello")
    assert await spending.allowance(bot) == "full"
    await spending.record(bot.id, conversation, [Call("sell", "openai:x", 1000, 0, 10, 0.85)])
    assert await spending.allowance(bot) == "cheaper" == await spending.allowance(bot)
    await spending.record(bot.id, conversation, [Call("sell", "openai:x", 1000, 0, 10, 0.2, priced=False)])
    assert await spending.allowance(bot) == "offline"
    (alert,) = await alerts.all_alerts(redis)
    assert alert["setting"] == "daily_budget" and "of 1.00 US dollars" in alert["text"]
    today = await spending.of(bot.id)
    assert (today.calls, today.input_tokens, round(today.cost, 6), today.unpriced_calls) == (
        2,
        2000,
        1.05,
        1,
    )
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and contact.nano == 1_050_000_000
    assert (
        await spending.allowance(Bot("default", bot.context.model_copy(update={"daily_budget": 100.0})))
        == "full"
    )
    assert not await alerts.all_alerts(redis)


async def test_the_operators_webhook_is_signed_repeated_and_told_once(redis: Redis, tmp_path):
    app, got = FastAPI(), []

    @app.post("/crm")
    async def crm(request: Request) -> Response:
        body = await request.body()
        at, _, given = request.headers["x-salesgraph-signature"].removeprefix("t=").partition(",v1=")
        wanted = hmac.new(b"a secret of its own", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        assert given == wanted and abs(int(at) - time.time()) < 60
        got.append(json.loads(body))
        return Response(status_code=503 if len(got) == 1 else 200)

    with served(app) as url:
        office = Office(
            redis, tmp_path, operator_webhook_url=f"{url}/crm", operator_webhook_secret="a secret of its own"
        )
        office.client = httpx.AsyncClient(
            mounts={url: httpx.AsyncHTTPTransport()}, transport=office.client._transport
        )
        async with office.working(models()):
            conversation = await office.writes("77010000009", "I want to talk to a human")
            await until(lambda: len(got) == 2)
            assert (
                got[0] == got[1]
                and got[1]["event"] == "handoff"
                and got[1]["conversation_id"] == conversation
            )
            assert (
                got[1]["link"].endswith(f"/dashboard/default/{conversation}")
                and "asks for" in got[1]["reason"]
            )

            async def told() -> bool:
                return not await redis.hlen("sg:{default}:notices")  # pyright: ignore[reportGeneralTypeIssues]

            await until(told)
    assert len(got) == 2


async def test_an_alert_of_a_model_ends_with_the_worker_that_raised_it(redis: Redis):
    await alerts.raise_alert(redis, "model:openai", "the key is refused", "OPENAI_API_KEY")
    await alerts.raise_alert(redis, "budget:default", "80 % is spent", "daily_budget")
    await forget_trouble(redis)
    assert [alert["name"] for alert in await alerts.all_alerts(redis)] == ["budget:default"]


async def test_outside_the_hours_a_contact_hears_when_somebody_is_there_again(redis: Redis, tmp_path):
    """Now and, when nobody has answered, once more; the clock is that of the business."""
    now = datetime.now(ZoneInfo("Asia/Almaty"))
    closed = {"working_days": f"{now + timedelta(days=2):%a}", "holidays": "none"}
    office = Office(redis, tmp_path, operator_number=OPERATOR, **closed)
    back = office.runtime.bot.outreach.hours.back_at(now_ms())
    async with office.working(models()):
        await office.writes("77010000031", "I want to talk to a human")
        await until(lambda: office.replies("77010000031"))
        assert office.replies("77010000031")[0].endswith(with_return("", "en", back))
        await until(office.idle)
        await sooner(redis)
        await until(lambda: len(office.replies("77010000031")) == 2)
        assert "away just now and back on " in office.replies("77010000031")[1]
        await until(office.idle)


async def test_in_the_hours_nobody_is_said_to_be_away(redis: Redis, tmp_path):
    every_day = {"working_days": "Mon-Sun", "working_hours_start": "00:00", "working_hours_end": "24:00"}
    office = Office(redis, tmp_path, **every_day, holidays="none")
    async with office.working(models()):
        await office.writes("77010000032", "I want to talk to a human")
        await until(lambda: office.replies("77010000032"))
        await until(office.idle)
    assert office.replies("77010000032") == [
        "I am passing you on to a colleague, who will write to you here."
    ]


@pytest.mark.parametrize("language", ["en", "ru", "kk", "it", "es", "pt", "de", "fr", "tr", "hi", "ar"])
def test_it_is_said_in_every_language(language: str):
    assert with_return("x", language, "") == "x"
    said = with_return("x", language, "2026-11-30 10:00")
    assert "30" in said and "10:00" in said and "2026-11" not in said
    assert language == "en" or said != with_return("x", "en", "2026-11-30 10:00")


async def test_a_later_task_does_not_hide_an_order(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    broken = Models(Scripted(script=polite, asked=[]), default="offline")
    async with office.working(broken):
        conversation = await office.writes("77010000014", "I'll take two blue vases")
        await until(lambda: office.replies("77010000014"))
        await until(office.idle)
        await office.writes("77010000014", "I want to talk to a human")
        await until(lambda: len(office.replies("77010000014")) == 2)
        await until(office.idle)
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and [line.partition(":")[0] for line in contact.task.splitlines()] == [
        "wants to order, book or visit",
        "asks for a person",
    ]
