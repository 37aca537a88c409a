"""The passages of a bot that may answer a question, out of the tables of `postgres.sql`, and their order.

Statements go out together until an answer is waited for, where the connection is in pipeline mode."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from knowledge_base.embed import Vectors
from knowledge_base.engines.postgres_writing import TIMES, Connection, Row, words_of
from knowledge_base.passages import Passage
from knowledge_base.search import fusion
from knowledge_base.search.contract import Hit
from knowledge_base.search.lexical import K1, B

# Of a bot with so many passages all are looked at, which takes 5 ms.
WHOLE = 1_000
# Beyond, a bot gets an HNSW index of its own: building it takes some milliseconds a passage.
NEAREST_EXACT = 20_000
# Passages with the rarest words of a question that are looked at: with the next word they would be more.
_MOST_WITH_WORDS = 600
# Words of which two must stand in a passage, where each alone stands in too many.
_PAIRED = 4
# Passages from which the mean and the deviation of all cosines are estimated.
_DRAWN = 1_024

# What is looked at of passages, in one row: of a row for each, Python makes an object for each.
_LOOKED_AT = sql.SQL(
    """array_agg(id) AS ids, array_agg(length) AS lengths, array_agg(octet_length(times)) AS sizes,
       string_agg(times, ''::bytea) AS times"""
)
_WHOLE = sql.SQL(
    """SELECT {} FROM (SELECT id, length, times FROM salesgraph_passages WHERE bot_id = %s LIMIT %s) mine"""
).format(_LOOKED_AT)
_HOLDING = sql.SQL(
    """SELECT {} FROM (
         SELECT id, length, times FROM salesgraph_passages WHERE words @@ %s::tsquery LIMIT %s
       ) holding"""
).format(_LOOKED_AT)

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Base:
    """What is known of all passages of a bot."""

    version: uuid.UUID
    passages: int
    # mean, in words
    length: float
    languages: list[str]
    # vectors of some, none where all are looked at anyway
    drawn: Vectors

    @property
    def whole(self) -> bool:
        """Whether all passages are looked at."""
        return self.passages <= WHOLE


@dataclass(frozen=True)
class Word:
    """A word of a question: its number, 0 for one that no passage holds, and in how many it stands."""

    number: int = 0
    passages: int = 0


@dataclass(frozen=True)
class Candidates:
    """Passages that may answer: their lengths, their cosines with the question (0 without a vector), and how
    often each known word stands in each, (n, words)."""

    words: Mapping[str, Word]
    ids: NDArray[np.int64]
    lengths: Numbers
    cosines: Numbers
    times: Numbers

    def known(self) -> dict[str, Word]:
        """The words that stand in any passage of the bot, in the order of the columns of `times`."""
        return {word: found for word, found in self.words.items() if found.passages}

    def some(self, at: NDArray[np.int64]) -> Candidates:
        """Those at these places."""
        return replace(
            self, ids=self.ids[at], lengths=self.lengths[at], cosines=self.cosines[at], times=self.times[at]
        )

    def and_those(self, others: Candidates) -> Candidates:
        """These and others for the same question."""
        return replace(
            self,
            ids=np.concatenate([self.ids, others.ids]),
            lengths=np.concatenate([self.lengths, others.lengths]),
            cosines=np.concatenate([self.cosines, others.cosines]),
            times=np.concatenate([self.times, others.times]),
        )


async def known_of(connection: Connection, bot_id: str, row: Row) -> Base:
    """What is known of all passages of a bot, by its row among the bots."""
    drawn: list[Row] = []
    if row["passages"] > WHOLE:
        some = await connection.execute(
            "SELECT embedding FROM salesgraph_vectors WHERE bot_id = %s ORDER BY drawn LIMIT %s",
            [bot_id, _DRAWN],
            binary=True,
        )
        drawn = await some.fetchall()
    # a vector begins with its length in 2 bytes and 2 that are not used
    vectors = [np.frombuffer(entry["embedding"], ">f4", offset=4) for entry in drawn]
    return Base(
        version=row["version"],
        passages=row["passages"],
        length=float(row["length"]) / row["passages"],
        languages=row["languages"],
        drawn=np.stack(vectors).astype(np.float32) if vectors else np.zeros((0, 1), np.float32),
    )


async def candidates(
    connection: Connection, bot_id: str, base: Base, question: str, query: Vectors | None
) -> Candidates:
    """The passages nearest in meaning and those with most words; of a small bot all."""
    asked = question[: fusion.QUESTION_CHARACTERS]
    words = dict.fromkeys((word for spoken in base.languages for word in words_of(asked, spoken)), Word())
    rows = await connection.execute(
        "SELECT word, number, passages FROM salesgraph_words WHERE bot_id = %s AND word = ANY(%s)",
        [bot_id, list(words)],
        binary=True,
    )
    if base.whole:
        # as many as were there when last looked: meanwhile they may have become very many
        all_rows = await connection.execute(_WHOLE, [bot_id, WHOLE], binary=True)
        cosines = await _all_cosines(connection, bot_id, query)
        words |= {row["word"]: Word(row["number"], row["passages"]) async for row in rows}
        return _unpacked(words, await all_rows.fetchone(), cosines)
    words |= {row["word"]: Word(row["number"], row["passages"]) async for row in rows}
    return await _best_of_many(connection, bot_id, base, words, query)


async def _all_cosines(connection: Connection, bot_id: str, query: Vectors | None) -> dict[int, float]:
    if query is None:
        return {}
    rows = await connection.execute(
        """SELECT array_agg(id) AS ids, array_agg(-(embedding <#> %s::vector)) AS cosines FROM (
             SELECT id, embedding FROM salesgraph_vectors WHERE bot_id = %s LIMIT %s
           ) mine""",
        [literal(query), bot_id, WHOLE],
        binary=True,
    )
    row = await rows.fetchone()
    return dict(zip(row["ids"], row["cosines"], strict=True)) if row and row["ids"] else {}


async def _best_of_many(
    connection: Connection, bot_id: str, base: Base, words: dict[str, Word], query: Vectors | None
) -> Candidates:
    """The nearest, and of those that hold the rarest words the best by BM25."""
    holding = await connection.execute(_HOLDING, [_rarest(words), _MOST_WITH_WORDS], binary=True)
    nearest = None if query is None else await _nearest(connection, bot_id, query, base.passages)
    worded = _unpacked(words, await holding.fetchone())
    worded = worded.some(np.argsort(-_bm25(worded, base), kind="stable")[: fusion.CANDIDATES])
    if query is None:
        return worded
    near = _unpacked(words, nearest)
    apart = worded.some(np.flatnonzero(~np.isin(worded.ids, near.ids)))
    rows = await connection.execute(
        """SELECT id, -(embedding <#> %s::vector) AS cosine FROM salesgraph_vectors WHERE id = ANY(%s)""",
        [literal(query), apart.ids.tolist()],
        binary=True,
    )
    cosines = {row["id"]: row["cosine"] async for row in rows}
    return near.and_those(replace(apart, cosines=_of(cosines, apart.ids)))


def _rarest(words: Mapping[str, Word]) -> str:
    """What passages with the rarest words of a question are looked for by: any of them, or two where each
    stands in too many."""
    known = sorted((word for word in words.values() if word.passages), key=lambda word: word.passages)
    rare: list[str] = []
    left = _MOST_WITH_WORDS
    for word in known:
        left -= word.passages
        if left < 0:
            break
        rare.append(str(word.number))
    if known and not rare:
        few = [str(word.number) for word in known[:_PAIRED]]
        rare = [f"{a} & {b}" for at, a in enumerate(few) for b in few[at + 1 :]] or few
    return " | ".join(rare)


async def _nearest(connection: Connection, bot_id: str, query: Vectors, passages: int) -> Row | None:
    """Passages that are nearest in meaning. The bot stands in the text of the statement: only so does
    PostgreSQL see that the index is of this bot."""
    if passages > NEAREST_EXACT:
        await connection.execute(
            sql.SQL("SET LOCAL hnsw.ef_search = {}").format(sql.Literal(fusion.CANDIDATES))
        )
    statement = sql.SQL(
        """SELECT {looked_at}, array_agg(cosine) AS cosines FROM (
             SELECT id, -(embedding <#> {query}::vector) AS cosine FROM salesgraph_vectors
             WHERE bot_id = {bot} ORDER BY embedding::vector({wide}) <#> {query}::vector LIMIT {most}
           ) near JOIN salesgraph_passages USING (id)"""
    ).format(
        looked_at=_LOOKED_AT,
        query=sql.Literal(literal(query)),
        bot=sql.Literal(bot_id),
        wide=sql.Literal(len(query)),
        most=sql.Literal(fusion.CANDIDATES),
    )
    return await (await connection.execute(statement, binary=True)).fetchone()


def literal(vector: Vectors) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"


def _unpacked(
    words: Mapping[str, Word], row: Row | None, cosines: Mapping[int, float] | None = None
) -> Candidates:
    """What a row of `_LOOKED_AT` holds, with its own cosines, else these."""
    if row is None or not row["ids"]:
        row = {"ids": [], "lengths": [], "sizes": [], "times": b"", "cosines": []}
    ids = np.array(row["ids"], np.int64)
    return Candidates(
        words=words,
        ids=ids,
        lengths=np.array(row["lengths"], np.float64),
        cosines=np.array(row["cosines"]) if "cosines" in row else _of(cosines or {}, ids),
        times=_times(row["times"], row["sizes"], [word.number for word in words.values() if word.passages]),
    )


def _of(cosines: Mapping[int, float], ids: NDArray[np.int64]) -> Numbers:
    """0 for a passage that is not embedded."""
    return np.array([cosines.get(number, 0.0) for number in ids.tolist()], np.float64)


def _times(packed: bytes, sizes: Sequence[int], numbers: Sequence[int]) -> Numbers:
    """How often each word stands in each passage."""
    entries = np.frombuffer(packed, TIMES)
    held = entries["number"].astype(np.int32)
    owners = np.repeat(np.arange(len(sizes)), np.array(sizes, np.int64) // TIMES.itemsize)
    times = np.zeros((len(sizes), len(numbers)))
    for column, number in enumerate(numbers):
        at = np.flatnonzero(held == number)
        times[owners[at], column] = entries["times"][at]
    return times


def _idf(found: Candidates, base: Base) -> Numbers:
    passages = np.array([word.passages for word in found.known().values()], np.float64)
    return np.log1p((base.passages - passages + 0.5) / (passages + 0.5))


def _bm25(found: Candidates, base: Base) -> Numbers:
    norm = K1 * (1 - B + B * found.lengths / max(1e-9, base.length))
    return (_idf(found, base) * found.times / (found.times + norm[:, None])).sum(axis=1)


def _usual_bm25(found: Candidates, scores: Numbers, base: Base) -> tuple[float, float]:
    """Mean and deviation of BM25 over all passages: where only some are known, as if words were independent
    and passages of the same length."""
    if base.whole:
        return float(scores.mean()), float(scores.std())
    values = _idf(found, base) / (1 + K1)
    part = np.array([min(1.0, word.passages / base.passages) for word in found.known().values()])
    return float((values * part).sum()), float(np.sqrt((values**2 * part * (1 - part)).sum()))


def _usual_cosine(found: Candidates, base: Base, query: Vectors | None) -> tuple[float, float]:
    """Mean and deviation of the cosines over all passages that are embedded."""
    if query is None:
        return 0.0, 0.0
    if base.whole:
        cosines = found.cosines[found.cosines != 0]
    else:  # numpy's own product would use all cores, and wait for each of them
        cosines = np.einsum("ij,j->i", base.drawn, query) if len(base.drawn) else np.zeros(0)
    return (float(cosines.mean()), float(cosines.std())) if len(cosines) else (0.0, 0.0)


def ranked(found: Candidates, base: Base, query: Vectors | None, count: int) -> list[tuple[int, Hit]]:
    """Hits without their texts, best first, each with the number of its passage."""
    many, known = base.passages, found.known()
    weights = fusion.weights({word: held.passages for word, held in found.words.items()}, many)
    whole = max(1e-9, sum(weights.values()))
    share = sum(weights[word] for word in known) / whole
    lexical = _bm25(found, base)
    mean, deviation = _usual_cosine(found, base, query)
    meaning = np.where(found.cosines == 0, 0.0, fusion.standard_scores(found.cosines, mean, deviation))
    holds = found.times > 0
    numbers = [
        fusion.number_weight(held.passages, many) if fusion.is_number(word) else 0.0
        for word, held in known.items()
    ]
    shared = fusion.standard_scores(lexical, *_usual_bm25(found, lexical, base))
    scores = fusion.fused(meaning, shared, share, (holds * np.array(numbers)).sum(axis=1))
    covered = (holds * np.array([weights[word] for word in known])).sum(axis=1) / whole
    return [
        (
            int(found.ids[at]),
            Hit(
                passage=_NOTHING,
                score=float(scores[at]),
                cosine=float(found.cosines[at]),
                coverage=float(covered[at]),
                known=share,
                mean=mean,
                passages=many,
            ),
        )
        for at in np.argsort(-scores, kind="stable")[:count].tolist()
    ]


_NOTHING = Passage(document="", page=0, text="")


async def cosines(connection: Connection, ids: list[int], vector: Vectors) -> dict[int, float]:
    """Of a vector with the passages of these numbers."""
    rows = await connection.execute(
        "SELECT id, -(embedding <#> %s::vector) AS cosine FROM salesgraph_vectors WHERE id = ANY(%s)",
        [literal(vector), ids],
    )
    return {row["id"]: float(row["cosine"]) async for row in rows}


async def passage_texts(connection: Connection, ids: list[int]) -> dict[int, Row]:
    """The passages of these numbers, at the end of a transaction."""
    rows = await connection.execute(
        """SELECT id, language, document, page, body, heading, table_row FROM salesgraph_passages
           WHERE id = ANY(%s)""",
        [ids],
    )
    await connection.commit()
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
