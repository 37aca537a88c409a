"""Knowledge as the nodes see it: a shelf of the store, or a folder of files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from agent.models.usage import Meter
from agent.state import Quoted
from knowledge_base.embed import bundled, tokens_in
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.library import Library, MemoryStore
from knowledge_base.load import FORMATS
from knowledge_base.samples import files


class Bookshelf:
    """A `knowledge_base.library.Library` as the graph's nodes see it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def warm(self) -> None:
        """Load the embedding model that is on this machine."""
        if not self._library.embedder.paid:
            self._library.embedder.query("?")

    async def passages(
        self, bot_id: str, question: str, language: str, count: int, meter: Meter
    ) -> list[Quoted]:
        """The best passages, each marked with whether it probably answers the question."""
        paid = self._library.embedder.paid
        affordable = not paid or meter.allowance != "offline"
        hits = await self._library.search(bot_id, question, count, meaning=affordable)
        if paid and affordable:
            meter.add("retrieve", self._library.embedder.name, tokens_in(question), 0)
        return [
            Quoted(
                document=hit.passage.document,
                page=hit.passage.page,
                text=f"{hit.passage.heading}\n{hit.passage.text}".strip(),
                language=hit.language,
                strong=hit.strong,
            )
            for hit in hits
        ]

    async def price_list(self, bot_id: str) -> Catalogue:
        """The products of all documents of the bot."""
        return (await self._library.shelf(bot_id)).catalogue


class Folder(Bookshelf):
    """The documents of a folder in memory, read when first asked; whatever the bot, they are its own."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(library := Library(MemoryStore(), bundled()))
        self._shop, self._paths, self._opened = library, paths, asyncio.Lock()

    async def _open(self) -> None:
        async with self._opened:
            if not await self._shop.documents("default"):
                for path in self._paths:
                    await self._shop.add("default", path)

    async def passages(
        self, bot_id: str, question: str, language: str, count: int, meter: Meter
    ) -> list[Quoted]:
        """The best passages of the folder."""
        await self._open()
        return await super().passages("default", question, language, count, meter)

    async def price_list(self, bot_id: str) -> Catalogue:
        """The products of the folder."""
        await self._open()
        return await super().price_list("default")


def folder(path: str | Path | None) -> Folder:
    """The documents in a folder; None: those of the sample shop."""
    readable = [p for p in Path(path).iterdir() if p.suffix.casefold() in FORMATS] if path else files()
    return Folder(sorted(readable))
