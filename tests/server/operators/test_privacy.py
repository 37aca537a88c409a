"""A person gets everything that is known of them, or nothing of them is left: in no key, no file, no log."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import httpx

from server.operators.privacy import holders
from tests.fakes.openai_wire import last_user, message, polite, schema_of
from tests.support.people.customers import fresh, write
from tests.support.stack import Stack, redis_of, text, webhook
from tests.support.waiting import until


def knowing(request):
    """A model that learns the e-mail address it is told."""
    if schema_of(request) == "Facts" and "@" in last_user(request):
        return message(call=("Facts", {"email": last_user(request).split()[-1]}))
    return polite(request)


async def talked(stack: Stack, contact: str) -> str:
    _, message_id = fresh()
    await stack.post(webhook(text(contact, f"My mail is {contact}@example.com", message_id)))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    return (await stack.conversation_of(contact))["id"]


def files_with(folder: Path, needle: str) -> list[str]:
    return [str(p) for p in folder.rglob("*") if p.is_file() and needle.encode() in p.read_bytes()]


async def test_everything_of_one_person_in_one_archive(stack: Stack):
    stack.model.answer = knowing
    contact, _ = fresh()
    id = await talked(stack, contact)
    answer = await stack.http.get(f"/api/contacts/{id}/export")
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    files = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert files["contact.json"]["wa_id"] == contact
    assert files["contact.json"]["profile"]["email"] == f"{contact}@example.com"
    assert [e["author"] for e in files["transcript.json"]] == ["contact", "bot"]
    assert len(files["memory.json"]["messages"]) == 2 and files["follow_up.json"]["touch"] == 1
    assert files["consent.json"] == [] and files["appointments.json"] == []
    assert (await stack.http.get("/api/contacts/nobody/export")).status_code == 404


async def test_nothing_of_somebody_who_was_erased_is_left(stack: Stack):
    stack.model.answer = knowing
    contact, message_id = fresh()
    other, _ = fresh()
    async with redis_of(stack) as redis:  # somebody is told of everything, and does not answer
        hook = {"id": "h", "bot_id": "default", "url": "http://127.0.0.1:9/", "created": 1}
        await redis.hset("sg:{default}:hooks", "h", json.dumps(hook))
        await redis.sadd("sg:{*}:hooked", "default")
    id, kept = await talked(stack, contact), await talked(stack, other)
    async with redis_of(stack) as redis:
        # where a number gets to beside its own keys
        await redis.lpush("sg:{default}:quarantine", json.dumps({"piece": contact}))
        await redis.hset("sg:{default}:dead", "letter", json.dumps({"conversation": id, "batch": [contact]}))
        await redis.hset(
            "sg:{default}:call_rows", "call", json.dumps({"conversation_id": id, "phone": f"+{contact}"})
        )
        await until(lambda: redis.hlen("sg:{default}:deliveries"))
        told = [name async for name in holders(redis, "default", [contact.encode()])]
        assert "sg:{default}:deliveries" in told and [
            name for name in told if ":trace:" in name or ":transcript:" in name
        ]
        await redis.delete("sg:{default}:hooks")
        before = int(await redis.hget("sg:{default}:fields", "email") or 0)
        done = (await stack.http.delete(f"/api/contacts/{id}", params={"verify": True})).json()
        assert int(await redis.hget("sg:{default}:fields", "email") or 0) == before - 1
        assert (
            done["status"] == "erased" and done["left"] == [] and done["keys"] >= 5 and done["entries"] >= 4
        )
        assert not [
            name
            async for name in holders(redis, "default", [contact.encode(), id.encode()])
            if ":seen:" not in name
        ]

        async def rewritten() -> bool:
            info = await redis.info("persistence")
            return not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]

        await until(rewritten)
    assert files_with(stack.data_dir, contact) == []
    for path in (f"/api/contacts/{id}", f"/api/conversations/{id}", f"/api/contacts/{id}/export"):
        assert (await stack.http.get(path)).status_code == 404
    assert (await stack.http.get(f"/api/contacts/{kept}")).json()["wa_id"] == other
    await stack.post(webhook(text(contact, "It is me again", message_id)))  # as somebody new
    await until(lambda: len(stack.replies(contact)) == 2)
    assert (await stack.http.get(f"/api/conversations/{id}")).json()["messages"][0][
        "text"
    ] == "It is me again"


async def test_erased_while_the_model_thinks(stack: Stack):
    contact, message_id = fresh()
    stack.model.hang = lambda request: 0.0 if schema_of(request) else 1.5
    await stack.post(webhook(text(contact, "Think about it", message_id)))
    await until(lambda: any("Think about it" in last_user(r) for r in stack.model.sales_calls()))
    id = (await stack.conversation_of(contact))["id"]
    await stack.http.delete(f"/api/contacts/{id}")
    await until(
        lambda: (
            "LeaseLost" in stack.log.read_text() or id in stack.log.read_text().split("contact_erased")[-1]
        )
    )
    await until(stack.idle)
    async with redis_of(stack) as redis:
        assert not [name async for name in holders(redis, "default", [contact.encode()])]
    assert stack.replies(contact) == []


async def test_whoever_wanted_silence_has_it_after_they_were_erased(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "stop", message_id)))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    id = (await stack.conversation_of(contact))["id"]
    assert (await stack.http.delete(f"/api/contacts/{id}", params={"verify": True})).json()["left"] == []
    sent = await stack.http.post("/api/messages", json={"to": contact, "text": "An offer!"})
    assert sent.status_code in (202, 409), sent.text
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1


async def test_the_same_person_at_another_bot_is_another_contact(stack: Stack):
    contact, _ = fresh()
    id = await talked(stack, contact)
    await write(f"{stack.url}/simulator/cloud-api", "sim-demo", contact, "hello")
    await until(stack.idle)
    await stack.http.delete(f"/api/contacts/{id}")
    rows = (await stack.http.get("/api/contacts", params={"bot_id": "demo", "limit": 200})).json()["items"]
    assert contact in [row["wa_id"] for row in rows]
    async with httpx.AsyncClient(base_url=stack.url) as stranger:
        assert (await stranger.delete(f"/api/contacts/{id}")).status_code == 401
