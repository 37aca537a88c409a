"""Meta's webhooks: proven, read whole, each message answered once however often it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.people.customers import fresh
from tests.support.stack import VERIFY, Stack, redis_of, text, webhook
from tests.support.waiting import until


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def the_number_is_well_again(running: Stack) -> AsyncIterator[None]:
    """Bodies from the wild say that the account is gone, which holds templates of whoever comes after."""
    yield
    async with redis_of(running) as redis:
        for name in [name async for name in redis.scan_iter("*health*")]:
            await redis.delete(name)


async def test_the_verification_handshake(stack: Stack):
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
    answer = await stack.http.get("/webhook", params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert (
        await stack.http.get("/webhook", params={**asked, "hub.verify_token": "wrong"})
    ).status_code == 403


@pytest.mark.parametrize("secret", [None, "another-secret"])
async def test_a_wrong_signature_stores_nothing(stack: Stack, secret: str | None):
    contact, message_id = fresh()
    before = (await stack.http.get("/api/stats")).json()["conversations"]
    assert (
        await stack.post(webhook(text(contact, "hi there", message_id)), secret=secret)
    ).status_code == 403
    assert (await stack.http.get("/api/stats")).json()["conversations"] == before


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"a":1}{', b"[" * 100_000]
)
async def test_what_is_not_a_json_object_is_refused(stack: Stack, raw: bytes):
    assert (await stack.post(None, raw=raw)).status_code == 400


async def test_a_message_delivered_many_times_alone_and_rebatched_is_answered_once(stack: Stack):
    contact, message_id = fresh()
    one, other = text(contact, "how much?", message_id), text(contact, "and delivery?", message_id + "b")
    await asyncio.gather(*(stack.post(webhook(one)) for _ in range(8)))
    await stack.post(webhook(one, other))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    await asyncio.gather(*(stack.post(webhook(other, one)) for _ in range(4)))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1
    assert len((await stack.conversation_of(contact))["messages"]) == 3


async def test_a_batch_of_many_people_loses_nobody(stack: Stack):
    people = [fresh()[0] for _ in range(20)]
    broken = {"id": "wamid.nobody", "type": "text", "text": {"body": "who am I?"}}
    body = webhook(*(text(p, f"I am {p}", f"wamid.{p}") for p in people), broken)
    assert (await stack.post(body)).status_code == 200
    for person in people:
        assert await until(lambda p=person: stack.replies(p)) == [f"You asked: I am {person}"]


async def test_reactions_deletions_edits_and_statuses_are_answered_by_nobody(stack: Stack):
    contact, message_id = fresh()
    about = {"from": contact, "timestamp": "1786000000"}
    reaction = {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}
    deletion = {"type": "revoke", "revoke": {"original_message_id": "wamid.x"}}
    edit = {"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "better"}}}}
    for number, what in enumerate((reaction, deletion, edit)):
        await stack.post(webhook({**about, "id": f"{message_id}.{number}", **what}))
    await stack.post(webhook(statuses=[{"id": "wamid.x", "status": "read", "recipient_id": contact}]))
    await until(stack.idle)
    assert not stack.model.requests and not stack.replies(contact)
    await stack.post(webhook(text(contact, "a question", f"{message_id}.9")))
    assert await until(lambda: stack.replies(contact)) == ["You asked: a question"]
    await until(stack.idle)
    kinds = [entry["kind"] for entry in (await stack.conversation_of(contact))["messages"]]
    assert kinds == ["reaction", "revoke", "edit", "text", "text"]


@pytest.mark.external_data
async def test_every_real_webhook_makes_one_turn_per_user_message(stack: Stack, external_data):
    answered = {
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "contacts",
        "interactive",
        "button",
        "order",
        "edit",  # of a message of another day: the correction is answered
        "unsupported",  # told once that it cannot be read
        "unknown",
    }
    rows = [
        json.loads(line)
        for line in (external_data / "01_whatsapp_cloud" / "webhooks.jsonl").read_text().splitlines()
    ]
    assert len(rows) == 126
    unsigned = await asyncio.gather(*(stack.post(row["payload"], secret=None) for row in rows))
    assert {answer.status_code for answer in unsigned} <= {401, 403}
    expected, before = 0, len(stack.emulator.requests)
    for position, row in enumerate(rows):
        for count, raw in enumerate(_messages(row["payload"])):
            expected += raw.get("type") in answered
            _rename(row["payload"], raw, f"99{position:03}{count:02}")
    answers = await asyncio.gather(*(stack.post(row["payload"]) for row in rows))
    assert {answer.status_code for answer in answers} == {200}
    await until(lambda: len(stack.emulator.requests) - before >= expected)
    await until(stack.idle)
    assert len(stack.emulator.requests) - before == expected
    assert expected > 40


def _messages(payload: dict) -> list[dict]:
    values = [
        c["value"]
        for e in payload.get("entry", [])
        for c in e.get("changes", [])
        if c.get("field") == "messages"
    ]
    return [m for value in values if isinstance(value, dict) for m in value.get("messages", [])]


def _rename(payload: dict, raw: dict, contact: str) -> None:
    """Fixtures share ids and senders among each other; here every message has its own."""
    raw["id"] = f"wamid.{contact}"
    old = {raw.get("from"), raw.get("from_user_id")} - {None}
    for value in (c["value"] for e in payload["entry"] for c in e["changes"]):
        for person in value.get("contacts", []):
            if not old or old & {person.get("wa_id"), person.get("user_id")}:
                person["wa_id"] = contact
                person.pop("user_id", None)
    raw["from"] = contact
    raw.pop("from_user_id", None)
