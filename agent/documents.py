"""Knowledge as the nodes see it: a shelf of the store, or a folder of files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

from agent.models.usage import Meter
from agent.state import Quoted
from knowledge_base.embed import bundled, tokens_in
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.validity import on_day, with_days
from knowledge_base.library import Library, MemoryStore
from knowledge_base.load import FORMATS
from knowledge_base.passages import Passage
from knowledge_base.samples import sample_files
from knowledge_base.search.contract import Hit
from knowledge_base.search.fusion import QUESTION_CHARACTERS
from knowledge_base.search.terms import terms

# Words of a question that may need the one before it to be understood. Measured on made-up elliptic questions
# in four languages: the right passage is first for .82 instead of .54; of full questions after one about
# something else for .83 instead of .86, and what the question alone finds stands beside it
# (`python -m benchmarks.retrieval DATA`).
SHORT_QUESTION = 6


class Bookshelf:
    """A `knowledge_base.library.Library` as the graph's nodes see it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def warm(self) -> None:
        """Load the embedding model that is on this machine."""
        if not self._library.embedder.paid:
            self._library.embedder.query("?")

    async def passages(
        self, bot_id: str, question: str, before: str, count: int, meter: Meter
    ) -> list[Quoted]:
        """The best passages, each marked with whether it probably answers the question. A short one ("and the
        blue one?") is looked for together with what was asked `before`, too; what that finds comes first
        where the question alone finds no answer."""
        hits = await self._found(bot_id, question, count, meter)
        if before and len(terms(question[:QUESTION_CHARACTERS])) <= SHORT_QUESTION:
            both = await self._found(bot_id, f"{before}\n{question}", count, meter)
            first, second = (hits, both) if any(hit.strong for hit in hits) else (both, hits)
            places: dict[tuple[str, int, str], Hit] = {}
            for hit in chain.from_iterable(zip_longest(first, second)):
                if hit is not None:
                    places.setdefault((hit.passage.document, hit.passage.page, hit.passage.text), hit)
            hits = list(places.values())[:count]
        goods = (await self._library.shelf(bot_id)).catalogue
        return [
            Quoted(
                document=hit.passage.document,
                page=hit.passage.page,
                text=_said(hit.passage, goods),
                language=hit.language,
                strong=hit.strong,
            )
            for hit in hits
        ]

    async def _found(self, bot_id: str, question: str, count: int, meter: Meter) -> list[Hit]:
        paid = self._library.embedder.paid
        affordable = not paid or meter.allowance != "offline"
        hits = await self._library.search(bot_id, question, count, meaning=affordable)
        if paid and affordable:
            meter.add("retrieve", self._library.embedder.name, tokens_in(question), 0)
        return hits

    async def price_list(self, bot_id: str) -> Catalogue:
        """The products of all documents of the bot."""
        return (await self._library.shelf(bot_id)).catalogue


def read_on(passages: Sequence[Quoted], today: str) -> list[Quoted]:
    """Passages as they are to be read on a day (YYYY-MM-DD; empty: nobody knows): what holds no more, or not
    yet, is marked."""
    return [
        Quoted(
            document=passage["document"],
            page=passage["page"],
            text=on_day(passage["text"], today),
            language=passage["language"],
            strong=passage["strong"],
        )
        for passage in passages
    ]


def _said(passage: Passage, goods: Catalogue) -> str:
    """What a passage says, with what the shop's owner has corrected of a product, and between which days it
    holds."""
    instead = goods.row_instead(passage.document, passage.page, passage.row) if passage.row else ""
    return f"{passage.heading}\n{with_days(passage.heading, instead or passage.text)}".strip()


class Folder(Bookshelf):
    """The documents of a folder in memory, read when first asked; whatever the bot, they are its own."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(library := Library(MemoryStore(), bundled()))
        self._shop, self._paths = library, paths
        self._reading: asyncio.Task[None] | None = None

    async def _open(self) -> None:
        """Read the documents, all of them: who cannot wait for that takes nothing from those that come
        later."""
        reading = self._reading
        if reading is None or (reading.done() and (reading.cancelled() or reading.exception())):
            reading = self._reading = asyncio.create_task(self._read())
        await asyncio.shield(reading)

    async def _read(self) -> None:
        for path in self._paths:
            await self._shop.add("default", path)

    async def passages(
        self, bot_id: str, question: str, before: str, count: int, meter: Meter
    ) -> list[Quoted]:
        """The best passages of the folder."""
        await self._open()
        return await super().passages("default", question, before, count, meter)

    async def price_list(self, bot_id: str) -> Catalogue:
        """The products of the folder."""
        await self._open()
        return await super().price_list("default")


def folder(path: str | Path | None) -> Folder:
    """The documents in a folder; None: those of the sample shop."""
    readable = [p for p in Path(path).iterdir() if p.suffix.casefold() in FORMATS] if path else sample_files()
    return Folder(sorted(readable))
