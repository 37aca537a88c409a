"""The nearest passages of a base too large to look at every one."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from knowledge_base.search import dense
from knowledge_base.search.dense import Dense


@pytest.mark.parametrize("many", [300, 3_000])
def test_the_nearest_are_found_whether_all_are_looked_at_or_some(many: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dense, "EXACT", 1_000)
    random = np.random.default_rng(many)
    rows = random.normal(size=(many, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    first = Dense(rows[: many // 2])
    grown = Dense(rows[many // 2 :], first, np.arange(many // 2))
    gc.collect()
    asked = rows[:: many // 50]
    assert [int(grown.nearest(row, 1)[0]) for row in asked] == [*range(0, many, many // 50)]
    assert np.allclose(grown.vectors(np.arange(many)), rows, atol=0.01)
    best = [set(map(int, np.argsort(-(rows @ row))[:10])) for row in asked]
    kept = [
        len(wanted & set(map(int, grown.nearest(row, 10)))) for wanted, row in zip(best, asked, strict=True)
    ]
    assert sum(kept) >= 0.9 * 10 * len(asked)
