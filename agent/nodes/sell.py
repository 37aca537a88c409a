"""The sales agent: answers from the knowledge base, asks for what is missing, calls tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.context import PROFILE_FIELDS, STAGES, TOPICS, Context
from agent.language.detect import script_of
from agent.language.phrases import say
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.nodes.requests import without_a_model
from agent.prompting import Blocks, answerable, fenced, opening_words, with_attachments, with_turn
from agent.prompts import filled
from agent.state import State, burst, burst_text, text_of, untagged
from agent.turn_services import turn_services_of

log = structlog.get_logger()


# How much of what a colleague said goes into the prompt beside the conversation itself.
COLLEAGUE_CHARACTERS = 800

Next = Literal["tools", "ground", "remember"]


async def sell(
    state: State,
    runtime: Runtime[Context],
    config: RunnableConfig,
    models: Models,
    tools: Callable[[Sequence[str]], list[BaseTool]],
) -> Command[Next]:
    """One model call. Its text is the reply; its tool calls are run and come back here, up to `tool_rounds`
    times. `tools` gives those that some patterns of names allow."""
    services = turn_services_of(config)
    context, language = runtime.context, state.get("profile", {}).get("language") or "en"
    rounds = _rounds(state["messages"])
    offered = _offered(tools(context.tools), context) if rounds < context.tool_rounds else ()
    call = replace(context.call_of("sell"), stood_in=rounds > 0 and state.get("model") == OFFLINE)
    messages = _messages(state, context, language, services.attachments)
    try:
        asked = await models.ask(
            context.model,
            messages,
            services.meter,
            tools=offered,
            call=call,
        )
    except NoModelAnswered:
        update = {**_said(state, say("apology", language), "none"), "task": "no model answered"}
        return Command(update=update, goto="remember")
    used = context.versions("sell", "turn", *_moves(state), *(["ground"] if state.get("complaint") else []))
    if asked.message.tool_calls and offered:
        return Command(
            update={"messages": [asked.message], "model": asked.model, "prompts": used}, goto="tools"
        )
    text = text_of(asked.message).strip()
    if not text:
        log.warning("empty_answer", model=asked.model)
        text = say("handed_over" if state.get("owner") == "person" else "apology", language)
        return Command(
            update={**_said(state, text, "none"), "task": "no model answered", "prompts": used},
            goto="remember",
        )
    update = _said(state, text, asked.model)
    if asked.model == OFFLINE:
        text, task = without_a_model(state, text, language)
        update = {**_said(state, text, asked.model), **({"task": task} if task else {})}
    return Command(update={**update, "prompts": used}, goto="ground")


def _offered(tools: Sequence[BaseTool], context: Context) -> list[BaseTool]:
    """The tools that can do something for this bot: no files, no tool that sends them."""
    uses = (("send_file", context.files), ("send_form", context.forms), ("cart", context.orders.taking))
    idle = {name for name, there in uses if not there}
    return [tool for tool in tools if tool.name not in idle]


def _said(state: State, text: str, model: str) -> dict[str, Any]:
    return {"messages": [AIMessage(text)], "replies": [*state.get("replies", []), text], "model": model}


def _messages(
    state: State, context: Context, language: str, attachments: Mapping[str, Blocks]
) -> list[AnyMessage]:
    """Rules, facts and voice first, the same over a conversation; then the history; then what is true in this
    turn alone, and what was said in it."""
    rules = filled(
        context.sell_prompt,
        business=context.business,
        voice=context.voice.words(),
        facts=context.facts or "none",
    )
    said = with_attachments(answerable(state["messages"]), attachments)
    waiting = burst(state)
    return with_turn(rules, said, _turn(state, context, language), str(waiting[0].id) if waiting else "")


def _turn(state: State, context: Context, language: str) -> str:
    profile = {name: value for name, value in state.get("profile", {}).items() if value}
    fields = (*PROFILE_FIELDS, *(field.name for field in context.custom_fields))
    missing, stage = context.missing(profile), profile.get("stage") or STAGES[0]
    turn = filled(
        context.turn_prompt,
        language=language,
        script=script_of(burst_text(state)) or "the same",
        stage=stage,
        move=" ".join(getattr(context, f"{name}_prompt") for name in _moves(state)),
        profile=untagged(", ".join(f"{name}: {profile[name]}" for name in fields if name in profile))
        or "nothing yet",
        notes=untagged("; ".join(f"{key}: {text}" for key, text in sorted(state.get("notes", {}).items())))
        or "nothing yet",
        ad=untagged(state.get("ad") or "no ad that we know of"),
        missing=", ".join(missing),
        question=context.question(missing[0]) if missing else "",
        now=state.get("now") or "unknown",
        hours=opening_words(state.get("opening")),
        summary=untagged(_summary(state)),
        colleague=_colleague(state),
        passages="\n".join(fenced(p) for p in state.get("passages", [])) or "none found",
    )
    if not state.get("complaint"):
        return turn
    draft = untagged(state.get("draft", ""))
    complaint = untagged(state.get("complaint", ""))
    return f"{turn}\n\n{filled(context.ground_prompt, complaint=complaint, draft=draft)}"


def _moves(state: State) -> list[str]:
    """What to do now: for what the last messages are about, and for the stage."""
    topic, stage = state.get("topic") or "", state.get("profile", {}).get("stage") or STAGES[0]
    return [*([topic] if topic in TOPICS else []), *([stage] if stage in STAGES else [])]


def _summary(state: State) -> str:
    summary, idle = state.get("summary") or "", state.get("idle_minutes", 0)
    if not state.get("session_from") or len(state["messages"]) <= len(burst(state)):
        return summary
    ago = f"{idle // 1440} days" if idle >= 2880 else f"{max(1, idle // 60)} hours"
    return f"{summary}\nThe customer comes back after {ago}.".strip()


def _colleague(state: State) -> str:
    """What a person said in this conversation, so that the agent goes on from there."""
    said = [text_of(m) for m in state["messages"] if isinstance(m, AIMessage) and m.name == "operator"]
    if not said:
        return "nobody"
    text = untagged(" / ".join(said)[-COLLEAGUE_CHARACTERS:])
    return f"A colleague has written to the customer: {text}. You are in charge again; go on from there."


def _rounds(messages: Sequence[AnyMessage]) -> int:
    count = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        count += isinstance(message, AIMessage) and bool(message.tool_calls)
    return count
