"""Commands and scripts that are asked for in the same moment, sent to the server in one write and answered
each for itself.

With fifty webhooks or turns at once a process spends more on writing to Redis fifty times than on the
messages (`python -m benchmarks.webhook`, `python -m benchmarks.load`)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from redis.exceptions import NoScriptError, RedisError

from server.store.wire.confirming import Confirmation, Value, touch, with_refusals

# Answers are handed out when all of a batch are here, so that a batch must not take long: 64 scripts of
# 0.1 ms.
LARGEST_BATCH = 64
# So many batches wait for replicas at a time, each on a connection of its own: what comes meanwhile goes with
# the next, or a replica that is away would leave no connection for anything else.
CONFIRMING = 2
# How commands begin whose answer may be waited for.
BLOCKING = ("B", "XREAD", "WAIT")


class CommandPipeline(Protocol):
    """What is used of redis-py's pipeline."""

    async def __aenter__(self) -> CommandPipeline: ...
    async def __aexit__(self, *error: object) -> None: ...
    def execute_command(self, *args: Value, **options: Any) -> object: ...
    async def execute(self, raise_on_error: bool = True) -> list[Any]: ...


class Client(Protocol):
    """What is used of redis-py's client."""

    def pipeline(self, transaction: bool = True) -> CommandPipeline: ...
    async def execute_alone(self, *args: Value, **options: Any) -> Any:
        """Send a command by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A command that waits for its batch, or for its answer; `text`: of the script that it calls;
    `confirmed`: what it writes has to outlive the primary."""

    command: tuple[Value, ...]
    options: Mapping[str, Any]
    answer: asyncio.Future[Any]
    text: str = ""
    confirmed: bool = False

    @property
    def whole(self) -> _Asked:
        """The same with the text of its script, for a server that does not know it."""
        return replace(self, command=("EVAL", self.text, *self.command[2:]))


class Batches:
    """The commands that one client is asked for. Everything asked for before the event loop comes round is
    one batch; what is to be confirmed is one of its own, which holds up nobody else while it waits."""

    def __init__(self, client: Client) -> None:
        self.confirmation: Confirmation | None = None
        self.look: Callable[[], Awaitable[object]] | None = None
        self._client = client
        self._asked: list[_Asked] = []
        self._unconfirmed: list[_Asked] = []
        self._confirming = 0
        self._sending: set[asyncio.Task[None]] = set()

    async def command(self, name: str, *rest: Value, **options: Any) -> Any:
        """The answer of a command. Raises RedisError, and ValueError for a text that is no Unicode: its own,
        and nobody else's unless the connection was lost."""
        # redis-py knows what to do with other values; what may wait for long must hold up nobody else
        if name.startswith(BLOCKING) or not all(type(value) in (str, bytes, int, float) for value in rest):
            return await self._client.execute_alone(name, *rest, **options)
        return await self._ask((name, *map(_encoded, rest)), options)

    async def confirmed(self, *command: Value) -> Any:
        """The answer of a command once enough replicas have what it writes. Raises as `command` does, and
        NotConfirmed."""
        return await self._ask(tuple(map(_encoded, command)), {}, confirmed=True)

    async def run(self, script: BatchedScript, arguments: tuple[Value, ...], confirmed: bool) -> Any:
        """The answer of a script; its arguments are the number of keys, the keys, and the rest. Raises as
        `command` does, and NotConfirmed where it was to be `confirmed`."""
        command = ("EVALSHA", script.sha, *map(_encoded, arguments))
        return await self._ask(command, {}, script.text, confirmed)

    async def _ask(
        self,
        command: tuple[Value, ...],
        options: Mapping[str, Any],
        text: str = "",
        confirmed: bool = False,
    ) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._send_all)
        confirmed = confirmed and self.confirmation is not None
        self._asked.append(_Asked(command, options, answer, text, confirmed))
        return await answer

    def _send_all(self) -> None:
        asked, self._asked = self._asked, []
        plain = [one for one in asked if not one.confirmed]
        for begin in range(0, len(plain), LARGEST_BATCH):
            self._in_background(self._send(plain[begin : begin + LARGEST_BATCH]))
        self._unconfirmed += [one for one in asked if one.confirmed]
        if self._unconfirmed and self._confirming < CONFIRMING:
            self._confirming += 1
            self._in_background(self._confirm_all())

    def _in_background(self, job: Coroutine[Any, Any, None]) -> None:
        sending = asyncio.ensure_future(job)
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _confirm_all(self) -> None:
        try:
            while self._unconfirmed:
                batch = self._unconfirmed[:LARGEST_BATCH]
                del self._unconfirmed[:LARGEST_BATCH]
                await self._send(batch)
        finally:
            self._confirming -= 1

    async def _send(self, batch: list[_Asked]) -> None:
        try:
            for one, answer in zip(batch, await self._answers(batch), strict=True):
                await self._hand_out(one, answer)
        except Exception as error:  # whatever it is, those who asked have to know
            for one in batch:
                _fail(one, error)
        finally:  # stopped in the middle: nobody waits for ever
            for one in batch:
                one.answer.cancel()

    async def _answers(self, batch: list[_Asked]) -> list[Any]:
        if batch[0].confirmed and self.confirmation is not None:
            return await self._confirmed_answers(batch, self.confirmation)
        if len(batch) == 1:
            try:
                return [await self._client.execute_alone(*batch[0].command, **batch[0].options)]
            except NoScriptError as error:
                return [error]
        async with self._client.pipeline(transaction=False) as pipeline:
            for one in batch:
                pipeline.execute_command(*one.command, **one.options)
            return await pipeline.execute(raise_on_error=False)

    async def _confirmed_answers(self, batch: list[_Asked], confirmation: Confirmation) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for one in batch:
                pipeline.execute_command(*one.command, **one.options)
            pipeline.execute_command(*touch())
            pipeline.execute_command(*confirmation.command)
            *answers, _, waited = await pipeline.execute(raise_on_error=False)
        if self.look and confirmation.refusal(waited):
            with contextlib.suppress(RedisError, OSError):  # the refusal says enough
                await self.look()
        answers = with_refusals(answers, waited, confirmation)
        # each with the text of its script, and confirmed as well
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown and all(batch[at].text and batch[at].command[0] != "EVAL" for at in unknown):
            again = await self._confirmed_answers([batch[at].whole for at in unknown], confirmation)
            for at, answer in zip(unknown, again, strict=True):
                answers[at] = answer
        return answers

    async def _hand_out(self, one: _Asked, answer: Any) -> None:
        # the server has not seen it yet, or was told to forget it
        if isinstance(answer, NoScriptError) and one.text and not one.confirmed:
            try:
                answer = await self._client.execute_alone(*one.whole.command)
            except RedisError as error:
                answer = error
        if isinstance(answer, Exception):
            _fail(one, answer)
        elif not one.answer.done():
            one.answer.set_result(answer)


class BatchedScript:
    """A script that a client keeps; called with keys and arguments."""

    def __init__(self, batches: Batches, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._batches = batches

    async def __call__(
        self, keys: Sequence[str | bytes], args: Sequence[Value] = (), confirmed: bool = False
    ) -> Any:
        """Run it. Raises RedisError."""
        return await self._batches.run(self, (len(keys), *keys, *args), confirmed)


def _fail(one: _Asked, error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)


def _encoded(value: Value) -> Value:
    return value.encode() if isinstance(value, str) else value
