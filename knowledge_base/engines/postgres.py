"""Search in PostgreSQL with pgvector: for many hosts, and for more passages than the memory of one holds.

Meaning by pgvector (exact up to NEAREST_EXACT passages of a bot, beyond by an HNSW index of its own), words
by `tsvector` with our own stems; put together as in memory. Needs the extra `postgres`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import psycopg
import structlog
from psycopg import sql
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from knowledge_base.embed import Vectors
from knowledge_base.engines.postgres_reading import (
    DRAWN,
    NEAREST_EXACT,
    Base,
    known_words,
    looked_at,
    nearest,
    ranked,
    texts,
    with_words,
)
from knowledge_base.engines.postgres_writing import (
    Connection,
    added,
    counted,
    locked,
    removed,
    rows_of,
    tag,
    words_of,
)
from knowledge_base.search import fusion
from knowledge_base.search.contract import Hit
from knowledge_base.search.texts import Pack

log = structlog.get_logger()

SCHEMA = Path(__file__).with_name("postgres.sql")
# Bots of which what is known of all passages is kept (1.5 MB each at 384 dimensions).
_BOTS_KEPT = 64
# Connections of one process.
_CONNECTIONS = 8

Pool: TypeAlias = AsyncConnectionPool[Connection]


class PostgresSearcher:
    """Passages in the tables of `postgres.sql`, which it makes when it is first used."""

    shared = True

    def __init__(self, url: str) -> None:
        """`url`: `postgresql://user:password@host/database`. The user may create tables, and the extension
        `vector` is there or may be created."""
        self._url = url
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._bases: OrderedDict[str, Base] = OrderedDict()

    async def put(self, bot_id: str, documents: Sequence[tuple[Pack, Vectors]]) -> None:
        """Add documents, all or none; one of an id that is there takes its place."""
        rows = [await asyncio.to_thread(rows_of, bot_id, pack, vectors) for pack, vectors in documents]
        pool = await self._ready()
        async with pool.connection() as connection:
            await locked(connection, bot_id)
            await removed(connection, bot_id, [pack.id for pack, _ in documents])
            for (_, vectors), entries in zip(documents, rows, strict=True):
                await added(connection, bot_id, entries, vectors)
            await counted(connection, bot_id)
        await self._indexed(pool, bot_id, documents)

    async def remove(self, bot_id: str, ids: Collection[str] | None = None) -> None:
        """Forget documents, or the whole bot."""
        pool = await self._ready()
        async with pool.connection() as connection:
            await locked(connection, bot_id)
            await removed(connection, bot_id, None if ids is None else list(ids))
            await counted(connection, bot_id)

    async def documents(self, bot_id: str) -> dict[str, int]:
        """The ids of a bot's documents, and how many passages each has."""
        pool = await self._ready()
        async with pool.connection() as connection:
            rows = await connection.execute(
                "SELECT document_id, count(*) AS many FROM salesgraph_passages WHERE bot_id = %s GROUP BY 1",
                [bot_id],
            )
            return {row["document_id"]: row["many"] async for row in rows}

    async def search(self, bot_id: str, question: str, vector: Vectors | None, count: int = 5) -> list[Hit]:
        """The best passages of a bot, best first."""
        pool = await self._ready()
        async with pool.connection() as connection:
            # one version of the base, whatever is put meanwhile
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            base = await self._base(connection, bot_id)
            if base is None:
                return []
            asked = question[: fusion.QUESTION_CHARACTERS]
            words = dict.fromkeys(word for language in base.languages for word in words_of(asked, language))
            known = await known_words(connection, bot_id, list(words))
            query = None if vector is None else np.asarray(vector, np.float32).reshape(-1)
            ids = await with_words(connection, bot_id, known)
            if query is not None:
                ids |= await nearest(connection, bot_id, query, base.passages)
            if not ids:
                return []
            found = await looked_at(connection, bot_id, sorted(ids), query, known)
            hits = ranked(found, base, query, {word: known.get(word, 0) for word in words}, count)
            found_texts = await texts(connection, [number for number, _ in hits])
        return [hit.model_copy(update=found_texts[number]) for number, hit in hits]

    def size(self, bot_id: str) -> int:
        """Bytes of memory that a bot takes in this process, about."""
        base = self._bases.get(bot_id)
        return base.drawn.nbytes if base else 0

    async def close(self) -> None:
        """Close all connections."""
        if self._pool:
            await self._pool.close()
            self._pool = None

    async def _ready(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                pool: Pool = AsyncConnectionPool(
                    self._url,
                    connection_class=psycopg.AsyncConnection,
                    kwargs={"row_factory": dict_row, "prepare_threshold": None},
                    min_size=1,
                    max_size=_CONNECTIONS,
                    open=False,
                )
                await pool.open()
                async with pool.connection() as connection:
                    # two processes that start at once would both create them
                    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('salesgraph'))")
                    await connection.execute(SCHEMA.read_bytes())
                self._pool = pool
            return self._pool

    async def _base(self, connection: Connection, bot_id: str) -> Base | None:
        asked = await connection.execute("SELECT * FROM salesgraph_bots WHERE bot_id = %s", [bot_id])
        row = await asked.fetchone()
        if row is None or not row["passages"]:
            return None
        held = self._bases.get(bot_id)
        if held is None or held.version != row["version"]:
            drawn = await connection.execute(
                "SELECT embedding::text AS e FROM salesgraph_vectors WHERE bot_id = %s "
                "ORDER BY drawn LIMIT %s",
                [bot_id, DRAWN],
            )
            vectors = [np.fromstring(entry["e"][1:-1], np.float32, sep=",") async for entry in drawn]
            held = Base(
                version=row["version"],
                passages=row["passages"],
                length=row["length"] / row["passages"],
                languages=row["languages"],
                drawn=np.stack(vectors) if vectors else np.zeros((0, 1), np.float32),
            )
            self._bases[bot_id] = held
        self._bases.move_to_end(bot_id)
        if len(self._bases) > _BOTS_KEPT:
            self._bases.popitem(last=False)
        return held

    async def _indexed(
        self,
        pool: Pool,
        bot_id: str,
        documents: Sequence[tuple[Pack, Vectors]],
    ) -> None:
        """Give a large bot an index of its own, while others read and write."""
        async with pool.connection() as connection:
            asked = await connection.execute(
                "SELECT passages FROM salesgraph_bots WHERE bot_id = %s", [bot_id]
            )
            row = await asked.fetchone()
            wide = max((vectors.shape[1] for _, vectors in documents if len(vectors)), default=0)
            if row is None or row["passages"] <= NEAREST_EXACT or not wide:
                return
            await connection.commit()
            await connection.set_autocommit(True)
            try:
                await connection.execute("SET maintenance_work_mem = '512MB'")
                await connection.execute(
                    sql.SQL(
                        "CREATE INDEX CONCURRENTLY IF NOT EXISTS {} ON salesgraph_vectors USING hnsw "
                        "((embedding::vector({})) vector_ip_ops) WHERE bot_id = {}"
                    ).format(
                        sql.Identifier(f"salesgraph_nearest_{tag(bot_id)}"),
                        sql.Literal(wide),
                        sql.Literal(bot_id),
                    )
                )
            except psycopg.Error as error:  # searches go on without it, slower
                log.warning("nearest_index_not_made", bot_id=bot_id, error=str(error)[:200])
            finally:
                await connection.execute("RESET maintenance_work_mem")
                await connection.set_autocommit(False)
