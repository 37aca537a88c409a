"""The one way to a Redis server, to the primary that Sentinel names, or to a cluster."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol, cast, overload
from urllib.parse import unquote, urlsplit

from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio import Redis as Client
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import ExponentialWithJitterBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import ConnectionError, MaxConnectionsError, ReadOnlyError, ResponseError

from server.store.batching import BatchedScript, Batches, Value

# How many connections a process has unless it is told otherwise (REDIS_CONNECTIONS).
CONNECTIONS = 512
# Shorter than a third of the default lease: a renewal that hangs must leave time for another.
CONNECT_SECONDS, ANSWER_SECONDS = 3, 4
# How long a command waits for a connection while all are in use, seconds, and pauses where the server has
# none left.
WAIT_SECONDS, FULL_PAUSE = 10.0, 0.1
CLUSTER, SENTINEL = "+cluster", "+sentinel"
_WAITS = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}


# The commands in use, with the types they take and give: redis-py declares its blocking and its asynchronous
# client as one class, of which nothing can be awaited without a cast. Values come back as bytes.
Key = str | bytes
Field = str | bytes
Score = str | int | float
Members = set[bytes]


class Script(Protocol):
    """A script that a server keeps."""

    async def __call__(self, keys: Sequence[str | bytes], args: Sequence[Value] = ()) -> Any:
        """Run it. Raises RedisError."""


class PubSub(Protocol):
    """A subscription."""

    async def subscribe(self, *channels: str) -> None: ...
    def listen(self) -> AsyncIterator[dict[str, Any]]: ...
    async def get_message(
        self, ignore_subscribe_messages: bool = False, timeout: float | None = 0
    ) -> dict[str, Any] | None: ...


class Pipeline(Protocol):
    """Commands that are sent together; each is answered in the list that `execute` gives."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]: ...
    def delete(self, *names: Key) -> object: ...
    def exists(self, *names: Key) -> object: ...
    def expire(self, name: Key, time: int) -> object: ...
    def get(self, name: Key) -> object: ...
    def incr(self, name: Key, amount: int = 1) -> object: ...
    def set(
        self, name: Key, value: Value, ex: int | None = None, px: int | None = None, nx: bool = False
    ) -> object: ...
    def hdel(self, name: Key, *keys: Field) -> object: ...
    def hget(self, name: Key, key: Field) -> object: ...
    def hgetall(self, name: Key) -> object: ...
    def hincrby(self, name: Key, key: Field, amount: int = 1) -> object: ...
    def hincrbyfloat(self, name: Key, key: Field, amount: float = 1.0) -> object: ...
    def hlen(self, name: Key) -> object: ...
    def hmget(self, name: Key, keys: Sequence[Field]) -> object: ...
    @overload
    def hset(self, name: Key, key: Field, value: Value) -> object: ...
    @overload
    def hset(self, name: Key, *, mapping: Mapping[str, Value] | Mapping[bytes, bytes]) -> object: ...
    def hvals(self, name: Key) -> object: ...
    def lindex(self, name: Key, index: int) -> object: ...
    def llen(self, name: Key) -> object: ...
    def lpush(self, name: Key, *values: Value) -> object: ...
    def lrange(self, name: Key, start: int, end: int) -> object: ...
    def ltrim(self, name: Key, start: int, end: int) -> object: ...
    def rpush(self, name: Key, *values: Value) -> object: ...
    def publish(self, channel: str, message: Value) -> object: ...
    def sadd(self, name: Key, *values: Value) -> object: ...
    def scard(self, name: Key) -> object: ...
    def sismember(self, name: Key, value: Value) -> object: ...
    def smembers(self, name: Key) -> object: ...
    def srem(self, name: Key, *values: Value) -> object: ...
    def zadd(self, name: Key, mapping: Mapping[str, float], nx: bool = False) -> object: ...
    def zcard(self, name: Key) -> object: ...
    def zcount(self, name: Key, min: Score, max: Score) -> object: ...
    def zrange(self, name: Key, start: int, end: int, withscores: bool = False) -> object: ...
    def zrem(self, name: Key, *values: Value) -> object: ...
    def zscore(self, name: Key, value: Value) -> object: ...


