"""Where documents are kept in production: Redis, once for all hosts, announced by a version."""

from __future__ import annotations

from knowledge_base.embed import Embedder, Provider, bundled
from knowledge_base.library import Stored
from server.config.settings import Settings
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable


class RedisStore:
    """One hash of documents and one version counter per bot."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def version(self, bot_id: str) -> str:
        found = await self._redis.get(key(bot_id, "knowledge", "version"))
        return found.decode() if found else "0"

    async def documents(self, bot_id: str) -> list[Stored]:
        rows = await self._redis.hvals(key(bot_id, "knowledge", "documents"))
        return readable(rows, Stored.model_validate_json, "a document")

    async def put(self, bot_id: str, document: Stored) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key(bot_id, "knowledge", "documents"), document.id, document.model_dump_json())
            pipe.incr(key(bot_id, "knowledge", "version"))
            await pipe.execute()

    async def remove(self, bot_id: str, document_id: str) -> bool:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(key(bot_id, "knowledge", "documents"), document_id)
            pipe.incr(key(bot_id, "knowledge", "version"))
            removed, _ = await pipe.execute()
        return bool(removed)


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
