"""A mailbox of a bot `b` on the test's Redis, and the steps that its tests share."""

from __future__ import annotations

import json

from redis.asyncio import Redis

from channels.base import Message, Pace
from server.clock import now_ms
from server.store.keys import key
from server.store.mailbox import Arrival, Limits, Mailbox, Work
from server.store.records import Entry, Reply
from tests.support.waiting import until


def mailbox(redis: Redis, debounce: int = 0, longest: int = 0, lease: int = 60_000) -> Mailbox:
    return Mailbox(redis, "b", Limits(debounce=debounce, longest=longest, lease=lease))


def said(message_id: str, text: str = "", account: str = "") -> tuple[Message, Entry]:
    """A message, and its line of the transcript."""
    message = Message(id=message_id, account=account, kind="text", text=text)
    return message, Entry(id=message_id, author="contact", text=text, at=now_ms())


async def put(box: Mailbox, conversation: str, message: str, **options: bool) -> bool:
    await box._redis.hset(key("b", "contact", conversation), "created", "0")
    return await box.accept(conversation, *said(message), Arrival(**options))


async def take(box: Mailbox) -> tuple[str, Work]:
    ids = await until(lambda: claimed_of(box))
    return ids[0], await box.begin(ids[0])


async def claimed_of(box: Mailbox) -> list[str]:
    return (await box.claim(10)).ids


def ids(work: Work) -> list[str]:
    return [message.id for message in work.batch]


def reply(reply_id: str) -> tuple[Reply, Entry]:
    return Reply(id=reply_id, text="hi"), Entry(id=reply_id, author="bot", text="hi", at=now_ms())


async def try_to_send(
    box: Mailbox, name: str, fence: int, account: str, pace: Pace, reply: str = "t:0"
) -> tuple[str, str]:
    tried = await box.send_begin(name, fence, account, reply, pace)
    return tried.go, tried.detail


async def transcript(redis: Redis, conversation: str) -> list[str]:
    return [json.loads(row)["id"] for row in await redis.lrange(key("b", "transcript", conversation), 0, -1)]
