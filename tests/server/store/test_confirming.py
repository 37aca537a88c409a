"""Writes that wait for replicas: what is acknowledged and what is sent outlives its primary."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import uuid
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from redis import Redis as Direct
from redis.exceptions import RedisError, ResponseError

from channels.base import Message, Pace
from server.config.settings import Settings
from server.observability.redis_fitness import check_writing, inspect_redis
from server.store.client import Redis, client
from server.store.contacts import Conversations
from server.store.mailbox import Limits, Mailbox, UnknownContact
from server.store.records import Entry, Reply, SendState
from server.store.wire.confirming import Confirmation, NotConfirmed, outlives, read_confirmation
from tests.support.servers.cluster import cluster
from tests.support.servers.rented import KEEPS, rented
from tests.support.servers.replicated import Server, replica_of
from tests.support.waiting import until

BOT, PACE = "confirming", Pace(0, 1, 0, 1)


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Redis, Server]]:
    """A client that waits for one replica, and the replica."""
    with rented(*KEEPS) as port, replica_of(port) as replica:
        redis = client(f"redis://127.0.0.1:{port}/0", 20, Confirmation(1, 150))
        await until(lambda: _confirms(redis))
        yield redis, replica
        await redis.aclose()


async def _confirms(redis: Redis) -> bool:
    try:
        return bool(await redis.confirmed("SET", "sg:{*}:probe", 1))
    except NotConfirmed:
        return False


async def filled(redis: Redis) -> tuple[Mailbox, str]:
    """A mailbox with one reply to send."""
    mailbox, conversation = Mailbox(redis, BOT, Limits(debounce=0)), uuid.uuid4().hex
    await redis.hset(f"sg:{{{BOT}}}:contact:{conversation}", "id", conversation)
    assert await mailbox.accept(conversation, *said(conversation))
    return mailbox, conversation


def said(conversation: str, name: str = "m1") -> tuple[Message, Entry]:
    """A message and its line."""
    message = Message(id=f"{name}.{conversation}", kind="text", text="hello", wa_id="7706", account="1")
    return message, Entry(id=message.id, author="contact", text="hello", at=1)


def test_what_the_setting_may_say():
    assert read_confirmation("") is None and read_confirmation("0") is None
    assert read_confirmation("1") == Confirmation(1, 1000)
    assert read_confirmation(" 2:500 ") == Confirmation(2, 500)
    assert read_confirmation("1:2000:disk") == Confirmation(1, 2000, disk=True)
    assert read_confirmation("1:disk") == Confirmation(1, 1000, disk=True)
    for wrong in (
        "one",
        "-1",
        "1:0",
        "1:9999",
        "1:1:1",
        "10",
        "1:disk:2",
        "0:500",
        "1.5",
        "٣",
        "1:",
        ":",
        "1:²",
    ):
        with pytest.raises(ValueError, match=r"replicas|waits"):
            read_confirmation(wrong)
    with pytest.raises(ValidationError, match="embedded server has no replicas"):
        Settings(redis_url=None, redis_wait="1")  # pyright: ignore[reportCallIssue]
    assert Settings(redis_url="redis://h", redis_wait="1").confirmation  # pyright: ignore[reportCallIssue]


@given(st.text(max_size=12))
def test_nothing_that_people_write_there_is_misread(text: str):
    try:
        found = read_confirmation(text)
    except ValueError:
        return
    assert found is None or (1 <= found.replicas <= 9 and 1 <= found.ms <= 3000)


@pytest.mark.slow
async def test_a_person_has_taken_over_once_a_replica_has_it(pair: tuple[Redis, Server]):
    redis, replica = pair
    _, conversation = await filled(redis)
    conversations = Conversations(redis, BOT)
    await conversations.assign(conversation, "person", promised=True)
    replica.signal(signal.SIGSTOP)
    with pytest.raises(NotConfirmed):
        await conversations.assign(conversation, "bot", promised=True)
    # nobody relies on these: a turn that asks for a person goes on, and its sends wait
    await conversations.assign(conversation, "person")
    await conversations.set(conversation, task="call them")


async def test_a_message_is_accepted_once_a_replica_has_it(pair: tuple[Redis, Server]):
    redis, replica = pair
    mailbox, conversation = await filled(redis)
    replica.signal(signal.SIGSTOP)
    with pytest.raises(NotConfirmed, match="0 of 1 replicas had it after 150 ms"):
        await mailbox.accept(conversation, *said(conversation, "m2"))
    # its provider delivers it again: known already, and still on one server alone
    with pytest.raises(NotConfirmed):
        await mailbox.accept(conversation, *said(conversation, "m2"))
    with pytest.raises(NotConfirmed):
        await mailbox.status(conversation, "1", "r", "p", SendState("delivered"))
    with pytest.raises(NotConfirmed):
        await outlives(redis, BOT)
    await check_writing(redis, 0)  # the dashboard is there meanwhile
    # what needs no replica goes on meanwhile
    assert (await mailbox.claim(5)).ids == [conversation]
    replica.signal(signal.SIGCONT)
    assert await mailbox.accept(conversation, *said(conversation, "m2")) is False
    copy = Direct(port=replica.port)
    assert copy.llen(f"sg:{{{BOT}}}:inbox:{conversation}") == 2
    copy.close()


async def test_nothing_is_sent_that_a_new_primary_would_send_again(pair: tuple[Redis, Server]):
    redis, replica = pair
    mailbox, conversation = await filled(redis)
    await mailbox.claim(5)
    work = await mailbox.begin(conversation)
    reply = Reply(id=f"{work.turn_id}:0", text="hi")
    entry = Entry(id=reply.id, author="bot", text="hi", at=1)
    assert await mailbox.commit(conversation, work.fence, work.turn_id, [(reply, entry)]) == 1
    replica.signal(signal.SIGSTOP)
    for _ in range(3):
        tried = await mailbox.send_begin(conversation, work.fence, "1", reply.id, PACE)
        assert tried.go == "wait"
    replica.signal(signal.SIGCONT)
    tried = await mailbox.send_begin(conversation, work.fence, "1", reply.id, PACE)
    assert (tried.go, tried.detail, tried.unanswered) == ("go", "1", 0)  # attempts nobody made do not count
    copy = Direct(port=replica.port)
    assert copy.hexists(f"sg:{{{BOT}}}:box:{conversation}", "trying")
    copy.close()
    # the attempt is open now, and that is no write
    replica.signal(signal.SIGSTOP)
    assert (await mailbox.send_begin(conversation, work.fence, "1", reply.id, PACE)).go == "open"
    replica.signal(signal.SIGCONT)


@pytest.mark.slow
async def test_those_who_ask_in_one_moment_each_get_their_own_answer(pair: tuple[Redis, Server]):
    redis, replica = pair
    mailbox, conversation = await filled(redis)
    await redis.execute_command("SCRIPT", "FLUSH")
    asked = [
        mailbox.accept(conversation, *said(conversation, "a")),
        mailbox.accept("nobody", *said("nobody")),
        mailbox.accept(conversation, *said(conversation, "m1")),
        redis.confirmed("HSET", "sg:{*}:odd", "a"),
        redis.get("sg:{*}:probe"),
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[0] is True and isinstance(answers[1], UnknownContact) and answers[2] is False
    assert isinstance(answers[3], ResponseError) and answers[4] == b"1"
    replica.signal(signal.SIGSTOP)
    await redis.execute_command("SCRIPT", "FLUSH")
    asked = [
        mailbox.accept(conversation, *said(conversation, "b")),
        redis.confirmed("HSET", "sg:{*}:odd", "a"),
        redis.get("sg:{*}:probe"),
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[0], NotConfirmed) and answers[2] == b"1"
    assert isinstance(answers[1], ResponseError)
    replica.signal(signal.SIGCONT)


@pytest.mark.slow
async def test_what_is_missing_is_said(pair: tuple[Redis, Server]):
    redis, _ = pair
    assert not (await inspect_redis(redis, 1)).warned
    assert "REDIS_WAIT waits for 2" in (await inspect_redis(redis, 2)).warned[0]


@pytest.mark.slow
async def test_on_disk_where_that_is_asked_for():
    with rented(*KEEPS, "--appendfsync", "always") as port:
        with replica_of(port, *KEEPS, "--appendfsync", "always"):
            redis = client(f"redis://127.0.0.1:{port}/0", 20, Confirmation(1, 3000, disk=True))
            await until(lambda: _confirms(redis))
            mailbox, conversation = await filled(redis)
            assert await mailbox.accept(conversation, *said(conversation, "m2"))
            await redis.aclose()


@pytest.mark.slow
async def test_a_cluster_confirms_on_the_primary_of_each_bot():
    with cluster(3, replicas=1) as url:
        redis = client(url, 20, Confirmation(1, 1000))
        one_less = client(url, 20, Confirmation(2, 100))
        await until(lambda: _confirms(redis))
        for bot in ("a", "b", "c", "d"):
            name = f"sg:{{{bot}}}:contact:c"
            await redis.hset(name, "id", "c")
            mailbox = Mailbox(redis, bot, Limits())
            assert await mailbox.accept("c", *said("c")) is True
            assert await mailbox.accept("c", *said("c")) is False
            await redis.execute_command("HSET", name, "id", "c")
            with pytest.raises(NotConfirmed, match="1 of 2"):
                await Mailbox(one_less, bot, Limits()).accept("c", *said("c", "m2"))
        for each in (redis, one_less):
            with contextlib.suppress(RedisError):
                await each.aclose()
