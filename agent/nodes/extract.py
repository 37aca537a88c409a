"""Writes down what the contact says about themselves."""

from __future__ import annotations

import re
from typing import Any

import structlog
from langchain_core.messages import AIMessage, SystemMessage
from langgraph.runtime import Runtime

from agent.context import PROFILE_FIELDS, Context
from agent.facts import Facts, kept, region_of
from agent.models import Models, NoModelAnswered
from agent.screens import is_greeting, is_thanks
from agent.state import State, burst, burst_text, text_of

SECONDS = 10

log = structlog.get_logger()


async def extract(state: State, runtime: Runtime[Context], models: Models) -> dict[str, Any]:
    """New facts, validated, that really stand in the messages; skipped when nothing could be new."""
    said = burst_text(state)
    if not re.search(r"[^\W_]{2}", said) or is_greeting(said) or is_thanks(said):
        return {}
    profile = {name: value for name, value in state.get("profile", {}).items() if value}
    region = region_of(profile.get("phone", "")) or ""
    known = ", ".join(f"{name}: {profile[name]}" for name in PROFILE_FIELDS if name in profile) or "nothing"
    context = runtime.context
    prompt = context.extract_prompt.format(business=context.business, profile=known, region=region)
    before = [m for m in state["messages"] if isinstance(m, AIMessage) and text_of(m)][-1:]
    try:
        asked = await models.ask(
            context.model, [SystemMessage(prompt), *before, *burst(state)], schema=Facts, timeout=SECONDS
        )
    except NoModelAnswered:
        return {}
    facts = asked.parsed if isinstance(asked.parsed, Facts) else Facts.model_validate({})
    new = {field: value for field, value in kept(facts, said, region or None).items() if profile.get(field) != value}
    if facts.decision:
        new["decision"] = facts.decision
    log.info("extracted", fields=sorted(new), model=asked.model)
    return {"profile": new} if new else {}
