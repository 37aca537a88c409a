"""Every page in a language that puts its texts into brackets: what stands outside of them was forgotten."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from server.clock import now_ms
from server.store.records import Entry
from tests.support.browser.dashboard import PAGES
from tests.support.browser.pseudo_language import spoken, unmarked
from tests.support.people.people import Town, town
from tests.support.shop.orders import placed

LIST = "Name;Price\nAurora Duo;349 000 KZT\nAurora Mini;from 99 000 KZT\n"


@pytest.fixture
async def full(redis: Redis, tmp_path: Path) -> AsyncIterator[tuple[Town, str]]:
    """Something in every table; the town, and the conversation with most in it."""
    (tmp_path / "languages").mkdir()
    with spoken(tmp_path / "languages") as code:
        async with town(redis, tmp_path) as found:
            found.door.http.cookies.set("language", code)
            yield found, await _filled(redis, found)


async def _filled(redis: Redis, found: Town) -> str:
    id = await found.meet("77010000001", "Айгерим", "Сколько стоит?")
    other = await found.meet("77010000002", "", "hello")
    http, now = found.door.http, now_ms()
    lines = [
        Entry(
            id="b1",
            author="bot",
            text="It *costs*",
            at=now,
            turn_id="t",
            calls=2,
            tokens=900,
            cost=0.01,
            model="openai:gpt",
            status="read",
            checked=("a price",),
        ),
        Entry(id="p1", author="person", by="Marat", text="Hello", at=now, status="failed"),
        Entry(id="b2", author="bot", text="Touch", at=now, touch=1, template="hello:ru", status="delivered"),
        Entry(
            id="d1", author="bot", by="Marat", text="Draft", draft="what was drafted", at=now, status="sent"
        ),
        Entry(id="c1", author="contact", kind="call", at=now),
        Entry(id="c2", author="contact", kind="location", at=now),
        Entry(id="c3", author="contact", kind="audio", heard="", at=now),
    ]
    for line in lines:
        await redis.rpush(f"sg:{{default}}:transcript:{id}", line.model_dump_json())
    api = f"/api/conversations/{id}"
    asked: list[tuple[str, str, dict[str, Any]]] = [
        (
            "PATCH",
            f"/api/contacts/{id}",
            {"profile": {"company": "Аврора", "class": "client", "stage": "problem"}},
        ),
        ("PUT", f"/api/contacts/{id}/notes", {"key": "allergy", "text": "nuts"}),
        ("PUT", f"{api}/labels", {"labels": ["vip"]}),
        ("POST", f"{api}/comments", {"text": "look at this"}),
        ("POST", f"{api}/handoff", {}),
        ("PUT", f"/api/contacts/{other}/consent", {"stopped": True}),
        ("PUT", "/api/canned-replies/hours", {"text": "Hello {name} {strange}"}),
        ("POST", "/api/tokens", {"name": "Marat", "role": "agent", "bots": ["demo"]}),
        (
            "POST",
            "/api/templates?bot_id=default",
            {
                "name": "ready",
                "language": "en",
                "category": "UTILITY",
                "body": "Hello {{1}}, it is ready now.",
                "examples": ["Ann"],
            },
        ),
        ("PUT", "/api/knowledge/aliases?bot_id=default", {"word": "duo", "meant": "Aurora Duo"}),
    ]
    for method, path, body in asked:
        answer = await http.request(method, path, json=body)
        assert answer.status_code < 300, (path, answer.text)
    answer = await http.post(
        "/api/knowledge/documents?bot_id=default", files={"file": ("list.csv", LIST.encode())}
    )
    assert answer.status_code < 300, answer.text
    await placed(redis, id)
    letter = {
        "conversation_id": id,
        "reason": "the model said no",
        "at": now,
        "batch": [json.dumps({"id": "m", "kind": "text", "text": "hello", "timestamp": now})],
    }
    call = {
        "id": "c",
        "bot_id": "default",
        "conversation_id": id,
        "start": now + 90_000_000,
        "minutes": 30,
        "about": "price",
        "name": "",
        "phone": "+77010000000",
    }
    hook = {"id": "h", "bot_id": "default", "url": "http://127.0.0.1:9/x", "created": 1, "events": ["yes"]}
    await redis.hset("sg:{default}:hooks", "h", json.dumps(hook))
    await redis.hset("sg:{default}:dead", "d", json.dumps(letter))
    await redis.hset("sg:{default}:call_rows", "c", json.dumps(call))
    await redis.zadd("sg:{default}:call_starts", {"c": call["start"]})
    await redis.lpush(
        "sg:{default}:quarantine", json.dumps({"id": "q", "at": now, "reason": "no", "piece": "x"})
    )
    return id


async def test_every_text_is_marked(full: tuple[Town, str]):
    found, id = full
    http = found.door.http
    documents = (await found.door.read("/api/knowledge/documents?bot_id=default"))["items"]
    orders = (await found.door.read("/api/orders"))["items"]
    parts = [
        f"/dashboard/knowledge/{documents[0]['id']}/{part}?bot=default"
        for part in ("products", "columns", "passages")
    ]
    paths = [
        *PAGES,
        *parts,
        f"/dashboard/default/{id}",
        f"/dashboard/default/{id}/turns/t",
        f"/dashboard/order?id={orders[0]['id']}",
        "/dashboard/bots/default",
        "/dashboard/bots/default/link",
        "/dashboard/knowledge?bot=default",
        "/dashboard/templates?bot=default",
        "/dashboard/templates/ready/en?bot=default",
        "/dashboard?q=nothing-of-the-kind",
        "/dashboard/contacts?q=nothing-of-the-kind",
        "/dashboard/default/nobody",
        "/login",
        "/login?used=1",
        "/simulator",
    ]
    forgotten: dict[str, list[str]] = {}
    for path in paths:
        answer = await http.get(path)
        assert answer.status_code in (200, 404), (path, answer.status_code)
        assert "⟦" in answer.text, path
        if bare := unmarked(answer.text):
            forgotten[path] = bare
    assert not forgotten, json.dumps(forgotten, ensure_ascii=False, indent=1)