class Redis(Protocol):
    """A client of a server, of the primary that Sentinel names, or of a cluster."""

    async def aclose(self) -> None: ...
    def register_script(self, script: str) -> Script: ...
    def pipeline(self, transaction: bool = True) -> AbstractAsyncContextManager[Pipeline]: ...
    def pubsub(self) -> AbstractAsyncContextManager[PubSub]: ...
    def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]: ...
    async def eval(self, script: str, numkeys: int, *keys_and_args: Value) -> Any: ...
    async def execute_command(self, *args: Value) -> Any: ...
    async def info(self, section: str = ..., **options: Any) -> dict[str, Any]: ...
    async def config_get(self, pattern: str) -> dict[str, Any]: ...
    async def ping(self) -> bool: ...

    async def delete(self, *names: Key) -> int: ...
    async def unlink(self, *names: Key) -> int: ...
    async def exists(self, *names: Key) -> int: ...
    async def expire(self, name: Key, time: int) -> bool: ...
    async def pexpire(self, name: Key, time: int) -> bool: ...
    async def pttl(self, name: Key) -> int: ...
    async def rename(self, src: Key, dst: Key) -> bool: ...
    async def type(self, name: Key) -> bytes: ...

    async def get(self, name: Key) -> bytes | None: ...
    async def getdel(self, name: Key) -> bytes | None: ...
    async def mget(self, *names: Key) -> list[bytes | None]: ...
    async def incr(self, name: Key, amount: int = 1) -> int: ...
    async def set(
        self, name: Key, value: Value, ex: int | None = None, px: int | None = None, nx: bool = False
    ) -> bool | None: ...

    async def hdel(self, name: Key, *keys: Field) -> int: ...
    async def hexists(self, name: Key, key: Field) -> bool: ...
    async def hget(self, name: Key, key: Field) -> bytes | None: ...
    async def hgetall(self, name: Key) -> dict[bytes, bytes]: ...
    async def hincrby(self, name: Key, key: Field, amount: int = 1) -> int: ...
    async def hkeys(self, name: Key) -> list[bytes]: ...
    async def hlen(self, name: Key) -> int: ...
    async def hmget(self, name: Key, keys: Sequence[Field]) -> list[bytes | None]: ...
    @overload
    async def hset(self, name: Key, key: Field, value: Value) -> int: ...
    @overload
    async def hset(self, name: Key, *, mapping: Mapping[str, Value] | Mapping[bytes, bytes]) -> int: ...
    async def hsetnx(self, name: Key, key: Field, value: Value) -> bool: ...
    async def hvals(self, name: Key) -> list[bytes]: ...

    async def lindex(self, name: Key, index: int) -> bytes | None: ...
    async def llen(self, name: Key) -> int: ...
    async def lpush(self, name: Key, *values: Value) -> int: ...
    async def lrange(self, name: Key, start: int, end: int) -> list[bytes]: ...
    async def lrem(self, name: Key, count: int, value: Value) -> int: ...
    async def ltrim(self, name: Key, start: int, end: int) -> bool: ...
    async def rpush(self, name: Key, *values: Value) -> int: ...

    async def sadd(self, name: Key, *values: Value) -> int: ...
    async def scard(self, name: Key) -> int: ...
    async def smembers(self, name: Key) -> Members: ...
    async def smismember(self, name: Key, values: Sequence[Value]) -> list[int]: ...
    async def srem(self, name: Key, *values: Value) -> int: ...

    async def zadd(
        self, name: Key, mapping: Mapping[str, float] | Mapping[bytes, float], nx: bool = False
    ) -> int: ...
    async def zcard(self, name: Key) -> int: ...
    async def zcount(self, name: Key, min: Score, max: Score) -> int: ...
    async def zmscore(self, name: Key, members: Sequence[Value]) -> list[float | None]: ...
    @overload
    async def zrange(self, name: Key, start: int, end: int) -> list[bytes]: ...
    @overload
    async def zrange(
        self, name: Key, start: int, end: int, *, withscores: Literal[True]
    ) -> list[tuple[bytes, float]]: ...
    async def zrangebyscore(
        self, name: Key, min: Score, max: Score, start: int | None = None, num: int | None = None
    ) -> list[bytes]: ...
    async def zrevrangebyscore(
        self,
        name: Key,
        max: Score,
        min: Score,
        start: int | None = None,
        num: int | None = None,
        withscores: bool = False,
    ) -> list[Any]: ...
    async def zrem(self, name: Key, *values: Value) -> int: ...
    async def zscore(self, name: Key, value: Value) -> float | None: ...


class _Client(Client):
    """A client of one server, whose commands and scripts go in batches. (A cluster's go one by one: each has
    a server of its own.)"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] - redis-py types it in part
        self._batches = Batches(cast(Any, self))

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The answer of a command, sent with what is asked for in the same moment. Raises RedisError."""
        return await self._batches.command(*args, **options)

    async def execute_alone(self, *args: Any, **options: Any) -> Any:
        """The answer of a command, sent by itself. Raises RedisError."""
        client: Any = super()  # redis-py types it in part
        return await client.execute_command(*args, **options)

    def register_script(self, script: Any) -> Any:
        return BatchedScript(self._batches, script)


