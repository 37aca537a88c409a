"""BM25 over counts of words that can be changed document by document: stemming is most of what an index costs
to build, and a library that scores beforehand has to see every text again when one changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from knowledge_base.search.dense import Rows

# The usual ones; those of bm25s and Lucene.
K1, B = 1.5, 0.75

Numbers = NDArray[np.int32]


class Counts:
    """How often each word stands in each of `many` passages: triples of word, passage and times."""

    __slots__ = ("many", "passages", "times", "words")

    def __init__(self, many: int, words: Numbers, passages: Numbers, times: NDArray[np.uint16]) -> None:
        self.many, self.words, self.passages, self.times = many, words, passages, times

    @classmethod
    def of(cls, texts: Iterable[list[str]], vocabulary: dict[str, int]) -> Counts:
        """Count texts, each given as its words; a word that is new gets the next number."""
        words: list[int] = []
        ends: list[int] = []
        for text in texts:
            words += [vocabulary.setdefault(word, len(vocabulary)) for word in text]
            ends.append(len(words))
        lengths = np.diff(np.array([0, *ends], np.int64))
        wide = len(vocabulary) + 1
        both = np.repeat(np.arange(len(ends), dtype=np.int64), lengths) * wide + np.array(words, np.int64)
        pairs, times = np.unique(both, return_counts=True)
        return cls(
            len(ends),
            (pairs % wide).astype(np.int32),
            (pairs // wide).astype(np.int32),
            np.minimum(times, 65_535).astype(np.uint16),
        )


class Lexical:
    """Counts in order of words. Never changed once it is made; the vocabulary may grow, what it got later is
    unknown here."""

    def __init__(self, counts: Counts, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary, self._many = vocabulary, counts.many
        order = np.argsort(counts.words, kind="stable")
        self._passages, self._times = counts.passages[order], counts.times[order]
        per_word = np.bincount(counts.words, minlength=len(vocabulary))
        self._starts = np.concatenate([[0], np.cumsum(per_word)]).astype(np.int64)
        lengths = np.bincount(counts.passages, weights=counts.times, minlength=counts.many)
        mean = float(lengths.sum()) / max(1, counts.many) or 1.0
        self._norm = (K1 * (1 - B + B * lengths / mean)).astype(np.float32)

    @property
    def size(self) -> int:
        """Bytes of memory, about, with the vocabulary."""
        arrays = self._passages.nbytes + self._times.nbytes + self._starts.nbytes + self._norm.nbytes
        return arrays + 120 * len(self._vocabulary)

    @property
    def used(self) -> int:
        """How many words of the vocabulary stand in a passage."""
        return int(np.count_nonzero(np.diff(self._starts)))

    def without(self, kept: NDArray[np.bool_]) -> Counts:
        """The counts of the passages that are kept, renumbered."""
        numbers = (np.cumsum(kept) - 1).astype(np.int32)
        words = np.repeat(np.arange(len(self._starts) - 1, dtype=np.int32), np.diff(self._starts))
        mine = kept[self._passages]
        return Counts(int(kept.sum()), words[mine], numbers[self._passages[mine]], self._times[mine])

    def known(self, words: Iterable[str]) -> dict[str, int]:
        """In how many passages each of these words stands, of those that stand in any."""
        found = ((word, self._range(word)) for word in words)
        return {word: last - first for word, (first, last) in found if last > first}

    def scores(self, words: Iterable[str]) -> NDArray[np.float32]:
        """BM25 of every passage."""
        scores = np.zeros(self._many, np.float32)
        for word in words:
            first, last = self._range(word)
            places, times = self._passages[first:last], self._times[first:last].astype(np.float32)
            idf = np.log1p((self._many - len(places) + 0.5) / (len(places) + 0.5))
            scores[places] += np.float32(idf) * times / (times + self._norm[places])
        return scores

    def has(self, word: str, rows: Rows) -> NDArray[np.bool_]:
        """Which of these passages hold a word."""
        first, last = self._range(word)
        mine = self._passages[first:last]
        at = np.minimum(np.searchsorted(mine, rows), max(0, len(mine) - 1))
        return mine[at] == rows if len(mine) else np.zeros(len(rows), bool)

    def _range(self, word: str) -> tuple[int, int]:
        number = self._vocabulary.get(word)
        if number is None or number + 1 >= len(self._starts):
            return 0, 0
        return int(self._starts[number]), int(self._starts[number + 1])


def joined(first: Counts, second: Counts) -> Counts:
    """The counts of passages and of those that come after them."""
    return Counts(
        first.many + second.many,
        np.concatenate([first.words, second.words]),
        np.concatenate([first.passages, second.passages + np.int32(first.many)]),
        np.concatenate([first.times, second.times]),
    )
