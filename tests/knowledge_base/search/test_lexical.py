"""BM25 is the same however often words stand in passages, and after documents have come and gone."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from knowledge_base.search import lexical
from knowledge_base.search.lexical import K1, B, Counts, Lexical, best, joined_counts

# "a" is in most texts, "f" in few.
_texts = st.lists(st.lists(st.sampled_from("aaaaabbbbcccddef"), max_size=12), min_size=1, max_size=30)


@pytest.fixture(autouse=True)
def among_few_too(monkeypatch: pytest.MonkeyPatch):
    """Words that stand in many passages are kept in another way, among few passages not."""
    monkeypatch.setattr(lexical, "_FEW", 2)
    monkeypatch.setattr(lexical, "_TOGETHER", 7)


def scored(texts: list[list[str]], word: str) -> list[float]:
    """BM25 of one word as it is defined."""
    holding = sum(word in text for text in texts)
    idf = math.log1p((len(texts) - holding + 0.5) / (holding + 0.5))
    mean = sum(map(len, texts)) / len(texts) or 1.0
    times = [Counter(text)[word] for text in texts]
    return [
        idf * n / (n + K1 * (1 - B + B * len(text) / mean)) if n else 0.0
        for n, text in zip(times, texts, strict=True)
    ]


def agrees(index: Lexical, texts: list[list[str]]) -> None:
    known = index.known("abcdefz")
    assert known == {word: n for word in "abcdef" if (n := sum(word in text for text in texts))}
    for word, passages in known.items():
        assert index.scores({word: passages}) == pytest.approx(scored(texts, word), rel=1e-4, abs=1e-6)
        held = index.has(word, np.arange(len(texts)))
        assert held.tolist() == [word in text for text in texts]


@given(_texts)
def test_scores_are_those_of_the_formula(texts: list[list[str]]):
    vocabulary: dict[str, int] = {}
    agrees(Lexical(Counts.of(texts, vocabulary), vocabulary), texts)


@given(_texts, _texts, st.data())
def test_what_stays_and_what_comes_scores_as_if_it_had_been_there_at_first(
    before: list[list[str]], after: list[list[str]], data: st.DataObject
):
    vocabulary: dict[str, int] = {}
    index = Lexical(Counts.of(before, vocabulary), vocabulary)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(before), max_size=len(before))))
    coming = Counts.of(after, vocabulary)
    texts = [text for text, stays in zip(before, kept, strict=True) if stays] + after
    agrees(Lexical(joined_counts([index.without(kept), coming]), vocabulary), texts)


@given(
    arrays.arrays(np.float32, st.integers(0, 700), elements=st.integers(0, 40).map(float)),
    st.integers(1, 20),
)
def test_the_best_scores_are_found_without_sorting_all(scores: np.ndarray, count: int):
    found = best(scores, count)
    wanted = sorted((score for score in scores.tolist() if score > 0), reverse=True)[:count]
    assert len(set(found.tolist())) == len(found)
    assert sorted(scores[found].tolist(), reverse=True) == wanted
