"""BM25 over counts of words that can be changed document by document: stemming is most of what an index costs
to build, and a library that scores beforehand has to see every text again when one changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from knowledge_base.search.dense import Rows

# The usual ones; those of bm25s and Lucene.
K1, B = 1.5, 0.75
# A word in more than this share of the passages is kept as one number for every passage: that takes less
# memory, and is added up five times as fast, than places and numbers. Among few passages it would be nearly
# every word, for nothing.
_OFTEN, _FEW = 0.2, 200
# Beyond so many times a word says no more: 255 in place of 1,000 is a difference of .4 % in BM25.
_MOST_TIMES = 255
# Texts that are counted together: all at once would take more memory than the index.
_TOGETHER = 4_096
# Scores of which the highest alone is looked at first, to see which may be among the best.
_GROUP = 64

Numbers = NDArray[np.int32]
Times = NDArray[np.uint8]
Scores = NDArray[np.float32]


class Counts:
    """How often each word stands in each of `many` passages: triples of word, passage and times."""

    __slots__ = ("many", "passages", "times", "words")

    def __init__(self, many: int, words: Numbers, passages: Numbers, times: Times) -> None:
        self.many, self.words, self.passages, self.times = many, words, passages, times

    @classmethod
    def of(cls, texts: Iterable[list[str]], vocabulary: dict[str, int]) -> Counts:
        """Count texts, each given as its words; a word that is new gets the next number."""
        waiting = iter(texts)
        parts: list[Counts] = []
        while some := list(islice(waiting, _TOGETHER)):
            parts.append(cls._of_some(some, vocabulary))
        return joined_counts(parts)

    @classmethod
    def _of_some(cls, texts: Sequence[list[str]], vocabulary: dict[str, int]) -> Counts:
        words = [vocabulary.setdefault(word, len(vocabulary)) for text in texts for word in text]
        wide = len(vocabulary) + 1
        both = np.repeat(np.arange(len(texts), dtype=np.int64), [len(text) for text in texts]) * wide
        pairs, times = np.unique(both + np.array(words, np.int64), return_counts=True)
        return cls(
            len(texts),
            (pairs % wide).astype(np.int32),
            (pairs // wide).astype(np.int32),
            np.minimum(times, _MOST_TIMES).astype(np.uint8),
        )


class Lexical:
    """Counts in order of words. Never changed once it is made; the vocabulary may grow, what it got later is
    unknown here."""

    def __init__(self, counts: Counts, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary, self._many = vocabulary, counts.many
        self._in: NDArray[np.int32] = np.bincount(counts.words, minlength=len(vocabulary)).astype(np.int32)
        often = self._in > max(_FEW, _OFTEN * counts.many)
        # of each word that stands in many passages its place among the rows of `_rows`
        self._often = {int(word): row for row, word in enumerate(np.flatnonzero(often))}
        apart = often[counts.words]
        self._rows = np.zeros((len(self._often), counts.many), np.uint8)
        row_of = (np.cumsum(often) - 1).astype(np.int32)
        self._rows[row_of[counts.words[apart]], counts.passages[apart]] = counts.times[apart]
        rest = np.flatnonzero(~apart)
        rest = rest[np.argsort(counts.words[rest], kind="stable")]
        self._passages, self._times = counts.passages[rest], counts.times[rest]
        self._starts = np.concatenate([[0], np.cumsum(np.where(often, 0, self._in))]).astype(np.int64)
        lengths = np.bincount(counts.passages, weights=counts.times, minlength=counts.many)
        mean = float(lengths.sum()) / max(1, counts.many) or 1.0
        self._norm = (K1 * (1 - B + B * lengths / mean)).astype(np.float32)

    @property
    def size(self) -> int:
        """Bytes of memory, about, with the vocabulary."""
        arrays = (self._passages, self._times, self._rows, self._starts, self._in, self._norm)
        return sum(array.nbytes for array in arrays) + 120 * len(self._vocabulary)

    @property
    def used(self) -> int:
        """How many words of the vocabulary stand in a passage."""
        return int(np.count_nonzero(self._in))

    def without(self, kept: NDArray[np.bool_]) -> Counts:
        """The counts of the passages that are kept, renumbered."""
        numbers = (np.cumsum(kept) - 1).astype(np.int32)
        words = np.repeat(np.arange(len(self._in), dtype=np.int32), np.diff(self._starts))
        mine = kept[self._passages]
        parts = [
            Counts(int(kept.sum()), words[mine], numbers[self._passages[mine]], self._times[mine]),
            *self._often_without(kept),
        ]
        return Counts(
            parts[0].many,
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.passages for part in parts]),
            np.concatenate([part.times for part in parts]),
        )

    def _often_without(self, kept: NDArray[np.bool_]) -> Iterator[Counts]:
        for word, row in self._often.items():
            times = self._rows[row][kept]
            places = np.flatnonzero(times)
            yield Counts(
                len(times), np.full(len(places), word, np.int32), places.astype(np.int32), times[places]
            )

    def known(self, words: Iterable[str]) -> dict[str, int]:
        """In how many passages each of these words stands, of those that stand in any."""
        numbers = ((word, self._vocabulary.get(word, len(self._in))) for word in words)
        return {word: int(self._in[n]) for word, n in numbers if n < len(self._in) and self._in[n]}

    def scores(self, words: Mapping[str, int]) -> Scores:
        """BM25 of every passage for words that are known, each with the number of passages it stands in."""
        scores = np.zeros(self._many, np.float32)
        for word, passages in words.items():
            idf = np.float32(np.log1p((self._many - passages + 0.5) / (passages + 0.5)))
            number = self._vocabulary[word]
            row = self._often.get(number)
            if row is None:
                places, counted = self._places(number)
                times = counted.astype(np.float32)
                scores[places] += idf * times / (times + self._norm[places])
            else:
                times = self._rows[row].astype(np.float32)
                times /= times + self._norm
                times *= idf
                scores += times
        return scores

    def has(self, word: str, rows: Rows) -> NDArray[np.bool_]:
        """Which of these passages hold a word that is known."""
        number = self._vocabulary[word]
        row = self._often.get(number)
        if row is not None:
            return self._rows[row][rows] > 0
        mine, _ = self._places(number)
        return mine[np.minimum(np.searchsorted(mine, rows), len(mine) - 1)] == rows

    def _places(self, number: int) -> tuple[Numbers, Times]:
        first, last = int(self._starts[number]), int(self._starts[number + 1])
        return self._passages[first:last], self._times[first:last]


def best(scores: Scores, count: int) -> Rows:
    """The places of the `count` highest scores, of those above zero, in no order."""
    groups = len(scores) // _GROUP
    least = np.float32(0)
    if groups > count:  # as many passages as groups have scores at or above those of the best groups
        highest = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        least = np.partition(highest, groups - count)[groups - count]
    found = np.flatnonzero(scores >= least) if least > 0 else np.flatnonzero(scores)
    if len(found) > count:
        found = found[np.argpartition(-scores[found], count - 1)[:count]]
    return found.astype(np.int64)


def joined_counts(parts: Sequence[Counts]) -> Counts:
    """The counts of passages, those of each part after those of the one before."""
    if not parts:
        return Counts(0, np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8))
    firsts = np.cumsum([0, *(part.many for part in parts)])
    return Counts(
        int(firsts[-1]),
        np.concatenate([part.words for part in parts]),
        np.concatenate([part.passages + np.int32(first) for part, first in zip(parts, firsts, strict=False)]),
        np.concatenate([part.times for part in parts]),
    )
