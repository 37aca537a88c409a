"""Passages packed: the texts of a document are compressed, some together, and a passage is made when it is
asked for. A passage as a Python object costs about 1 KB besides its text."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from knowledge_base.passages import Passage

# Passages that are compressed together. With more of them texts get little smaller, and unpacking one for a
# hit takes longer: 0.04 ms with 16.
_TOGETHER = 16
# Beyond the first level zlib takes three times as long for a tenth less.
_LEVEL = 1


class Pack:
    """The passages of one document in one `language` (two letters, or empty)."""

    __slots__ = ("_blocks", "_ends", "_headings", "_names", "_pages", "_rows", "id", "language", "version")

    def __init__(self, document_id: str, version: str, language: str, passages: Sequence[Passage]) -> None:
        self.id, self.version, self.language = document_id, version, language
        blocks: list[bytes] = []
        lengths: list[int] = []
        for start in range(0, len(passages), _TOGETHER):
            texts = [
                passage.text.encode("utf-8", "surrogatepass")
                for passage in passages[start : start + _TOGETHER]
            ]
            blocks.append(zlib.compress(b"".join(texts), _LEVEL))
            lengths += map(len, texts)
        self._blocks = tuple(blocks)
        self._ends = _narrow(np.cumsum(lengths, dtype=np.int64))
        # Headings and names of documents repeat: each is kept once.
        places: dict[tuple[str, str], int] = {}
        names = [places.setdefault((passage.document, passage.heading), len(places)) for passage in passages]
        self._headings = tuple(places)
        self._names = _narrow(names)
        self._pages = _narrow([passage.page for passage in passages])
        self._rows = _narrow([passage.row for passage in passages])

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[Passage]:
        """All of them, each text unpacked once."""
        for number in range(len(self._blocks)):
            first = number * _TOGETHER
            texts = zlib.decompress(self._blocks[number])
            for place in range(first, min(first + _TOGETHER, len(self))):
                yield self._made(place, texts)

    def passage(self, place: int) -> Passage:
        """One of them."""
        return self._made(place, zlib.decompress(self._blocks[place // _TOGETHER]))

    def _made(self, place: int, texts: bytes) -> Passage:
        before = self._end(place - place % _TOGETHER)
        document, heading = self._headings[int(self._names[place])]
        return Passage(
            document=document,
            page=int(self._pages[place]),
            text=texts[self._end(place) - before : self._end(place + 1) - before].decode(
                "utf-8", "surrogatepass"
            ),
            heading=heading,
            row=int(self._rows[place]),
        )

    def _end(self, many: int) -> int:
        """Bytes of the first so many texts."""
        return int(self._ends[many - 1]) if many else 0

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        arrays = self._ends.nbytes + self._names.nbytes + self._pages.nbytes + self._rows.nbytes
        texts = sum(40 + len(block) for block in self._blocks)
        return 1_000 + texts + arrays + sum(200 + len(heading) for _, heading in self._headings)


def _narrow(numbers: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
    """Whole numbers in as few bytes as the largest of them needs."""
    wide = np.asarray(numbers, np.int64)
    if not len(wide):
        return wide
    return wide.astype(np.promote_types(np.min_scalar_type(wide.min()), np.min_scalar_type(wide.max())))


class PassageTexts(Sequence[Passage]):
    """The passages of several packs, one after the other."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self.packs = tuple(packs)
        self.starts: NDArray[np.int64] = np.cumsum([0, *map(len, packs)], dtype=np.int64)
        self._starts = self.starts.tolist()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __iter__(self) -> Iterator[Passage]:
        for pack in self.packs:
            yield from pack

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
