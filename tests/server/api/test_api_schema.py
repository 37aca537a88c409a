"""The API against its own description: whatever is sent, no server error, and no answer that is not described
(schemathesis)."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from server.store.keys import key
from tests.support.people.customers import silent, talk
from tests.support.stack import API, Stack, product

pytestmark = pytest.mark.slow

SCHEMATHESIS = Path(__file__).parents[3] / ".venv/schema/bin/schemathesis"
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    "response_schema_conformance",
)
LISTS = (
    *("conversations", "contacts", "follow-ups/active", "follow-ups/skipped", "calls", "suppressions"),
    *("consents", "templates", "dead-letters", "quarantine", "bots", "tokens", "hooks", "audit"),
    "knowledge/documents",
)
needs_schemathesis = pytest.mark.skipif(
    not SCHEMATHESIS.exists() and not os.environ.get("CI"), reason="schemathesis is not there: run make test"
)


@pytest.fixture(scope="module")
def apart() -> Iterator[Stack]:
    """A product of its own: what is made here must meet no other test."""
    with product() as stack:
        yield stack


def tried(stack: Stack, folder: Path, config: str, paths: str, *more: str) -> str:
    """What schemathesis says of the API; it exits with an error when anything was a server error, or an
    answer had another status, media type or shape than its description says."""
    (folder / "schemathesis.toml").write_text(config, encoding="utf-8")
    command = [
        str(SCHEMATHESIS),
        "run",
        f"{stack.url}/openapi.json",
        f"--header=Authorization: Bearer {API}",
        f"--checks={','.join(CHECKS)}",
        f"--include-path-regex={paths}",
        "--exclude-path=/api/events",  # a stream that ends with the server
        "--seed=1",
        *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=240)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@needs_schemathesis
def test_nothing_that_is_sent_is_a_server_error_or_answered_in_another_shape(apart: Stack, tmp_path: Path):
    said = tried(
        apart,
        tmp_path,
        "",
        "^/(api|health|metrics|calendar)",
        "--phases=coverage,fuzzing",
        "--max-examples=5",
    )
    tested, cases = re.search(r"Tested: (\d+)", said), re.search(r"(\d+) generated, (\d+) passed", said)
    assert tested and int(tested[1]) > 60 and cases and cases[1] == cases[2] and int(cases[1]) > 600


async def filled(stack: Stack) -> dict[str, str]:
    """A product whose lists all have a row; the ids of what there is, by the names that paths have for
    them."""
    _, conversation = await talk(stack, "how much is delivery?")
    _, planned = await silent(stack)
    await stack.http.post(f"/api/follow-ups/{planned}/skip")
    await stack.http.put(f"/api/contacts/{conversation}/consent", json={"stopped": True})
    stack.emulator.templates = [
        {"name": "t", "language": "en", "components": [{"type": "BODY", "text": "Hello {{1}}"}]}
    ]
    await stack.http.post("/api/templates/sync")
    token = (await stack.http.post("/api/tokens", json={"name": "x", "bot_id": "default"})).json()["id"]
    hook = (await stack.http.post("/api/hooks", json={"url": "https://93.184.216.34/x"})).json()["id"]
    delivery = (await stack.http.post(f"/api/hooks/{hook}/ping")).json()["id"]
    document = await stack.http.post(
        "/api/knowledge/documents",
        files={"file": ("a.md", b"# Delivery\nIt costs 5 euros and takes two days.")},
    )
    message = json.dumps({"id": "1", "kind": "text", "text": "hello", "timestamp": 1})
    letter = {"conversation_id": conversation, "reason": "failed", "at": 1, "batch": [message]}
    call = {"id": "c", "bot_id": "default", "conversation_id": conversation, "start": 2**42, "minutes": 30}
    redis: Any = Redis.from_url(f"unix://{stack.data_dir}/redis/socket?db=0")
    await redis.hset(key("default", "dead"), "turn", json.dumps(letter))
    await redis.lpush(
        key("default", "quarantine"), json.dumps({"at": 1, "reason": "no sender", "piece": "{}"})
    )
    await redis.hset(key("default", "call_rows"), "c", json.dumps(call))
    await redis.zadd(key("default", "call_starts"), {"c": call["start"]})
    await redis.aclose()
    said = (await stack.http.get(f"/api/conversations/{conversation}")).json()["messages"]
    return {
        **{"conversation_id": conversation, "contact_id": conversation, "bot_id": "default"},
        **{"turn_id": said[1]["turn_id"], "message_id": said[0]["id"], "name": "t", "language": "en"},
        **{"hook_id": hook, "delivery_id": delivery, "token_id": token, "letter_id": "turn", "call_id": "c"},
        "document_id": document.json()["id"],
    }


@needs_schemathesis
async def test_what_is_sent_about_things_that_exist_is_answered_as_described(apart: Stack, tmp_path: Path):
    """With ids of things that there are and rows in every list, so that more than "not found" is answered."""
    known = await filled(apart)
    config = "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items())
    for path in LISTS:
        answer = await apart.http.get(f"/api/{path}")
        assert answer.status_code == 200 and answer.json()["items"], path
    more = ("--phases=fuzzing", "--max-examples=5", "--exclude-method=DELETE")
    tried(apart, tmp_path, config, "^/api/", *more)
