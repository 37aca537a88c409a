"""Finds what the knowledge base says about the burst."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime

from agent.context import Context
from agent.documents import read_on
from agent.language.screens import is_media_only, is_pleasantry
from agent.models.usage import Meter
from agent.offline.asking import also_searched, questions_in
from agent.state import Quoted, State, burst, burst_text, text_of, without_notes
from agent.turn_services import turn_services_of
from tools.price_list import PriceList

# A local embedder on a loaded machine may take this long for its first question; without passages the answer
# is "I do not know".
SECONDS = 30
# Searches for the subjects of a burst, and passages taken of each of those.
MOST_SUBJECTS, ENOUGH = 3, 2

log = structlog.get_logger()


class Knowledge(Protocol):
    """A bot's knowledge base, as the graph needs it."""

    async def passages(
        self, bot_id: str, question: str, before: str, count: int, meter: Meter
    ) -> list[Quoted]:
        """The best passages; what a paid search costs goes on the bill of `meter`."""
        ...

    async def price_list(self, bot_id: str) -> PriceList: ...


def _last_said(state: State) -> str:
    """What a contact wrote last who is written to now."""
    said = (text_of(m) for m in reversed(state.get("messages", [])) if isinstance(m, HumanMessage))
    return next((text for text in said if not is_pleasantry(text)), "") if state.get("touch") else ""


def _asked_before(state: State) -> str:
    """What the contact asked before this burst; empty when that was nothing but greetings or files."""
    waiting = {message.id for message in burst(state)}
    for message in reversed(state.get("messages", [])):
        if isinstance(message, HumanMessage) and message.id not in waiting:
            text = without_notes(text_of(message))
            if not is_pleasantry(text) and not is_media_only(text):
                return text
    return ""


async def retrieve(
    state: State, runtime: Runtime[Context], config: RunnableConfig, knowledge: Knowledge
) -> dict[str, Any]:
    """The best passages for the burst. Without them the agent still answers, and says what it does not
    know."""
    said = burst_text(state) or _last_said(state)
    if not said or is_pleasantry(said) or is_media_only(said):
        return {"passages": []}
    try:
        searching = _found(state, runtime.context, knowledge, said, turn_services_of(config).meter)
        found = await asyncio.wait_for(searching, SECONDS)
    except Exception as error:  # an embedding provider's outage must not silence the shop
        log.error("retrieval_failed", error=repr(error)[:300])
        return {"passages": []}
    return {"passages": read_on(found, state.get("now", "")[:10])}


async def _found(
    state: State, context: Context, knowledge: Knowledge, said: str, meter: Meter
) -> list[Quoted]:
    """The passages of all questions of the burst, the best of each first. Two questions in one search would
    hide each other's answers."""
    questions = questions_in(said)
    texts = [said, *(questions if len(questions) > 1 else [])]
    shelf = context.knowledge_base or state.get("bot_id", "default")
    before = _asked_before(state)

    async def search(texts: Sequence[str]) -> list[list[Quoted]]:
        asked = [knowledge.passages(shelf, text, before, context.passages, meter) for text in texts]
        return list(await asyncio.gather(*asked))

    rows = await search(texts)
    written_in = dict.fromkeys(passage["language"] for row in rows for passage in row)
    if words := [words for code in written_in for words in also_searched(said, code)][:MOST_SUBJECTS]:
        rows += [row[:ENOUGH] for row in await search(words)]
    found: dict[tuple[str, int, str], Quoted] = {}
    for passage in (p for row in itertools.zip_longest(*rows) for p in row if p):
        key = (passage["document"], passage["page"], passage["text"])
        if key not in found or (passage["strong"] and not found[key]["strong"]):
            found[key] = passage
    return list(found.values())[: context.passages + ENOUGH * (len(rows) - 1)]
