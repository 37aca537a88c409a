"""Search in PostgreSQL with pgvector: for many hosts, and for more passages than the memory of one holds.

Meaning by pgvector (exact up to NEAREST_EXACT passages of a bot, beyond by an HNSW index of its own), words
by `tsvector` with our own stems; put together as in memory. Needs the extra `postgres`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from itertools import chain
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
    NEAREST_EXACT,
    Base,
    candidates,
    cosines,
    known_of,
    passage_texts,
    ranked,
)
from knowledge_base.engines.postgres_writing import (
    Connection,
    Row,
    added,
    bot_tag,
    count_words,
    entries_of,
    locked,
    numbered,
    removed,
)
from knowledge_base.search.contract import Hit
from knowledge_base.search.texts import Pack

log = structlog.get_logger()

SCHEMA = Path(__file__).with_name("postgres.sql")
# Bots of which what is known of all passages is kept (1.5 MB for a large one at 384 dimensions).
_BOTS_KEPT = 128
# Connections of one process.
_CONNECTIONS = 8

Pool: TypeAlias = AsyncConnectionPool[Connection]


class PostgresSearcher:
    """Passages in the tables of `postgres.sql`, which it makes when it is first used."""

    shared = True

    def __init__(self, url: str, exact: int = NEAREST_EXACT) -> None:
        """`url`: `postgresql://user:password@host/database`. The user may create tables, and the extension
        `vector` is there or may be created. With more passages than `exact` a bot gets an index of its own:
        millions are put faster before there is one."""
        self._url, self._exact = url, exact
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._bases: OrderedDict[str, Base] = OrderedDict()

    async def put(self, bot_id: str, documents: Sequence[tuple[Pack, Vectors]]) -> None:
        """Add documents, all or none; one of an id that is there takes its place."""
        entries = [await asyncio.to_thread(entries_of, pack, vectors) for pack, vectors in documents]
        pool = await self._ready()
        async with pool.connection() as connection:
            await locked(connection, bot_id)
            await removed(connection, bot_id, [pack.id for pack, _ in documents])
            # at once: a word that several of them hold would be written as often
            numbers = await numbered(connection, bot_id, list(chain.from_iterable(entries)))
            for (pack, _), rows in zip(documents, entries, strict=True):
                await added(connection, bot_id, pack, rows, numbers)
            await count_words(connection, bot_id)
        await self._indexed(pool, bot_id, documents)

    async def remove(self, bot_id: str, ids: Collection[str] | None = None) -> None:
        """Forget documents, or the whole bot."""
        pool = await self._ready()
        async with pool.connection() as connection:
            await locked(connection, bot_id)
            await removed(connection, bot_id, None if ids is None else list(ids))
            await count_words(connection, bot_id)

    async def search(
        self,
        bot_id: str,
        question: str,
        vector: Vectors | None,
        count: int = 5,
        against: Vectors | None = None,
    ) -> list[Hit]:
        """The best passages of a bot, best first."""
        pool = await self._ready()
        query = None if vector is None else np.asarray(vector, np.float32).reshape(-1)
        async with pool.connection() as connection, connection.pipeline():
            # one version of the base, whatever is put meanwhile
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            asked = await connection.execute("SELECT * FROM salesgraph_bots WHERE bot_id = %s", [bot_id])
            # most often what was known of the base still holds, and one trip to the server is enough
            if base := self._bases.get(bot_id):
                self._bases.move_to_end(bot_id)
            found = await candidates(connection, bot_id, base, question, query) if base else None
            row = await asked.fetchone()
            if row is None or not row["passages"]:
                return []
            if base is None or found is None or base.version != row["version"]:
                base = await self._base(connection, bot_id, row)
                found = await candidates(connection, bot_id, base, question, query)
            hits = ranked(found, base, query, count)
            ids = [number for number, _ in hits]
            foreign = await cosines(connection, ids, against) if against is not None else {}
            found_texts = await passage_texts(connection, ids)
        elsewhere = float(query @ against) if query is not None and against is not None else 0.0
        return [
            hit.model_copy(
                update=found_texts[number] | {"foreign": foreign.get(number, 0.0), "elsewhere": elsewhere}
            )
            for number, hit in hits
        ]

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

    async def _base(self, connection: Connection, bot_id: str, row: Row) -> Base:
        """What is known of all passages of a bot, which is kept for the next question."""
        base = self._bases[bot_id] = await known_of(connection, bot_id, row)
        if len(self._bases) > _BOTS_KEPT:
            self._bases.popitem(last=False)
        return base

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
            if row is None or row["passages"] <= self._exact or not wide:
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
                        sql.Identifier(f"salesgraph_nearest_{bot_tag(bot_id)}"),
                        sql.Literal(wide),
                        sql.Literal(bot_id),
                    )
                )
            except psycopg.Error as error:  # searches go on without it, slower
                log.warning("nearest_index_not_made", bot_id=bot_id, error=str(error)[:200])
            finally:
                await connection.execute("RESET maintenance_work_mem")
                await connection.set_autocommit(False)
