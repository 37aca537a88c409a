"""What a worker does next: the product's own `Worker` and `sender`, run up to the next thing they ask for.

All that they ask for goes through `Asking`, in the place of the Redis client, of the channel and of the
model; whoever drives them gives the answer. A worker is thereby known by the answers it has had since its
last `begin`, and can be gone back to by giving them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from channels.base import Capabilities, Message, Pace, SendError
from server.bots.bot import BotRuntime
from server.pipeline import send_failures, sender, turn, worker
from server.store import mailbox
from server.store.contacts import Conversations
from server.store.dead_letters import DeadLetters
from server.store.keys import key
from server.store.mailbox import Arrival, Limits, Mailbox, Work
from server.store.records import Contact, Entry, Reply, SendState
from server.store.wire.confirming import NotConfirmed
from tests.durability.protocol.scripts_at import LATER, NOW, real_scripts

BOT, ACCOUNT = "b", "a"
# The id of what a person at the business writes.
POSTED = "000000op:0"
LIMITS = Limits(debounce=LATER, longest=LATER, lease=LATER)
# In the arguments of a script: the fence of whoever calls it, and an id nobody has had.
OWN_FENCE, NEW_ID = "<fence>", "<new>"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: a `script` with its keys and arguments, the fields of a hash (`read`), that a reply
    is taken by the provider (`send`), what a turn answers (`turn`), whether a status could have come by now
    (`grace`); `end`: nothing any more. `confirmed`: where REDIS_WAIT is set, a replica must have what it
    writes."""

    what: str
    name: str = ""
    keys: tuple[str, ...] = ()
    arguments: tuple[Any, ...] = ()
    confirmed: bool = False

    def __await__(self) -> Generator[Asked, Any, Any]:
        return (yield self)

    @property
    def fenced(self) -> bool:
        """Whether a script names the fence of its caller."""
        return OWN_FENCE in self.arguments

    def under(self, fence: int, new: str) -> list[Any]:
        """The arguments for a caller of this fence, and the next id that nobody has had."""
        return [fence if a == OWN_FENCE else new if a == NEW_ID else a for a in self.arguments]

    def argument(self, name: str) -> Any:
        """One by its name."""
        return self.arguments[real_scripts()[self.name].arguments.index(name)]


class Asking:
    """Stands where the Redis client does. `now`: what the clock said when a contact was last read;
    `letter`: whose dead letter is asked for."""

    def __init__(self) -> None:
        self.now, self.letter = NOW, ""

    def register_script(self, text: str) -> Callable[..., Any]:
        """A script that asks for its step."""
        name = next((name for name, script in real_scripts().items() if script.text == text), "")

        async def run(keys: list[str], args: list[Any], confirmed: bool = False) -> Any:
            given = dict(zip(real_scripts()[name].arguments, args, strict=False))
            named = {"ahead": 0, "day": "2027-01-15"}
            named |= {"fence": OWN_FENCE} if given.get("fence") else {}
            named |= {"turn": NEW_ID} if name == "begin" else {}
            values = [named.get(argument, value) for argument, value in given.items()]
            return await Asked("script", name, tuple(keys), (*values, *args[len(given) :]), confirmed)

        return run

    async def hgetall(self, name: str) -> dict[bytes, bytes]:
        """The fields of a contact, and what the time is."""
        fields, self.now = await Asked("read", name)
        return fields

    async def hget(self, _name: str, _turn: str) -> bytes:
        """A dead letter, as far as it is looked at."""
        return json.dumps({"conversation_id": self.letter, "at": NOW}).encode()

    async def set(self, *_: Any, **__: Any) -> None:
        """What a provider's id stands for, which no status asks about here."""


class _Noted:
    async def noted_for(self, _: str, reply_id: str) -> int:
        return await Asked("grace", reply_id)


class _Channel:
    def __init__(self, callbacks: bool) -> None:
        self.credentials, self.pace = SimpleNamespace(missing=()), Pace()
        self.capabilities = Capabilities(callbacks=callbacks)

    async def send(self, _recipient: Any, _content: Any, carried: str) -> str:
        taken = await Asked("send", carried.partition("/")[2])
        if isinstance(taken, SendError):
            raise taken
        return taken


class _Quiet:
    """The log; only what nobody foresaw is heard."""

    def bind(self, **_: Any) -> _Quiet:
        return self

    def info(self, *_: Any, **__: Any) -> None:
        return

    warning = error = info

    def exception(self, event: str, **_: Any) -> None:
        if event == "conversation_failed":
            raise  # what is being handled


async def _as_they_are(_runtime: Any, _contact: Any, _turn: str, pairs: list[Any]) -> list[Any]:
    return pairs


@dataclass(frozen=True, slots=True)
class Replies:
    """What turns answer: so many replies; `until`: touches, which may go out until then (ms)."""

    count: int = 1
    until: int = 0

    def of(self, turn_id: str) -> list[tuple[Reply, Entry]]:
        """Those of one turn, each with its line of the transcript."""
        touch = {"touch": 1, "since": NOW, "until": self.until} if self.until else {}
        ids = [f"{turn_id}:{n}" for n in range(self.count)]
        return [
            (Reply(id=one, text="r", **touch), Entry(id=one, author="bot", text="r", at=NOW)) for one in ids
        ]


