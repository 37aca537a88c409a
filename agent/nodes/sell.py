"""The sales agent: answers from the knowledge base, asks for what is missing, calls tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.context import PROFILE_FIELDS, Context
from agent.models import Models, NoModelAnswered
from agent.phrases import say
from agent.state import Quoted, State, text_of

log = structlog.get_logger()


async def sell(
    state: State, runtime: Runtime[Context], models: Models, tools: Sequence[BaseTool]
) -> Command[Literal["tools", "remember"]]:
    """One model call. Its text is the reply; its tool calls are run and come back here, up to `tool_rounds` times."""
    context, language = runtime.context, state.get("profile", {}).get("language") or "en"
    offered = tools if _rounds(state["messages"]) < context.tool_rounds else ()
    try:
        asked = await models.ask(
            context.model,
            [SystemMessage(_prompt(state, context, language)), *answerable(state["messages"])],
            tools=offered,
        )
    except NoModelAnswered:
        return _said(state, say("apology", language), "none")
    if asked.message.tool_calls and offered:
        return Command(update={"messages": [asked.message], "model": asked.model}, goto="tools")
    text = text_of(asked.message).strip()
    if not text:
        log.warning("empty_answer", model=asked.model)
        text = say("handed_over" if state.get("owner") == "person" else "apology", language)
    return _said(state, text, asked.model)


def _said(state: State, text: str, model: str) -> Command[Literal["tools", "remember"]]:
    return Command(
        update={"messages": [AIMessage(text)], "replies": [*state.get("replies", []), text], "model": model},
        goto="remember",
    )


def _prompt(state: State, context: Context, language: str) -> str:
    profile = {name: value for name, value in state.get("profile", {}).items() if value}
    known = ", ".join(f"{name}: {profile[name]}" for name in PROFILE_FIELDS if name in profile) or "nothing yet"
    return context.sell_prompt.format(
        business=context.business,
        language=language,
        profile=known,
        missing=", ".join(context.missing(profile)),
        summary=state.get("summary") or "",
        passages="\n".join(_fenced(p) for p in state.get("passages", [])) or "none found",
    )


def _fenced(passage: Quoted) -> str:
    """A passage between tags that its own text cannot close."""
    text = passage["text"].replace("<", "‹").replace(">", "›")
    name = passage["document"].replace('"', "'").replace("<", "‹").replace(">", "›")
    match = "strong" if passage["strong"] else "weak"
    return f'<passage document="{name}" page="{passage["page"]}" language="{passage["language"]}" match="{match}">\n{text}\n</passage>'


def answerable(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages as providers accept them: every tool call followed by its answers, no answer without its call.

    A crash can leave a call without an answer; sent like that, the conversation would be refused for ever.
    """
    answers = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
    kept: list[AnyMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            continue
        if isinstance(message, AIMessage) and message.tool_calls:
            ids = [call["id"] for call in message.tool_calls]
            if all(i in answers for i in ids):
                kept += [message, *(answers[i] for i in ids if i)]
            continue
        kept.append(message)
    return kept


def _rounds(messages: Sequence[AnyMessage]) -> int:
    count = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        count += isinstance(message, AIMessage) and bool(message.tool_calls)
    return count
