"""python -m benchmarks.retrieval DATA: hit@1 / hit@5 of dense, BM25 and fused search on XQuAD, in one run.

DATA is the folder of the evaluation data (`03_retrieval` inside it). Rows are question language -> document
language."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from knowledge_base import index as search
from knowledge_base.embed import bundled
from knowledge_base.passages import Passage

PAIRS = (("ru", "ru"), ("en", "en"), ("it", "it"), ("hi", "hi"), ("ru", "en"), ("es", "en"), ("it", "ru"))
QUESTIONS = 300


def rows(path: Path) -> list[dict]:
    """A JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measured(
    index: search.Index, questions: list[dict], vectors: dict, wanted: dict[str, str], weight: float
) -> str:
    """hit@1 / hit@5 with this weight of the lexical part (0: dense alone, very large: BM25 alone)."""
    search.LEXICAL_WEIGHT = weight
    ranks = []
    for question in questions:
        hits = index.search(question["text"], vectors[question["id"]], 5)
        found = [hit.passage.document for hit in hits]
        ranks.append(found.index(wanted[question["id"]]) if wanted[question["id"]] in found else 99)
    return f"{np.mean([r == 0 for r in ranks]):.3f}/{np.mean([r < 5 for r in ranks]):.3f}"


def main(data: Path) -> None:
    """Print the table."""
    folder, model, chosen = data / "03_retrieval" / "xquad", bundled(), search.LEXICAL_WEIGHT
    indexes: dict[str, search.Index] = {}
    print(f"{'pair':8} {'dense':>12} {'BM25':>12} {'fused ' + str(chosen):>12} {'fused 0.5':>12}")
    for asked, written in PAIRS:
        if written not in indexes:
            documents = rows(folder / written / "docs.jsonl")
            passages = [Passage(document=d["id"], page=1, text=d["text"]) for d in documents]
            indexes[written] = search.Index(
                passages, model.passages([d["text"] for d in documents]), [written] * len(passages)
            )
        wanted = {row["query_id"]: row["doc_id"] for row in rows(folder / asked / "qrels.jsonl")}
        known = {passage.document for passage in indexes[written].passages}
        questions = [q for q in rows(folder / asked / "queries.jsonl") if wanted.get(q["id"]) in known]
        questions = questions[:: max(1, len(questions) // QUESTIONS)]
        vectors = {q["id"]: model.query(q["text"]) for q in questions}
        cells = [
            measured(indexes[written], questions, vectors, wanted, weight) for weight in (0, 1e6, chosen, 0.5)
        ]
        print(
            f"{asked}->{written:4} " + " ".join(f"{cell:>12}" for cell in cells),
            f"  n={len(questions)}",
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
