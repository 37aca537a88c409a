"""Is this a client, and may the sales agent answer?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import structlog
from langchain_core.messages import SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from agent.access_lists import SAID_BY_OPERATOR, TURNED_AWAY, is_listed
from agent.context import Context
from agent.language.screens import (
    asks_for_person,
    is_emergency,
    is_injection,
    is_media_only,
    is_pleasantry,
    is_suspicious,
)
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.prompts import filled
from agent.state import State, burst, burst_text
from agent.turn_services import turn_services_of

# A contact is turned away only by a moderator that is surer than this.
SURE = 0.6


log = structlog.get_logger()


class Verdict(BaseModel):
    """What the moderator thinks of the last messages."""

    contact_class: Literal["client", "non_client", "unknown"] = "unknown"
    confidence: float = Field(1.0, ge=0, le=1, description="how sure of the class")
    intent: Literal["business", "person", "emergency", "abuse", "injection"] = "business"
    reason: str = Field("", description="why, in at most twelve words")


async def moderate(
    state: State, runtime: Runtime[Context], config: RunnableConfig, models: Models
) -> dict[str, Any]:
    """Screens first; a model only while the class is no client's or the text is suspicious. Nobody is turned
    away on the word of any model but the one that is set for it, and whoever was is judged anew with each
    message: an outage of models, or one wrong verdict, must not silence the shop. What an operator decided
    stays."""
    said, profile, context = burst_text(state), state.get("profile", {}), runtime.context
    screened = _screened(said)
    if screened:
        return screened
    known = profile.get("class") or "unknown"
    if known == "non_client" and profile.get("class_reason") == SAID_BY_OPERATOR:
        return _turned_away(profile)
    if is_listed(context.allow, state.get("identity", "")):
        return (
            {} if known == "client" else {"profile": {"class": "client", "class_reason": "on the allow list"}}
        )
    if is_pleasantry(said) or is_media_only(said):
        return {}
    if known == "client" and not is_suspicious(said):
        return {}
    prompt = filled(context.moderate_prompt, business=context.business)
    try:
        asked = await models.ask(
            context.model_of("moderate"),
            [SystemMessage(prompt), *burst(state)],
            turn_services_of(config).meter,
            schema=Verdict,
            call=context.call_of("moderate"),
        )
    except NoModelAnswered:
        return {}
    verdict: Verdict = asked.parsed
    own = asked.model == models.resolve(context.model_of("moderate")) != OFFLINE
    log.info(
        "moderated", contact_class=verdict.contact_class, intent=verdict.intent, model=asked.model, own=own
    )
    return {**_update(verdict, known, profile, own), "prompts": context.versions("moderate")}


def _turned_away(profile: Mapping[str, str | None]) -> dict[str, Any]:
    """The polite line once, then silence."""
    return {"verdict": "silent" if profile.get(TURNED_AWAY) else "refuse", "reason": "not a client"}


def _screened(said: str) -> dict[str, Any]:
    """What needs no model: an attempt on the rules is refused whatever else is true, and a person is called
    at once."""
    if is_injection(said):
        return {"verdict": "refuse", "reason": "tries to change the rules"}
    if is_emergency(said):
        return {"verdict": "handoff", "reason": "speaks of danger to life"}
    if asks_for_person(said):
        return {"verdict": "handoff", "reason": f"asks for a person: {said[:150]}"}
    return {}


def _update(verdict: Verdict, before: str, profile: Mapping[str, str | None], own: bool) -> dict[str, Any]:
    """What a verdict means. Of one that is not the moderator's `own`, such as a fallback's, only what calls a
    person counts."""
    sure = verdict.confidence >= SURE or verdict.contact_class == "client"
    kind = verdict.contact_class if sure else "unknown"
    if before == "client" or (not own and kind == "non_client"):
        kind = "unknown"  # one odd message does not make a client somebody else
    known: dict[str, str | None] = (
        {}
        if kind == "unknown"
        else {
            "class": kind,
            "class_reason": verdict.reason[:200],
            "class_confidence": f"{verdict.confidence:.2f}",
        }
    )
    if before == "non_client" and kind == "client":
        known[TURNED_AWAY] = None
    if own and verdict.intent in ("abuse", "injection"):
        return {"verdict": "refuse", "reason": verdict.reason, "profile": known}
    if verdict.intent in ("emergency", "person"):
        return {"verdict": "handoff", "reason": verdict.reason, "profile": known}
    if kind == "non_client":
        return {**_turned_away(profile), "profile": known}
    return {"profile": known} if known else {}
