"""Finds what the knowledge base says about the burst."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import structlog
from langgraph.runtime import Runtime

from agent.context import Context, Rows
from agent.screens import is_media_only, is_pleasantry
from agent.state import Quoted, State, burst_text

SECONDS = 10

log = structlog.get_logger()


class Knowledge(Protocol):
    """A bot's knowledge base, as the graph needs it."""

    async def passages(self, bot_id: str, question: str, language: str, count: int) -> list[Quoted]: ...
    async def price_list(self, bot_id: str) -> Rows: ...


async def retrieve(state: State, runtime: Runtime[Context], knowledge: Knowledge) -> dict[str, Any]:
    """The best passages for the burst. Without them the agent still answers, and says what it does not know."""
    said = burst_text(state)
    if not said or is_pleasantry(said) or is_media_only(said):
        return {"passages": []}
    try:
        search = knowledge.passages(
            state.get("bot_id", "default"),
            said,
            state.get("profile", {}).get("language") or "",
            runtime.context.passages,
        )
        found = await asyncio.wait_for(search, SECONDS)
    except Exception as error:  # an embedding provider's outage must not silence the shop
        log.error("retrieval_failed", error=repr(error)[:300])
        return {"passages": []}
    return {"passages": found}
