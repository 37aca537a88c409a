"""The API against its own description: whatever is sent, no server error (schemathesis)."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.api.examples import EXAMPLES
from tests.server.stack import API, Stack, product
from tests.server.test_dashboard import talk

SCHEMATHESIS = Path(__file__).parents[2] / ".venv/schema/bin/schemathesis"
needs_schemathesis = pytest.mark.skipif(
    not SCHEMATHESIS.exists() and not os.environ.get("CI"), reason="schemathesis is not there: run make test"
)


@pytest.fixture(scope="module")
def apart() -> Iterator[Stack]:
    """A product of its own: what is made here must meet no other test."""
    with product() as stack:
        yield stack


def tried(stack: Stack, folder: Path, config: str, paths: str, *more: str) -> str:
    """What schemathesis says of the API; it exits with an error when anything was a server error."""
    (folder / "schemathesis.toml").write_text(config, encoding="utf-8")
    command = [
        str(SCHEMATHESIS),
        "run",
        f"{stack.url}/openapi.json",
        f"--header=Authorization: Bearer {API}",
        "--checks=not_a_server_error",
        f"--include-path-regex={paths}",
        "--exclude-path=/api/events",  # a stream that ends with the server
        "--seed=1",
        *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=240)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@needs_schemathesis
def test_nothing_that_is_sent_is_a_server_error(apart: Stack, tmp_path: Path):
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


@needs_schemathesis
async def test_nothing_that_is_sent_of_a_real_conversation_is_one(apart: Stack, tmp_path: Path):
    """With ids of things that there are, so that more than "not found" is tried."""
    _, conversation = await talk(apart, "hello")
    found = (await apart.http.get(f"/api/conversations/{conversation}")).json()["messages"]
    known = {
        "conversation_id": conversation,
        "contact_id": conversation,
        "bot_id": "default",
        "turn_id": found[1]["turn_id"],
        "message_id": found[0]["id"],
    }
    config = "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items())
    more = ("--phases=fuzzing", "--max-examples=5", "--exclude-method=DELETE")
    tried(apart, tmp_path, config, "^/api/.*_id}", *more)


def test_every_operation_is_described(apart: Stack):
    description = httpx.get(f"{apart.url}/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (method, path)
            if path.startswith("/api/"):
                assert {"401", "403"} <= operation["responses"].keys(), (method, path)
    schemas = description["components"]["schemas"]
    bodies = [name for name in schemas if name.endswith("In")]
    assert len(bodies) > 8 and all(schemas[name].get("description") for name in bodies)
    assert schemas["ProblemDetails"]["required"] == ["title", "status", "detail"]


def fields_of(value: Any, known: Any) -> None:
    """An example has the fields of a real answer, no more and no less; where a real list is empty, nothing
    can be said."""
    if isinstance(value, dict) and isinstance(known, dict):
        free = {
            "profile",
            "sources",
            "referral",
            "otherwise",
            "fields",
            "touched",
            "answered",
            "skipped",
            "data",
            "answered_within",
        }
        assert value.keys() == known.keys()
        for name in value.keys() - free:
            fields_of(value[name], known[name])
    elif isinstance(value, list) and isinstance(known, list) and value and known:
        fields_of(value[0], known[0])


async def test_the_examples_are_like_real_answers(apart: Stack):
    _, conversation = await talk(apart, "hello")
    found = (await apart.http.get(f"/api/conversations/{conversation}")).json()
    ids = {
        "conversation_id": conversation,
        "contact_id": conversation,
        "turn_id": found["messages"][1]["turn_id"],
    }
    await apart.http.post("/api/tokens", json={"name": "x", "bot_id": "default"})
    hook = (await apart.http.post("/api/hooks", json={"url": "https://93.184.216.34/x"})).json()["id"]
    await apart.http.post(f"/api/hooks/{hook}/ping")
    bodies = {
        "/api/knowledge/search": {"question": "delivery", "bot_id": "demo"},
        "/api/generate": {"text": "hello"},
        "/api/conversations/{conversation_id}/messages": {"text": "hi"},
    }
    tried = 0
    for (method, path), value in EXAMPLES.items():
        if method == "delete":
            continue
        answer = await apart.http.request(method, path.format(**ids, hook_id=hook), json=bodies.get(path))
        assert answer.status_code < 300, (path, answer.text)
        fields_of(value, answer.json())
        tried += 1
    assert tried > 12
