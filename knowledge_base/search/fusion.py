"""How meaning and words are put together: the same in every engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# What words weigh against meaning, by the sixth power of the share of the question's words that is known:
# with it the fusion is at or above the best of its parts on all 14 sets and 29 pairs of languages measured
# (`python -m benchmarks.retrieval DATA`); with the first power it is below on 7.
LEXICAL_WEIGHT, GATE = 0.4, 6
# What a number weighs that stands in the question and in one passage alone.
NUMBER_WEIGHT = 1.0
# Of a question so many characters are looked for as words.
QUESTION_CHARACTERS = 4_096
# Passages of which the best are chosen: the nearest in meaning, and as many with the most words in common.
CANDIDATES = 300

Numbers = NDArray[np.floating]


def weights(words: Mapping[str, int], many: int) -> dict[str, float]:
    """What each word of a question weighs, the rarer the more; given in how many of `many` passages each
    stands, 0 for none."""
    return {word: float(np.log1p(many / max(1, passages))) for word, passages in words.items()}


def is_number(word: str) -> bool:
    """Numbers are the same in all languages."""
    return any(sign.isdigit() for sign in word)


def number_weight(passages: int, many: int) -> float:
    """What a number adds to a passage that holds it."""
    return float(NUMBER_WEIGHT * np.log1p(many / max(1, passages)) / np.log1p(many))


def standard_scores(values: Numbers, mean: float, deviation: float) -> Numbers:
    """In deviations from the mean; zeros where there is no deviation."""
    return (values - mean) / deviation if deviation > 1e-6 else np.zeros_like(values)


def fused(meaning: Numbers, words: Numbers, known: float, numbers: Numbers) -> Numbers:
    """The score of passages: meaning and words in deviations from their means, the `known` share of the
    question's words, and what its numbers add."""
    return meaning + LEXICAL_WEIGHT * known**GATE * words + numbers
