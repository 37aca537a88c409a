"""Whom a number may write to first: slower before the limit, not beyond it, nobody while it is restricted;
replies go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from channels.content.account import AccountNotice, NumberIdentity, Restriction
from server import clock
from server.clock import now_ms
from server.observability.health.kept import record_of
from server.operators.number_health import health_of_bot
from server.operators.takeover import Refused, Written, queue_message
from server.outreach.reach import CAREFUL, MOST, Reach
from server.outreach.rules import DAY, HOUR
from server.pipeline.account import notices
from server.store import alerts
from server.store.keys import key
from server.store.mailbox import SECOND
from tests.support.office import NUMBER, Office
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    yield
    clock.move_to(0)


async def tell(office: Office, **said: object) -> None:
    told = AccountNotice.model_validate({"field": "business_capability_update", "at": now_ms(), **said})
    await record_of(office.redis).tell("default", NUMBER, told)


async def opened(office: Office, contact: str, **more: object) -> str:
    """A touch to somebody who has not written for long."""
    return await office.reply(contact, touch=1, template="come_back:en", **more)


async def test_the_last_of_a_days_people_are_written_to_slower_and_nobody_beyond(redis: Redis, tmp_path):
    office, limit = Office(redis, tmp_path), 20
    await tell(office, limit=limit, tier="TIER_20")
    for n in range(limit + 5):
        await opened(office, f"770100000{n:02}")
    careful = int(CAREFUL * limit)

    async def all_who_may() -> bool:  # a quick machine has to wait for the number's rate
        await office.send()
        return len(office.emulator.requests) > careful

    await until(all_who_may)
    await office.send()
    assert len(office.emulator.requests) == careful + 1
    assert (await health_of_bot(office.runtime)).numbers[0].sending == "slower"
    for hours in range(1, 48):
        clock.move_to(hours * HOUR // 2)
        await office.send()
        sent = len(office.emulator.requests)
        assert sent <= int(MOST * limit), "no more within a day than most of the limit"
    assert sent == int(MOST * limit)
    clock.move_to(DAY + HOUR)
    for _ in range(4):
        await office.send()
    assert len(office.emulator.requests) == limit + 5


async def test_whoever_counts_already_and_whoever_writes_is_free(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    await tell(office, limit=1)
    anna = await opened(office, "77010000001")
    await office.send()
    assert len(office.emulator.requests) == 0  # the last one is for people and appointments
    clock.move_to(2 * HOUR)
    await office.reply("77010000002", template="come_back:en", author="person")
    await office.send()
    assert len(office.emulator.requests) == 1
    await opened(office, "77010000002")
    await office.send()
    assert len(office.emulator.requests) == 2
    await redis.hset(key("default", "contact", anna), "heard_at", str(now_ms()))  # she writes
    clock.move_to(4 * HOUR)
    await office.reply("77010000001", template="come_back:en")
    await office.send()
    assert (
        len(office.emulator.requests) == 3
    )  # in the window nothing counts; the touch is not needed any more
    lines = await office.runtime.conversations.transcript(anna)
    assert [(line.status, line.reason) for line in lines] == [
        ("failed", "they wrote first"),
        ("accepted", ""),
    ]


async def test_unknown_and_unlimited_tiers_hold_nothing_up(redis: Redis, tmp_path):
    for limit in (None, -1):
        office = Office(redis, tmp_path)
        await tell(office, limit=limit)
        for n in range(30):
            await opened(office, f"7701000{limit or 0}{n:03}".replace("-", "9"))
        await office.send()
        clock.move_to(SECOND)  # on a fast machine the throughput of the number put some of them off
        await office.send()
        clock.move_to(0)
        assert len(office.emulator.requests) == 30


async def test_all_numbers_of_a_business_share_its_limit(redis: Redis, tmp_path):
    record, reach, office = record_of(redis), Reach(redis), Office(redis, tmp_path)
    for account in (NUMBER, "77"):
        await record.introduce("default", account, NumberIdentity(business_account="waba"))
    await opened(office, "77010000001")
    await office.send()
    assert await reach.count(await record.of("default", "77")) == 1


async def test_a_restricted_number_writes_to_nobody_first_and_answers_everybody(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    ends = now_ms() + 3 * HOUR
    held = (Restriction(kind="RESTRICTED_BIZ_INITIATED_MESSAGING", until=ends),)
    await tell(office, field="account_update", event="ACCOUNT_RESTRICTION", restrictions=held)
    await notices.look(office.runtime)
    touched = await opened(office, "77010000001")
    reminded = await office.reply("77010000002", template="soon:en", notice=True)
    await office.writes("77010000003", "hi")
    await office.reply("77010000003")
    await office.send()
    assert [request["type"] for request in office.emulator.requests] == ["text"]
    assert await office.status(touched) == "queued"
    assert "may not write to people first" in await office.status(reminded)
    contact = await office.runtime.conversations.contact(touched)
    assert contact
    with pytest.raises(Refused, match="may not write to people first"):
        await queue_message(office.runtime, contact, {}, Written(template="come_back:en"))
    assert len(await alerts.all_alerts(redis)) == 1
    clock.move_to(3 * HOUR + 1000)
    await office.send()
    assert [request["type"] for request in office.emulator.requests] == ["text", "template"]
    await notices.look(office.runtime)
    assert await alerts.all_alerts(redis) == []


async def test_a_flagged_number_slows_down_sooner_and_says_so_until_people_are_a_day_ago(
    redis: Redis, tmp_path
):
    office = Office(redis, tmp_path)
    await tell(office, limit=10)
    await tell(office, field="phone_number_quality_update", event="FLAGGED")
    for n in range(10):
        await opened(office, f"7701000000{n}")
    await office.send()
    assert len(office.emulator.requests) == 5
    await notices.look(office.runtime)
    names = {row["name"].rsplit(":", 1)[1] for row in await alerts.all_alerts(redis)}
    assert names == {"quality", "reach"}
    clock.move_to(2 * DAY)
    await notices.look(office.runtime)
    assert {row["name"].rsplit(":", 1)[1] for row in await alerts.all_alerts(redis)} == {"quality"}
