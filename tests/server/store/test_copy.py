"""Everything moves to another server, and only if it is all there is it said to be."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from server.store.client import client
from server.store.copy import CopyError, copy
from server.store.embedded import EmbeddedRedis
from tests.support.servers.cluster import cluster
from tests.support.stack import environment

pytestmark = pytest.mark.slow


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Redis]:
    server = EmbeddedRedis(tmp_path)
    other = Redis.from_url(server.start())
    yield other
    await other.aclose()
    server.stop()


async def fill(redis: Redis) -> None:
    await redis.set("sg:{b}:text", b"\x00\xff binary", px=600_000)
    await redis.rpush("sg:{b}:list", *[f"item {number}" for number in range(2500)])
    await redis.sadd("sg:{b}:set", "a", "b")
    await redis.hset("sg:{c}:hash", mapping={"f": "1", "g": b"\xfe"})
    await redis.zadd("sg:{b}:due", {"x": 1795251234567.25, "y": 2})
    await redis.set("another program's", "own")


async def test_every_type_arrives_whole_with_its_time_to_live(redis: Redis, target: Redis):
    await fill(redis)
    copied = await copy(redis, target)
    assert copied.keys == 5 and copied.elements == 2500 + 1 + 2 + 2 + 2
    assert await target.get("sg:{b}:text") == b"\x00\xff binary"
    assert 500_000 < await target.pttl("sg:{b}:text") <= 600_000
    assert await target.pttl("sg:{b}:list") == -1
    assert await target.lrange("sg:{b}:list", 0, -1) == await redis.lrange("sg:{b}:list", 0, -1)
    assert await target.zrange("sg:{b}:due", 0, -1, withscores=True) == [(b"y", 2), (b"x", 1795251234567.25)]
    assert not await target.exists("another program's")


async def test_a_target_that_is_in_use_is_left_alone(redis: Redis, target: Redis):
    await fill(redis)
    await target.set("sg:{b}:text", "mine")
    with pytest.raises(CopyError, match="already holds"):
        await copy(redis, target)
    assert await target.keys("*") == [b"sg:{b}:text"]


async def test_what_changes_meanwhile_is_noticed(redis: Redis, target: Redis):
    await fill(redis)
    tasks = []

    def meddle(done: int, total: int) -> None:
        if done == total:
            tasks.append(asyncio.ensure_future(redis.rpush("sg:{b}:list", "late")))

    with pytest.raises(CopyError, match="not the same"):
        await copy(redis, target, meddle)
    await asyncio.gather(*tasks)


@given(st.dictionaries(st.binary(max_size=8), st.binary(max_size=8), min_size=1))
@settings(max_examples=15)
async def test_any_bytes_survive(redis: Redis, target: Redis, held: dict[bytes, bytes]):
    await redis.flushdb()
    await target.flushdb()
    await redis.hset("sg:{b}:h", mapping=held)
    await redis.sadd("sg:{b}:s", *held)
    await copy(redis, target)
    assert await target.hgetall("sg:{b}:h") == held
    assert await target.smembers("sg:{b}:s") == set(held)


async def test_the_command_moves_the_embedded_server_into_a_cluster(tmp_path: Path):
    server = EmbeddedRedis(tmp_path)
    here = Redis.from_url(server.start())
    await fill(here)
    await here.aclose()
    server.stop()
    with cluster() as url:
        command = [sys.executable, "-m", "server", "redis", "copy", "embedded", url]
        done = subprocess.run(
            command, env=environment(tmp_path, 1), capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert "5 keys" in done.stdout and "same on both sides" in done.stdout
        there = client(url)
        assert await there.llen("sg:{b}:list") == 2500
        again = subprocess.run(
            command, env=environment(tmp_path, 1), capture_output=True, text=True, cwd=tmp_path
        )
        assert again.returncode == 1 and "already holds" in again.stderr
        await there.aclose()


def test_a_wrong_address_is_named(tmp_path: Path):
    command = [sys.executable, "-m", "server", "redis", "copy", "embedded", "localhost:6379"]
    env = {**environment(tmp_path, 1), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "DST" in done.stderr and "redis://" in done.stderr
