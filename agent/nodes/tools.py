"""Runs the tools a model calls, of those its bot may use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import structlog
from langchain_core.messages import ToolMessage
from langgraph.prebuilt import ToolNode, ToolRuntime
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from agent.context import Context
from agent.nodes.retrieve import Knowledge
from agent.state import State
from agent.tool_calls import Answer, Calling
from agent.turn_services import turn_services_of
from tools import allowed, found
from tools.runtime import ToolServices, with_services

TOOL_SECONDS = 15
TOOL_CHARACTERS = 4_000
# What a tool may change of a conversation beside its answer.
TO_SAY = ("messages", "shown", "owner", "reason", "profile", "task")

log = structlog.get_logger()


def tool_node(knowledge: Knowledge, calling: Calling) -> ToolNode:
    """The node. Every tool of the installation is known to it, and which of them a bot may use is looked at
    when one is called; a failure becomes an answer that the model can read."""

    async def guarded(
        request: ToolCallRequest, call: Callable[[ToolCallRequest], Awaitable[Answer]]
    ) -> Answer:
        name = request.tool_call["name"]
        # of this graph; its own type says None, and nothing of the state
        given: Any = request.runtime  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        runtime = cast("ToolRuntime[Context, State]", given)
        problem = f"{name} is not available"
        if request.tool is not None and request.tool in allowed(runtime.context.tools):
            shelf = runtime.context.knowledge_base or runtime.state.get("bot_id", "default")
            own = turn_services_of(runtime.config)
            services = ToolServices(
                await knowledge.price_list(shelf),
                own.calendar,
                files={file.name: file.about for file in runtime.context.files},
                forms={form.name: form.about for form in runtime.context.forms},
                today=runtime.state.get("now", "")[:10],
                desk=own.desk if runtime.context.orders.taking else None,
            )
            served = replace(request, runtime=with_services(runtime, services))
            try:
                answer = await asyncio.wait_for(calling(served, call), TOOL_SECONDS)
                return _short(answer) if isinstance(answer, ToolMessage) else _held(answer, name)
            except Exception as error:  # a tool may raise anything; the conversation goes on
                log.error("tool_failed", tool=name, error=repr(error)[:300])
                problem = f"{name} failed; say that a colleague will check"
        return ToolMessage(problem, tool_call_id=request.tool_call["id"], name=name, status="error")

    return ToolNode(list(found().values()), awrap_tool_call=guarded)


def _held(answer: Command[Any], name: str) -> Command[Any]:
    """A tool's command without what is not a tool's to say: words to the contact go by the seller, and are
    read before they are sent."""
    given: object = answer.update
    update = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    kept = {field: value for field, value in update.items() if field in TO_SAY}
    told = [message for message in kept.get("messages", []) if isinstance(message, ToolMessage)]
    if answer.goto or len(kept) < len(update) or len(told) < len(kept.get("messages", [])):
        log.warning("tool_overreached", tool=name, ignored=sorted(update.keys() - kept.keys()))
    return Command(update={**kept, "messages": [_short(message) for message in told]})


def _short(answer: ToolMessage) -> ToolMessage:
    """The answer as text of a bounded length: a picture or a file among its parts is none of a seller's
    business."""
    text = str(answer.text)
    if len(text) > TOOL_CHARACTERS:
        text = f"{text[:TOOL_CHARACTERS]} (cut)"
    return answer.model_copy(update={"content": text or "no text", "artifact": None})
