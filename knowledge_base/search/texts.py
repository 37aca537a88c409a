"""Passages packed: the text of a document is one run of bytes, and a passage is made when it is asked for. A
passage as a Python object costs about 1 KB besides its text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from knowledge_base.passages import Passage


class Pack:
    """The passages of one document in one `language` (two letters, or empty)."""

    __slots__ = ("_ends", "_headings", "_names", "_pages", "_rows", "_texts", "id", "language", "version")

    def __init__(self, document_id: str, version: str, language: str, passages: Sequence[Passage]) -> None:
        self.id, self.version, self.language = document_id, version, language
        encoded = [passage.text.encode("utf-8", "surrogatepass") for passage in passages]
        self._texts = b"".join(encoded)
        self._ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        # Headings and names of documents repeat: each is kept once.
        labels = [(passage.document, passage.heading) for passage in passages]
        self._headings: list[tuple[str, str]] = list(dict.fromkeys(labels))
        places = {label: place for place, label in enumerate(self._headings)}
        self._names = np.array([places[label] for label in labels], np.uint32)
        self._pages = np.array([passage.page for passage in passages], np.int32)
        self._rows = np.array([passage.row for passage in passages], np.int32)

    def __len__(self) -> int:
        return len(self._ends)

    def passage(self, place: int) -> Passage:
        """One of them."""
        start = int(self._ends[place - 1]) if place else 0
        document, heading = self._headings[int(self._names[place])]
        return Passage(
            document=document,
            page=int(self._pages[place]),
            text=self._texts[start : int(self._ends[place])].decode("utf-8", "surrogatepass"),
            heading=heading,
            row=int(self._rows[place]),
        )

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        arrays = self._ends.nbytes + self._names.nbytes + self._pages.nbytes + self._rows.nbytes
        return len(self._texts) + arrays + sum(200 + len(heading) for _, heading in self._headings)


class Texts(Sequence[Passage]):
    """The passages of several packs, one after the other."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self.packs = tuple(packs)
        self.starts: NDArray[np.int64] = np.cumsum([0, *map(len, packs)], dtype=np.int64)
        self._starts = self.starts.tolist()

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, index: int) -> Passage: ...
    @overload
    def __getitem__(self, index: slice) -> list[Passage]: ...
    def __getitem__(self, index: int | slice) -> Passage | list[Passage]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        place = index % len(self)
        number = bisect_right(self._starts, place) - 1
        return self.packs[number].passage(place - self._starts[number])

    def pack_of(self, place: int) -> Pack:
        """The pack that holds a passage."""
        return self.packs[bisect_right(self._starts, place) - 1]

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return sum(pack.size for pack in self.packs)
