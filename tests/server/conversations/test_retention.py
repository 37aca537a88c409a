"""What is kept for a time goes when its time is over, and nothing else does."""

from __future__ import annotations

import json

import httpx
from redis.asyncio import Redis

from agent.models.chat import Models
from server.clock import now_ms
from server.conversations.retention import sweep
from server.observability.unanswered import lately
from server.store.keys import key
from server.store.mailbox import DAY
from server.web.app import create
from tests.support.office import Office
from tests.support.shop.chatting import Scripted, polite
from tests.support.waiting import until


async def test_silent_conversations_lose_what_was_said_and_keep_their_contact(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, debounce_seconds=0, transcript_days=30)
    async with office.working(Models(Scripted(script=polite, asked=[]))):
        old, recent = [
            await office.writes(contact, "hello there") for contact in ("77070000001", "77070000002")
        ]
        await until(lambda: office.replies("77070000001") and office.replies("77070000002"))
        await until(office.idle)
    waiting = await office.writes("77070000003", "hello there")
    now = now_ms()
    for name in (old, waiting):
        await redis.zadd(key("default", "active"), {name: now - 31 * DAY})
    assert await sweep(redis, office.runtime, now) == {"dead_letters": 0, "conversations": 1}
    record = office.runtime.conversations
    assert await record.transcript(old) == [] and await record.contact(old) is not None
    assert not await redis.exists(key("default", "thread", old), key("default", "status", old))
    assert len(await record.transcript(recent)) == 2 and len(await record.transcript(waiting)) == 1


async def test_old_dead_letters_go(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, dead_letter_days=7)
    now = now_ms()
    for turn, days in (("old", 8), ("recent", 6)):
        letter = {"conversation_id": "c", "reason": "why", "at": now - days * DAY, "batch": []}
        await redis.hset(key("default", "dead"), turn, json.dumps(letter))  # pyright: ignore[reportGeneralTypeIssues]
    assert await sweep(redis, office.runtime, now) == {"dead_letters": 1, "conversations": 0}
    assert [letter.id for letter in await office.runtime.dead_letters.every()] == ["recent"]


async def test_an_operator_sees_dead_letters_and_a_pause_and_tries_again(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, debounce_seconds=0, api_token="operator")
    conversation = await office.writes("77070000004", "hello there")
    await office.runtime.mailbox.claim(1)
    work = await office.runtime.mailbox.begin(conversation)
    await office.runtime.mailbox.bury(conversation, work.fence, work.turn_id, "failed 5 times")
    await office.runtime.mailbox.pause("4242", 131042, "no payment method (add one)")
    app = create(office.settings, redis)
    headers = {"Authorization": "Bearer operator"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://web", headers=headers
    ) as http:
        letters = (await http.get("/api/dead-letters")).json()["items"]
        assert [(row["conversation_id"], row["reason"]) for row in letters] == [
            (conversation, "failed 5 times")
        ]
        state = (await http.get("/api/bots/default/status")).json()
        assert state["state"] == "paused" and state["paused"]["code"] == "131042"
        assert 'salesgraph_paused{bot="default"} 1.0' in (await http.get("/metrics")).text
        assert "no payment method" in (await http.get("/dashboard")).text
        assert (await http.post(f"/api/dead-letters/{letters[0]['id']}/retry")).status_code == 202
        assert (await http.post(f"/api/dead-letters/{letters[0]['id']}/retry")).status_code == 404
    assert (await office.runtime.mailbox.claim(1)).ids == [conversation]
    again = await office.runtime.mailbox.begin(conversation)
    assert [message.text for message in again.batch] == ["hello there"]


async def test_what_quotes_a_conversation_is_kept_no_longer_than_conversations(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, transcript_days=7)
    now = now_ms()
    name = key("default", "unanswered")
    rows = [
        {"turn_id": f"t{n}", "conversation_id": "c", "at": at, "text": f"question {n}?"}
        for n, at in enumerate((now, now - 6 * DAY, now - 8 * DAY))
    ]
    await redis.rpush(name, *(json.dumps(row) for row in rows))
    await sweep(redis, office.runtime, now)
    assert [row.text for row in await lately(redis, "default")] == ["question 0?", "question 1?"]
    assert await redis.llen(name) == 2
