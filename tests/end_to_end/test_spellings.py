"""One person stays one, however a number is written."""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path

import pytest

from agent.phone_numbers import canonical, spellings
from tests.support.people.customers import quiet
from tests.support.stack import Stack, text, webhook

pytestmark = pytest.mark.slow

SPELLINGS = [
    ("551187654321", "5511987654321"),
    ("5215512345678", "525512345678"),
    ("541123456789", "5491123456789"),
    ("22507123456", "2250707123456"),
    ("22997123456", "2290197123456"),
    ("84168123456", "84168123456"),
    ("841681234567", "84381234567"),
    ("5687654321", "56987654321"),
]


@pytest.mark.parametrize(("old", "today"), SPELLINGS)
def test_every_spelling_is_one_number(old: str, today: str):
    assert canonical(old) == canonical(today) == today
    assert set(spellings(old)) == set(spellings(today)) and {old, today} <= set(spellings(old))


@pytest.mark.parametrize(
    "digits", ["77011234567", "15550001111", "393331234567", "493012345678", "5511312345678", ""]
)
def test_other_numbers_have_one(digits: str):
    assert canonical(digits) == digits and spellings(digits) == [digits]


async def test_stop_from_one_spelling_binds_the_other(stack: Stack):
    tail = f"{uuid.uuid4().int % 10**7:07}"
    inbound, written = f"55118{tail}", f"551198{tail}"
    await stack.post(webhook(text(inbound, "STOP", f"wamid.{tail}")))
    await quiet(stack, inbound, 1)
    for to in (f"+{written}", f"00{written}", f"+55 (11) 98{tail[:3]}-{tail[3:]}", f"55 0 {inbound[2:]}"):
        refused = await stack.http.post("/api/messages", json={"to": to, "text": "an offer"})
        assert refused.status_code == 409 and "no more messages" in refused.json()["detail"], to
    mine = await stack.conversation_of(inbound)
    assert mine["wa_id"] == inbound  # in the spelling that the provider reaches them by


@pytest.mark.parametrize(
    ("inbound", "written"),
    [
        ("55118{}", "+55 (11) 98{}"),
        ("521552{}", "0052 55 2{}"),
        ("549115{}", "+54 11 5{}"),
        ("225070{}", "+225 0{}"),
        ("229019{}", "+229-9{}"),
    ],
)
async def test_in_every_country_one_person_stays_one(
    stack: Stack, tmp_path: Path, inbound: str, written: str
):
    """STOP in the spelling of WhatsApp holds for a text, a template and an import in that of people."""
    tail = f"7{uuid.uuid4().int % 10**6:06}"
    inbound, written = inbound.format(tail), written.format(tail)
    await stack.post(webhook(text(inbound, "STOP", f"wamid.{inbound}")))
    await quiet(stack, inbound, 1)
    mine = await stack.conversation_of(inbound)
    for how in ({"text": "an offer"}, {"template": "come_back:ru", "variables": ["a", "b"]}):
        refused = await stack.http.post("/api/messages", json={"to": written, **how})
        assert refused.status_code == 409 and "no more messages" in refused.json()["detail"], how
    file = tmp_path / "people.csv"
    file.write_text(f"phone,name\n{written},Ana\n")
    command = [sys.executable, "-m", "server", "import", "contacts", str(file)]
    importing = await asyncio.create_subprocess_exec(*command, env=stack.env)
    assert await importing.wait() == 0
    rows = (await stack.http.get("/api/suppressions")).json()["items"]
    assert [row["wa_id"] for row in rows if row["conversation_id"] == mine["id"]] == [inbound]
    same = await stack.conversation_of(inbound)
    assert same["id"] == mine["id"] and same["profile"]["name"] == "Ana"
