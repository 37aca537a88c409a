"""Vectors of passages and the nearest of them to a question: FAISS with float16, which is what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge_base.embed import Vectors

faiss.omp_set_num_threads(1)

# Up to so many passages every one is looked at, which takes 3.2 ms at 100,000 and 8.9 ms at 300,000 (384
# dimensions, one thread); beyond, those of the nearest lists.
EXACT = 150_000
# Lists that are looked through.
_LISTS_READ = 48
# Passages from which the mean and the deviation of all cosines are estimated: to 1/1,000 and 2 %.
_SAMPLE = 1_024
# Rows that are unpacked at a time.
_BLOCK = 8_192

Rows = NDArray[np.int64]


class Dense:
    """Unit vectors, one a row; never changed once it is made."""

    def __init__(self, vectors: Vectors, before: Dense | None = None, kept: Rows | None = None) -> None:
        """`vectors` is (n, d); a row of zeros stands for a passage that is not embedded. They come after the
        rows that are `kept` of the one before."""
        self._many, self._wide = len(vectors), int(vectors.shape[1])
        if before is not None and kept is not None:
            self._many += len(kept)
            self._wide = self._wide if len(vectors) else before._wide
        self._index = _empty(self._many, self._wide)
        if not self._index.is_trained:
            some = [block[::4] for block in _blocks(vectors, before, kept)]
            self._index.train(np.concatenate(some))
        embedded: list[Rows] = []
        for block in _blocks(vectors, before, kept):
            embedded.append(self._index.ntotal + np.flatnonzero(np.any(block != 0, axis=1)))
            self._index.add(block)
        if self._many > EXACT:
            self._index.make_direct_map()
            self._index.nprobe = _LISTS_READ
        rows = np.concatenate(embedded) if embedded else np.zeros(0, np.int64)
        self._sample = rows[:: max(1, len(rows) // _SAMPLE)].astype(np.int64)

    def __len__(self) -> int:
        return self._many

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return self._many * (2 * self._wide + (16 if self._many > EXACT else 0))

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of these rows, (n, d)."""
        return self._index.reconstruct_batch(rows) if len(rows) else np.zeros((0, self._wide), np.float32)

    def cosines(self, query: Vectors, rows: Rows) -> NDArray[np.float64]:
        """Of a question with these rows."""
        return (self.vectors(rows) @ query).astype(np.float64)

    def nearest(self, query: Vectors, count: int) -> Rows:
        """The rows nearest to a question, at most `count`."""
        found: Rows = self._index.search(query.reshape(1, -1), min(count, self._many))[1][0]
        return found[found >= 0]

    def base(self, query: Vectors) -> tuple[float, float]:
        """Mean and deviation of the cosines of a question with all embedded passages."""
        if not len(self._sample):
            return 0.0, 0.0
        cosines = self.cosines(query, self._sample)
        return float(cosines.mean()), float(cosines.std())


def _empty(many: int, wide: int) -> Any:
    kind, near = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    if many <= EXACT:
        return faiss.IndexScalarQuantizer(wide, kind, near)
    lists: Any = faiss.IndexFlatIP(wide)
    index: Any = faiss.IndexIVFScalarQuantizer(lists, wide, int(2 * many**0.5), kind, near, False)
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = 6, 40, 1
    index.quantizer_keeper = lists  # FAISS itself holds no reference
    return index


def _blocks(vectors: Vectors, before: Dense | None, kept: Rows | None) -> Iterator[Vectors]:
    """The rows that are kept and those that are new, some at a time: all at once would be twice the memory
    of the index."""
    if before is not None and kept is not None:
        for start in range(0, len(kept), _BLOCK):
            yield before.vectors(kept[start : start + _BLOCK])
    for start in range(0, len(vectors), _BLOCK):
        yield np.ascontiguousarray(vectors[start : start + _BLOCK], np.float32)