class RealWorker:
    """One process's worker: `asks` says what it asks for next."""

    def __init__(self, replies: Replies, attempts: int, callbacks: bool) -> None:
        self.asking, self._replies = Asking(), replies
        redis = cast(Any, self.asking)
        self.mailbox = Mailbox(redis, BOT, LIMITS)
        self.mailbox._open = cast(Any, _Noted())
        self.conversations = Conversations(redis, BOT)
        bot = cast(Any, SimpleNamespace(id=BOT, charged=lambda _: False, reply_mode="auto", context=None))
        self.runtime = BotRuntime(bot, self.mailbox, self.conversations, redis)
        channel = _Channel(callbacks)
        services = SimpleNamespace(
            settings=SimpleNamespace(
                turn_attempts=attempts, send_grace_seconds=LATER / 1000, worker_concurrency=1
            ),
            redis=redis,
            router=SimpleNamespace(channel=lambda *_: channel),
            appointments=SimpleNamespace(confirm=_as_they_are),
        )
        self._worker = worker.Worker({BOT: self.runtime}, cast(Any, lambda _: None), cast(Any, services))
        self._worker._leases = cast(Any, SimpleNamespace(held=_held))
        self.asks = cache(self._asks)

    def _asks(self, conversation: str, answers: tuple[Any, ...]) -> Asked:
        """What a worker asks for that has had these answers since it was given the conversation, the first of
        them that of its last `begin`."""
        self.asking.now = NOW
        with self._surroundings():
            going = self._worker._conversation(self.runtime, conversation).__await__()
            asked: Any = next(going)
            for answer in answers:
                try:
                    asked = _given(going, answer)
                except StopIteration:
                    return Asked("end")
            going.close()
        return asked

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Leases are renewed by a step of their own, and turns have no graph."""
        chance = SimpleNamespace(random=lambda: 1.0, uniform=lambda *_: 1.0)
        with (
            patch.object(worker, "log", _Quiet()),
            patch.object(worker, "random", chance),
            patch.object(send_failures, "random", chance),
            patch.object(worker.drafts, "waits", lambda *_: False),
            patch.object(turn, "run_turn", self._turn),
            patch.object(turn, "undo", _nothing),
            patch.object(worker, "now_ms", lambda: NOW),
            patch.object(sender, "now_ms", lambda: self.asking.now),
            patch.object(sender, "held_back", _nothing),
            patch.object(sender, "log", _Quiet()),
            patch.object(mailbox, "log", _Quiet()),
            patch.object(sender.turn_traces, "log", _Quiet()),
        ):
            yield

    async def _turn(self, _graph: Any, _runtime: Any, contact: Contact, work: Work, _services: Any) -> Any:
        if await Asked("turn", work.turn_id, tuple(message.id for message in work.batch)) == "fails":
            raise ValueError("the model gave up")
        silent = contact.assignee == "person"
        return [] if silent else self._replies.of(work.turn_id), worker.turn.TurnOutcome()

    def claims(self) -> Asked:
        """The step by which a worker is given a conversation."""
        return first_of(self.mailbox.claim(1))

    def renews(self, conversation: str) -> Asked:
        """The step by which a worker keeps its lease."""
        asked = first_of(self.mailbox.renew([(conversation, FIRST)]))
        return replace(asked, arguments=(*asked.arguments[:-1], OWN_FENCE))

    def delivers(self, conversation: str, message: Message) -> Asked:
        """The step by which a webhook stores a message."""
        entry = Entry(id=message.id, author="contact", kind=message.kind, text=message.text, at=NOW)
        how = Arrival(at_once=message.kind == "button")
        return first_of(self.mailbox.accept(conversation, message, entry, how))

    def hands_back(self, conversation: str) -> Asked:
        """The step by which a worker that is stopped lets go."""
        return first_of(self.mailbox.hand_back(conversation, FIRST))

    def posts(self, conversation: str) -> Asked:
        """The step by which a person at the business writes, or asks for the same once more."""
        reply = Reply(id=POSTED, text="p", author="person", by="op")
        entry = Entry(id=POSTED, author="person", text="p", at=NOW)
        return first_of(self.mailbox.post(conversation, reply, entry))

    def revives(self, conversation: str, turn: str) -> Asked:
        """The step by which an operator has a dead letter tried again."""
        letters = DeadLetters(cast(Any, self.asking), BOT)
        self.asking.letter = conversation
        return first_of(letters.revive(turn))

    def tells(self, conversation: str, reply: str, provider: str) -> Asked:
        """The step by which a webhook notes that a reply has arrived."""
        return first_of(self.mailbox.status(conversation, ACCOUNT, reply, provider, SendState("sent")))

    def assigns(self, conversation: str, owner: Any) -> Asked:
        """The step by which an operator takes a conversation over, or gives it back."""
        return first_of(self.conversations.assign(conversation, owner, promised=True))


# Any fence: in what is asked for it stands as OWN_FENCE.
FIRST = 1


@asynccontextmanager
async def _held(*_: Any):
    yield


async def _nothing(*_: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The answer of a step that too few replicas have."""

    answer: Any


def _given(going: Any, answer: Any) -> Any:
    if isinstance(answer, Unconfirmed):
        return going.throw(NotConfirmed("too few replicas", thawed(answer.answer)))
    return going.send(thawed(answer))


def first_of(step: Any) -> Asked:
    """What a step asks for."""
    going = step.__await__()
    asked = next(going)
    going.close()
    return asked


def frozen(answer: Any) -> Any:
    """An answer of a script as a part of what a worker is known by."""
    return tuple(map(frozen, answer)) if isinstance(answer, list) else answer


def thawed(answer: Any) -> Any:
    """The same as the product gets it."""
    if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], frozenset):
        return dict(answer[0]), answer[1]
    return [thawed(part) for part in answer] if isinstance(answer, tuple) else answer


def box_of(conversation: str, part: str = "box") -> str:
    """The key of a part of a conversation."""
    return key(BOT, part, conversation)
