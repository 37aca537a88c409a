"""python -m benchmarks.retrieval DATA: what search finds, what it takes for known, and follow-up questions.

DATA is the folder of the evaluation data (`03_retrieval` inside it). Three tables:

1. hit@1 / hit@5 / MRR@10 of dense, BM25 and fused search on every set, and across languages
   (question language>document language), with whether the fusion is below the best of its parts;
2. of questions that a base answers and of foreign ones, how many find a passage that is taken for an answer;
3. short follow-up questions (made up: a real question without its telling words but one) alone and with the
   question before, and full questions after one about something else.

Vectors are kept in a folder of their own beside the system's temporary files: the first run takes minutes."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from agent.documents import SHORT_QUESTION
from knowledge_base import index as search
from knowledge_base.embed import Vectors, bundled
from knowledge_base.passages import Passage
from knowledge_base.search import fusion
from knowledge_base.search.contract import Hit
from knowledge_base.search.terms import terms
from knowledge_base.search.verdict import answers, elsewhere

LANGUAGES = ("en", "it", "ru", "es", "de", "ar", "hi", "ro", "tr", "zh")
PLAIN = {"product_faq_it": "it", "banking77": "en", "clinc150_oos": "en", "squad_it": "it"}
CENTRAL = ("en", "ru", "it", "es", "de")
FAR = (("ar", "en"), ("en", "ar"), ("zh", "en"), ("hi", "en"), ("tr", "ru"), ("ro", "it"), ("en", "zh"))
FAR = (*FAR, ("en", "hi"), ("en", "tr"))
# The most of one set's questions in the second table.
QUESTIONS = 250
# base, answerable questions, foreign questions
BASES = (
    *(("product_faq_it", "product_faq_it", foreign) for foreign in ("banking77", "squad_it", "clinc150_oos")),
    *(("banking77", "banking77", foreign) for foreign in ("clinc150_oos", "xquad/en", "product_faq_it")),
    *((f"xquad/{a}", f"xquad/{a}", "banking77") for a in ("en", "hi")),
    *((f"xquad/{a}", f"xquad/{a}", "product_faq_it") for a in ("it", "tr")),
    *((f"xquad/{b}", f"xquad/{a}", "banking77") for a, b in (("ru", "en"), ("en", "it"), ("ar", "en"))),
    *((f"xquad/{b}", f"xquad/{a}", "product_faq_it") for a, b in (("es", "en"), ("it", "ru"), ("ro", "it"))),
    *((f"xquad/{b}", f"xquad/{a}", "clinc150_oos") for a, b in (("en", "ru"), ("zh", "en"), ("zh", "zh"))),
)


def rows(path: Path) -> list[dict[str, Any]]:
    """A JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def vectors(texts: Sequence[str], kind: str) -> Vectors:
    """Vectors of questions or passages, kept for the next run."""
    name = hashlib.blake2b("\0".join([bundled().name, kind, *texts]).encode(), digest_size=12).hexdigest()
    folder = Path(tempfile.gettempdir()) / "salesgraph-vectors"
    folder.mkdir(exist_ok=True)
    kept = folder / f"{name}.npy"
    if not kept.exists():
        if kind == "passages":
            made = bundled().passages(texts)
        else:
            with ThreadPoolExecutor(2) as pool:
                made = np.stack(list(pool.map(bundled().query, texts)))
        np.save(kept, made)
    return np.load(kept)


