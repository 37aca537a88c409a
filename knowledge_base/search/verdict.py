"""Whether the knowledge base knows the answer to a question: one rule for the agent and the page, whatever
the languages."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from knowledge_base.embed import Embedder, Vectors
from knowledge_base.search.contract import Hit
from knowledge_base.vocabulary import vocabulary_file

# Where the base knows so much of a question's weight, question and base are taken for one language, and a
# passage answers that is nearer to the question than to questions about something else. What it counts that
# the question is far from those, what its words in the passage add, and by how much it has to be nearer.
_ONE_LANGUAGE, _FAR, _WORDS_HERE, _NEARER = 0.4, 0.27, 0.1, 0.155
# Across languages: the words in the passage, and what is taken off where the base knows the question's words
# at all; the mean over a small shop's few passages is taken together with so many imagined ones.
_WORDS_ACROSS, _KNOWN, _OTHERS = 0.06, 0.03, 30


class Measure(Protocol):
    """What the rule has to know of an embedding model."""

    threshold: float
    typical: float


def elsewhere(embedder: Embedder) -> Vectors:
    """The mean vector of questions about something else, in many languages. Blocks for about a second."""
    return np.mean([embedder.query(str(question)) for question in vocabulary_file()["elsewhere"]], axis=0)


def answers(hit: Hit, model: Measure) -> bool:
    """Whether a passage is near enough to answer. How near it is to questions about something else tells what
    its kind of text adds to all cosines, and how near the question is to them what its own does. Across
    languages, and with a model whose calls cost and that is not asked for those, the mean over the base
    tells it.

    Fitted on eight combinations of bases and questions (`docs/decisions/0004-fusion.md` has the figures)."""
    if hit.foreign and hit.known >= _ONE_LANGUAGE:
        far = hit.cosine - hit.foreign + _FAR * (hit.cosine - hit.elsewhere)
        return far + _WORDS_HERE * hit.coverage >= _NEARER
    mean = (hit.passages * hit.mean + _OTHERS * model.typical) / (hit.passages + _OTHERS)
    margin = hit.cosine - mean + _WORDS_ACROSS * hit.coverage - _KNOWN * hit.known
    return margin >= model.threshold
