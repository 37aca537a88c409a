"""Where documents are kept in production, Redis, once for all hosts and announced by a version; the embedding
model, and the engine that searches."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from importlib import import_module

from knowledge_base.embed import Embedder, Provider, bundled
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.search.contract import Searcher
from knowledge_base.stored import Stored
from server.config.settings import Settings
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable


class RedisStore:
    """Of each bot a hash of documents, one of what changes whenever a document does, one of vectors for each
    document, and a counter that says that something has changed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def version(self, bot_id: str) -> str:
        found = await self._redis.get(key(bot_id, "knowledge", "version"))
        return found.decode() if found else "0"

    async def versions(self, bot_id: str) -> dict[str, str]:
        ids = await self._redis.hkeys(key(bot_id, "knowledge", "documents"))
        versions = await self._redis.hgetall(key(bot_id, "knowledge", "versions"))
        # one that an older Salesgraph has kept has none
        return {name.decode(): versions.get(name, b"").decode() for name in ids}

    async def documents(self, bot_id: str, ids: Sequence[str] | None = None) -> list[Stored]:
        name = key(bot_id, "knowledge", "documents")
        if ids is None:
            rows = await self._redis.hvals(name)
        else:
            rows = await self._redis.hmget(name, list(ids)) if ids else []
        return await asyncio.to_thread(readable, rows, Stored.model_validate_json, "a document")

    async def vectors(self, bot_id: str, document_id: str) -> dict[bytes, bytes]:
        return await self._redis.hgetall(key(bot_id, "knowledge", "vectors", document_id))

    async def known(self, bot_id: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for name in await self._redis.hkeys(key(bot_id, "knowledge", "documents")):
            missing = [wanted for wanted in keys if wanted not in found]
            if not missing:
                break
            there = await self._redis.hmget(key(bot_id, "knowledge", "vectors", name.decode()), missing)
            found |= {wanted: row for wanted, row in zip(missing, there, strict=True) if row is not None}
        return found

    async def put(self, bot_id: str, document: Stored, vectors: Mapping[bytes, bytes]) -> None:
        name = key(bot_id, "knowledge", "vectors", document.id)
        there = await self._redis.hgetall(name)
        new = {wanted: row for wanted, row in vectors.items() if there.get(wanted) != row}
        stale = [wanted for wanted in there if wanted not in vectors]
        packed = await asyncio.to_thread(document.model_dump_json)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key(bot_id, "knowledge", "documents"), document.id, packed)
            pipe.hset(key(bot_id, "knowledge", "versions"), document.id, secrets.token_hex(8))
            if stale:
                pipe.hdel(name, *stale)
            if new:
                pipe.hset(name, mapping=new)
            await pipe.execute()

    async def remove(self, bot_id: str, document_id: str) -> bool:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(key(bot_id, "knowledge", "documents"), document_id)
            pipe.hdel(key(bot_id, "knowledge", "versions"), document_id)
            pipe.delete(key(bot_id, "knowledge", "vectors", document_id))
            removed, *_ = await pipe.execute()
        return bool(removed)

    async def announce(self, bot_id: str) -> None:
        await self._redis.incr(key(bot_id, "knowledge", "version"))


def embedder(settings: Settings) -> Embedder:
    """The embedding model of the settings: named, else a provider's when its key is present, else the bundled
    one."""
    name = settings.embedding_model
    if name is None and settings.chat_model != "offline":
        if (
            settings.openai_key
            and settings.openai_base_url == Settings.model_fields["openai_base_url"].default
        ):
            name = "openai:text-embedding-3-small"
        elif settings.gemini_key and settings.gemini_base_url is None and not settings.openai_key:
            name = "google_genai:gemini-embedding-001"
    if name is None or name == "bundled":
        return bundled()
    provider, _, model = name.partition(":")
    if provider == "openai":
        from langchain_openai import OpenAIEmbeddings

        return Provider(
            name,
            OpenAIEmbeddings(
                model=model,
                api_key=settings.openai_api_key,
                base_url=settings.openai_base_url,
                check_embedding_ctx_length=False,
                timeout=settings.model_timeout,
            ),
        )
    from langchain_google_genai import GoogleGenerativeAIEmbeddings

    options = {"base_url": settings.gemini_base_url} if settings.gemini_base_url else {}
    google = GoogleGenerativeAIEmbeddings(model=model, google_api_key=settings.gemini_key, **options)  # pyright: ignore
    return Provider(name, google)


def searcher(settings: Settings) -> Searcher:
    """The search engine of the settings. Raises ValueError, with the remedy, for one that cannot be had."""
    name = settings.knowledge_engine
    if name == "memory":
        return MemorySearcher()
    if name.startswith(("postgresql://", "postgres://")):
        try:
            from knowledge_base.engines.postgres import PostgresSearcher
        except ImportError:
            raise ValueError("KNOWLEDGE_ENGINE: PostgreSQL needs the extra postgres: make postgres") from None
        return PostgresSearcher(name)
    module, _, function = name.partition(":")
    try:
        made: Searcher = getattr(import_module(module), function)()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"KNOWLEDGE_ENGINE: {name} cannot be used: {error}") from None
    return made
