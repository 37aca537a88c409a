"""Moves everything from one Redis to another, key by key, and checks it.

Dump formats differ between servers (Valkey 9.1's RDB is not read by Redis 6.2 to 8.2), so nothing is dumped:
each key is read with the commands of its type and written with them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from server.store.client import Redis
from server.store.keys import PREFIX

# Elements per write, so that a long list does not become one huge command.
CHUNK = 1000


class CopyError(RuntimeError):
    """Nothing was copied, or not everything; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How many keys were copied and hold the same on both sides."""

    keys: int
    elements: int


async def copy(
    source: Redis, target: Redis, report: Callable[[int, int], None] = lambda done, total: None
) -> Copied:
    """Copy all keys of the product, with their times to live, and compare both sides afterwards.

    The target must hold none of them yet, and the source should be at rest: a key that changed meanwhile
    raises CopyError, and so does anything else that is not the same on both sides. `report` hears of (keys
    done, keys in all)."""
    if [name async for name in _names(target)]:
        raise CopyError(
            f"the target already holds {PREFIX}:* keys; give an empty one, so that nothing is mixed up"
        )
    names = sorted([name async for name in _names(source)])
    elements = 0
    for done, name in enumerate(names, 1):
        elements += await _copy_key(source, target, name)
        report(done, len(names))
    await _verify(source, target, names)
    return Copied(len(names), elements)


async def _names(redis: Redis) -> AsyncIterator[bytes]:
    seen = set[bytes]()
    async for name in redis.scan_iter(match=f"{PREFIX}:*", count=CHUNK):
        if name not in seen:
            seen.add(name)
            yield name


async def _copy_key(source: Redis, target: Redis, name: bytes) -> int:
    kind, held = await _held(source, name)
    if kind == "none":
        raise CopyError(
            f"{name.decode()} went away meanwhile; stop web and workers, empty the target and copy again"
        )
    await target.delete(name)
    for start in range(0, max(1, len(held)), CHUNK):
        await _write(target, name, kind, held[start : start + CHUNK])
    if (left := await source.pttl(name)) > 0:
        await target.pexpire(name, left)
    return len(held)


async def _write(target: Redis, name: bytes, kind: str, held: list[Any]) -> None:
    put: Any = target
    if kind == "string":
        await put.set(name, held[0])
    elif kind == "list":
        await put.rpush(name, *held)
    elif kind == "set":
        await put.sadd(name, *held)
    elif kind == "hash":
        await put.hset(name, mapping=dict(held))
    else:
        await put.zadd(name, dict(held))


async def _held(redis: Redis, name: bytes) -> tuple[str, list[Any]]:
    """(type, elements in an order that is the same on every server)."""
    read: Any = redis
    kind = (await read.type(name)).decode()
    if kind == "none":
        return kind, []
    if kind == "string":
        return kind, [await read.get(name)]
    if kind == "list":
        return kind, await read.lrange(name, 0, -1)
    if kind == "set":
        return kind, sorted(await read.smembers(name))
    if kind == "hash":
        return kind, sorted((await read.hgetall(name)).items())
    if kind == "zset":
        return kind, sorted(await read.zrange(name, 0, -1, withscores=True))
    raise CopyError(
        f"{name.decode()} is a {kind}, which this product does not write; remove it from the source"
    )


async def _verify(source: Redis, target: Redis, names: list[bytes]) -> None:
    there = {name async for name in _names(target)}
    for name in names:
        if await _digest(source, name) != await _digest(target, name):
            raise CopyError(
                f"{name.decode()} is not the same on both sides; stop web and workers, empty the target and "
                "copy again"
            )
        there.discard(name)
    if there:
        raise CopyError(
            f"the target holds {len(there)} keys that the source does not; is something else running on it?"
        )


async def _digest(redis: Redis, name: bytes) -> str:
    kind, held = await _held(redis, name)
    return hashlib.blake2b(repr((kind, held)).encode()).hexdigest()
