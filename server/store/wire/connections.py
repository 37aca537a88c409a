"""Connections to a Redis server: commands wait for one while all are in use, and one whose server has become
a replica is given up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import FIRST_COMPLETED
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.exceptions import (
    ConnectionError,
    MaxConnectionsError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

# How long a command waits for a connection while all are in use, seconds, and pauses where the server has
# none left.
WAIT_SECONDS, FULL_PAUSE = 10.0, 0.1
# How long is waited for all Sentinels to say who the primary is, once one has said so.
LOOK_SECONDS = 1.0


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


class WaitingPool(_Waiting):
    """Connections to one server."""


class Sentinels(Sentinel):
    """All Sentinels of a primary. Whom the youngest failover that any of them knows of has promoted is the
    primary: one that is cut off from the others still names the old one."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Its address. Raises MasterNotFoundError."""
        client: Any = self  # redis-py types it in part
        asked = {asyncio.ensure_future(_state_of(one, service_name)) for one in client.sentinels}
        states, waiting, most = list[dict[str, Any]](), set(asked), len(asked) // 2 + 1
        end = asyncio.get_running_loop().time() + LOOK_SECONDS
        try:
            while waiting and not _agree(states, most):
                left = max(0.0, end - asyncio.get_running_loop().time()) if states else None
                came, waiting = await asyncio.wait(waiting, timeout=left, return_when=FIRST_COMPLETED)
                if not came:
                    break
                states += [state for one in came if (state := one.result())]
        finally:
            for one in asked:
                one.cancel()
        if not states:
            raise MasterNotFoundError(f"no Sentinel names a primary {service_name!r}")
        epoch = max(int(state["config-epoch"]) for state in states)
        newest = [state for state in states if int(state["config-epoch"]) == epoch]
        # whom an older failover had promoted is nobody to go to, even while the new one cannot be reached
        works = [state for state in newest if client.check_master_state(state, service_name)]
        if not works:
            raise MasterNotFoundError(f"the primary {service_name!r} is down, as its Sentinels see it")
        return str(works[0]["ip"]), int(works[0]["port"])


def _agree(states: Sequence[dict[str, Any]], most: int) -> bool:
    """Whether most of the Sentinels know of the same failover as the last."""
    epochs = [int(state["config-epoch"]) for state in states]
    return bool(epochs) and epochs.count(max(epochs)) >= most


async def _state_of(sentinel: Any, name: str) -> dict[str, Any] | None:
    try:
        return (await sentinel.sentinel_masters()).get(name)
    except (RedisError, OSError):
        return None


class WaitingSentinelPool(_Waiting, SentinelConnectionPool):
    """Connections to the primary that Sentinel names, and to no other: once a new one is known, nothing more
    is asked of the old one, which may take writes for a while that are then lost."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._looking: asyncio.Task[tuple[str, int]] | None = None

    async def get_master_address(self) -> tuple[str, int]:
        """The address of the primary, asked for once for all who ask at a time. Raises
        MasterNotFoundError."""
        looking = self._looking
        if looking is None or looking.done():
            pool: Any = super()
            looking = self._looking = asyncio.ensure_future(pool.get_master_address())
        return await asyncio.shield(looking)

    async def ensure_connection(self, connection: Any) -> None:
        """Connect, anew where it is a connection to who was the primary. Raises RedisError."""
        here: tuple[str, int] | None = cast(Any, self).master_address
        if connection.is_connected and (connection.host, connection.port) != here:
            await connection.disconnect()
        await super().ensure_connection(connection)


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


class ManagedConnection(_Writable, SentinelManagedConnection):
    """A connection to the primary that Sentinel names."""


class ManagedTlsConnection(_Writable, SentinelManagedSSLConnection):
    """The same over TLS."""


# By the kind of connection that redis-py chooses from a URL.
WRITABLE: dict[Any, Any] = {Connection: _Plain, SSLConnection: _Tls, UnixDomainSocketConnection: _Socket}
