"""Wappi without a webhook: nothing missed, nothing taken twice, whatever stops in between."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from channels.content.media import Text
from channels.emulators.base import Written
from channels.emulators.wappi import WappiEmulator
from channels.emulators.wappi_account import Profile
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.config.settings import Settings
from server.conversations.outbox import post
from server.pipeline.account import linked_sessions
from server.pipeline.poller import LONGEST_PAUSE, Poll
from server.store import alerts
from server.store.keys import key
from server.store.records import Reply

PROFILE, CONTACT = "0a1b2c3d-4e5f", "77015550101"


class House:
    """A bot on a polled profile, and as many polls of it as there are processes."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.redis = redis
        self.emulator = WappiEmulator("token", lambda _: "")
        self.kept.settings = Profile(webhooks=False, echo="off")
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.emulator.app))
        self.settings = Settings(
            _env_file=None,
            data_dir=folder,
            wappi_token="token",
            wappi_profile_id=PROFILE,
            wappi_url="http://wappi",
        )  # pyright: ignore
        self.registry = BotRegistry(self.settings, redis, ChannelRouter(self.settings, self.client, []))
        self.runtime = self.registry["default"]
        self.poll = self.restarted()

    @property
    def kept(self) -> Any:
        return self.emulator.profile(PROFILE)

    def restarted(self) -> Poll:
        """The poll of a process that has just begun."""
        channel: Any = self.registry.router.channel("default", PROFILE)
        self.poll = Poll(self.runtime, channel, self.registry, 5, uuid.uuid4().hex)
        return self.poll

    async def write(self, text: str, seconds_ago: int = 0, **more: Any) -> str:
        message_id = await self.emulator.write(PROFILE, Written(contact=CONTACT, text=text, **more))
        if seconds_ago:
            row = self.kept.history[-1]
            row["time"] -= seconds_ago
        return message_id

    async def texts(self) -> list[str]:
        rows = await self.runtime.conversations.page(10)
        return [e.text for _, name in rows for e in await self.runtime.conversations.transcript(name)]

    async def inbox(self) -> int:
        names = await self.runtime.conversations.page(10)
        return sum([await self.redis.llen(key("default", "inbox", name)) for _, name in names])


@pytest.fixture
async def house(redis: Redis, tmp_path: Path) -> AsyncIterator[House]:
    made = House(redis, tmp_path)
    yield made
    await made.client.aclose()


async def test_what_was_there_before_is_history_and_what_comes_is_taken_once(house: House):
    await house.write("yesterday", seconds_ago=86_000)
    assert await house.poll.once() == 0
    await house.write("one")
    await house.write("two")
    assert await house.poll.once() == 2
    assert await house.poll.once() == 0
    assert await house.restarted().once() == 0
    assert await house.texts() == ["one", "two"]
    assert await house.inbox() == 2


async def test_more_than_a_page_while_nobody_asked(house: House):
    await house.poll.once()
    for number in range(250):
        await house.write(f"m{number}")
    assert await house.restarted().once() == 250
    assert len(await house.texts()) == 200  # what `transcript` shows at most
    assert await house.restarted().once() == 0


