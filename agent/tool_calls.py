"""A tool call that was made in a turn is not made again when the turn runs again after a crash.

The key of a call is made of conversation, inbound messages, tool and arguments. The answer is on record under
it before the graph goes on; the same call of the same turn, in whichever process, gets that answer. Between a
tool's effect and the record there is a moment nobody can close from here: a tool that books elsewhere passes
the `idempotency_key` of `tools.runtime` on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from langchain_core.messages import ToolMessage
from langgraph.types import Command

from agent.serializer import Poisoned, StrictSerializer
from agent.state import burst
from tools.runtime import services_of, with_services

Answer = ToolMessage | Command[Any]
# The call was made, and nobody knows what came of it: made again, it might book twice.
UNREADABLE = (
    "This was called, but its answer cannot be read. Do not call it again; say that a colleague will check."
)
Call = Callable[[Any], Awaitable[Answer]]
# Makes the tool call of a request (`langgraph.prebuilt.tool_node.ToolCallRequest`).
Calling = Callable[[Any, Call], Awaitable[Answer]]


async def straight(request: Any, call: Call) -> Answer:
    """Call the tool, and that is all."""
    return await call(request)


class Ledger(Protocol):
    """Where the answers of tool calls are on record."""

    async def read(self, key: str) -> bytes | None:
        """What was written under a key."""
        ...

    async def write(self, key: str, answer: bytes) -> None:
        """Keep an answer at least as long as its turn may come again."""
        ...

    async def set_aside(self, key: str, why: str) -> None:
        """Show an operator that what was kept under a key cannot be read."""
        ...


def once_each(ledger: Callable[[str], Ledger]) -> Calling:
    """Tool calls that are not made again when their turn is; `ledger` gives a bot's by its id."""

    async def calling(request: Any, call: Call) -> Answer:
        conversation = request.runtime.config.get("configurable", {}).get("thread_id")
        if conversation is None:
            return await call(request)
        wanted, ids = request.tool_call, [str(message.id) for message in burst(request.runtime.state)]
        key = call_key(conversation, ids, wanted["name"], wanted["args"])
        own = ledger(request.runtime.state.get("bot_id", "default"))
        services = replace(services_of(request.runtime), idempotency_key=key)
        keyed = replace(request, runtime=with_services(request.runtime, services))
        return await once(own, key, wanted["id"], lambda: call(keyed))

    return calling


def call_key(conversation_id: str, message_ids: Sequence[str], tool: str, arguments: Any) -> str:
    """The key of one call; the same for every run of one turn, different for any other call."""
    parts = [conversation_id, list(message_ids), tool, arguments]
    return hashlib.blake2b(
        json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=16
    ).hexdigest()


async def once(ledger: Ledger, key: str, call_id: str, call: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer on record, as if it were the answer to `call_id`, or that of `call`, now on record.

    A call that raises, or whose tool says that it failed, is not on record.
    """
    serializer = StrictSerializer()
    if (kept := await ledger.read(key)) is not None:
        try:
            return _unpacked(serializer.loads_typed(("msgpack", kept)), call_id)
        except (Poisoned, KeyError, TypeError, AttributeError) as error:
            await ledger.set_aside(key, str(error))
            return ToolMessage(UNREADABLE, tool_call_id=call_id, status="error")
    answer = await call()
    packed = (
        {"message": answer}
        if isinstance(answer, ToolMessage)
        else {"update": answer.update, "goto": answer.goto}
    )
    if not (isinstance(answer, ToolMessage) and answer.status == "error"):
        await ledger.write(key, serializer.dumps_typed(packed)[1])
    return answer


def _unpacked(packed: dict[str, Any], call_id: str) -> Answer:
    if "message" in packed:
        return packed["message"].model_copy(update={"tool_call_id": call_id})
    update = packed["update"]
    if isinstance(update, dict):
        update = _answering(cast(dict[str, Any], update), call_id)
    return Command(update=update, goto=packed["goto"])


def _answering(update: dict[str, Any], call_id: str) -> dict[str, Any]:
    """An update of the state whose messages answer this call."""
    if "messages" not in update:
        return update
    answers = [
        m.model_copy(update={"tool_call_id": call_id}) if isinstance(m, ToolMessage) else m
        for m in update["messages"]
    ]
    return {**update, "messages": answers}
