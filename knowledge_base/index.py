"""Hybrid search over passages: dense search and BM25, fused by score and gated by what is known.

Plain rank fusion destroys questions asked in another language than the documents' (recall@1 .779 -> .308
measured). Here words have their say as far as the passages know the question's words at all: in another
language they know few, and those by chance. Numbers are the same in all languages, and count always
(`docs/decisions/0004-fusion.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from knowledge_base.embed import Vectors
from knowledge_base.passages import Passage
from knowledge_base.search import allocator, fusion
from knowledge_base.search.contract import Hit
from knowledge_base.search.dense import Dense, Rows
from knowledge_base.search.lexical import Counts, Lexical, Scores, best, joined_counts
from knowledge_base.search.terms import terms
from knowledge_base.search.texts import Pack, PassageTexts

# A vocabulary that is so much larger than what is used is made anew.
_STALE_WORDS = 3
# With fewer passages building takes too little memory to give any back.
_LARGE = 2_000


class Index:
    """An immutable index of one bot's passages. A new version is a new object, so a reader never sees half of
    one."""

    def __init__(
        self, passages: Sequence[Passage], vectors: Vectors, languages: Sequence[str] | None = None
    ) -> None:
        """`vectors` is (n, d) float32, unit length; `languages` (two letters) choose each passage's
        stemmer."""
        if len(passages) != len(vectors):
            raise ValueError(f"{len(passages)} passages but {len(vectors)} vectors")
        spoken = list(languages or ["en"] * len(passages))
        turns = [i for i in range(len(spoken)) if not i or spoken[i] != spoken[i - 1]]
        packs = [
            Pack(str(start), "", spoken[start], passages[start:end])
            for start, end in pairwise([*turns, len(spoken)])
        ]
        self._set(packs, Dense(vectors), {})

    def _set(
        self, packs: Sequence[Pack], dense: Dense, vocabulary: dict[str, int], before: Counts | None = None
    ) -> None:
        self.passages, self._dense, self._vocabulary = PassageTexts(packs), dense, vocabulary
        self._kinds = sorted({pack.language for pack in packs if len(pack)}) or ["en"]
        start = before.many if before else 0
        counts = Counts.of(
            (
                terms(f"{passage.heading} {passage.text}", pack.language)
                for pack, first in zip(packs, self.passages.starts, strict=False)
                if first >= start
                for passage in pack
            ),
            vocabulary,
        )
        self._lexical = Lexical(joined_counts([before, counts]) if before else counts, vocabulary)
        if len(self) > _LARGE:
            allocator.give_back()

    def changed(self, added: Sequence[tuple[Pack, Vectors]], gone: Iterable[str]) -> Index:
        """An index without the documents of the ids that are `gone`, and with those that are `added`: what
        stays is neither read nor embedded nor stemmed again."""
        left = set(gone)
        stays = [pack.id not in left for pack in self.passages.packs]
        kept = np.repeat(stays, np.diff(self.passages.starts)).astype(bool)
        packs = [pack for pack, stay in zip(self.passages.packs, stays, strict=True) if stay]
        new = [vectors for _, vectors in added if len(vectors)]
        vectors = np.concatenate(new) if new else np.zeros((0, 1), np.float32)
        index = Index.__new__(Index)
        dense = Dense(vectors, self._dense if kept.any() else None, np.flatnonzero(kept))
        packs += [pack for pack, _ in added]
        if self._lexical.used * _STALE_WORDS < len(self._vocabulary):
            index._set(packs, dense, {})
        else:
            index._set(packs, dense, self._vocabulary, self._lexical.without(kept))
        return index

    def __len__(self) -> int:
        return len(self.passages)

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return self.passages.size + self._dense.size + self._lexical.size

    def search(
        self, question: str, vector: Vectors | None, count: int = 5, against: Vectors | None = None
    ) -> list[Hit]:
        """The best `count` passages for a question and its vector, best first; without a vector by their
        words alone. `against` is the mean vector of questions about something else."""
        if not len(self):
            return []
        asked = question[: fusion.QUESTION_CHARACTERS]
        words = dict.fromkeys(word for language in self._kinds for word in terms(asked, language))
        known = self._lexical.known(words)
        weights = fusion.weights({word: known.get(word, 0) for word in words}, len(self))
        whole = max(1e-9, sum(weights.values()))
        share = sum(weights[word] for word in known) / whole
        lexical = self._lexical.scores(known)
        query = None if vector is None else np.ascontiguousarray(vector, np.float32).reshape(-1)
        near = self._nearest(query, lexical, count)
        cosines, spread, mean = self._meaning(query, near)
        shared = fusion.standard_scores(lexical[near], float(lexical.mean()), float(lexical.std()))
        scores = fusion.fused(spread, shared, share, self._numbers(known, near))
        order = np.argsort(-scores, kind="stable")[:count]
        rows = near[order]
        covered = np.zeros(len(rows))
        for word in known:
            covered += weights[word] * self._lexical.has(word, rows)
        foreign = np.zeros(len(rows)) if against is None else self._dense.cosines(against, rows)
        elsewhere = 0.0 if against is None or query is None else float(query @ against)
        return [
            Hit(
                passage=self.passages[int(row)],
                score=float(scores[at]),
                cosine=float(cosines[at]),
                coverage=float(covers / whole),
                language=self.passages.pack_of(int(row)).language,
                known=share,
                mean=mean,
                passages=len(self),
                foreign=float(far),
                elsewhere=elsewhere,
            )
            for row, at, covers, far in zip(rows, order, covered, foreign, strict=True)
        ]

    def _numbers(self, known: dict[str, int], rows: Rows) -> NDArray[np.float64]:
        """What the numbers of a question add to passages that hold them."""
        added = np.zeros(len(rows))
        for word, passages in known.items():
            if fusion.is_number(word):
                added += fusion.number_weight(passages, len(self)) * self._lexical.has(word, rows)
        return added

    def _nearest(self, query: Vectors | None, lexical: Scores, count: int) -> Rows:
        """The passages of which one may be the best: those nearest in meaning and those with most words."""
        found = best(lexical, fusion.CANDIDATES)
        if query is not None:
            found = np.concatenate([found, self._dense.nearest(query, fusion.CANDIDATES)])
        if len(found) < count:  # as many are asked for
            found = np.concatenate([found, np.arange(min(count, len(self)), dtype=np.int64)])
        return np.unique(found)

    def _meaning(
        self, query: Vectors | None, rows: Rows
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Cosines of these rows, the same in deviations from the mean of all, and that mean. A passage that
        is not embedded has the mean."""
        if query is None:
            return np.zeros(len(rows)), np.zeros(len(rows)), 0.0
        cosines = self._dense.cosines(query, rows)
        mean, deviation = self._dense.base(query)
        spread = fusion.standard_scores(cosines, mean, deviation)
        return cosines, np.where(cosines == 0, 0.0, spread), mean