@dataclass(frozen=True)
class Set:
    """One of the sets: documents, questions and which documents answer them."""

    folder: Path
    language: str

    @cached_property
    def documents(self) -> list[dict[str, Any]]:
        return rows(self.folder / "docs.jsonl")

    @cached_property
    def questions(self) -> list[dict[str, Any]]:
        return rows(self.folder / "queries.jsonl")

    @cached_property
    def wanted(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in rows(self.folder / "qrels.jsonl"):
            found.setdefault(row["query_id"], set()).add(row["doc_id"])
        return found

    @cached_property
    def asked(self) -> Vectors:
        return vectors([question["text"] for question in self.questions], "questions")

    @cached_property
    def index(self) -> search.Index:
        texts = [document["text"] for document in self.documents]
        passages = [Passage(document=d["id"], page=1, text=d["text"]) for d in self.documents]
        return search.Index(passages, vectors(texts, "passages"), [self.language] * len(passages))

    def answerable(self, base: Set) -> list[int]:
        """The questions that a base answers."""
        there = {document["id"] for document in base.documents}
        return [n for n, q in enumerate(self.questions) if self.wanted.get(q["id"], set()) & there]


def measures(ranks: Sequence[int]) -> tuple[float, float, float]:
    """hit@1, hit@5 and MRR@10 of ranks from 0."""
    at = np.array(ranks)
    return float(np.mean(at == 0)), float(np.mean(at < 5)), float(np.mean(np.where(at < 10, 1 / (1 + at), 0)))


def ranks(asking: Set, base: Set, dense: bool, words: float) -> list[int]:
    """Ranks of the first right document, with or without meaning and with so much weight of words."""
    kept = fusion.LEXICAL_WEIGHT, fusion.NUMBER_WEIGHT
    if words == 0:
        fusion.LEXICAL_WEIGHT = fusion.NUMBER_WEIGHT = 0.0
    try:
        found: list[int] = []
        for number in asking.answerable(base):
            question = asking.questions[number]
            vector = asking.asked[number] if dense else None
            hits = base.index.search(question["text"], vector, 10)
            right = asking.wanted[question["id"]]
            found.append(next((n for n, hit in enumerate(hits) if hit.passage.document in right), 99))
        return found
    finally:
        fusion.LEXICAL_WEIGHT, fusion.NUMBER_WEIGHT = kept


def fusion_table(sets: Callable[[str], Set]) -> None:
    """Print the first table."""
    pairs = [(name, name) for name in (*PLAIN, *(f"xquad/{code}" for code in LANGUAGES))]
    across = [(f"xquad/{a}", f"xquad/{b}") for a in CENTRAL for b in CENTRAL if a != b]
    across += [(f"xquad/{a}", f"xquad/{b}") for a, b in FAR]
    print(f"{'questions>documents':30} {'n':>4} {'dense':>18} {'BM25':>18} {'fused':>18}")
    for asking, base in pairs + across:
        of = [
            ranks(sets(asking), sets(base), meaning, words)
            for meaning, words in ((True, 0), (False, 1), (True, 1))
        ]
        dense, words, both = map(measures, of)
        single = dense if asking != base else tuple(map(max, dense, words))
        below = [b - s for b, s in zip(both, single, strict=True)]
        said = "  below by " + "/".join(f"{-b:.3f}" for b in below) if min(below) < -0.0005 else ""
        cells = ["/".join(f"{value:.3f}" for value in row) for row in (dense, words, both)]
        print(f"{asking}>{base}".ljust(30), f"{len(of[0]):4}", *(f"{c:>18}" for c in cells), said, flush=True)


def taken(asking: Set, base: Set, numbers: Sequence[int]) -> float:
    """The share of questions that find a passage which is taken for an answer."""
    chosen = numbers[:: max(1, len(numbers) // QUESTIONS)]
    found = [
        base.index.search(asking.questions[n]["text"], asking.asked[n], 5, elsewhere(bundled()))
        for n in chosen
    ]
    return float(np.mean([any(answers(hit, bundled()) for hit in hits) for hits in found]))


def known_table(sets: Callable[[str], Set]) -> None:
    """Print the second table."""
    print(f"\n{'base':16} {'answerable':16} {'foreign':16} {'answered':>9} {'false':>6}")
    found: list[tuple[float, float]] = []
    clinc = sets("clinc150_oos")
    inside = [n for n, question in enumerate(clinc.questions) if question["in_scope"]]
    outside = [n for n, question in enumerate(clinc.questions) if not question["in_scope"]]
    for base, asking, foreign in (("clinc150_oos",) * 3, *BASES):
        own, other = sets(asking), sets(foreign)
        mine = inside if own is clinc else own.answerable(sets(base))
        others: Sequence[int] = range(len(other.questions))
        if other is clinc:
            others = outside if base in ("clinc150_oos", "banking77") else inside
        found.append((taken(own, sets(base), mine), taken(other, sets(base), others)))
        print(f"{base:16} {asking:16} {foreign:16} {found[-1][0]:9.2f} {found[-1][1]:6.2f}", flush=True)
    balanced = np.mean([(right + 1 - wrong) / 2 for right, wrong in found])
    print(f"mean of answered and 1 - false: {balanced:.3f}")


def elliptic(text: str, base: Set, usual: dict[str, int]) -> str:
    """A question of its four most usual words and one that tells something."""
    words = text.split()
    weights = [usual.get((terms(word, base.language) or [""])[0], 0) for word in words]
    order = sorted(range(len(words)), key=lambda n: -weights[n])
    kept = {*order[:4], order[-2] if len(order) > 1 else order[-1]}
    return " ".join(word for n, word in enumerate(words) if n in kept)


def pairs_of(base: Set) -> Iterator[tuple[str, str, str]]:
    """Two questions that one document answers, and it."""
    by: dict[str, list[str]] = {}
    for question in base.questions:
        if len(right := base.wanted.get(question["id"], set())) == 1:
            by.setdefault(next(iter(right)), []).append(question["text"])
    yield from ((texts[0], texts[1], document) for document, texts in by.items() if len(texts) > 1)


def found_with(base: Set, before: str, question: str, rule: bool) -> list[Hit]:
    """What `agent.documents` finds, or the search for the question alone."""

    def hits(text: str) -> list[Hit]:
        return base.index.search(text, bundled().query(text), 5, elsewhere(bundled()))

    alone = hits(question)
    if not rule or len(terms(question)) > SHORT_QUESTION:
        return alone
    both = hits(f"{before}\n{question}")
    order = (alone, both) if any(answers(hit, bundled()) for hit in alone) else (both, alone)
    return [hit for pair in zip_longest(*order) for hit in pair if hit]


def follow_up_table(sets: Callable[[str], Set]) -> None:
    """Print the third table."""
    print(f"\n{'hit@1/hit@3':20} {'kind':24} {'n':>3} {'alone':>12} {'with the rule':>14}")
    for name in ("xquad/en", "xquad/ru", "squad_it", "product_faq_it", "xquad/tr"):
        base = sets(name)
        usual: dict[str, int] = {}
        for document in base.documents:
            for word in set(terms(document["text"], base.language)):
                usual[word] = usual.get(word, 0) + 1
        pairs = list(pairs_of(base))
        pairs = pairs[:: max(1, len(pairs) // 60)][:60]
        for kind in ("elliptic", "full, same subject", "full, another subject"):
            cells: list[str] = []
            for rule in (False, True):
                places: list[int] = []
                for n, (first, second, document) in enumerate(pairs):
                    before = pairs[(n + 17) % len(pairs)][0] if "another" in kind else first
                    question = elliptic(second, base, usual) if kind == "elliptic" else second
                    names = list(
                        dict.fromkeys(h.passage.document for h in found_with(base, before, question, rule))
                    )
                    places.append(names.index(document) if document in names else 99)
                cells.append("/".join(f"{np.mean([p < k for p in places]):.2f}" for k in (1, 3)))
            print(f"{name:20} {kind:24} {len(pairs):3} {cells[0]:>12} {cells[1]:>14}", flush=True)


def main(data: Path) -> None:
    """Print the tables."""

    @cache
    def sets(name: str) -> Set:
        return Set(data / "03_retrieval" / name, PLAIN.get(name, name[-2:]))

    fusion_table(sets)
    known_table(sets)
    follow_up_table(sets)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
