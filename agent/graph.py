"""The whole conversation on one screen.

            +-> moderate --+
commands ---+-> extract  --+-> decide -> sell <-> tools
            +-> retrieve --+     |         +-> ground -> remember
                                 +-> follow_up --^          ^
                                 +-> refuse, handoff -------+
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode

import tools as registry
from agent.context import Context, Rows, price_list
from agent.models import usage
from agent.models.chat import OFFLINE, Access, Models
from agent.models.offline import OfflineChatModel
from agent.nodes.commands import commands
from agent.nodes.decide import decide
from agent.nodes.extract import extract
from agent.nodes.follow_up import follow_up
from agent.nodes.ground import ground
from agent.nodes.handoff import handoff
from agent.nodes.moderate import moderate
from agent.nodes.refuse import refuse
from agent.nodes.remember import remember
from agent.nodes.retrieve import Knowledge, retrieve
from agent.nodes.sell import sell
from agent.state import Inbound, Outbound, Quoted, State
from agent.tool_calls import Calling, straight
from knowledge_base.embed import bundled, tokens_in
from knowledge_base.index import LEXICAL_BONUS, Hit
from knowledge_base.library import Library, MemoryStore
from knowledge_base.load import FORMATS
from knowledge_base.samples import files

TOOL_SECONDS = 15
TOOL_CHARACTERS = 4_000

log = structlog.get_logger()


def build(
    models: Models,
    knowledge: Knowledge,
    checkpointer: BaseCheckpointSaver[str] | None = None,
    form: type = State,
    calling: Calling = straight,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph over these models and this knowledge base. `form` is what its input may hold: less of it in Studio.
    `calling` makes a tool call: straight, once however often its turn is run, or from a tape."""

    async def guard(request: Any, call: Any) -> Any:
        """Run a tool only if this bot may use it; a failure becomes an answer the model can read."""
        name = request.tool_call["name"]
        problem = f"{name} is not available"
        if request.tool is not None and request.tool in registry.allowed(request.runtime.context.tools):
            context, state = request.runtime.context, request.runtime.state
            price_list.set(await knowledge.price_list(context.knowledge_base or state.get("bot_id", "default")))
            try:
                answer = await asyncio.wait_for(calling(request, call), TOOL_SECONDS)
                return _short(answer) if isinstance(answer, ToolMessage) else answer
            except Exception as error:  # a tool may raise anything; the conversation goes on
                log.error("tool_failed", tool=name, error=repr(error)[:300])
                problem = f"{name} failed; say that a colleague will check"
        return ToolMessage(problem, tool_call_id=request.tool_call["id"], name=name, status="error")

    async def sell_with_tools(state: State, runtime: Any) -> Any:
        return await sell(state, runtime, models, registry.allowed(runtime.context.tools))

    builder = StateGraph(State, context_schema=Context, input_schema=form, output_schema=Outbound)
    builder.add_node("commands", commands)
    builder.add_node("moderate", partial(moderate, models=models))
    builder.add_node("extract", partial(extract, models=models))
    builder.add_node("retrieve", partial(retrieve, knowledge=knowledge))
    builder.add_node("decide", decide)
    builder.add_node("sell", sell_with_tools, destinations=("tools", "ground", "remember"))
    builder.add_node("tools", ToolNode(list(registry.found().values()), awrap_tool_call=guard))
    builder.add_node("follow_up", partial(follow_up, models=models))
    builder.add_node("ground", ground)
    builder.add_node("refuse", refuse)
    builder.add_node("handoff", handoff)
    builder.add_node("remember", partial(remember, models=models))
    builder.add_edge(START, "commands")
    for branch in ("moderate", "extract", "retrieve"):
        builder.add_edge(branch, "decide")
    builder.add_edge("tools", "sell")
    builder.add_edge("refuse", "remember")
    builder.add_edge("handoff", "remember")
    builder.add_edge("remember", END)
    return builder.compile(checkpointer=checkpointer, name="salesgraph")


