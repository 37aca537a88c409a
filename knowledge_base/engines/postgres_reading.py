"""The passages of a bot that may answer a question, out of the tables of `postgres.sql`, and their order."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from psycopg import sql

from knowledge_base.embed import Vectors
from knowledge_base.engines.postgres_writing import Connection, Row, lexeme, literal, quoted, tag
from knowledge_base.passages import Passage
from knowledge_base.search import fusion
from knowledge_base.search.contract import Hit
from knowledge_base.search.lexical import K1, B

# Beyond, a bot gets an HNSW index of its own: building it takes some milliseconds a passage.
NEAREST_EXACT = 20_000
# Passages with the rarest words of a question that are looked at: with the next word they would be more. A
# word alone in so many times more says nothing.
_MOST_WITH_WORDS, _TOO_MANY = 2_000, 10
# Passages from which the mean and the deviation of all cosines are estimated.
DRAWN = 1_024


@dataclass(frozen=True)
class Base:
    """What is known of all passages of a bot."""

    version: uuid.UUID
    passages: int
    length: float
    languages: list[str]
    drawn: Vectors

    def cosines(self, query: Vectors) -> tuple[float, float]:
        """Mean and deviation of the cosines of a question with all passages."""
        if not len(self.drawn):
            return 0.0, 0.0
        cosines = self.drawn @ query
        return float(cosines.mean()), float(cosines.std())


async def known_words(connection: Connection, bot_id: str, words: list[str]) -> dict[str, int]:
    """In how many passages each of these words stands, of those that stand in any."""
    rows = await connection.execute(
        "SELECT word, passages FROM salesgraph_words WHERE bot_id = %s AND word = ANY(%s)",
        [bot_id, words],
    )
    return {row["word"]: row["passages"] async for row in rows}


async def with_words(connection: Connection, bot_id: str, known: Mapping[str, int]) -> set[int]:
    """Passages with the rarest words of a question."""
    rare: list[str] = []
    left = _MOST_WITH_WORDS
    for word in sorted(known, key=known.__getitem__):
        left -= known[word]
        if left < 0 and (rare or known[word] > _TOO_MANY * _MOST_WITH_WORDS):
            break
        rare.append(quoted(lexeme(tag(bot_id), word)))
    if not rare:
        return set()
    rows = await connection.execute(
        """SELECT id FROM salesgraph_passages WHERE words @@ %(query)s::tsquery
           ORDER BY ts_rank(words, %(query)s::tsquery) DESC LIMIT %(most)s""",
        {"query": " | ".join(rare), "most": fusion.CANDIDATES},
    )
    return {row["id"] async for row in rows}


async def nearest(connection: Connection, bot_id: str, query: Vectors, passages: int) -> set[int]:
    """Passages that are nearest in meaning. The bot stands in the text of the statement: only so does
    PostgreSQL see that the index is of this bot."""
    if passages > NEAREST_EXACT:
        await connection.execute(
            sql.SQL("SET LOCAL hnsw.ef_search = {}").format(sql.Literal(fusion.CANDIDATES))
        )
    statement = sql.SQL(
        "SELECT id FROM salesgraph_vectors WHERE bot_id = {} "
        "ORDER BY embedding::vector({}) <#> %s::vector LIMIT %s"
    ).format(sql.Literal(bot_id), sql.Literal(len(query)))
    rows = await connection.execute(statement, [literal(query), fusion.CANDIDATES])
    return {row["id"] async for row in rows}


async def looked_at(
    connection: Connection,
    bot_id: str,
    ids: list[int],
    query: Vectors | None,
    known: Mapping[str, int],
) -> list[Row]:
    """Of each passage its cosine, its length and how often each of the words stands in it."""
    cosines: dict[int, float] = {}
    if query is not None:
        rows = await connection.execute(
            "SELECT id, -(embedding <#> %s::vector) AS cosine FROM salesgraph_vectors WHERE id = ANY(%s)",
            [literal(query), ids],
        )
        cosines = {row["id"]: row["cosine"] async for row in rows}
    lexemes = {lexeme(tag(bot_id), word): word for word in known}
    rows = await connection.execute(
        """SELECT p.id, p.length, array_agg(u.lexeme) FILTER (WHERE u.lexeme IS NOT NULL) AS words,
                  array_agg(cardinality(u.positions)) FILTER (WHERE u.lexeme IS NOT NULL) AS times
           FROM salesgraph_passages p LEFT JOIN LATERAL (
             SELECT lexeme, positions FROM unnest(p.words) WHERE lexeme = ANY(%s)
           ) u ON true WHERE p.id = ANY(%s) GROUP BY p.id""",
        [list(lexemes), ids],
    )
    return [
        {
            "id": row["id"],
            "length": row["length"],
            "cosine": cosines.get(row["id"], 0.0),
            "times": {
                lexemes[lexeme]: times
                for lexeme, times in zip(row["words"] or [], row["times"] or [], strict=True)
            },
        }
        async for row in rows
    ]


def ranked(
    found: list[Row], base: Base, query: Vectors | None, words: Mapping[str, int], count: int
) -> list[tuple[int, Hit]]:
    """Hits without their texts, best first."""
    many, weights = base.passages, fusion.weights(words, base.passages)
    whole = max(1e-9, sum(weights.values()))
    known = {word: passages for word, passages in words.items() if passages}
    share = sum(weights[word] for word in known) / whole
    idf = {word: float(np.log1p((many - n + 0.5) / (n + 0.5))) for word, n in known.items()}
    lexical = np.array([_bm25(row, idf, base.length) for row in found])
    # of all passages, were words independent and passages of the same length
    parts = [(idf[word] / (1 + K1), min(1.0, n / many)) for word, n in known.items()]
    usual = sum(value * part for value, part in parts)
    deviation = float(np.sqrt(sum(value**2 * part * (1 - part) for value, part in parts)))
    cosines = np.array([row["cosine"] for row in found])
    mean, spread = base.cosines(query) if query is not None else (0.0, 0.0)
    meaning = np.where(cosines == 0, 0.0, fusion.spread(cosines, mean, spread))
    numbers = {word: fusion.number_weight(n, many) for word, n in known.items() if fusion.is_number(word)}
    added = np.array([sum(numbers.get(word, 0.0) for word in row["times"]) for row in found])
    scores = fusion.fused(meaning, fusion.spread(lexical, usual, deviation), share, added)
    order: list[int] = np.argsort(-scores, kind="stable")[:count].tolist()
    return [
        (
            found[at]["id"],
            Hit(
                passage=_NOTHING,
                score=float(scores[at]),
                cosine=float(cosines[at]),
                coverage=_weight(found[at], weights) / whole,
                known=share,
                mean=mean,
                passages=many,
            ),
        )
        for at in order
    ]


_NOTHING = Passage(document="", page=0, text="")


def _weight(row: Row, weights: Mapping[str, float]) -> float:
    times: dict[str, int] = row["times"]
    return sum(weights[word] for word in times)


def _bm25(row: Row, idf: Mapping[str, float], length: float) -> float:
    norm = K1 * (1 - B + B * row["length"] / max(1e-9, length))
    return sum(idf[word] * times / (times + norm) for word, times in row["times"].items())


async def texts(connection: Connection, ids: list[int]) -> dict[int, Row]:
    rows = await connection.execute("SELECT * FROM salesgraph_passages WHERE id = ANY(%s)", [ids])
    return {
        row["id"]: {
            "language": row["language"],
            "passage": Passage(
                document=row["document"],
                page=row["page"],
                text=row["body"],
                heading=row["heading"],
                row=row["table_row"],
            ),
        }
        async for row in rows
    }
