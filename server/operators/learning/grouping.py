"""Questions that mean the same are one group. They are compared by the stems of the words they have in
common, whatever their language. Only digests of these are handled: a decision about a group is kept with
them, and they tell nobody what was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from knowledge_base.search.terms import terms
from knowledge_base.vocabulary import function_words, plain

# What share of the words of two questions together both must have.
ALIKE = 0.5
# Characters of a question that are looked at.
LONGEST = 300

QuestionWords = frozenset[str]


def question_words(text: str, secret: bytes) -> QuestionWords:
    """Digests of the words of a question that say what it is about; of all its words where none does."""
    own = [word for word in plain(text[:LONGEST]).split() if word not in function_words()]
    stems = set(terms(" ".join(own))) or set(terms(text[:LONGEST]))
    return frozenset(
        hashlib.blake2b(stem.encode("utf-8", "surrogatepass"), key=secret[:64], digest_size=8).hexdigest()
        for stem in stems
    )


def mean_the_same(one: QuestionWords, other: QuestionWords) -> bool:
    """Whether two questions are taken for the same."""
    return bool(one) and len(one & other) >= ALIKE * len(one | other)


def question_groups(asked: Sequence[QuestionWords]) -> list[list[int]]:
    """The places of questions that are alike, group by group, each in the order given. A question joins the
    first group whose first question is like it; only groups that share a word with it are looked at."""
    groups: list[list[int]] = []
    leaders: dict[str, list[int]] = {}
    for place, words in enumerate(asked):
        near = sorted({group for word in words for group in leaders.get(word, ())})
        joined = next((group for group in near if mean_the_same(words, asked[groups[group][0]])), None)
        if joined is not None:
            groups[joined].append(place)
            continue
        for word in words:
            leaders.setdefault(word, []).append(len(groups))
        groups.append([place])
    return groups
