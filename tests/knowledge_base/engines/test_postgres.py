"""PostgreSQL finds what memory finds, in a small bot and in one of which not all is looked at; and tables of
an older form are taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from knowledge_base.embed import Vectors
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.passages import Passage
from knowledge_base.search.contract import Hit, Searcher
from knowledge_base.search.texts import Pack

_WORDS = (
    "delivery takes two days returns are free vase blue plate green cup 4711 warranty of one year".split()
)


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[Searcher]:
    from knowledge_base.engines.postgres import PostgresSearcher

    made = PostgresSearcher(postgres_url)
    for bot in ("small", "large", "old"):
        await made.remove(bot)
    yield made
    await made.close()


def documents(many: int) -> list[tuple[Pack, Vectors]]:
    random = np.random.default_rng(0)
    found: list[tuple[Pack, Vectors]] = []
    for number in range(many):
        texts = [" ".join(random.choice(_WORDS, 12)) for _ in range(10)]
        vectors = random.normal(size=(10, 16)) + 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        passages = [Passage(document=f"{number}.md", page=n, text=text) for n, text in enumerate(texts)]
        found.append((Pack(str(number), "1", "en", passages), vectors.astype(np.float32)))
    return found


def questions() -> list[tuple[str, Vectors]]:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(20, 16)) + 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [(" ".join(random.choice([*_WORDS, "unknown"], 4)), row.astype(np.float32)) for row in vectors]


def places(hits: list[Hit]) -> list[tuple[str, int]]:
    return [(hit.passage.document, hit.passage.page) for hit in hits]


async def test_a_small_bot_is_searched_exactly_as_in_memory(engine: Searcher):
    memory = MemorySearcher()
    for searcher in (memory, engine):
        await searcher.put("small", documents(6))
    for question, vector in questions():
        here = await engine.search("small", question, vector, 10)
        there = await memory.search("small", question, vector, 10)
        assert [hit.score for hit in here] == pytest.approx([hit.score for hit in there], abs=0.02)
        assert places(here)[:3] == places(there)[:3]
        for one, other in zip(here, there, strict=True):
            for part in ("known", "mean", "passages"):
                assert getattr(one, part) == pytest.approx(getattr(other, part), abs=1e-3)


async def test_of_a_large_bot_the_best_are_found_among_those_looked_at(
    engine: Searcher, monkeypatch: pytest.MonkeyPatch
):
    from knowledge_base.engines import postgres_reading

    monkeypatch.setattr(postgres_reading, "WHOLE", 5)
    memory = MemorySearcher()
    for searcher in (memory, engine):
        await searcher.put("large", documents(30))
    for question, vector in questions():
        here = await engine.search("large", question, vector, 5)
        there = await memory.search("large", question, vector, 5)
        assert places(here)[0] == places(there)[0]
        assert here[0].cosine == pytest.approx(there[0].cosine, abs=1e-3)
        assert here[0].coverage == pytest.approx(there[0].coverage)
    assert len(await engine.search("large", "warranty", None, 5)) == 5


async def test_a_bot_that_has_grown_since_it_was_last_asked_is_searched_whole(
    engine: Searcher, postgres_url: str
):
    from knowledge_base.engines.postgres import PostgresSearcher

    first, *others = documents(8)
    question, vector = questions()[0]
    await engine.put("small", [first])
    assert {hit.passages for hit in await engine.search("small", question, vector, 3)} == {10}
    elsewhere = PostgresSearcher(postgres_url)
    await elsewhere.put("small", others)
    await elsewhere.close()
    assert {hit.passages for hit in await engine.search("small", question, vector, 3)} == {80}


# As the first version made them, with one passage.
_OLDER = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE salesgraph_passages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bot_id text NOT NULL, document_id text NOT NULL,
  document text NOT NULL, language text NOT NULL, page integer NOT NULL, table_row integer NOT NULL,
  heading text NOT NULL, body text NOT NULL, length integer NOT NULL, words tsvector NOT NULL);
CREATE TABLE salesgraph_vectors (
  id bigint PRIMARY KEY REFERENCES salesgraph_passages ON DELETE CASCADE,
  bot_id text NOT NULL, drawn integer NOT NULL, embedding vector NOT NULL);
CREATE TABLE salesgraph_words (
  bot_id text NOT NULL, word text NOT NULL, passages integer NOT NULL, PRIMARY KEY (bot_id, word));
CREATE TABLE salesgraph_bots (
  bot_id text PRIMARY KEY, passages bigint NOT NULL, length bigint NOT NULL, version uuid NOT NULL,
  languages text[] NOT NULL);
INSERT INTO salesgraph_passages
  (bot_id, document_id, document, language, page, table_row, heading, body, length, words)
  VALUES ('b', 'one', 'one.md', 'en', 1, 0, '', 'Blue vase, blue cup', 4,
          '''0123456789ab:blue'':1,3 ''0123456789ab:cup'':4 ''0123456789ab:vase'':2');
INSERT INTO salesgraph_vectors VALUES (1, 'b', 1, '[1,0]');
INSERT INTO salesgraph_words VALUES ('b', 'blue', 1), ('b', 'vase', 1), ('b', 'cup', 1);
INSERT INTO salesgraph_bots VALUES ('b', 1, 4, 'c0ffee00-0000-0000-0000-000000000000', '{en}');
"""


async def test_what_an_older_version_has_put_is_found_and_removed(postgres_url: str):
    import psycopg

    from knowledge_base.engines.postgres import PostgresSearcher

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE older")
    url = postgres_url.replace("/postgres?", "/older?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_OLDER)
    engine = PostgresSearcher(url)
    (hit,) = await engine.search("b", "blue plate", np.array([1, 0], np.float32), 5)
    assert (hit.passage.text, hit.passages) == ("Blue vase, blue cup", 1)
    assert hit.cosine == pytest.approx(1) and 0 < hit.coverage < 1
    blue = Passage(document="two.md", page=1, text="Blue plate")
    await engine.put("b", [(Pack("two", "1", "en", [blue]), np.array([[0, 1]], np.float32))])
    await engine.remove("b", ["one"])
    (hit,) = await engine.search("b", "blue cup", np.array([1, 0], np.float32), 5)
    assert (hit.passage, hit.passages) == (blue, 1)
    await engine.close()
