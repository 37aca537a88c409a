"""Search in the memory of this process: the default, for up to some hundred thousand passages."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import numpy as np

from knowledge_base.embed import Vectors
from knowledge_base.index import Index
from knowledge_base.search.contract import Hit
from knowledge_base.search.texts import Pack


class MemorySearcher:
    """One index a bot. A new one takes the place of the old once it is whole; who searches meanwhile has the
    old one."""

    shared = False

    def __init__(self) -> None:
        self._indexes: dict[str, Index] = {}
        # Changes are made one after the other, each to what the one before has made.
        self._changing = asyncio.Lock()

    async def put(self, bot_id: str, documents: Sequence[tuple[Pack, Vectors]]) -> None:
        """Add documents; one of an id that is there takes its place."""
        gone = [pack.id for pack, _ in documents]
        async with self._changing:
            before = self._indexes.get(bot_id) or Index([], np.zeros((0, 1), np.float32))
            self._indexes[bot_id] = await asyncio.to_thread(before.changed, documents, gone)

    async def remove(self, bot_id: str, ids: Collection[str] | None = None) -> None:
        """Forget documents, or the whole bot."""
        async with self._changing:
            if ids is None:
                self._indexes.pop(bot_id, None)
            elif before := self._indexes.get(bot_id):
                self._indexes[bot_id] = await asyncio.to_thread(before.changed, [], ids)

    async def search(
        self,
        bot_id: str,
        question: str,
        vector: Vectors | None,
        count: int = 5,
        against: Vectors | None = None,
    ) -> list[Hit]:
        """The best passages of a bot, best first."""
        index = self._indexes.get(bot_id)
        return await asyncio.to_thread(index.search, question, vector, count, against) if index else []

    def size(self, bot_id: str) -> int:
        """Bytes of memory that a bot takes in this process, about."""
        index = self._indexes.get(bot_id)
        return index.size if index else 0

    async def close(self) -> None:
        """Nothing is held open."""
