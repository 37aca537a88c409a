"""Everything a process needs to answer: models, knowledge base, one graph per bot."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import httpx
import structlog
from dotenv import dotenv_values
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.graph.state import CompiledStateGraph  # pyright: ignore[reportMissingTypeStubs] - it has types
from redis.exceptions import RedisError

from agent.checkpointer import RedisCheckpointer
from agent.documents import Bookshelf
from agent.graph import build
from agent.memory.redis_store import RedisItemStore
from agent.models.chat import OFFLINE, Models, ProviderAccess
from agent.models.failures import Trouble
from agent.models.offline import OfflineChatModel, offline_model
from agent.models.providers import environment
from agent.models.usage import Meter, set_prices
from agent.models.ways import Ways
from agent.tool_calls import once_each
from agent.turn_services import TurnServices
from knowledge_base.library import Library
from server.bots.bot import Bot
from server.bots.corrections import RedisCorrections
from server.bots.knowledge import RedisStore, embedder, searcher
from server.config.settings import Settings
from server.observability import model_capabilities
from server.observability.costs import Spending
from server.store import alerts
from server.store.client import Redis
from server.store.contacts import Conversations
from server.store.keys import key as named
from server.store.keys import thread_prefix

# A turn that failed and was given up on may be tried again by hand within a day.
LEDGER_SECONDS = 86_400

log = structlog.get_logger()

Graph = CompiledStateGraph[Any, Any, Any, Any]


def library(settings: Settings, redis: Redis) -> Library:
    """The documents of all bots."""
    return Library(
        RedisStore(redis),
        embedder(settings),
        searcher(settings),
        memory=settings.knowledge_memory_mb * 1_048_576,
        corrections=RedisCorrections(redis),
    )


def provider_access(provider: str) -> tuple[str | None, str | None]:
    """Key and address of a provider besides OpenAI and Gemini, from the environment or `.env`, as other
    settings are."""
    return environment(provider, {**dotenv_values(".env"), **os.environ})


def models(settings: Settings, http: httpx.AsyncClient | None = None, redis: Redis | None = None) -> Models:
    """The chat models of the settings, with the offline one behind them. `http` carries OpenAI's wire;
    trouble with a key becomes an alert in `redis`."""
    set_prices(settings.model_prices)
    access = ProviderAccess(
        openai_key=settings.openai_key,
        openai_url=settings.openai_base_url,
        gemini_key=settings.gemini_key,
        gemini_url=settings.gemini_base_url,
        timeout=settings.model_timeout,
        http=http,
        others=provider_access,
    )

    async def alarm(provider: str, trouble: Trouble | None) -> None:
        if redis is None:
            return
        if trouble:
            await alerts.raise_alert(redis, f"model:{provider}", trouble.advice, trouble.setting)
        else:
            await alerts.clear(redis, f"model:{provider}")

    return Models(
        offline_model(),
        settings.model_name,
        settings.fallback_model,
        access,
        alarm=alarm,
        rest=settings.model_rest_seconds,
        note=None if redis is None else partial(_learned, redis),
        recall=None if redis is None else partial(_known, redis),
    )


async def _learned(redis: Redis, model: str, ways: Ways) -> None:
    try:
        await model_capabilities.record_capabilities(redis, model, ways)
    except (RedisError, OSError) as error:  # this process knows it all the same
        log.warning("capabilities_not_kept", model=model, error=repr(error)[:200])


async def _known(redis: Redis) -> dict[str, Ways]:
    try:
        return await model_capabilities.recall(redis)
    except (RedisError, OSError) as error:  # it is learned anew
        log.warning("capabilities_not_read", error=repr(error)[:200])
        return {}


async def forget_trouble(redis: Redis) -> None:
    """A worker that starts may have a mended key: what is still wrong is said again by the first call."""
    try:
        for alert in await alerts.all_alerts(redis):
            if alert["name"].startswith("model:"):
                await alerts.clear(redis, alert["name"])
    except (RedisError, OSError) as error:  # the worker waits for it
        log.warning("alerts_not_cleared", error=repr(error)[:200])


class RedisLedger:
    """The tool calls of one bot's turns."""

    def __init__(self, redis: Redis, bot_id: str) -> None:
        self._redis, self._bot_id = redis, bot_id

    async def read(self, key: str) -> bytes | None:
        """The answer on record."""
        found = await self._redis.get(named(self._bot_id, "called", key))
        return found

    async def write(self, key: str, answer: bytes) -> None:
        """Put an answer on record."""
        await self._redis.set(named(self._bot_id, "called", key), answer, ex=LEDGER_SECONDS)

    async def set_aside(self, key: str, why: str) -> None:
        """Show an operator that an answer on record cannot be read. It stays where it is, so that the call is
        not made again."""
        await Conversations(self._redis, self._bot_id).quarantine(f"tool answer: {why}", f"called:{key}")


