"""Documents of bots as operators see them: read, listed, and being read just now."""

from __future__ import annotations

import json
import secrets
from typing import Any

from redis.asyncio import Redis

from knowledge_base.document import Product
from knowledge_base.library import Stored
from server.store.keys import key

LARGEST_DOCUMENT = 50 * 1024 * 1024
# Seconds that a job is kept: longer than any document is read, and a day after it ended.
WHILE_READING, AFTERWARDS = 3600, 86_400
# Products with a doubt that a document names.
MOST_DOUBTS = 20


class Reading:
    """Documents that are being read just now: bot -> name -> (passages done, passages in all)."""

    def __init__(self) -> None:
        self._now: dict[str, dict[str, tuple[int, int]]] = {}

    def of(self, bot_id: str) -> list[dict[str, Any]]:
        """Those of a bot."""
        return [
            {"name": name, "done": done, "of": of} for name, (done, of) in self._now.get(bot_id, {}).items()
        ]

    def at(self, bot_id: str, name: str, done: int, of: int) -> None:
        """How far one is."""
        self._now.setdefault(bot_id, {})[name] = (done, of)

    def over(self, bot_id: str, name: str) -> None:
        """It is read, or cannot be."""
        self._now.get(bot_id, {}).pop(name, None)


class Jobs:
    """Documents that are read while nobody waits. A job is one key in Redis, `knowledge:job:ID` of its bot,
    so that every web process can say how it stands."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, bot_id: str, name: str) -> dict[str, Any]:
        """A new job in the state `reading`."""
        job = {"id": secrets.token_hex(8), "bot_id": bot_id, "name": name, "state": "reading"}
        await self._keep(job, WHILE_READING)
        return job

    async def end(self, job: dict[str, Any], document: Stored | None, problem: str = "") -> None:
        """It is `done`, with the document, or `failed`, with the reason."""
        over = (
            {"state": "done", "document": described(document)}
            if document
            else {"state": "failed", "problem": problem}
        )
        await self._keep(job | over, AFTERWARDS)

    async def get(self, bot_id: str, job_id: str) -> dict[str, Any] | None:
        """A job; None when there is none of that id, or the process that did it was stopped an hour ago."""
        found: Any = await self._redis.get(key(bot_id, "knowledge", "job", job_id))
        return None if found is None else json.loads(found)

    async def _keep(self, job: dict[str, Any], seconds: int) -> None:
        place = key(job["bot_id"], "knowledge", "job", job["id"])
        await self._redis.set(place, json.dumps(job, ensure_ascii=False), ex=seconds)


def described(document: Stored) -> dict[str, Any]:
    """A document without its passages, and how much of it was read."""
    doubtful = [product for product in document.products if product.doubt]
    return {
        **document.model_dump(include={"id", "name", "language", "pages", "problems", "words", "words_kept"}),
        "passages": len(document.passages),
        "products": len(document.products),
        "doubts": [f"{p.name[:80]} (row {p.row}): {p.doubt}" for p in doubtful[:MOST_DOUBTS]],
    }


def listed(product: Product) -> dict[str, Any]:
    """A product as it was understood, and its row as the file writes it."""
    return product.model_dump(mode="json")