class Bookshelf:
    """A `knowledge_base.library.Library` as the graph's nodes see it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def warm(self) -> None:
        """Load the embedding model that is on this machine."""
        if not self._library.embedder.paid:
            self._library.embedder.query("?")

    async def passages(self, bot_id: str, question: str, language: str, count: int) -> list[Quoted]:
        """The best passages, each marked with whether it probably answers the question."""
        paid = self._library.embedder.paid
        affordable = not paid or usage.allowance.get() != "offline"
        hits = await self._library.search(bot_id, question, count, meaning=affordable)
        if paid and affordable:
            usage.add("retrieve", self._library.embedder.name, tokens_in(question), 0)
        languages = (await self._library.shelf(bot_id)).languages
        return [
            Quoted(
                document=hit.passage.document,
                page=hit.passage.page,
                text=f"{hit.passage.heading}\n{hit.passage.text}".strip(),
                language=languages.get(hit.passage.document, ""),
                strong=self._answers(hit, languages.get(hit.passage.document, "") in ("", language)),
            )
            for hit in hits
        ]

    def _answers(self, hit: Hit, same_language: bool) -> bool:
        embedder = self._library.embedder
        sure = embedder.threshold if same_language else embedder.threshold_across
        return hit.cosine + LEXICAL_BONUS * hit.coverage >= sure

    async def price_list(self, bot_id: str) -> Rows:
        """The rows of every CSV of the bot."""
        return (await self._library.shelf(bot_id)).rows


class Folder(Bookshelf):
    """The documents of a folder in memory, read when first asked; whatever the bot, they are its own."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(library := Library(MemoryStore(), bundled()))
        self._shop, self._paths, self._opened = library, paths, asyncio.Lock()

    async def _open(self) -> None:
        async with self._opened:
            if not await self._shop.documents("default"):
                for path in self._paths:
                    await self._shop.add("default", path)

    async def passages(self, bot_id: str, question: str, language: str, count: int) -> list[Quoted]:
        """The best passages of the folder."""
        await self._open()
        return await super().passages("default", question, language, count)

    async def price_list(self, bot_id: str) -> Rows:
        """The rows of every CSV of the folder."""
        await self._open()
        return await super().price_list("default")


def folder(path: str | Path | None) -> Folder:
    """The documents in a folder; None: those of the sample shop."""
    readable = [p for p in Path(path).iterdir() if p.suffix.casefold() in FORMATS] if path else files()
    return Folder(sorted(readable))


def _short(answer: ToolMessage) -> ToolMessage:
    """The answer as text of a bounded length: a picture or a file among its parts is none of a seller's business."""
    text = str(answer.text)
    if len(text) > TOOL_CHARACTERS:
        text = f"{text[:TOOL_CHARACTERS]} (cut)"
    return answer.model_copy(update={"content": text or "no text", "artifact": None})


def offline_model() -> OfflineChatModel:
    """The model that works without a network, on the bundled embeddings."""
    return OfflineChatModel(embed=bundled().query)


def from_environment() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph for Studio: keys from the environment, the documents of STUDIO_DOCUMENTS or the sample shop, no Redis and no
    WhatsApp."""
    openai, gemini = (
        os.environ.get("OPENAI_API_KEY"),
        os.environ.get("GEMINI_API_KEY") or os.environ.get("GOOGLE_API_KEY"),
    )
    by_key = (
        f"openai:{os.environ.get('OPENAI_MODEL') or 'gpt-4.1-mini'}"
        if openai
        else "google_genai:gemini-2.5-flash"
        if gemini
        else OFFLINE
    )
    access = Access(openai, os.environ.get("OPENAI_BASE_URL"), gemini, os.environ.get("GEMINI_BASE_URL"))
    models = Models(offline_model(), os.environ.get("CHAT_MODEL") or by_key, os.environ.get("FALLBACK_MODEL"), access)
    return build(models, folder(os.environ.get("STUDIO_DOCUMENTS") or None), form=Inbound)


graph = from_environment()
