"""A worker between its mailbox and its graph: poisoned messages, floods, and what comes in the middle of a
turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AnyMessage
from redis.asyncio import Redis

from agent.models.chat import Asked, Models
from agent.models.usage import Meter
from channels.base import Message
from server.pipeline import worker as worker_module
from server.store import alerts
from server.store.keys import key
from tests.support.office import Office
from tests.support.shop.chatting import Scripted, polite
from tests.support.waiting import until


class Fragile(Models):
    """Breaks the turn, not the model, whenever a poisoned message is in view."""

    async def ask(self, name: str, messages: Sequence[AnyMessage], meter: Meter, **how: Any) -> Asked:
        if how.get("schema") is None and any("poison" in str(message.content) for message in messages):
            raise RuntimeError("a message that breaks whatever looks at it")
        return await super().ask(name, messages, meter, **how)


class Thinking(Models):
    """Begins to answer, and waits to be told to go on."""

    def __init__(self, offline: Scripted) -> None:
        super().__init__(offline)
        self.started, self.go_on = asyncio.Event(), asyncio.Event()

    async def ask(self, name: str, messages: Sequence[AnyMessage], meter: Meter, **how: Any) -> Asked:
        if how.get("schema") is None:
            self.started.set()
            await self.go_on.wait()
        return await super().ask(name, messages, meter, **how)


@pytest.fixture
def office(redis: Redis, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(worker_module, "TURN_RETRY_FIRST", 5)
    return Office(redis, tmp_path, debounce_seconds=0, turn_attempts=2)


def fragile() -> Fragile:
    return Fragile(Scripted(script=polite, asked=[]))


async def test_a_poisoned_message_takes_no_neighbour_with_it(office: Office):
    contact = "77060000001"
    for text in ("first question", "poison", "second question"):
        conversation = await office.writes(contact, text)
    async with office.working(fragile()):
        await until(lambda: len(office.replies(contact)) == 3)
        await until(office.idle)
        replies = office.replies(contact)
        assert replies[0] == "You asked: first question" and replies[2] == "You asked: second question"
        assert "sorry" in replies[1].lower()
        letters = await office.runtime.dead_letters.every()
        assert [len(letter.batch) for letter in letters] == [1] and "poison" in letters[0].batch[0]
        await office.writes(contact, "third question")
        await until(lambda: len(office.replies(contact)) == 4)
        assert office.replies(contact)[3] == "You asked: third question"
    entries = await office.runtime.conversations.transcript(conversation)
    assert [e.text for e in entries if e.author == "contact"][1] == "poison"


async def test_a_dead_letter_is_answered_when_the_cause_is_mended(office: Office):
    contact = "77060000002"
    await office.writes(contact, "poison")
    async with office.working(fragile()):
        await until(lambda: len(office.replies(contact)) == 1)
        await until(office.idle)
    letter = (await office.runtime.dead_letters.every())[0]
    async with office.working(Models(Scripted(script=polite, asked=[]))):
        assert await office.runtime.dead_letters.revive(letter.id)
        await until(lambda: len(office.replies(contact)) == 2)
        await until(office.idle)
    assert office.replies(contact)[1] == "You asked: poison"
    assert await office.runtime.dead_letters.every() == []


async def test_a_flood_costs_one_bounded_turn_and_stays_in_the_transcript(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, debounce_seconds=0.2, inbox_messages=10)
    contact = "77060000003"
    model = Scripted(script=polite, asked=[])
    for number in range(60):
        conversation = await office.writes(contact, f"message {number}")
    async with office.working(Models(model)):
        await until(lambda: office.replies(contact))
        await until(office.idle)
    assert office.replies(contact) == ["You asked: message 59"]
    seen = [
        m.text
        for messages, offered in model.asked
        if "Facts" not in offered
        for m in messages
        if m.type == "human"
    ]
    assert "message 49" not in seen and "message 50" in seen
    entries = await office.runtime.conversations.transcript(conversation)
    statuses = [entry.status for entry in entries if entry.author == "contact"]
    assert len(statuses) == 60 and statuses.count("skipped") == 50


async def test_opting_out_while_the_answer_is_on_its_way_stops_it(office: Office):
    contact, thinking = "77060000004", Thinking(Scripted(script=polite, asked=[]))
    conversation = await office.writes(contact, "how much is it?")
    async with office.working(thinking):
        await thinking.started.wait()
        await office.runtime.conversations.learn(conversation, {"consent": "stopped"}, "wamid.stop")
        thinking.go_on.set()
        await until(office.idle)
    assert office.replies(contact) == []
    last = (await office.runtime.conversations.transcript(conversation))[-1]
    assert (last.status, last.reason) == ("failed", "opted out")


async def test_stop_is_heard_though_a_person_writes_in_the_same_breath(office: Office):
    contact = "77060000005"
    conversation = await office.writes(contact, "STOP")
    echo = Message(id="op:0", account="4242", kind="echo", wa_id=contact, text="hold on, I will look")
    await office.runtime.mailbox.remember(conversation, echo)
    async with office.working(Models(Scripted(script=polite, asked=[]))):
        await until(office.idle)
    known = await office.runtime.conversations.contact(conversation)
    assert known and known.stopped


async def test_a_memory_that_cannot_be_read_is_set_aside_and_the_customer_is_answered(office: Office):
    contact = "77060000006"
    model = Models(Scripted(script=polite, asked=[]))
    async with office.working(model):
        conversation = await office.writes(contact, "first question")
        await until(lambda: office.replies(contact))
        await until(office.idle)
    thread = key("default", "thread", conversation)
    for field in await office.redis.hkeys(thread):  # pyright: ignore[reportGeneralTypeIssues]
        if field.startswith(b"b"):
            await office.redis.hset(thread, field, b"msgpack\0\xc1broken")  # pyright: ignore[reportGeneralTypeIssues]
    async with office.working(model):
        await office.writes(contact, "second question")
        await until(lambda: len(office.replies(contact)) == 2)
        await until(office.idle)
    assert office.replies(contact)[1] == "You asked: second question"
    assert await office.runtime.dead_letters.every() == []
    assert await office.redis.exists(key("default", "poisoned", conversation))
    [piece] = await office.runtime.conversations.quarantined(10)
    assert piece.reason.startswith("working memory") and conversation in piece.piece
    assert any(row["name"] == "poisoned:default" for row in await alerts.all_alerts(office.redis))


async def test_a_run_that_lost_its_lease_writes_nothing_into_the_memory(office: Office):
    """Another worker took over while the model was thinking; what the first one learns then must not undo
    it."""
    contact, thinking = "77060000007", Thinking(Scripted(script=polite, asked=[]))
    conversation = await office.writes(contact, "how much is it?")
    async with office.working(thinking):
        await thinking.started.wait()
        thread = key("default", "thread", conversation)
        taken = await office.runtime.mailbox.begin(conversation)
        before = await office.redis.hgetall(thread)  # pyright: ignore[reportGeneralTypeIssues]
        thinking.go_on.set()
        await until(lambda: _at_rest(office))
        assert await office.redis.hgetall(thread) == before  # pyright: ignore[reportGeneralTypeIssues]
        assert office.replies(contact) == []
        await office.runtime.mailbox.hand_back(conversation, taken.fence)
        await until(lambda: office.replies(contact))
        await until(office.idle)
    assert office.replies(contact) == ["You asked: how much is it?"]


async def _at_rest(office: Office) -> bool:
    return not office.workers[-1]._tasks
