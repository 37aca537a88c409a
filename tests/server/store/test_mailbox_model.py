"""The mailbox against a model of it: whatever happens in whatever order, no message is lost, taken twice or
overtaken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from channels.base import Pace
from server.store.client import client
from server.store.dead_letters import DeadLetters
from server.store.keys import key
from server.store.mailbox import Limits, Mailbox, Work
from server.store.records import SendState
from tests.support.mailboxes import reply as made
from tests.support.mailboxes import said

pytestmark = pytest.mark.slow

Answer = TypeVar("Answer")
NAMES = st.sampled_from(["c0", "c1"])


@dataclass
class Expected:
    """What a conversation should hold."""

    accepted: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    dead: list[tuple[str, list[str]]] = field(default_factory=list)
    outbox: list[str] = field(default_factory=list)
    gone_out: list[str] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    turn: str = ""
    size: int = 0
    singly: int = 0
    trying: bool = False
    sent: bool = False
    hand: Work | None = None


class MailboxMachine(RuleBasedStateMachine):
    """Leases end at once and nothing is debounced, so that every worker may take up everything at any
    time."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.do(self._open)
        self.model = {"c0": Expected(), "c1": Expected()}
        self.stale: list[tuple[str, int]] = []
        self.numbers = iter(range(10_000))

    async def _open(self) -> None:
        self.redis = cast(Any, client(self.url))
        await self.redis.flushdb()
        self.box = Mailbox(self.redis, "b", Limits(debounce=0, longest=0, lease=0))
        for name in ("c0", "c1"):
            await self.redis.hset(key("b", "contact", name), "created", "0")  # pyright: ignore[reportGeneralTypeIssues]

    def do(self, step: Callable[..., Awaitable[Answer]], *args: Any) -> Answer:
        async def run() -> Answer:
            return await step(*args)

        return self.runner.run(run())

    def teardown(self) -> None:
        self.do(self.redis.aclose)
        self.runner.close()

    @rule(name=NAMES)
    def accept(self, name: str) -> None:
        message = f"m{next(self.numbers)}"
        assert self.do(self.box.accept, name, *said(message))
        self.model[name].accepted.append(message)
        self.model[name].waiting.append(message)

    @rule(name=NAMES, place=st.integers(0, 100))
    def accept_again(self, name: str, place: int) -> None:
        known = self.model[name].accepted
        if known:
            message = known[place % len(known)]
            assert not self.do(self.box.accept, name, *said(message))

    @rule(name=NAMES)
    def post(self, name: str) -> None:
        reply = f"p{next(self.numbers)}"
        assert self.do(self.box.post, name, *made(reply))
        assert not self.do(self.box.post, name, *made(reply))
        self.model[name].outbox.append(reply)
        self.model[name].queued.append(reply)

    @rule()
    def take_up(self) -> None:
        claimed = self.do(self.box.claim, 10)
        for name, expected in self.model.items():
            assert (name in claimed.ids) == bool(expected.waiting or expected.outbox or expected.hand)
        for name in claimed.ids:
            self._begun(name, self.do(self.box.begin, name))

    @rule(name=NAMES)
    def go_on(self, name: str) -> None:
        hand = self.model[name].hand
        if hand:
            self._begun(name, self.do(self.box.begin, name, hand.fence))

    def _begun(self, name: str, work: Work) -> None:
        expected = self.model[name]
        if expected.hand:
            assert work.fence > expected.hand.fence
            self.stale.append((name, expected.hand.fence))
        expected.hand = work
        batch = [message.id for message in work.batch]
        if expected.outbox:
            assert work.reply and (work.reply.id, batch) == (expected.outbox[0], [])
        elif expected.turn:
            assert (work.turn_id, batch) == (expected.turn, expected.waiting[: expected.size])
        elif expected.waiting:
            size = 1 if expected.singly else len(expected.waiting)
            assert batch == expected.waiting[:size] and work.turn_id and work.attempt == 1
            expected.turn, expected.size = work.turn_id, size
        else:
            assert not work.reply and not batch
            expected.hand = None
            self.stale.append((name, work.fence))

    @rule(name=NAMES, replies=st.integers(0, 2))
    def commit(self, name: str, replies: int) -> None:
        expected = self.model[name]
        if not expected.hand or not expected.hand.batch:
            return
        turn = expected.turn
        pairs = [made(f"{turn}:{n}") for n in range(replies)]
        code = self.do(self.box.commit, name, expected.hand.fence, turn, pairs)
        expected.answered += expected.waiting[: expected.size]
        expected.outbox += [f"{turn}:{n}" for n in range(replies)]
        expected.queued += [f"{turn}:{n}" for n in range(replies)]
        self._turn_over(expected, code)

    @rule(name=NAMES)
    def bury(self, name: str) -> None:
        expected = self.model[name]
        if not expected.hand or not expected.hand.batch:
            return
        code = self.do(self.box.bury, name, expected.hand.fence, expected.turn, "why")
        expected.dead.append((expected.turn, expected.waiting[: expected.size]))
        self._turn_over(expected, code)

    def _turn_over(self, expected: Expected, code: int) -> None:
        del expected.waiting[: expected.size]
        expected.turn, expected.size, expected.singly = "", 0, max(0, expected.singly - 1)
        self._released(expected, code)

    def _released(self, expected: Expected, code: int) -> None:
        assert code == (1 if expected.outbox else 2 if expected.waiting else 3)
        assert expected.hand
        expected.hand = Work(expected.hand.fence) if code == 1 else None

    @rule(name=NAMES)
    def split(self, name: str) -> None:
        expected = self.model[name]
        if expected.hand and expected.hand.batch:
            assert self.do(self.box.split, name, expected.hand.fence, expected.turn)
            expected.turn, expected.singly, expected.size = "", expected.size, 0
            expected.hand = Work(expected.hand.fence)

    @rule(name=NAMES)
    def revive(self, name: str) -> None:
        expected = self.model[name]
        if not expected.dead:
            return
        turn, batch = expected.dead.pop()
        assert self.do(DeadLetters(self.redis, "b").revive, turn)
        assert not self.do(DeadLetters(self.redis, "b").revive, turn)
        expected.waiting = expected.waiting + batch if expected.turn else batch + expected.waiting

    @rule(name=NAMES, again=st.booleans())
    def try_to_send(self, name: str, again: bool) -> None:
        expected = self.model[name]
        if not expected.hand or not expected.hand.reply:
            return
        reply = expected.outbox[0]
        go = self.do(self.box.send_begin, name, expected.hand.fence, "a", reply, Pace(), again).go
        assert go == ("sent" if expected.sent else "open" if expected.trying and not again else "go")
        expected.trying = expected.trying or go == "go"
        if go == "go":  # whoever looks next sees an attempt without an outcome
            assert self.do(self.box.send_begin, name, expected.hand.fence, "a", reply, Pace()).go == "open"

    @rule(name=NAMES)
    def refused(self, name: str) -> None:
        expected = self.model[name]
        if expected.hand and expected.hand.reply and expected.trying:
            assert self.do(self.box.send_abort, name, expected.hand.fence, "a", 0)
            expected.trying = False

    @rule(name=NAMES, known=st.booleans())
    def went_out(self, name: str, known: bool) -> None:
        expected = self.model[name]
        if not expected.hand or not expected.hand.reply:
            return
        reply = expected.outbox.pop(0)
        state = ("w", SendState("accepted")) if known else ("", SendState("failed", "1 why"))
        code = self.do(self.box.send_done, name, expected.hand.fence, "a", reply, *state)
        expected.gone_out.append(reply)
        expected.trying = expected.sent = False
        expected.hand = Work(expected.hand.fence)
        self._released(expected, code)

    @rule(name=NAMES)
    def heard_of(self, name: str) -> None:
        expected = self.model[name]
        if expected.outbox:
            self.do(self.box.status, name, "a", expected.outbox[0], "w", SendState("delivered"))
            expected.sent = True

    @precondition(lambda self: self.stale)
    @rule(place=st.integers(0, 1000))
    def too_late(self, place: int) -> None:
        """Whoever lost the conversation changes nothing, whatever they try; the invariants look."""
        name, fence = self.stale[place % len(self.stale)]
        expected = self.model[name]
        if expected.hand and expected.hand.fence <= fence:
            return
        newest = int(self.do(self._fence, name))
        if newest == fence:
            return
        turn = expected.turn or "t"
        assert self.do(self.box.commit, name, fence, turn, [made("late")]) == 0
        assert self.do(self.box.bury, name, fence, turn, "why") == 0
        assert not self.do(self.box.split, name, fence, turn)
        assert self.do(self.box.renew, [(name, fence)]) == [0]
        assert not self.do(self.box.park, name, fence, 10_000)
        assert not self.do(self.box.hand_back, name, fence)
        assert not self.do(self.box.send_abort, name, fence, "a", 10_000)
        assert self.do(self.box.send_begin, name, fence, "a", "late", Pace()).go == "lost"
        assert self.do(self.box.send_done, name, fence, "a", "late", "", SendState("failed", "1 why")) == 0
        assert self.do(self.box.begin, name, fence).fence == 0

    async def _fence(self, name: str) -> bytes:
        return await self.redis.hget(key("b", "box", name), "fence") or b"0"  # pyright: ignore[reportGeneralTypeIssues, reportReturnType]

    @invariant()
    def every_message_is_in_its_one_place(self) -> None:
        for name, expected in self.model.items():
            inbox, outbox, transcript = self.do(self._stored, name)
            assert inbox == expected.waiting
            assert outbox == expected.outbox
            assert [line for line in transcript if line.startswith("m")] == expected.accepted
            assert [line for line in transcript if not line.startswith("m")] == expected.queued
            buried = [message for _, batch in expected.dead for message in batch]
            assert sorted(expected.waiting + expected.answered + buried) == sorted(expected.accepted)
            assert expected.gone_out + expected.outbox == expected.queued

    async def _stored(self, name: str) -> tuple[list[str], list[str], list[str]]:
        rows = [
            await self.redis.lrange(key("b", part, name), 0, -1) for part in ("inbox", "outbox", "transcript")
        ]  # pyright: ignore[reportGeneralTypeIssues]
        inbox, outbox, transcript = rows
        ids = [json.loads(raw.split(b" ", 2)[2])["id"] for raw in inbox]
        return ids, [json.loads(raw)["id"] for raw in outbox], [json.loads(raw)["id"] for raw in transcript]


@pytest.mark.usefixtures("redis_url")
def test_the_mailbox_behaves_like_its_model(redis_url: str):
    MailboxMachine.url = redis_url
    run_state_machine_as_test(MailboxMachine, settings=settings(max_examples=60, stateful_step_count=40))
