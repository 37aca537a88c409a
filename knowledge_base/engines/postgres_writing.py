"""Passages of bots into the tables of `postgres.sql`."""

from __future__ import annotations

import hashlib
import secrets
import struct
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import psycopg
from psycopg import sql
from psycopg.types.numeric import Int4

from knowledge_base.embed import Vectors
from knowledge_base.passages import Passage
from knowledge_base.search.terms import terms
from knowledge_base.search.texts import Pack

# Of a word so many characters are kept.
LONGEST_WORD = 500
# A word of a passage in the column `times`: its number, and how often it stands there.
TIMES = np.dtype([("number", ">i4"), ("times", ">i2")])
_MOST_TIMES = 32_767

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.AsyncConnection[Row]


@dataclass(frozen=True)
class PassageRow:
    """A passage with how often each of its words stands in it, and its vector as pgvector reads it."""

    passage: Passage
    words: Counter[str]
    vector: bytes | None


def bot_tag(bot_id: str) -> str:
    """What stands for a bot in the name of an index."""
    return hashlib.blake2b(bot_id.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def storable_text(text: str) -> str:
    """PostgreSQL keeps no NUL and no half of a pair of surrogates."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def words_of(text: str, language: str) -> list[str]:
    """Stemmed words as PostgreSQL can keep them."""
    return [storable_text(word)[:LONGEST_WORD] for word in terms(text, language)]


def entries_of(pack: Pack, vectors: Vectors) -> list[PassageRow]:
    """The passages of a document."""
    return [
        PassageRow(
            passage,
            Counter(words_of(f"{passage.heading} {passage.text}", pack.language)),
            struct.pack(">hh", len(vector), 0) + vector.astype(">f4").tobytes() if vector.any() else None,
        )
        for passage, vector in zip(pack, vectors, strict=True)
    ]


async def locked(connection: Connection, bot_id: str) -> None:
    """Changes of one bot wait for one another: they count its words."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"salesgraph:{bot_id}"])


async def removed(connection: Connection, bot_id: str, ids: list[str] | None) -> None:
    if ids is None:
        for table in ("salesgraph_passages", "salesgraph_words", "salesgraph_documents"):
            await connection.execute(
                sql.SQL("DELETE FROM {} WHERE bot_id = %s").format(sql.Identifier(table)),
                [bot_id],
            )
        return
    await connection.execute(
        """UPDATE salesgraph_words w SET passages = w.passages - gone.many FROM (
             SELECT u::integer AS number, count(*) AS many
             FROM salesgraph_passages p, unnest(tsvector_to_array(p.words)) u
             WHERE p.bot_id = %(bot)s AND p.document_id = ANY(%(ids)s) GROUP BY 1
           ) gone WHERE w.number = gone.number""",
        {"bot": bot_id, "ids": ids},
    )
    for table in ("salesgraph_passages", "salesgraph_documents"):
        await connection.execute(
            sql.SQL("DELETE FROM {} WHERE bot_id = %s AND document_id = ANY(%s)").format(
                sql.Identifier(table)
            ),
            [bot_id, ids],
        )


async def numbered(connection: Connection, bot_id: str, entries: list[PassageRow]) -> dict[str, int]:
    """Count the words of passages that come, and give each its number. Only a word that is new takes one."""
    counts = Counter(word for entry in entries for word in entry.words)
    rows = await connection.execute(
        """WITH coming AS (SELECT * FROM unnest(%(words)s::text[], %(many)s::integer[]) AS c (word, many)),
                there AS (
             UPDATE salesgraph_words w SET passages = w.passages + c.many FROM coming c
             WHERE w.bot_id = %(bot)s AND w.word = c.word RETURNING w.word, w.number
           ), new AS (
             INSERT INTO salesgraph_words (bot_id, word, passages)
             SELECT %(bot)s, word, many FROM coming WHERE word NOT IN (SELECT word FROM there)
             RETURNING word, number
           ) SELECT * FROM there UNION ALL SELECT * FROM new""",
        {"bot": bot_id, "words": list(counts), "many": list(counts.values())},
    )
    return {row["word"]: row["number"] async for row in rows}


async def added(
    connection: Connection, bot_id: str, pack: Pack, entries: list[PassageRow], numbers: dict[str, int]
) -> None:
    await connection.execute(
        """CREATE TEMPORARY TABLE IF NOT EXISTS coming (place integer, document text, page integer,
             table_row integer, heading text, body text, length integer, words text, times bytea,
             embedding vector) ON COMMIT DELETE ROWS"""
    )
    await connection.execute("TRUNCATE coming")
    async with (
        connection.cursor() as cursor,
        cursor.copy("COPY coming FROM STDIN (FORMAT BINARY)") as copy,
    ):
        for place, entry in enumerate(entries):
            await copy.write_row(_columns(place, entry, numbers))
    await connection.execute(
        """WITH kept AS (
             INSERT INTO salesgraph_passages (bot_id, document_id, document, language, page, table_row,
                                              heading, body, length, words, times)
             SELECT %(bot)s, %(id)s, document, %(language)s, page, table_row, heading, body, length,
                    words::tsvector, times
             FROM coming ORDER BY place RETURNING id
           ), placed AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM kept)
           INSERT INTO salesgraph_vectors (id, bot_id, drawn, embedding)
           SELECT p.id, %(bot)s, (random() * 2000000000)::integer, c.embedding
           FROM placed p JOIN coming c USING (place) WHERE c.embedding IS NOT NULL""",
        {"bot": bot_id, "id": pack.id, "language": pack.language},
    )
    await connection.execute(
        "INSERT INTO salesgraph_documents VALUES (%s, %s, %s, %s, %s)",
        [bot_id, pack.id, pack.language, len(entries), sum(entry.words.total() for entry in entries)],
    )


def _columns(place: int, entry: PassageRow, numbers: dict[str, int]) -> tuple[Any, ...]:
    passage = entry.passage
    words = [(numbers[word], min(times, _MOST_TIMES)) for word, times in entry.words.items()]
    return (
        Int4(place),
        storable_text(passage.document),
        Int4(passage.page),
        Int4(passage.row),
        storable_text(passage.heading),
        storable_text(passage.text),
        Int4(entry.words.total()),
        " ".join(str(number) for number, _ in words),
        np.array(words, TIMES).tobytes(),
        entry.vector,
    )


async def count_words(connection: Connection, bot_id: str) -> None:
    await connection.execute("DELETE FROM salesgraph_words WHERE bot_id = %s AND passages <= 0", [bot_id])
    await connection.execute(
        """INSERT INTO salesgraph_bots (bot_id, passages, length, version, languages)
           SELECT %(bot)s, coalesce(sum(passages), 0), coalesce(sum(length), 0), %(version)s,
                  coalesce(array_agg(DISTINCT language), '{}')
           FROM salesgraph_documents WHERE bot_id = %(bot)s
           ON CONFLICT (bot_id) DO UPDATE SET passages = excluded.passages, length = excluded.length,
             version = excluded.version, languages = excluded.languages""",
        {"bot": bot_id, "version": uuid.UUID(bytes=secrets.token_bytes(16))},
    )
