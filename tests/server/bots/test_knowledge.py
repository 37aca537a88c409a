"""A provider's embeddings over its own wire, instead of the bundled ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from redis.asyncio import Redis

from knowledge_base.library import Library
from server.bots.knowledge import RedisStore, embedder
from server.config.settings import Settings
from tests.fakes.serving import served


async def test_openai_embeddings_index_and_find(tmp_path: Path, redis: Redis):
    app, asked = FastAPI(), []

    @app.post("/v1/embeddings")
    async def embed(request: Request) -> dict[str, Any]:
        body = await request.json()
        asked.append(body["model"])
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        rows = [
            {"object": "embedding", "index": i, "embedding": [1.0, float("tea" in t)]}
            for i, t in enumerate(texts)
        ]
        return {
            "object": "list",
            "data": rows,
            "model": body["model"],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }

    with served(app) as url:
        settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            embedding_model="openai:text-embedding-3-small",
            openai_api_key="sk",  # pyright: ignore[reportArgumentType]
            openai_base_url=f"{url}/v1",
        )
        library = Library(RedisStore(redis), embedder(settings))
        for name, text in (
            ("a.md", "We roast coffee on Fridays."),
            ("b.md", "We blend green tea on Mondays."),
        ):
            (tmp_path / name).write_text(text)
            await library.add("default", tmp_path / name)
        found = await library.search("default", "which tea?")
    assert [hit.passage.document for hit in found] == ["b.md", "a.md"]
    assert set(asked) == {"text-embedding-3-small"}
