"""Redis holds something we did not write: it is set aside, shown, and hides nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from redis.asyncio import Redis

from agent.models.chat import Models
from agent.serializer import Poisoned
from channels.base import Message
from server.bots.bot import runtimes
from server.config.settings import Settings
from server.conversations.working_memory import sound
from server.observability import model_capabilities
from server.operators.audit import AUDIT
from server.operators.tokens import TOKENS
from server.store.client import client
from server.store.keys import PREFIX, key
from tests.support.office import Office
from tests.support.shop.chatting import Scripted, polite
from tests.support.stack import Stack
from tests.support.waiting import until

SOUND: dict[str, Any] = {
    "messages": [HumanMessage("hi", id="1")],
    "profile": {"name": "Ann"},
    "at": 1,
    "turn_id": "t",
}


def test_a_memory_in_its_own_shape_is_read():
    assert sound(SOUND) is SOUND and sound({}) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": None},
        {"messages": "text"},
        {"messages": [{"type": "human"}]},
        {"messages": [None]},
        {"profile": [1]},
        {"profile": {1: "x"}},
        {"started_with": {"profile": 3}},
        {"at": "yesterday"},
        {"turn_id": {}},
        {"replies": {"a": 1}},
    ],
)
def test_one_of_another_shape_is_not(wrong: dict[str, Any]):
    with pytest.raises(Poisoned):
        sound({**SOUND, **wrong})


async def test_one_damaged_contact_hides_no_other(redis: Redis, tmp_path: Path):
    runtime = runtimes(Settings(_env_file=None, data_dir=tmp_path), redis)["default"]  # pyright: ignore[reportCallIssue]
    ids = [
        await runtime.conversations.identify(
            Message(id=f"m{n}", account="1", kind="text", wa_id=f"7701000000{n}")
        )
        for n in range(4)
    ]
    await redis.hset(key("default", "contact", ids[0]), "heard_at", "nan")  # pyright: ignore[reportGeneralTypeIssues]
    await redis.hset(key("default", "contact", ids[1]), b"p:name", b"\xff\xfe")  # pyright: ignore[reportGeneralTypeIssues]
    await redis.delete(key("default", "contact", ids[2]))
    await redis.set(key("default", "contact", ids[2]), "a text")
    assert [contact.id for contact, _ in await runtime.conversations.latest(ids)] == [ids[3]]


LISTS = {
    "alerts": (f"{PREFIX}:alerts", "/api/stats"),
    "tokens": (TOKENS, "/api/tokens"),
    "dead letters": (key("default", "dead"), "/api/dead-letters"),
    "webhooks": (key("default", "hooks"), "/api/hooks"),
    "documents": (key("default", "knowledge", "documents"), "/api/knowledge/documents"),
    "audit": (AUDIT, "/api/audit"),
    "quarantine": (key("default", "quarantine"), "/api/quarantine"),
    "consents": (key("default", "consents"), "/api/consents"),
    "touches left out": (key("default", "skipped"), "/api/follow-ups/skipped"),
    "what models take": (model_capabilities.KEY, "/api/bots/default/status"),
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_row_that_cannot_be_read_closes_no_page(stack: Stack, name: str):
    place, path = LISTS[name]
    redis: Any = client(f"unix://{stack.data_dir}/redis/socket?db=0")
    rows = [b"{not json", b"\xff\xfe", b"5", b"[]", b"{}"]
    if name in ("audit", "quarantine", "consents", "touches left out"):
        await redis.lpush(place, *rows)
    else:
        await redis.hset(place, mapping={f"bad{n}": row for n, row in enumerate(rows)})
    try:
        for address in (path, "/dashboard", "/dashboard/todo", "/metrics"):
            answer = await stack.http.get(address)
            assert answer.status_code < 400, (address, answer.text[:300])
        assert "record_unreadable" in stack.log.read_text()
        shown = (await stack.http.get("/api/stats")).json()["alerts"]
        assert any(row["name"].startswith("unreadable: ") for row in shown)
    finally:
        if name in ("audit", "quarantine", "consents", "touches left out"):
            await redis.ltrim(place, len(rows), -1)
        else:
            await redis.hdel(place, *[f"bad{n}" for n in range(len(rows))])
        await redis.aclose()


@pytest.mark.parametrize(
    "damage",
    [
        {"fence": "many"},
        {"characters": "\xff"},
        {"first": "", "size": "x"},
        {"turns": "nan"},
        {"sends": "1e400"},
        None,
    ],
)
async def test_a_damaged_mailbox_mutes_nobody(redis: Redis, tmp_path: Path, damage: dict[str, str] | None):
    office = Office(redis, tmp_path)
    async with office.working(Models(Scripted(script=polite, asked=[]))):
        conversation = await office.writes("77010000021", "hello")
        await until(lambda: office.replies("77010000021"))
        await until(office.idle)
        box: Any = key("default", "box", conversation)
        if damage:
            await redis.hset(box, mapping=damage)  # pyright: ignore[reportGeneralTypeIssues]
        else:
            await redis.set(box, "a text")
        await office.writes("77010000021", "are you there?")
        await until(lambda: len(office.replies("77010000021")) == 2)
