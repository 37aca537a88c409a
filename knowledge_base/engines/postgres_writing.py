"""Passages of bots into the tables of `postgres.sql`."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections import Counter
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from knowledge_base.embed import Vectors
from knowledge_base.search.terms import terms
from knowledge_base.search.texts import Pack

# PostgreSQL keeps of one word so many places, none beyond this number.
_PLACES, _LAST_PLACE = 255, 16_383
# Of a word so many characters are kept.
LONGEST_WORD = 500

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.AsyncConnection[Row]


def tag(bot_id: str) -> str:
    """What marks the words of a bot, so that none is looked for among another's."""
    return hashlib.blake2b(bot_id.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def clean(text: str) -> str:
    """PostgreSQL keeps no NUL and no half of a pair of surrogates."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def lexeme(tag: str, word: str) -> str:
    return f"{tag}:{word}"


def quoted(lexeme: str) -> str:
    doubled = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def literal(vector: Vectors) -> str:
    return "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"


def words_of(text: str, language: str) -> list[str]:
    """Stemmed words as PostgreSQL can keep them."""
    return [clean(word)[:LONGEST_WORD] for word in terms(text, language)]


def rows_of(bot_id: str, pack: Pack, vectors: Vectors) -> list[Row]:
    """The rows of a document."""
    mark = tag(bot_id)
    found: list[Row] = []
    for place in range(len(pack)):
        passage = pack.passage(place)
        words = words_of(f"{passage.heading} {passage.text}", pack.language)
        at: dict[str, list[int]] = {}
        for number, word in enumerate(words, 1):
            at.setdefault(word, []).append(min(number, _LAST_PLACE))
        vector = vectors[place]
        found.append(
            {
                "document_id": pack.id,
                "document": clean(passage.document),
                "language": pack.language,
                "page": passage.page,
                "table_row": passage.row,
                "heading": clean(passage.heading),
                "body": clean(passage.text),
                "length": len(words),
                "words": " ".join(
                    f"{quoted(lexeme(mark, word))}:{','.join(map(str, numbers[:_PLACES]))}"
                    for word, numbers in at.items()
                ),
                "distinct": list(at),
                "embedding": literal(vector) if vector.any() else "",
            }
        )
    return found


async def locked(connection: Connection, bot_id: str) -> None:
    """Changes of one bot wait for one another: they count its words."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"salesgraph:{bot_id}"])


async def removed(connection: Connection, bot_id: str, ids: list[str] | None) -> None:
    if ids is None:
        for table in ("salesgraph_passages", "salesgraph_words"):
            await connection.execute(
                sql.SQL("DELETE FROM {} WHERE bot_id = %s").format(sql.Identifier(table)),
                [bot_id],
            )
        return
    await connection.execute(
        """UPDATE salesgraph_words w SET passages = w.passages - gone.many FROM (
             SELECT substr(u.lexeme, %(skip)s) AS word, count(*) AS many
             FROM salesgraph_passages p, unnest(p.words) u
             WHERE p.bot_id = %(bot)s AND p.document_id = ANY(%(ids)s) GROUP BY 1
           ) gone WHERE w.bot_id = %(bot)s AND w.word = gone.word""",
        {"bot": bot_id, "ids": ids, "skip": len(tag(bot_id)) + 2},
    )
    await connection.execute(
        "DELETE FROM salesgraph_passages WHERE bot_id = %s AND document_id = ANY(%s)", [bot_id, ids]
    )
    await connection.execute("DELETE FROM salesgraph_words WHERE bot_id = %s AND passages <= 0", [bot_id])


_COLUMNS = (
    *("document_id", "document", "language", "page", "table_row"),
    *("heading", "body", "length", "words", "embedding"),
)


async def added(connection: Connection, bot_id: str, rows: list[Row], vectors: Vectors) -> None:
    await connection.execute(
        """CREATE TEMPORARY TABLE IF NOT EXISTS coming (document_id text, document text, language text,
             page integer, table_row integer, heading text, body text, length integer, words tsvector,
             embedding text, number integer) ON COMMIT DELETE ROWS"""
    )
    await connection.execute("TRUNCATE coming")
    async with connection.cursor() as cursor:
        columns = ", ".join((*_COLUMNS, "number"))
        async with cursor.copy(f"COPY coming ({columns}) FROM STDIN") as copy:  # pyright: ignore
            for number, row in enumerate(rows):
                await copy.write_row([*(row[name] for name in _COLUMNS), number])
    await connection.execute(
        """WITH kept AS (
             INSERT INTO salesgraph_passages (bot_id, document_id, document, language, page, table_row,
                                              heading, body, length, words)
             SELECT %(bot)s, document_id, document, language, page, table_row, heading, body, length, words
             FROM coming ORDER BY number RETURNING id
           ), numbered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM kept)
           INSERT INTO salesgraph_vectors (id, bot_id, drawn, embedding)
           SELECT n.id, %(bot)s, (random() * 2000000000)::integer, c.embedding::vector
           FROM numbered n JOIN coming c ON c.number = n.number WHERE c.embedding <> ''""",
        {"bot": bot_id},
    )
    counts = Counter(word for row in rows for word in row["distinct"])
    words = sorted(counts)
    await connection.execute(
        """INSERT INTO salesgraph_words (bot_id, word, passages)
           SELECT %s, * FROM unnest(%s::text[], %s::integer[])
           ON CONFLICT (bot_id, word) DO UPDATE
             SET passages = salesgraph_words.passages + excluded.passages""",
        [bot_id, words, [counts[word] for word in words]],
    )


async def counted(connection: Connection, bot_id: str) -> None:
    await connection.execute(
        """INSERT INTO salesgraph_bots (bot_id, passages, length, version, languages)
           SELECT %(bot)s, count(*), coalesce(sum(length), 0), %(version)s,
                  coalesce(array_agg(DISTINCT language), '{}')
           FROM salesgraph_passages WHERE bot_id = %(bot)s
           ON CONFLICT (bot_id) DO UPDATE SET passages = excluded.passages, length = excluded.length,
             version = excluded.version, languages = excluded.languages""",
        {"bot": bot_id, "version": uuid.UUID(bytes=secrets.token_bytes(16))},
    )
