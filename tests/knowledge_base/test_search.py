"""The right passage is found, in the question's language and across languages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.documents import Bookshelf
from agent.models.usage import Meter
from knowledge_base.embed import bundled
from knowledge_base.index import Index
from knowledge_base.library import Library, MemoryStore
from knowledge_base.passages import Passage
from knowledge_base.samples import sample_files
from knowledge_base.search.terms import terms


@pytest.fixture(scope="session")
async def library() -> Library:
    library = Library(MemoryStore(), bundled())
    for path in sample_files():
        await library.add("demo", path)
    return library


@pytest.mark.parametrize(
    ("question", "document", "says"),
    [
        ("How much is the Aurora Duo?", "catalogue-en.pdf", "449,000"),
        ("Is there a warranty on grinders?", "delivery-and-warranty-en.pdf", "12 months"),
        ("Сколько стоит доставка по Алматы?", "spravka-ru.pdf", "1 500"),
        ("Есть рассрочка?", "spravka-ru.pdf", "12 месяцев"),
        ("quanto costa la spedizione?", "delivery-and-warranty-en.pdf", "1,500"),
        ("wie lange ist die Garantie?", "delivery-and-warranty-en.pdf", "24 months"),
    ],
)
async def test_the_best_passage_answers(library: Library, question: str, document: str, says: str):
    hits = await library.search("demo", question)
    assert len(hits) == 5
    best = [hit for hit in hits[:2] if hit.passage.document == document]
    assert best and says in best[0].passage.text


@pytest.mark.parametrize(
    ("question", "language", "answerable"),
    [
        ("What is the capital of France?", "en", False),
        ("кто президент?", "ru", False),
        ("write me a poem", "en", False),
        ("do you sell bicycles?", "en", False),
        ("what is the weather today", "en", False),
        ("do you repair phones?", "en", False),
        ("which beans do you have", "en", True),
        ("can I pay in instalments?", "en", True),
        ("Есть рассрочка?", "ru", True),
        ("quanto costa la spedizione?", "it", True),
        ("wie lange ist die Garantie?", "de", True),
    ],
)
async def test_it_is_known_whether_a_passage_answers(
    library: Library, question: str, language: str, answerable: bool
):
    found = await Bookshelf(library).passages("demo", question, "", 5, Meter())
    assert any(passage["strong"] for passage in found) is answerable


@given(st.text(max_size=200), st.integers(1, 8))
def test_any_question_is_answered_with_distinct_passages(question: str, count: int):
    vectors = np.eye(6, dtype=np.float32)
    index = Index([Passage(document="d", page=i, text=f"passage number {i}") for i in range(6)], vectors)
    hits = index.search(question, vectors[2], count)
    assert len(hits) == min(6, count)
    assert len({hit.passage.page for hit in hits}) == len(hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_stems_meet_across_forms_and_scripts():
    assert terms("гарантия") == terms("гарантии")
    assert terms("machines", "en") == terms("machine", "en")
    assert len(terms("कीमत क्या")) == 2
    assert terms("你好吗") == ["你好", "好吗"]


def test_vectors_and_passages_must_match():
    with pytest.raises(ValueError, match="1 passages but 2 vectors"):
        Index([Passage(document="d", page=1, text="x")], np.eye(2, dtype=np.float32))


@pytest.mark.slow
@pytest.mark.external_data
def test_fusion_beats_both_of_its_parts_on_real_questions(external_data: Path):
    """A sample of XQuAD Russian, and the same Russian questions over the English paragraphs."""
    model = bundled()
    folder = external_data / "03_retrieval" / "xquad"
    documents = {lang: _rows(folder / lang / "docs.jsonl") for lang in ("ru", "en")}
    wanted = {row["query_id"]: row["doc_id"] for row in _rows(folder / "ru" / "qrels.jsonl")}
    kept = sorted(set(wanted.values()))[::4][:60]
    questions = [q for q in _rows(folder / "ru" / "queries.jsonl") if wanted.get(q["id"]) in kept][::3][:40]
    vectors = {q["id"]: model.query(q["text"]) for q in questions}
    same = _shelf(model, documents["ru"], kept, "ru")
    assert _recall(same, questions, vectors, wanted) >= max(
        _dense_only(same, questions, vectors, wanted), 0.85
    )
    english = {d["id"] for d in documents["en"]}
    across = [d for d in kept if d in english]
    if across:
        other = _shelf(model, documents["en"], across, "en")
        mine = [q for q in questions if wanted[q["id"]] in across]
        # one question of the sample may go the other way; the whole set is in benchmarks.retrieval
        least = _dense_only(other, mine, vectors, wanted) - 1 / len(mine)
        assert _recall(other, mine, vectors, wanted) >= least - 1e-9


def _rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _shelf(model, documents: list[dict], kept: list[str], language: str) -> Index:
    chosen = [d for d in documents if d["id"] in set(kept)]
    passages = [Passage(document=d["id"], page=1, text=d["text"]) for d in chosen]
    return Index(passages, model.passages([d["text"][:900] for d in chosen]), [language] * len(chosen))


def _recall(index: Index, questions, vectors, wanted) -> float:
    return np.mean(
        [
            index.search(q["text"], vectors[q["id"]], 1)[0].passage.document == wanted[q["id"]]
            for q in questions
        ]
    )


def _dense_only(index: Index, questions, vectors, wanted) -> float:
    return np.mean(
        [
            max(
                index.search(q["text"], vectors[q["id"]], len(index)), key=lambda h: h.cosine
            ).passage.document
            == wanted[q["id"]]
            for q in questions
        ]
    )


@pytest.mark.parametrize("text", ["ﷺ" * 4_096, "ﷺ", "a" + "\u0301" * 4_000, "\ud800" * 50, "ﬃ㎯㍿" * 1_500])
def test_characters_that_stand_for_many_are_no_trouble_to_the_bundled_model(text: str):
    """U+FDFA stands for 18 characters, for which the model's own tokenizer has no room: it took the process
    down."""
    for _ in range(5):
        assert bundled().query(text).shape == (384,)
    assert bundled().passages([text, text]).shape == (2, 384)


@pytest.mark.parametrize(
    ("before", "question", "says"),
    [
        ("How much is the Aurora Duo?", "and the hand grinder?", "Pebble"),
        ("How long is the warranty of an espresso machine?", "and of a grinder?", "12 months"),
        ("Сколько стоит доставка по Алматы?", "а в другие города?", "Казахстан"),
    ],
)
async def test_a_short_question_is_understood_from_the_one_before(
    library: Library, before: str, question: str, says: str
):
    found = await Bookshelf(library).passages("demo", question, before, 5, Meter())
    assert any(says in passage["text"] for passage in found[:2])


async def test_what_answers_a_question_by_itself_stays_first(library: Library):
    shelf, question = Bookshelf(library), "can I pay in instalments?"
    alone = await shelf.passages("demo", question, "", 5, Meter())
    after_another = await shelf.passages("demo", question, "How much is the Aurora Duo?", 5, Meter())
    assert alone[0]["strong"] and after_another[0] == alone[0]


async def test_after_a_change_of_subject_the_passages_of_the_new_one_are_there(library: Library):
    found = await Bookshelf(library).passages(
        "demo", "opening hours?", "How much is the Aurora Duo?", 5, Meter()
    )
    alone = await Bookshelf(library).passages("demo", "opening hours?", "", 5, Meter())
    assert alone[0] in found[:2]