def note_store(redis: Redis, bot_id: str) -> RedisItemStore:
    """What a bot keeps of its contacts beside their working memory."""
    return RedisItemStore(redis, named(bot_id, "store"), bot_id)


def _warmed(shared: Models, shelf: Bookshelf) -> None:
    """What the first customer would wait for a second for: the bundled embeddings, where they are used."""
    if shared.default == OFFLINE and isinstance(shared.offline, OfflineChatModel):
        shared.offline.warm()
    shelf.warm()


def graphs(settings: Settings, redis: Redis, http: httpx.AsyncClient | None = None) -> Callable[[str], Graph]:
    """The graph of a bot by its id: one for all, each bot with its own corner of working memory."""
    shared, shelf = models(settings, http, redis), Bookshelf(library(settings, redis))
    shared.warm()
    threading.Thread(target=_warmed, args=(shared, shelf), daemon=True).start()
    base = build(shared, shelf, calling=once_each(lambda bot_id: RedisLedger(redis, bot_id)))

    @lru_cache(maxsize=10_000)
    def graph_of(bot_id: str) -> Graph:
        saver = RedisCheckpointer(
            redis, prefix=thread_prefix(bot_id), holder=lambda thread: named(bot_id, "box", thread)
        )
        return base.copy({"checkpointer": saver, "store": note_store(redis, bot_id)})

    return graph_of


async def remember_import(
    settings: Settings, redis: Redis, bot_id: str, conversation_id: str, last: Sequence[AnyMessage]
) -> None:
    """Let the agent know the end of an imported chat, unless it remembers something of its own already."""
    saver = RedisCheckpointer(redis, prefix=thread_prefix(bot_id))
    graph, config = (
        build(models(settings), Bookshelf(library(settings, redis)), saver),
        _thread(conversation_id),
    )
    if not (await graph.aget_state(config)).values.get("messages"):
        await graph.aupdate_state(config, {"messages": list(last), "bot_id": bot_id}, as_node="remember")


async def remember_beside(
    settings: Settings, redis: Redis, bot_id: str, conversation_id: str, text: str
) -> None:
    """Let the agent know of something said elsewhere, beside what it remembers of a conversation; where it
    remembers nothing there is nothing to add to."""
    saver = RedisCheckpointer(redis, prefix=thread_prefix(bot_id))
    graph, config = (
        build(models(settings), Bookshelf(library(settings, redis)), saver),
        _thread(conversation_id),
    )
    values = (await graph.aget_state(config)).values
    if values.get("messages"):
        summary = f"{values.get('summary') or ''}\n{text}".strip()
        await graph.aupdate_state(config, {"summary": summary}, as_node="remember")


def _thread(conversation_id: str) -> Any:
    return {"configurable": {"thread_id": conversation_id}}


class Rehearsal:
    """What a bot would answer. Nothing is sent, and nothing stored but what it cost."""

    def __init__(self, settings: Settings, redis: Redis, shelf: Library) -> None:
        self.models = models(settings, redis=redis)
        self._graph = build(self.models, Bookshelf(shelf))
        self._spending = Spending(settings, redis)

    async def answer(self, bot: Bot, text: str) -> dict[str, Any]:
        """The replies to a text from an unknown contact, with the model and the sources."""
        state: dict[str, Any] = {}
        start = {"messages": [HumanMessage(text, id="rehearsal")], "bot_id": bot.id}
        meter = Meter(await self._spending.allowance(bot))
        config = TurnServices(meter).within()
        try:
            # langgraph leaves open what a Command carries
            async for chunk in self._graph.astream(  # pyright: ignore[reportUnknownMemberType]
                start, config, context=bot.context, stream_mode="values"
            ):
                state = chunk
        finally:
            await self._spending.record(bot.id, "", meter.calls)
        passages = state.get("passages", [])
        return {
            "bot_id": bot.id,
            "replies": state.get("replies", []),
            "model": state.get("model", ""),
            "verdict": state.get("verdict", ""),
            "profile": state.get("profile", {}),
            "passages": [
                {"document": p["document"], "page": p["page"], "strong": p["strong"]} for p in passages
            ],
        }
