"""What a mailbox keeps is read whoever wrote it: an older version, or somebody who damaged it."""

from __future__ import annotations

import json

import pytest
from redis.asyncio import Redis

from channels.base import Message
from server.store.contacts import Conversations
from server.store.dead_letters import DeadLetters
from server.store.keys import key
from server.store.mailbox import TurnOutcome
from server.store.records import Entry, Plan, Reply, SendState
from tests.support.mailboxes import claimed_of, ids, mailbox, put, said, take

# As the code before this one put them: messages in the inbox, a reply, its line of the transcript, a plan.
OLD_MESSAGE = (
    '{"id":"wamid.1","account":"4242","kind":"text","timestamp":1700000000,"wa_id":"77010000001","user_id":"",'
    '"name":"Anna","text":"how much?","media":null,"quoted_id":"","payload":"","group_id":"","ours":false,'
    '"traceparent":"","context":"","amends":"","moved_to":["",""],"referral":{}}'
)
OLD_TOUCH = '{"id": "touch:1700000000000", "account": "", "kind": "touch"}'
OLD_REPLY = (
    '{"id":"t:0","text":"1,500","author":"bot","notice":false,"template":"","variables":[],"touch":0,"since":0,'
    '"until":0,"file":{"name":"call.ics","mime_type":"text/plain","text":"BEGIN"}}'
)
OLD_LINE = (
    '{"id":"t:0","author":"bot","kind":"text","text":"1,500","at":1700000000000,"touch":0,"turn_id":"t",'
    '"template":"","variables":[],"model":"offline","sources":[],"checked":[],"prompts":[],"calls":0,"tokens":0,'
    '"cost":0.0,"quoted_id":"","media":null,"heard":null}'
)
OLD_PLAN = (
    '{"anchor":5,"touch":2,"due":9,"why":"silence","ended":"","paused":false,"intervals":[1.5],"unanswered":1,'
    '"last":1,"touched_at":7,"touches":1,"put_off":0}'
)


async def waits(redis: Redis, *payloads: str) -> None:
    """Messages in the inbox of `c`, as another version wrote them, and the conversation due."""
    await redis.hset(key("b", "contact", "c"), "created", "0")
    for payload in payloads:
        await redis.rpush(key("b", "inbox", "c"), f"9999999999999 9 {payload}")
    await redis.zadd(key("b", "due"), {"c": 1})


async def test_what_an_older_version_accepted_is_taken_up(redis: Redis):
    await waits(redis, OLD_MESSAGE, OLD_TOUCH)
    box = mailbox(redis)
    newest = await box.newest("c")
    assert newest and newest.kind == "touch"
    _, work = await take(box)
    first, second = work.batch
    assert (first.id, first.wa_id, first.text, second.kind) == (
        "wamid.1",
        "77010000001",
        "how much?",
        "touch",
    )
    assert work.unread == () and work.size == 2


async def test_what_an_older_version_queued_is_sent(redis: Redis):
    await redis.rpush(key("b", "outbox", "c"), OLD_REPLY)
    await redis.rpush(key("b", "transcript", "c"), OLD_LINE)
    await redis.zadd(key("b", "due"), {"c": 1})
    box = mailbox(redis)
    _, work = await take(box)
    assert (
        work.reply and work.reply.text == "1,500" and work.reply.file and work.reply.file.name == "call.ics"
    )
    assert await box.send_done("c", work.fence, "a", work.reply.id, "wamid.9", SendState("accepted")) == 3
    [line] = await Conversations(redis, "b").transcript("c")
    assert (line.text, line.turn_id, line.heard) == ("1,500", "t", None)


async def test_a_plan_of_an_older_version_is_the_plan_that_a_turn_leaves(redis: Redis):
    box, plan = mailbox(redis), Plan.model_validate_json(OLD_PLAN)
    await put(box, "c", "m1")
    _, work = await take(box)
    assert await box.commit("c", work.fence, work.turn_id, [], TurnOutcome(plan)) == 3
    assert (await redis.get(key("b", "follow", "c"))).decode() == OLD_PLAN
    assert await redis.zscore(key("b", "timers"), "c") == plan.timer == 9


async def test_what_is_kept_is_what_an_older_version_reads(redis: Redis):
    """So that a version can be taken back: the same fields under the same names, the id first."""
    box = mailbox(redis)
    message = Message.model_validate_json(OLD_MESSAGE)
    await redis.hset(key("b", "contact", "c"), "created", "0")
    await box.accept("c", message, Entry(id=message.id, author="contact", text=message.text))
    _, work = await take(box)
    reply, line = Reply.model_validate_json(OLD_REPLY), Entry.model_validate_json(OLD_LINE)
    [row] = await redis.lrange(key("b", "inbox", "c"), 0, -1)
    assert row.split(b" ", 2)[2].decode() == OLD_MESSAGE
    assert await box.commit("c", work.fence, work.turn_id, [(reply, line)]) == 1
    [row] = await redis.lrange(key("b", "outbox", "c"), 0, -1)
    assert row.decode() == OLD_REPLY
    row = (await redis.lrange(key("b", "transcript", "c"), 0, -1))[-1]
    assert row.startswith(b'{"id":"t:0"') and {**json.loads(row), "heard": None} == json.loads(OLD_LINE)


async def test_a_message_that_cannot_be_read_is_said_without_its_words_and_goes_to_the_dead_letters(
    redis: Redis,
):
    box, secret = mailbox(redis), '{"id": "bad", "kind": "poem", "text": "a secret"}'
    await waits(redis, secret, said("m1")[0].model_dump_json(), "no JSON")
    _, work = await take(box)
    assert ids(work) == ["m1"] and work.size == 3
    assert "kind" in work.unread[0] and "account" in work.unread[0]
    assert "secret" not in " ".join(work.unread)
    assert await box.bury("c", work.fence, work.turn_id, "failed") == 3
    [letter] = await DeadLetters(redis, "b").every()
    assert letter.batch[0] == secret and len(letter.batch) == 3


async def test_a_reply_that_cannot_be_read_stays_where_it_is(redis: Redis):
    box = mailbox(redis, lease=1)
    await redis.rpush(key("b", "outbox", "c"), '{"id": "t:0"}')
    await redis.zadd(key("b", "due"), {"c": 1})
    assert await claimed_of(box) == ["c"]
    with pytest.raises(ValueError, match="text"):
        await box.begin("c")
    assert await redis.llen(key("b", "outbox", "c")) == 1
