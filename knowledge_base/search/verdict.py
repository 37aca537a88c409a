"""Whether the knowledge base knows the answer to a question: one rule for the agent and the page, whatever
the languages."""

from __future__ import annotations

from typing import Protocol

from knowledge_base.search.contract import Hit

# What the question's words in a passage add to its cosine, and what is taken off where the knowledge base
# knows its words at all: an answer in the same language is expected to have them. Fitted with the threshold
# on 31 combinations of base, answerable and foreign questions (`python -m benchmarks.retrieval DATA`).
_WORDS_HERE, _WORDS_KNOWN = 0.06, 0.03
# The mean over a small shop's few passages, all about what it sells, is too near to any of its questions: it
# is taken together with so many imagined ones about something else.
_OTHERS = 30


class Measure(Protocol):
    """What the rule has to know of an embedding model."""

    threshold: float
    typical: float


def answers(hit: Hit, model: Measure) -> bool:
    """Whether a passage stands out enough to answer. How near every passage of the base is to the question
    tells what its language, or two of them, and its length add to all cosines."""
    mean = (hit.passages * hit.mean + _OTHERS * model.typical) / (hit.passages + _OTHERS)
    margin = hit.cosine - mean + _WORDS_HERE * hit.coverage - _WORDS_KNOWN * hit.known
    return margin >= model.threshold
