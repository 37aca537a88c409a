"""Is this a client, and may the sales agent answer?"""

from __future__ import annotations

from typing import Any, Literal

import structlog
from langchain_core.messages import SystemMessage
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from agent.context import Context
from agent.models import Models, NoModelAnswered
from agent.screens import is_emergency, is_greeting, is_injection
from agent.state import State, burst, burst_text

SECONDS = 10

log = structlog.get_logger()


class Verdict(BaseModel):
    """What the moderator thinks of the last messages."""

    contact_class: Literal["client", "non_client", "unknown"] = "unknown"
    intent: Literal["business", "person", "emergency", "abuse", "injection"] = "business"
    reason: str = Field("", description="why, in at most twelve words")


async def moderate(state: State, runtime: Runtime[Context], models: Models) -> dict[str, Any]:
    """Screens first, and a model only while the class is unknown. An outage of models must not silence the shop."""
    said, profile = burst_text(state), state.get("profile", {})
    if is_injection(said):
        return {"verdict": "refuse", "reason": "tries to change the rules"}
    if is_emergency(said):
        return {"verdict": "handoff", "reason": "speaks of danger to life"}
    if profile.get("class") == "client" or is_greeting(said) or not said:
        return {}
    if profile.get("class") == "non_client":
        return {"verdict": "refuse", "reason": "not a client"}
    prompt = runtime.context.moderate_prompt.format(business=runtime.context.business)
    try:
        asked = await models.ask(
            runtime.context.model, [SystemMessage(prompt), *burst(state)], schema=Verdict, timeout=SECONDS
        )
    except NoModelAnswered:
        return {}
    verdict = asked.parsed if isinstance(asked.parsed, Verdict) else Verdict.model_validate({})
    log.info("moderated", contact_class=verdict.contact_class, intent=verdict.intent, model=asked.model)
    return _update(verdict)


def _update(verdict: Verdict) -> dict[str, Any]:
    known = (
        {}
        if verdict.contact_class == "unknown"
        else {"class": verdict.contact_class, "class_reason": verdict.reason[:200]}
    )
    if verdict.intent in ("abuse", "injection"):
        return {"verdict": "refuse", "reason": verdict.reason, "profile": known}
    if verdict.intent == "emergency":
        return {"verdict": "handoff", "reason": verdict.reason, "profile": known}
    if verdict.contact_class == "non_client":
        return {"verdict": "refuse", "reason": "not a client", "profile": known}
    return {"profile": known} if known else {}
