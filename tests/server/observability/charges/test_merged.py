"""The same month with and without answering together what comes together: how many messages are paid, and
that the difference is what is said to be saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server import clock
from server.config.whatsapp_prices.prices_in_force import keep_rate_card
from server.config.whatsapp_prices.rate_card import shipped_rate_card
from server.observability.charges.merged import saved_messages, with_merged
from server.observability.costs import Spending
from server.operators import analytics
from server.store.counters import by_day
from server.store.mailbox import NOTHING
from server.store.records import Entry, Reply
from tests.support.office import Office
from tests.support.virtual_clock import at

KZ = "77010000001"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    clock.move_to(0)


async def turn(office: Office, replies: int = 1) -> None:
    """Answer all that waits in so many replies, and send them."""
    mailbox = office.runtime.mailbox
    for name in (await mailbox.claim(10)).ids:
        work = await mailbox.begin(name)
        contact = await office.runtime.conversations.contact(name)
        assert contact
        ids = [f"{work.turn_id}:{number}" for number in range(replies)]
        pairs = [(Reply(id=id, text="Yes."), Entry(id=id, author="bot", text="Yes.")) for id in ids]
        then = with_merged(NOTHING, office.runtime, contact, work.batch, len(pairs))
        for _ in range(2):  # committed twice, as after a crash
            await mailbox.commit(name, work.fence, work.turn_id, pairs, then)
        await office.runtime.redis.zadd("sg:{default}:due", {name: 1})
    await office.send()


async def month(office: Office, together: bool) -> None:
    """Five customers a week write eight bubbles each."""
    for day in range(1, 29, 7):
        at(f"2027-03-{day:02} 12:00")
        for customer in range(5):
            for bubble in range(8):
                clock.move_to(clock.ahead() + 10_000)
                await office.writes(f"7701{customer:07}", f"{bubble}")
                if not together:
                    await turn(office)
            if together:
                await turn(office)


def few_free(folder: Path) -> None:
    """A rate card whose free share is 100 messages a month."""
    card = json.loads(shipped_rate_card().model_dump_json(by_alias=True, exclude_none=True))
    card["periods"][0]["free_service_messages"] = 100
    keep_rate_card(folder, json.dumps(card))


@pytest.mark.parametrize(("together", "sent"), [(True, 20), (False, 160)])
async def test_eight_bubbles_become_one_message(redis: Redis, tmp_path: Path, together: bool, sent: int):
    few_free(tmp_path)
    office = Office(redis, tmp_path, debounce_seconds=0)
    await month(office, together)
    period = [f"2027-03-{day:02}" for day in (1, 8, 15, 22)]
    days = [await Spending(office.settings, office.runtime.redis).of("default", day) for day in period]
    free, paid = sum(day.free_messages for day in days), sum(day.paid_messages for day in days)
    assert (free, paid) == (min(sent, 100), max(0, sent - 100))
    assert sum(day.whatsapp_cost for day in days) == pytest.approx(paid * 0.018)
    rows = await by_day(office.runtime.redis, ["default"], period)
    saved = [saved_messages(row) for row in rows]
    told = [sum(getattr(one, name) for one in saved) for name in ("bursts", "messages", "saved")]
    assert told == ([20, 160, 140] if together else [0, 0, 0])
    assert sum(one.saved_cost for one in saved) == pytest.approx((140 * 0.018) if together else 0)
    found = await analytics.report(office.runtime.redis, {"default": office.runtime}, period[0], "2027-03-28")
    assert (found.saved.saved, found.total.saved_messages) == (told[2], told[2])
    assert found.unit_costs.per_conversation == pytest.approx(paid * 0.018 / 5)
    assert found.unit_costs.paid_messages_per_conversation == paid / 5
    assert found.unit_costs.per_appointment is None and found.unit_costs.per_order is None
    for figure, count in (("calls booked", 2), ("orders", 4)):
        await office.runtime.redis.hincrby("sg:{default}:figures:2027-03-22", figure, count)
    units = (
        await analytics.report(office.runtime.redis, {"default": office.runtime}, period[0], "2027-03-28")
    ).unit_costs
    assert units.per_appointment == pytest.approx(paid * 0.018 / 2)
    assert units.per_order == pytest.approx(paid * 0.018 / 4)


async def test_what_a_conversation_saved_stands_with_its_contact(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path, debounce_seconds=0)
    conversation = await office.writes(KZ, "a")
    for text in "bc":
        await office.writes(KZ, text)
    await turn(office, replies=2)
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and contact.wa_saved == 1
    await office.writes(KZ, "d")
    await turn(office, replies=3)
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and contact.wa_saved == 1  # one message is no burst, and more replies save nothing
