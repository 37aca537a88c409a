"""Documents of bots as operators see them: read, listed, and being read just now."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from pydantic import Field

from knowledge_base.library import Stored
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record

LARGEST_DOCUMENT = 50 * 1024 * 1024
# Seconds that a job is kept: longer than any document is read, and a day after it ended.
WHILE_READING, AFTERWARDS = 3600, 86_400
# Products with a doubt that a document names.
MOST_DOUBTS = 20


class DocumentSummary(Record):
    """A document of a bot, without its passages, and how much of it was read."""

    id: str = Field(description="The document's id")
    name: str = Field(description="The file's name")
    language: str = Field(description="Two letters, such as `en`; empty: it is not known")
    pages: int = Field(description="How many pages it has")
    problems: list[str] = Field(description="What could not be read of it, with its place")
    words: int = Field(description="How many words the file holds")
    words_kept: int = Field(description="How many of them stand in passages")
    passages: int = Field(description="How many passages it was split into")
    products: int = Field(description="How many products were read from it")
    doubts: list[str] = Field(description="Products to look at, and why")


class Job(Record):
    """A document that is read while nobody waits."""

    id: str = Field(description="The job's id")
    bot_id: str = Field(description="Whose document it is")
    name: str = Field(description="The file's name")
    state: Literal["reading", "done", "failed"] = Field(description="How it stands")
    document: DocumentSummary | None = Field(default=None, description="What was read, once it is `done`")
    problem: str = Field(default="", description="Why it `failed`, and what to do")


class ReadingProgress:
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

    async def begin(self, bot_id: str, name: str) -> Job:
        """A new job in the state `reading`."""
        job = Job(id=secrets.token_hex(8), bot_id=bot_id, name=name, state="reading")
        await self._keep(job, WHILE_READING)
        return job

    async def end(self, job: Job, document: Stored | None, problem: str = "") -> None:
        """It is `done`, with the document, or `failed`, with the reason."""
        over: dict[str, Any] = (
            {"state": "done", "document": described(document)}
            if document
            else {"state": "failed", "problem": problem}
        )
        await self._keep(job.model_copy(update=over), AFTERWARDS)

    async def get(self, bot_id: str, job_id: str) -> Job | None:
        """A job; None when there is none of that id, or the process that did it was stopped an hour ago."""
        found: Any = await self._redis.get(key(bot_id, "knowledge", "job", job_id))
        return next(iter(readable([found], Job.model_validate_json, "a job")), None)

    async def _keep(self, job: Job, seconds: int) -> None:
        await self._redis.set(key(job.bot_id, "knowledge", "job", job.id), job.model_dump_json(), ex=seconds)


def described(document: Stored) -> DocumentSummary:
    """A document as operators see it."""
    doubtful = [product for product in document.products if product.doubt]
    known = document.model_dump(
        include={"id", "name", "language", "pages", "problems", "words", "words_kept"}
    )
    return DocumentSummary(
        **known,
        passages=len(document.passages),
        products=len(document.products),
        doubts=[f"{p.name[:80]} (row {p.row}): {p.doubt}" for p in doubtful[:MOST_DOUBTS]],
    )
