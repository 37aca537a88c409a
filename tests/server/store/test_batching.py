"""Scripts go to the server in batches, and each is answered for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError, DataError, ResponseError

from server.store.client import Redis, client
from server.store.scripts import Scripts

TEXT = """-- [shared]
-- [echo] keys: place
-- arguments: word
redis.call('INCR', place)
return word
-- [fail] keys: place
-- arguments: word
return redis.error_reply('ODD ' .. word)
"""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    found = client(redis_url)
    await found.execute_command("FLUSHDB")
    yield found
    await found.aclose()


@pytest.fixture
def scripts(redis: Redis, tmp_path: Path) -> Scripts:
    path = tmp_path / "words.lua"
    path.write_text(TEXT)
    return Scripts(redis, path)


async def test_each_of_many_at_once_has_its_own_answer(scripts: Scripts, redis: Redis) -> None:
    asked = [scripts.run("echo", ["place"], {"word": f"w{number}"}) for number in range(300)]
    assert await asyncio.gather(*asked) == [f"w{number}".encode() for number in range(300)]
    assert await redis.get("place") == b"300"


async def test_many_at_once_take_few_connections(scripts: Scripts, redis: Redis) -> None:
    async def connections() -> int:
        found = await redis.info("clients")
        return int(found["connected_clients"])

    before = await connections()  # of other tests as well
    await asyncio.gather(*(scripts.run("echo", ["place"], {"word": "a"}) for _ in range(300)))
    assert 0 <= await connections() - before < 20


async def test_a_script_that_fails_fails_alone(scripts: Scripts) -> None:
    names = ["echo", "fail", "echo", "fail"]
    asked = [scripts.run(name, ["place"], {"word": f"w{n}"}) for n, name in enumerate(names)]
    first, second, third, fourth = await asyncio.gather(*asked, return_exceptions=True)
    assert (first, third) == (b"w0", b"w2")
    assert isinstance(second, ResponseError) and "w1" in str(second)
    assert isinstance(fourth, ResponseError) and "w3" in str(fourth)


async def test_commands_of_one_moment_have_each_its_own_answer(scripts: Scripts, redis: Redis) -> None:
    await redis.hset("hash", mapping={"a": "1"})
    await redis.zadd("scores", {"a": 2.5})
    found = await asyncio.gather(
        redis.hgetall("hash"),
        redis.zscore("scores", "a"),
        redis.lrange("hash", 0, -1),  # of another type
        redis.incr("number"),
        redis.get("\ud800"),
        redis.set("number", True),  # redis-py takes no truth values
        scripts.run("echo", ["place"], {"word": "w"}),
        redis.get("nothing"),
        return_exceptions=True,
    )
    assert found[0] == {b"a": b"1"} and found[1] == 2.5 and found[3] == 1
    assert found[6:] == [b"w", None]
    assert isinstance(found[2], ResponseError) and isinstance(found[4], ValueError)
    assert isinstance(found[5], DataError)


async def test_a_text_that_is_no_unicode_fails_alone(scripts: Scripts) -> None:
    words = ["before", "\ud800", "after"]
    asked = [scripts.run("echo", ["place"], {"word": word}) for word in words]
    before, broken, after = await asyncio.gather(*asked, return_exceptions=True)
    assert (before, after) == (b"before", b"after")
    assert isinstance(broken, ValueError)


async def test_a_server_that_was_told_to_forget_its_scripts_gets_them_again(
    scripts: Scripts, redis: Redis
) -> None:
    await scripts.run("echo", ["place"], {"word": "a"})
    await redis.execute_command("SCRIPT", "FLUSH")
    asked = [scripts.run("echo", ["place"], {"word": str(number)}) for number in range(5)]
    assert await asyncio.gather(*asked) == [b"0", b"1", b"2", b"3", b"4"]
    assert await redis.get("place") == b"6"


async def test_who_gives_up_waiting_does_not_hurt_the_others(scripts: Scripts, redis: Redis) -> None:
    asked = [asyncio.ensure_future(scripts.run("echo", ["place"], {"word": str(n)})) for n in range(3)]
    await asyncio.sleep(0)  # all have asked
    asked[1].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert (answers[0], answers[2]) == (b"0", b"2")
    assert isinstance(answers[1], asyncio.CancelledError)


async def test_all_of_a_batch_know_that_the_server_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "words.lua"
    path.write_text(TEXT)
    nobody = client("redis://127.0.0.1:1")
    scripts = Scripts(nobody, path)
    asked = [scripts.run("echo", ["place"], {"word": str(number)}) for number in range(3)]
    assert all(isinstance(a, ConnectionError) for a in await asyncio.gather(*asked, return_exceptions=True))
    await nobody.aclose()
