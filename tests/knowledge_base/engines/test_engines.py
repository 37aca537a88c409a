"""What every search engine keeps to: in memory, PostgreSQL with pgvector, and a vector store of LangChain;
and Qdrant within this process, where `langchain-qdrant` is installed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from langchain_core.vectorstores import InMemoryVectorStore

from knowledge_base.embed import Vectors
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.engines.vector_store import VectorStoreSearcher
from knowledge_base.library import Library, MemoryStore
from knowledge_base.passages import Passage
from knowledge_base.search.contract import Searcher
from knowledge_base.search.texts import Pack
from tests.knowledge_base.engines.letters import Letters, meaning


def qdrant() -> Searcher:
    """As `docs/documents.md` says how to plug it in."""
    library = pytest.importorskip("langchain_qdrant", reason="langchain-qdrant is not installed")
    from qdrant_client import QdrantClient, models  # pyright: ignore

    client = QdrantClient(":memory:")
    client.create_collection("passages", models.VectorParams(size=32, distance=models.Distance.DOT))
    return VectorStoreSearcher(
        lambda embeddings: library.QdrantVectorStore(
            client, "passages", embeddings, distance=models.Distance.DOT, validate_collection_config=False
        ),
        lambda bot: models.Filter(
            must=[models.FieldCondition(key="metadata.bot", match=models.MatchValue(value=bot))]
        ),
    )


@pytest.fixture(params=["memory", "postgres", "vector store", "qdrant"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Searcher]:
    if request.param == "memory":
        yield MemorySearcher()
        return
    if request.param == "vector store":
        yield VectorStoreSearcher(InMemoryVectorStore, lambda bot: lambda found: found.metadata["bot"] == bot)
        return
    if request.param == "qdrant":
        yield qdrant()
        return
    from knowledge_base.engines.postgres import PostgresSearcher

    made = PostgresSearcher(request.getfixturevalue("postgres_url"))
    for bot in ("a", "b", "it's a \\ bot", "c"):
        await made.remove(bot)
    yield made
    await made.close()


def document(name: str, *texts: str, language: str = "en") -> tuple[Pack, Vectors]:
    passages = [
        Passage(document=f"{name}.md", page=n, text=text, heading=f"Part {n}", row=n)
        for n, text in enumerate(texts, 1)
    ]
    return Pack(name, "1", language, passages), np.stack([meaning(text) for text in texts])


async def texts_of(engine: Searcher, bot: str, question: str, count: int = 5) -> list[str]:
    hits = await engine.search(bot, question, meaning(question), count)
    return [hit.passage.text for hit in hits]


async def test_what_is_put_for_a_bot_is_found_for_it_alone(engine: Searcher):
    await engine.put("a", [document("one", "Delivery takes two days.", "Returns are free.")])
    await engine.put("it's a \\ bot", [document("one", "Delivery is by pigeon.")])
    assert await texts_of(engine, "a", "Delivery?", 1) == ["Delivery takes two days."]
    assert await texts_of(engine, "it's a \\ bot", "Delivery?") == ["Delivery is by pigeon."]
    assert await texts_of(engine, "nobody", "Delivery?") == []
    hits = await engine.search("a", "Returns?", meaning("Returns?"), 2)
    best = hits[0]
    assert best.passage == Passage(
        document="one.md", page=2, text="Returns are free.", heading="Part 2", row=2
    )
    assert (best.language, best.passages) == ("en", 2)
    assert best.cosine == pytest.approx(1, abs=1e-3) and best.score > hits[1].score
    assert best.coverage == pytest.approx(1) and best.known == pytest.approx(1)


async def test_a_document_of_the_same_id_takes_the_place_of_the_old_one(engine: Searcher):
    await engine.put("a", [document("one", "Old words.", "Old more."), document("two", "Stays here.")])
    await engine.put("a", [document("one", "New words.")])
    assert sorted(await texts_of(engine, "a", "words", 9)) == ["New words.", "Stays here."]
    found = await engine.search("a", "old new", meaning("new"), 9)
    assert {hit.passages for hit in found} == {2}
    assert 0 < found[0].known < 1  # "old" is known no more


async def test_documents_are_removed_one_by_one_or_all(engine: Searcher):
    names = {"one": "First.", "two": "Second.", "three": "Third."}
    await engine.put("a", [document(name, text) for name, text in names.items()])
    await engine.put("b", [document("one", "Another bot.")])
    await engine.remove("a", ["two", "none"])
    assert sorted(await texts_of(engine, "a", "which", 9)) == ["First.", "Third."]
    await engine.remove("a")
    assert await texts_of(engine, "a", "which", 9) == []
    assert await texts_of(engine, "b", "which", 9) == ["Another bot."]


async def test_words_find_what_has_no_vector_and_what_is_asked_without_one(engine: Searcher):
    pack, vectors = document("one", "Vase blue.", "Plate 4711 green.", "Cup red.")
    vectors[1] = 0
    await engine.put("a", [(pack, vectors)])
    assert (await texts_of(engine, "a", "zzz 4711", 1)) == ["Plate 4711 green."]
    assert [hit.passage.text for hit in await engine.search("a", "plates", None, 1)] == ["Plate 4711 green."]


async def test_stems_follow_the_language_of_a_document(engine: Searcher):
    await engine.put("a", [document("one", "Гарантия 12 месяцев.", "Доставка бесплатно.", language="ru")])
    hits = await engine.search("a", "без гарантии", None, 1)
    assert hits[0].passage.text == "Гарантия 12 месяцев." and hits[0].language == "ru"


@pytest.mark.parametrize(
    "text", ["a\x00b", "\ud800 x", "it's \\ a:1 & b | !c '", "x" * 5_000, "ﷺ" * 600, "  ."]
)
async def test_any_text_can_be_put_and_asked(engine: Searcher, text: str):
    await engine.put("c", [document("one", text, "Delivery takes two days.")])
    assert len(await engine.search("c", text, meaning("Delivery"), 5)) == 2
    assert (await texts_of(engine, "c", "Delivery?", 1)) == ["Delivery takes two days."]


async def test_puts_and_searches_at_once_leave_a_whole_base(engine: Searcher):
    async def put(number: int) -> None:
        for version in range(3):
            words = f"Common words version {version}"
            await engine.put("a", [document(f"d{number}", words, f"{words} again")])
            await engine.search("a", "common", meaning("common"), 20)

    await asyncio.gather(*(put(number) for number in range(4)))
    hits = await engine.search("a", "common version", meaning("common"), 20)
    assert len(hits) == 8 and {hit.passages for hit in hits} == {8}
    assert all("version 2" in hit.passage.text for hit in hits)
    assert {round(hit.known, 6) for hit in hits} == {1.0}


async def test_a_library_searches_through_any_engine(engine: Searcher, tmp_path: Path):
    library = Library(MemoryStore(), Letters(), engine)
    (tmp_path / "a.md").write_text("Delivery takes two days.")
    first = await library.add("a", tmp_path / "a.md")
    assert [hit.passage.text for hit in await library.search("a", "Delivery?")] == [
        "Delivery takes two days."
    ]
    (tmp_path / "a.md").write_text("Delivery takes one day.")
    await library.add("a", tmp_path / "a.md")
    found = await library.search("a", "Delivery?")
    assert [hit.passage.text for hit in found] == ["Delivery takes one day."]
    await library.remove("a", first.id)
    assert await library.search("a", "Delivery?") == []


async def test_hits_say_how_near_they_are_to_questions_about_something_else(engine: Searcher):
    await engine.put("a", [document("one", "Plates are blue.", "Returns within a month.")])
    against = meaning("What is the weather?")
    hits = await engine.search("a", "Returns?", meaning("Returns?"), 2, against)
    assert len(hits) == 2
    for hit in hits:
        assert abs(hit.foreign - float(meaning(hit.passage.text) @ against)) < 0.01
        assert abs(hit.elsewhere - float(meaning("Returns?") @ against)) < 0.01
