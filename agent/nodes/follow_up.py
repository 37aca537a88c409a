"""Writes to a contact who has fallen silent: one touch of the sequence."""

from __future__ import annotations

from typing import Any, Literal

import structlog
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.context import PROFILE_FIELDS, Context
from agent.language.follow_up_phrases import Kind, kind_of, touch_text
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.prompting import answerable, fenced
from agent.prompts import filled
from agent.state import State, text_of, untagged
from agent.turn_services import turn_services_of

# How much of the touches before goes into the prompt, so that none says the same again.
BEFORE = 600

log = structlog.get_logger()

Next = Literal["ground", "remember"]


async def follow_up(
    state: State, runtime: Runtime[Context], config: RunnableConfig, models: Models
) -> Command[Next]:
    """One model call, from the conversation; from a template per language where no model answers. An approved
    template of the provider is only noted: its words are fixed."""
    context, touch = runtime.context, state.get("touch") or {}
    if fixed := touch.get("text"):
        return Command(update=_said(state, fixed, "template"), goto="remember")
    kind = kind_of(touch.get("number", 1), touch.get("of", 1))
    language = state.get("profile", {}).get("language") or "en"
    offline = touch_text(kind, language, _short(context.business), state.get("profile", {}).get("name") or "")
    if models.resolve(context.model) == OFFLINE or state.get("complaint"):
        return Command(update=_said(state, offline, OFFLINE), goto="remember")
    messages = [
        SystemMessage(_prompt(state, context, kind, language)),
        *answerable(state["messages"]),
        HumanMessage("[the customer is silent; write this touch]"),
    ]
    try:
        asked = await models.ask(
            context.model,
            messages,
            turn_services_of(config).meter,
            call=context.call_of("follow_up"),
        )
    except NoModelAnswered:
        return Command(update=_said(state, offline, OFFLINE), goto="remember")
    text = text_of(asked.message).strip()
    if asked.model == OFFLINE or not text:
        return Command(update=_said(state, offline, OFFLINE), goto="remember")
    used = context.versions("follow_up", kind)
    return Command(update={**_said(state, text, asked.model), "prompts": used}, goto="ground")


def _said(state: State, text: str, model: str) -> dict[str, Any]:
    return {"messages": [AIMessage(text)], "replies": [*state.get("replies", []), text], "model": model}


def _short(business: str) -> str:
    """The name of the business, without what it sells."""
    return business.partition(",")[0].partition(" — ")[0].strip()


def _prompt(state: State, context: Context, kind: Kind, language: str) -> str:
    profile = {name: value for name, value in state.get("profile", {}).items() if value}
    touch, own = state.get("touch") or {}, [f.name for f in context.custom_fields]
    spoken = [text_of(m) for m in state["messages"] if isinstance(m, AIMessage) and text_of(m)]
    return filled(
        context.follow_up_prompt,
        business=context.business,
        silence=f"{touch.get('hours', 24)} hours",
        number=touch.get("number", 1),
        of=touch.get("of", 1),
        purpose=getattr(context, f"{kind}_prompt").strip(),
        language=language,
        before=untagged(" / ".join(spoken)[-BEFORE:]),
        profile=untagged(", ".join(f"{n}: {profile[n]}" for n in (*PROFILE_FIELDS, *own) if n in profile))
        or "nothing",
        facts=context.facts or "none",
        summary=untagged(state.get("summary") or ""),
        passages="\n".join(fenced(p) for p in state.get("passages", [])) or "none found",
    )