async def test_a_message_that_is_listed_late_is_not_missed(house: House):
    """A phone that was off: its messages have the time they were written."""
    await house.redis.hset(key("default", "cursor", PROFILE), "began", str(now_ms() // 1000 - 7200))  # pyright: ignore[reportGeneralTypeIssues]
    await house.write("now")
    await house.poll.once()
    await house.write("an hour ago", seconds_ago=3600)
    assert await house.poll.once() == 1
    assert await house.restarted().once() == 0


async def test_what_waited_longer_than_the_inbox_keeps_is_put_on_record_and_not_answered(house: House):
    await house.redis.hset(key("default", "cursor", PROFILE), "began", "1")  # pyright: ignore[reportGeneralTypeIssues]
    await house.write("last week", seconds_ago=7 * 86_400)
    await house.write("today")
    assert await house.poll.once() == 2
    assert await house.inbox() == 1


async def test_our_own_messages_are_not_taken_and_a_persons_take_over(house: House):
    await house.poll.once()
    await house.write("hello")
    await house.poll.once()
    (_, name), *_ = await house.runtime.conversations.page(1)
    contact = await house.runtime.conversations.contact(name)
    assert contact
    channel: Any = house.registry.router.channel("default", PROFILE)
    await post(house.runtime, contact, Reply(id="t:0", text="from the bot"))
    await channel.send(contact.recipient, Text(body="from the bot"), "c/t:0")
    assert await house.poll.once() == 0
    known = await house.runtime.conversations.contact(name)
    assert known and known.assignee == "bot"
    status = (await house.runtime.conversations.transcript(name))[-1].status
    assert status == "sent"  # it is in the history, so it has arrived
    await house.write("Dana here", business=True)
    assert await house.poll.once() == 1
    known = await house.runtime.conversations.contact(name)
    assert known and known.assignee == "person"


async def test_wappi_that_fails_is_asked_less_often_and_one_alert_says_so(house: House):
    await house.poll.once()
    house.kept.settings.history_fails = 4
    pauses = []
    for _ in range(4):
        await house.poll.once()
        pauses.append(house.poll.pause)
    assert all(later > 1.3 * sooner for sooner, later in itertools.pairwise(pauses))
    house.poll.failures = 5000
    assert house.poll.pause <= LONGEST_PAUSE * 1.2
    assert len(await alerts.all_alerts(house.redis)) == 1
    await house.write("at last")
    assert await house.poll.once() == 1
    assert house.poll.failures == 0
    channel: Any = house.registry.router.channel("default", PROFILE)
    await linked_sessions.check_session(house.runtime, PROFILE, channel)
    assert await alerts.all_alerts(house.redis) == []


async def test_an_answer_that_belongs_to_another_profile_moves_nothing(house: House):
    await house.poll.once()
    await house.write("hello")
    house.kept.settings.crossed = 1
    assert await house.poll.once() == 0
    assert await house.poll.once() == 1


STEPS = st.lists(
    st.sampled_from(["write", "write", "poll", "restart", "fail", "cross", "late", "both"]), max_size=25
)


@given(steps=STEPS)
@settings(max_examples=25)
async def test_every_message_once_in_any_sequence(redis: Redis, tmp_path: Path, steps: list[str]):
    await redis.flushdb()
    house, written = House(redis, tmp_path), 0
    await house.redis.hset(key("default", "cursor", PROFILE), "began", str(now_ms() // 1000 - 600))  # pyright: ignore[reportGeneralTypeIssues]
    await house.poll.once()
    for step in [*steps, "restart", "poll", "poll"]:
        if step in ("write", "late"):
            await house.write(f"m{written}", seconds_ago=300 if step == "late" else 0)
            written += 1
        elif step == "poll":
            house.kept.settings.history_fails = house.kept.settings.crossed = 0
            await house.poll.once()
        elif step == "both":  # two workers at once, as when one was believed dead
            other = house.poll
            await other.once()
            await house.restarted().once()
        elif step == "restart":
            house.restarted()
        elif step == "fail":
            house.kept.settings.history_fails += 1
            await house.poll.once()
        else:
            house.kept.settings.crossed += 1
            await house.poll.once()
    assert sorted(await house.texts()) == sorted(f"m{n}" for n in range(written))
    assert await house.inbox() == min(written, house.runtime.mailbox.limits.messages)
    await house.client.aclose()


async def test_of_two_workers_one_asks(house: House):
    first, second = house.restarted(), house.restarted()
    assert await first._mine() and not await second._mine() and await first._mine()
    await house.redis.delete(key("default", "polling", PROFILE))
    assert await second._mine() and not await first._mine()
