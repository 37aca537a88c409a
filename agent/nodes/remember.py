"""Keeps working memory bounded: the last messages word for word, older ones as a running summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime

from agent.context import Context
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.models.usage import Meter
from agent.prompts import filled
from agent.state import State, text_of, untagged
from agent.turn_services import turn_services_of

SUMMARY_CHARACTERS = 1_200
LINE_CHARACTERS = 160


async def remember(
    state: State, runtime: Runtime[Context], config: RunnableConfig, models: Models
) -> dict[str, Any]:
    """Drop tool traffic of finished turns; over the window, or when a session begins, summarise what is
    older. The transcript keeps everything."""
    context, messages = runtime.context, state["messages"]
    traffic = [
        m for m in messages if isinstance(m, ToolMessage) or (isinstance(m, AIMessage) and m.tool_calls)
    ]
    spoken = [m for m in messages if m not in traffic]
    old = spoken[
        : len(spoken) - min(_kept(spoken, context), _of_session(spoken, state.get("session_from") or ""))
    ]
    update: dict[str, Any] = {"messages": [RemoveMessage(id=m.id) for m in (*traffic, *old) if m.id]}
    if old:
        before, meter = state.get("summary") or "", turn_services_of(config).meter
        update["summary"] = await _summary(before, old, context, models, meter)
    return update


def _of_session(spoken: Sequence[AnyMessage], first: str) -> int:
    """How many messages belong to the session that began with this turn; all of them when none did."""
    place = next((i for i, message in enumerate(spoken) if message.id == first), 0)
    return len(spoken) - place


def _kept(spoken: Sequence[AnyMessage], context: Context) -> int:
    """How many messages stay: all of them while they fit, else half a window of the newest."""
    if len(spoken) <= context.window and sum(len(text_of(m)) for m in spoken) <= context.window_characters:
        return len(spoken)
    count, length = 0, 0
    for message in reversed(spoken[-max(1, context.window // 2) :]):
        length += len(text_of(message))
        if count and length > context.window_characters // 2:
            break
        count += 1
    return count


def _speaker(message: AnyMessage) -> str:
    return (
        "Customer"
        if isinstance(message, HumanMessage)
        else "Colleague"
        if message.name == "operator"
        else "Assistant"
    )


async def _summary(
    before: str, old: Sequence[AnyMessage], context: Context, models: Models, meter: Meter
) -> str:
    lines = [f"{_speaker(m)}: {text_of(m)}" for m in old]
    if models.resolve(context.model_of("remember")) != OFFLINE:
        prompt = filled(context.remember_prompt, business=context.business, summary=untagged(before))
        try:
            asked = await models.ask(
                context.model_of("remember"),
                [SystemMessage(prompt), HumanMessage("\n".join(lines))],
                meter,
                call=context.call_of("remember"),
            )
        except NoModelAnswered:
            asked = None
        if asked and asked.model != OFFLINE and text_of(asked.message).strip():
            return text_of(asked.message).strip()[:SUMMARY_CHARACTERS]
    brief = [line.replace("\n", " ")[:LINE_CHARACTERS] for line in lines]
    return "\n".join([*before.splitlines(), *brief])[-SUMMARY_CHARACTERS:]
