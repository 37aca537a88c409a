"""Finds what the knowledge base says about the burst."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import structlog
from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime

from agent.context import Context
from agent.language.screens import is_media_only, is_pleasantry
from agent.state import Quoted, State, burst_text, text_of
from tools.runtime import PriceList

# A local embedder on a loaded machine may take this long for its first question; without passages the answer
# is "I do not know".
SECONDS = 30

log = structlog.get_logger()


class Knowledge(Protocol):
    """A bot's knowledge base, as the graph needs it."""

    async def passages(self, bot_id: str, question: str, language: str, count: int) -> list[Quoted]: ...
    async def price_list(self, bot_id: str) -> PriceList: ...


def _last_said(state: State) -> str:
    """What a contact wrote last who is written to now."""
    said = (text_of(m) for m in reversed(state.get("messages", [])) if isinstance(m, HumanMessage))
    return next((text for text in said if not is_pleasantry(text)), "") if state.get("touch") else ""


async def retrieve(state: State, runtime: Runtime[Context], knowledge: Knowledge) -> dict[str, Any]:
    """The best passages for the burst. Without them the agent still answers, and says what it does not
    know."""
    said = burst_text(state) or _last_said(state)
    if not said or is_pleasantry(said) or is_media_only(said):
        return {"passages": []}
    try:
        search = knowledge.passages(
            runtime.context.knowledge_base or state.get("bot_id", "default"),
            said,
            state.get("profile", {}).get("language") or "",
            runtime.context.passages,
        )
        found = await asyncio.wait_for(search, SECONDS)
    except Exception as error:  # an embedding provider's outage must not silence the shop
        log.error("retrieval_failed", error=repr(error)[:300])
        return {"passages": []}
    return {"passages": found}
