"""Vectors of passages and the nearest of them to a question. Each number is kept as two bytes, one coarse and
one fine: FAISS looks through the coarse ones alone, which is half of the memory to read, and cosines are made
of both, which is as exact as float16."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge_base.embed import Vectors

# Up to so many passages every one is looked at; beyond, those of the nearest lists
# (`python -m benchmarks.engines`).
EXACT = 150_000
# Lists that are looked through.
LISTS_READ = 48
# Passages from which the mean and the deviation of all cosines are estimated: to 1/1,000 and 2 %.
_SAMPLE = 1_024
# Rows that are packed at a time: all at once would be twice the memory of the index.
_BLOCK = 8_192
# A coarse number of 0 is kept as 128, and may be 127 more or less; a fine one is the rest in 254th parts.
_MIDDLE, _MOST, _PARTS = 128, 127, 254

Rows = NDArray[np.int64]
Bytes = NDArray[np.uint8]


class Dense:
    """Unit vectors, one a row; never changed once it is made."""

    def __init__(self, vectors: Vectors, before: Dense | None = None, kept: Rows | None = None) -> None:
        """`vectors` is (n, d); a row of zeros stands for a passage that is not embedded. They come after the
        rows that are `kept` of the one before."""
        self._many, self._wide = len(vectors), int(vectors.shape[1])
        self._scale = _scale(vectors)
        if before is not None and kept is not None:
            self._many += len(kept)
            self._wide = self._wide if len(vectors) else before._wide
            self._scale = min(self._scale, before._scale)
        _in_one_thread()
        self._fine = np.zeros((self._many, self._wide), np.int8)
        self._index = _empty(self._many, self._wide)
        if not self._index.is_trained:
            some = [self._packed(block[::4])[0] for block in _blocks(vectors, before, kept)]
            known = np.concatenate(some)
            self._index.train(known[known.any(axis=1)].astype(np.float32))
        embedded: list[Rows] = []
        for block in _blocks(vectors, before, kept):
            first = int(self._index.ntotal)
            coarse, self._fine[first : first + len(block)] = self._packed(block)
            embedded.append(first + np.flatnonzero(coarse.any(axis=1)))
            self._index.add(coarse.astype(np.float32))
        self._lists = self._many > EXACT
        if self._lists:
            self._index.make_direct_map()
        rows = np.concatenate(embedded) if embedded else np.zeros(0, np.int64)
        self._sample = rows[:: max(1, len(rows) // _SAMPLE)].astype(np.int64)
        # of lists they are not quickly had
        self._drawn = self.vectors(self._sample) if self._lists else None

    def __len__(self) -> int:
        return self._many

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return self._many * (2 * self._wide + (16 if self._lists else 0))

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of these rows, (n, d)."""
        coarse = self._coarse(rows)
        both = coarse.astype(np.float32)
        both -= _MIDDLE
        both += self._fine[rows].astype(np.float32) * np.float32(1 / _PARTS)
        both *= np.float32(1 / self._scale)
        both[~coarse.any(axis=1)] = 0
        return both

    def cosines(self, query: Vectors, rows: Rows) -> NDArray[np.float64]:
        """Of a question with these rows."""
        return _products(self.vectors(rows), query)

    def nearest(self, query: Vectors, count: int) -> Rows:
        """The rows nearest to a question, at most `count`."""
        _in_one_thread()
        asked = np.clip(np.rint(query * self._scale), -_MOST, _MOST) + np.float32(_MIDDLE)
        made: Any = faiss  # its types know no arguments of this
        how = made.SearchParametersIVF(nprobe=LISTS_READ) if self._lists else None
        found: Rows = self._index.search(asked.reshape(1, -1), min(count, self._many), params=how)[1][0]
        return found[found >= 0]

    def base(self, query: Vectors) -> tuple[float, float]:
        """Mean and deviation of the cosines of a question with all embedded passages."""
        if not len(self._sample):
            return 0.0, 0.0
        if self._drawn is None:  # what is fine makes no difference to a mean
            coarse = self._coarse(self._sample).astype(np.float32)
            cosines = (_products(coarse, query) - _MIDDLE * float(query.sum())) / self._scale
        else:
            cosines = _products(self._drawn, query)
        return float(cosines.mean()), float(cosines.std())

    def _packed(self, vectors: Vectors) -> tuple[Bytes, NDArray[np.int8]]:
        """Coarse and fine; coarse zeros for a row of zeros, which is then far from any question."""
        scaled = vectors * np.float32(self._scale)
        coarse = np.clip(np.rint(scaled), -_MOST, _MOST)
        fine = np.rint((scaled - coarse) * _PARTS).astype(np.int8)
        known = np.any(vectors != 0, axis=1)
        return ((coarse + _MIDDLE) * known[:, None]).astype(np.uint8), fine

    def _coarse(self, rows: Rows) -> Bytes:
        if not len(rows):
            return np.zeros((0, self._wide), np.uint8)
        if self._lists:
            _in_one_thread()
            return self._index.reconstruct_batch(rows).astype(np.uint8)
        held: Bytes = faiss.rev_swig_ptr(self._index.codes.data(), self._many * self._wide)
        return held.reshape(self._many, self._wide)[rows]


def _products(rows: Vectors, query: Vectors) -> NDArray[np.float64]:
    """numpy's own product would use all cores, and wait for each of them."""
    return np.einsum("ij,j->i", rows, query).astype(np.float64)


def _scale(vectors: Vectors) -> float:
    """The power of two that makes the largest number of all one that can be kept: another one after a change
    makes no difference to what stays."""
    largest = max((float(np.abs(block).max()) for block in _blocks(vectors, None, None)), default=0.0)
    return float(2.0 ** np.floor(np.log2(_MOST / max(largest, 1 / _MOST))))


def _in_one_thread() -> None:
    """Have FAISS use no other thread than this one, for which alone it can be said: a second would wait for a
    core that others use, and the search for it."""
    faiss.omp_set_num_threads(1)


def _empty(many: int, wide: int) -> Any:
    # Which are near in meaning is told by distance, for bytes without a sign: their products mean nothing.
    kind, near = faiss.ScalarQuantizer.QT_8bit_direct, faiss.METRIC_L2
    if many <= EXACT:
        return faiss.IndexScalarQuantizer(wide, kind, near)
    lists: Any = faiss.IndexFlatL2(wide)
    index: Any = faiss.IndexIVFScalarQuantizer(lists, wide, int(2 * many**0.5), kind, near, False)
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = 6, 40, 1
    # FAISS holds no reference of Python's: who lets go of the lists first frees them under the index.
    index.own_fields = True
    lists.this.disown()
    return index


def _blocks(vectors: Vectors, before: Dense | None, kept: Rows | None) -> Iterator[Vectors]:
    """The rows that are kept and those that are new, some at a time."""
    if before is not None and kept is not None:
        for start in range(0, len(kept), _BLOCK):
            yield before.vectors(kept[start : start + _BLOCK])
    for start in range(0, len(vectors), _BLOCK):
        yield np.ascontiguousarray(vectors[start : start + _BLOCK], np.float32)
