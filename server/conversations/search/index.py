"""The index of this host beside Redis, which stays the only truth: kept up in the background of the web
processes, asked by each search where looking is worth the while.

    changed   ZSET     conversation -> ms of a change that `active` does not tell of: a name or a number,
                       words heard, earlier lines, what was forgotten or merged; written by the scripts
    erased    ZSET     digest of the id of a conversation that was erased -> ms, for the indexes of all hosts
    indexed   STRING   a mark of these data, by chance: an index of other data is none of these
    followed  ZSET     `until` -> ms until which an index of any host has followed: where it is behind an
                       index, these data went back to an earlier state, and all indexes are made anew

What the index does not hold yet as it is now is looked through with what the index finds, so that nothing is
missed, and what it found is looked through as well, so that nothing is shown that is not there."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import math
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

from server.bots.bot import BotRuntime
from server.conversations.search.index_file import IndexFile, Progress, Unfinished
from server.conversations.search.scan import PlainSearch
from server.store.client import Redis
from server.store.keys import digest, key

NAME, LOCK = "search.sqlite", "search.lock"
# Beside them where an index became too large: the limit (MB) that it passed.
TOO_LARGE = "search.too-large"
# Queries of this process at a time: what else runs in threads does not wait for them.
QUERIES = 2
# Arguments of one command to Redis.
ARGUMENTS = 10_000
# The one member of `followed`.
UNTIL = "until"
# Seconds between two looks at what has changed, and that one bot is read for the first time before the others
# have their turn.
PAUSE, SLICE = 10.0, 5.0
# Conversations that are taken in at once; others may write in between.
CHUNK = 100
# Ms by which the clock of a server may be behind that of the one before it.
MARGIN = 60_000
# Ms for which changes are on record: an index that has not followed for so long is made anew.
KEPT = 7 * 86_400_000
# More that has changed than this is not looked through beside the index: the plain way is as good.
MOST_RECENT = 20_000
# Tidying up takes at most one part in so many of the time.
SELDOM = 10

log = structlog.get_logger()

Scores = dict[str, tuple[int, int]]
T = TypeVar("T")


class SearchIndex:
    """The index in DATA_DIR. Where there can be none, everything is answered as if it were empty, and the log
    says why once. `most`: MB that it may take; 0: there is none."""

    def __init__(self, redis: Redis, data_dir: Path, most: int = 4096) -> None:
        self._redis, self._plain = redis, PlainSearch(redis)
        self._file, self._lock = IndexFile(data_dir / NAME), data_dir / LOCK
        self._too_large, self._most = data_dir / TOO_LARGE, most
        self._threads = ThreadPoolExecutor(QUERIES, thread_name_prefix="search")
        self._refused, self._tidy_after = "", 0.0

    async def narrowed(self, bot_id: str, terms: Sequence[Sequence[str]]) -> set[str] | None:
        """The conversations that are worth being looked through for `terms`; None: any."""
        progress = await self._asked(self._file.progress, bot_id, threads=self._threads)
        if progress is None or not progress.built:
            return None
        mark = await self._redis.get(key(bot_id, "indexed"))
        if mark is None or not await self._follows(bot_id, progress, await self._plain.now(bot_id)):
            return None
        recent = await self._recent(bot_id, progress.until - MARGIN, MOST_RECENT)
        if len(recent) > MOST_RECENT:
            return None
        return await self._asked(
            self._file.narrowed, bot_id, mark.decode(), terms, recent, threads=self._threads
        )

    async def _follows(self, bot_id: str, progress: Progress, now: int) -> bool:
        """Whether what changed since is on record, and these data did not go back, such as to a backup."""
        followed = await self._redis.zscore(key(bot_id, "followed"), UNTIL)
        return progress.until >= now - KEPT and followed is not None and followed >= progress.until

    async def forget(self, bot_id: str, conversation_id: str) -> None:
        """Take out a conversation that was erased, on this host now, on the others when they next look."""
        now = await self._plain.now(bot_id)
        await self._redis.zadd(key(bot_id, "erased"), {digest(conversation_id): now})
        await self._asked(self._forgotten, bot_id, digest(conversation_id))

    def _forgotten(self, bot_id: str, name: str) -> None:
        if self._file.drop(bot_id, [name]):
            self._file.settle()

    async def holds(self, needles: Sequence[bytes]) -> str:
        """The path of the file where one of these texts is still in its bytes, after they were tidied up;
        empty: in none."""
        await self._asked(self._file.tidy, math.inf)
        return str(self._file.path) if await self._asked(self._file.holds, needles) else ""

    async def keep_up(self, runtimes: Mapping[str, BotRuntime], ready: Callable[[], Awaitable[None]]) -> None:
        """Take in what is said and changes, until cancelled; of the processes of a host one does. `ready`
        waits until all bots are known."""
        while True:
            unfinished = False
            try:
                await ready()
                unfinished = await self.catch_up(runtimes)
            except RedisError as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            await asyncio.sleep(0 if unfinished else PAUSE)

    async def catch_up(self, runtimes: Mapping[str, BotRuntime]) -> bool:
        """Follow all bots up to now; True where one is still being read for the first time."""
        unfinished = False
        with self._alone() as mine:
            if not mine:
                return False
            try:
                if await asyncio.to_thread(self._over):
                    return False
                await asyncio.to_thread(self._file.prepare)
                for bot_id in await asyncio.to_thread(self._file.bots):
                    if bot_id not in runtimes:
                        await self._dropped(bot_id)
                for runtime in runtimes.values():
                    unfinished = await self._follow(runtime) or unfinished
                    if await asyncio.to_thread(self._over):
                        return False
                await asyncio.to_thread(self._file.settle)
                await self._tidied()
                self._refused = ""
            except (sqlite3.Error, OSError) as error:
                self._refuse(error)
                return False
        return unfinished

    def _over(self) -> bool:
        """Whether there is to be no index: it is, or was under this limit or a higher one, larger than that.
        What there is of it goes."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            if self._most <= int(self._too_large.read_text()):
                return True
            self._too_large.unlink()
        if self._most and self._file.size() <= self._most << 20:
            return False
        self._file.remove()
        self._too_large.write_text(str(self._most))
        if self._most:
            log.warning("search_index_too_large", limit_mb=self._most)
        return True

    @contextlib.contextmanager
    def _alone(self) -> Generator[bool]:
        """Whether this process is the one that writes: the lock goes with the process that holds it."""
        try:
            file = self._lock.open("w")
        except OSError as error:
            self._refuse(error)
            yield False
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True

    def _refuse(self, error: Exception) -> None:
        """Say why there is no index, once; one that is damaged is made anew."""
        # an extended code is the code in its last byte (https://www.sqlite.org/rescode.html)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, Unfinished) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            log.warning("search_index_remade", error=str(error))
            with contextlib.suppress(OSError):
                self._file.remove()
        elif (why := str(error)) != self._refused:
            self._refused = why
            log.warning("search_not_indexed", error=why)

    async def _asked(self, ask: Callable[..., T], *args: object, threads: Executor | None = None) -> T | None:
        """What the file says; None, and a line in the log, where it cannot be read or written."""
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, ask, *args)
        except (sqlite3.Error, OSError) as error:
            self._refuse(error)
            return None

    async def _follow(self, runtime: BotRuntime) -> bool:
        """Take in what has changed of a bot, and for a while what was never read; True where some of that is
        left."""
        bot_id = runtime.bot.id
        begun = await self._plain.now(bot_id)
        progress = await self._progress(bot_id, begun)
        since = progress.until - MARGIN
        erased = await self._redis.zrangebyscore(key(bot_id, "erased"), since, "+inf")
        if erased:
            await asyncio.to_thread(self._file.drop, bot_id, [name.decode() for name in erased])
        recent = await self._recent(bot_id, since)
        stale = await asyncio.to_thread(self._file.stale, bot_id, recent)
        await self._take_in(bot_id, stale)
        # after the reading: where Redis loses what was read, it loses this as well
        until = max(progress.until, await self._plain.now(bot_id))
        await self._redis.zadd(key(bot_id, "followed"), {UNTIL: until}, gt=True)
        if stale or begun - progress.until > MARGIN:
            progress = replace(progress, until=begun)
            await asyncio.to_thread(self._file.note, bot_id, progress)
        return not progress.built and await self._read_on(runtime, progress)

    async def _progress(self, bot_id: str, now: int) -> Progress:
        """How far a bot's index is: at its beginning where it is none of these data, or too far behind."""
        fresh = secrets.token_hex(8)
        await self._redis.set(key(bot_id, "indexed"), fresh, nx=True)
        mark = ((await self._redis.get(key(bot_id, "indexed"))) or fresh.encode()).decode()
        progress = await asyncio.to_thread(self._file.progress, bot_id)
        if progress and progress.mark == mark:
            if await self._follows(bot_id, progress, now):
                return progress
            mark = fresh  # for the indexes of the other hosts as well
            await self._redis.set(key(bot_id, "indexed"), mark)
        if progress:
            await self._dropped(bot_id)
        await self._redis.zadd(key(bot_id, "followed"), {UNTIL: now}, gt=True)
        progress = Progress(mark, now)
        await asyncio.to_thread(self._file.note, bot_id, progress)
        return progress

    async def _read_on(self, runtime: BotRuntime, progress: Progress) -> bool:
        """Go on with the first reading, the latest conversations first; False when it is done."""
        end = time.monotonic() + SLICE
        while time.monotonic() < end:
            chunk = await runtime.conversations.page(CHUNK, progress.back)
            if chunk:
                await self._take_in(runtime.bot.id, [name for _, name in chunk])
                progress = replace(progress, back=chunk[-1])
            else:
                progress = replace(progress, built=True)
                log.info("search_index_built", bot=runtime.bot.id)
            await asyncio.to_thread(self._file.note, runtime.bot.id, progress)
            if progress.built:
                return False
        return True

    async def _take_in(self, bot_id: str, names: Sequence[str]) -> None:
        start = 0
        while start < len(names):
            read = await self._plain.read(bot_id, names[start : start + CHUNK])
            await asyncio.to_thread(self._file.put, bot_id, read)
            start += len(read)

    async def _dropped(self, bot_id: str) -> None:
        while await asyncio.to_thread(self._file.drop_some, bot_id, CHUNK):
            pass

    async def _tidied(self) -> None:
        began = time.monotonic()
        if began >= self._tidy_after and await asyncio.to_thread(self._file.tidy, time.time()):
            self._tidy_after = time.monotonic() + SELDOM * (time.monotonic() - began)

    async def _recent(self, bot_id: str, since: int, most: int | None = None) -> Scores:
        """Conversations that changed since (ms): when they were last active, and last changed otherwise; of
        more than `most` some."""
        few = (0, most + 1) if most is not None else ()
        names = [key(bot_id, part) for part in ("active", "changed")]
        found = [await self._redis.zrangebyscore(name, since, "+inf", *few) for name in names]
        both = list(dict.fromkeys([*found[0], *found[1]]))
        if not both:
            return {}
        scores = [
            [score for part in _parts(both) for score in await self._redis.zmscore(name, part)]
            for name in names
        ]
        rows = zip(both, *scores, strict=True)
        return {name.decode(): (int(active or 0), int(changed or 0)) for name, active, changed in rows}


async def drop_old_changes(redis: Redis, bot_id: str, now: int) -> None:
    """Forget changes that every index in use has followed."""
    for part in ("changed", "erased"):
        for old in _parts(await redis.zrangebyscore(key(bot_id, part), "-inf", now - KEPT)):
            await redis.zrem(key(bot_id, part), *old)


def _parts(members: list[bytes]) -> list[list[bytes]]:
    return [members[start : start + ARGUMENTS] for start in range(0, len(members), ARGUMENTS)]