def client(url: str, connections: int = CONNECTIONS) -> Redis:
    """A client of `redis://`, `rediss://` or `unix://`; of a cluster for `redis+cluster://HOST:PORT`, any of
    its nodes; of a primary by its name for `redis+sentinel://HOST:PORT,HOST:PORT/NAME`.

    With more to do at once than `connections`, commands wait for one in the order they came. A server that
    does not answer within 4 s raises, and is asked anew the next time; a connection to what has become a
    replica is given up."""
    scheme = url.split("://")[0]
    # of itself redis-py reads its version from the disk for every connection
    waits = {**_WAITS, "driver_info": DriverInfo()}
    if CLUSTER in scheme:
        # all keys of one step share a hash tag, so a cluster takes the same calls
        retry = Retry(ExponentialWithJitterBackoff(base=0.1, cap=1), 3)
        plain = url.replace(CLUSTER, "", 1)
        cluster = cast(Any, RedisCluster)  # typed in part
        return cluster.from_url(plain, max_connections=connections, retry=retry, **waits)
    if SENTINEL in scheme:
        return cast(Redis, _Client(connection_pool=_sentinel_pool(url, connections, waits)))
    pool: ConnectionPool = cast(Any, _Pool).from_url(
        url, max_connections=connections, health_check_interval=30, **waits
    )
    pool.connection_class = _WRITABLE[pool.connection_class]
    return cast(Redis, _Client(connection_pool=pool))


def sentinels_of(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any]]:
    """(sentinels, name of the primary, what its connections need) of a `redis+sentinel://` URL. Raises
    ValueError."""
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    name, _, database = parts.path.strip("/").partition("/")
    if not name or not all(re.fullmatch(r"[^:,\s]+(:\d{1,5})?", place) for place in places.split(",")):
        raise ValueError("write redis+sentinel://HOST:26379,HOST:26379/NAME-OF-THE-PRIMARY")
    if not (database or "0").isdigit():
        raise ValueError("the number of its database is not a number; write .../NAME/0")
    found = [
        (host, int(port or 26379)) for host, _, port in (place.partition(":") for place in places.split(","))
    ]
    needed = {
        "db": int(database or 0),
        "username": unquote(user) or None,
        "password": unquote(password) or None,
    }
    return found, unquote(name), needed


async def uptime(redis: Redis, name: str) -> int:
    """For how many ms the server that holds a key has been up. Raises ResponseError where the user may not
    ask."""
    of = getattr(redis, "get_node_from_key", None)  # of a cluster
    found: Any = await redis.info("server", **({"target_nodes": of(name)} if of else {}))
    return int(found["uptime_in_seconds"]) * 1000


class _Waiting(ConnectionPool):
    """A pool that lets commands wait for a connection, where redis-py's refuses them. (Its own blocking pool
    takes a lock for every command; this one costs nothing while there are connections enough.)"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] - redis-py types it in part
        self._queue: deque[asyncio.Future[None]] = deque()

    async def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        """A connection, soon. Raises ConnectionError when none came free in WAIT_SECONDS."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return await super().get_connection()
            except MaxConnectionsError:
                await self._one_back(end)
            except ConnectionError as error:
                if "max number of clients" not in str(error) or time.monotonic() > end:
                    raise
                # the server has no more for us: those that stand go round
                self._available_connections = [c for c in self._available_connections if c.is_connected]
                if not self._available_connections:
                    await asyncio.sleep(FULL_PAUSE)

    async def _one_back(self, end: float) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(mine)
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                await mine
        except TimeoutError:
            raise ConnectionError("no connection to Redis came free; raise REDIS_CONNECTIONS") from None
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._wake()
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._queue.remove(mine)

    async def release(self, connection: Any) -> None:
        """Take a connection back."""
        await super().release(connection)
        self._wake()

    def _wake(self) -> None:
        while self._queue:
            first = self._queue.popleft()
            if not first.done():
                first.set_result(None)
                return


class _Pool(_Waiting):
    pass


class _SentinelPool(_Waiting, SentinelConnectionPool):
    pass


class _Writable:
    """A connection that is given up when its server turns out to be a replica: the next one asks again who is
    the primary."""

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            connection: Any = super()
            return await connection.read_response(*args, **kwargs)
        except ResponseError as error:
            if isinstance(error, ReadOnlyError) or "-READONLY" in str(error):
                await cast(Any, self).disconnect()
                raise ConnectionError("this Redis has become a replica and takes no writes") from error
            raise


class _Plain(_Writable, Connection):
    pass


class _Tls(_Writable, SSLConnection):
    pass


class _Socket(_Writable, UnixDomainSocketConnection):
    pass


class _Managed(_Writable, SentinelManagedConnection):
    pass


class _ManagedTls(_Writable, SentinelManagedSSLConnection):
    pass


_WRITABLE: dict[Any, Any] = {Connection: _Plain, SSLConnection: _Tls, UnixDomainSocketConnection: _Socket}


def _sentinel_pool(url: str, connections: int, waits: dict[str, Any]) -> ConnectionPool:
    places, name, needed = sentinels_of(url)
    tls = url.startswith("rediss")
    manager = Sentinel(places, sentinel_kwargs={**waits, "ssl": tls})
    kind = _ManagedTls if tls else _Managed
    return _SentinelPool(name, manager, connection_class=kind, max_connections=connections, **needed, **waits)
