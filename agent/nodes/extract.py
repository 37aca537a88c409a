"""Writes down what the contact says about themselves, and where the conversation stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime

from agent.context import PROFILE_FIELDS, Context
from agent.language.screens import is_media_only, is_pleasantry
from agent.language.yes_no import decision_in
from agent.memory import notes
from agent.models.chat import Models, NoModelAnswered
from agent.models.usage import Meter
from agent.profile import Facts, checked_facts, facts_schema, region_of
from agent.prompts import filled
from agent.state import State, burst, burst_text, text_of, untagged
from agent.turn_services import turn_services_of

log = structlog.get_logger()


# Messages before the last ones that show what those mean, and where the conversation stands.
HISTORY = 8


async def extract(
    state: State, runtime: Runtime[Context], config: RunnableConfig, models: Models
) -> dict[str, Any]:
    """New facts, validated, that really stand in the messages, each with the id of its message; the SPIN
    stage and the topic; the notes of the contact with those that are new. No model is asked when nothing
    could be new."""
    store, bot_id = runtime.store, state.get("bot_id", "default")
    meter = turn_services_of(config).meter
    if store is None:
        return await _extracted(state, runtime.context, meter, models, {})
    whose = str(config.get("configurable", {}).get("thread_id", ""))
    known = {note.key: note.text for note in await notes.read_notes(store, bot_id, whose)}
    update = await _extracted(state, runtime.context, meter, models, known)
    new: dict[str, tuple[str, str]] = update.pop("new_notes", {})
    if new:
        await notes.write_notes(store, bot_id, whose, new)
        known = {note.key: note.text for note in await notes.read_notes(store, bot_id, whose)}
    return {**update, "notes": known}


async def _extracted(
    state: State, context: Context, meter: Meter, models: Models, known: Mapping[str, str]
) -> dict[str, Any]:
    said = burst_text(state)
    spoken = [m for m in state["messages"] if isinstance(m, AIMessage) and text_of(m)][-1:]
    answer = decision_in(said, text_of(spoken[0])) if spoken else None
    decided: dict[str, Any] = {"decision": answer, "profile": {"decision": answer}} if answer else {}
    if not re.search(r"[^\W_]", said) or is_pleasantry(said) or is_media_only(said):
        return decided
    profile = {name: value for name, value in state.get("profile", {}).items() if value}
    region = region_of(profile.get("phone", "")) or ""
    custom = tuple(context.custom_fields)
    fields = [*PROFILE_FIELDS, *(field.name for field in custom)]
    prompt = filled(
        context.extract_prompt,
        business=context.business,
        fields=", ".join(fields),
        profile=untagged(", ".join(f"{name}: {profile[name]}" for name in fields if name in profile))
        or "nothing",
        notes=untagged("; ".join(f"{key}: {text}" for key, text in known.items())) or "none",
        region=region,
        stage=profile.get("stage") or "situation",
    )
    waiting = burst(state)
    try:
        asked = await models.ask(
            context.model_of("extract"),
            [SystemMessage(prompt), *_before(state), *waiting],
            meter,
            schema=facts_schema(custom),
            call=context.call_of("extract"),
        )
    except NoModelAnswered:
        return decided
    facts: Facts = asked.parsed
    new = {
        field: value
        for field, value in checked_facts(facts, said, region or None, custom).items()
        if profile.get(field) != value
    }
    where = fact_sources(new, waiting)
    if made := answer or _quoted(facts, said):
        new["decision"] = made
    if facts.stage and facts.stage != profile.get("stage"):
        new["stage"] = facts.stage
    log.info("extracted", fields=sorted(new), model=asked.model)
    update: dict[str, Any] = {
        "topic": facts.topic or "",
        "decision": made or "",
        "prompts": context.versions("extract"),
    }
    if noted := notes.supported(facts.notes, known, waiting):
        update["new_notes"] = noted
    return {**update, "profile": new, "said_in": where} if new else update


def _before(state: State) -> list[AnyMessage]:
    """What was said before the burst, by both, without the traffic of tools."""
    spoken: list[AnyMessage] = [
        m
        for m in state["messages"]
        if text_of(m) and isinstance(m, HumanMessage | AIMessage) and not getattr(m, "tool_calls", None)
    ]
    waiting = {message.id for message in burst(state)}
    return [m for m in spoken if m.id not in waiting][-HISTORY:]


def _quoted(facts: Facts, said: str) -> str | None:
    """The decision a model heard, where its quote really stands in the messages."""

    def bare(text: str) -> str:
        return re.sub(r"\W+", " ", text.casefold()).strip()

    if not facts.decision or (facts.quote and bare(facts.quote) not in bare(said)):
        return None
    return facts.decision


def fact_sources(facts: Mapping[str, str], messages: Sequence[HumanMessage]) -> dict[str, str]:
    """The id of the message each fact stands in, the last one for a fact that is put together from
    several."""

    def bare(text: str) -> str:
        return re.sub(r"\W", "", text.casefold())

    found: dict[str, str] = {}
    for field, value in facts.items():
        tail = bare(value)[-7:]  # of a number that was given its country code, the end is what was written
        inside = [m.id for m in messages if tail and tail in bare(text_of(m))]
        found[field] = str((inside or [messages[-1].id])[-1])
    return found
