"""`langgraph dev` starts offline and serves the graph with every prompt on its node."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agent.context import STAGES, TOPICS
from agent.touches import KINDS
from tests.fakes.serving import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    pytest.importorskip("langgraph_api", reason="the studio extra is not installed")
    port, folder = free_port(), tmp_path_factory.mktemp("studio")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI", "GEMINI", "GOOGLE_API", "CHAT_MODEL"))}
    env |= {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    command = [
        str(Path(sys.executable).parent / "langgraph"),
        "dev",
        "--no-browser",
        "--no-reload",
        "--port",
        str(port),
        "--config",
        str(ROOT / "langgraph.json"),
    ]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        async def up() -> bool:
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            try:
                return (await client.get("/ok")).status_code == 200
            except httpx.HTTPError:
                return False

        await until(up, 60)
        yield client
    process.terminate()
    process.wait(20)


async def assistant(studio: httpx.AsyncClient) -> str:
    return (await studio.post("/assistants/search", json={})).json()[0]["assistant_id"]


async def run(studio: httpx.AsyncClient, thread: str, text: str, **context: str) -> dict:
    body = {
        "assistant_id": await assistant(studio),
        "input": {"messages": [{"role": "user", "content": text}]},
        "context": context,
    }
    return (await studio.post(f"/threads/{thread}/runs/wait", json=body)).json()


async def test_every_prompt_is_editable_on_its_node(studio: httpx.AsyncClient):
    schemas = (await studio.get(f"/assistants/{await assistant(studio)}/schemas")).json()
    fields = schemas["context_schema"]["properties"]
    prompts = {
        name: field["langgraph_nodes"] for name, field in fields.items() if field.get("langgraph_type") == "prompt"
    }
    own = {f"{node}_prompt": [node] for node in ("sell", "moderate", "extract", "follow_up", "ground", "remember")}
    moves = {f"{name}_prompt": ["sell"] for name in (*STAGES, *TOPICS)}
    touches = {f"{kind}_prompt": ["follow_up"] for kind in KINDS}
    assert prompts == {**own, **moves, **touches}
    assert schemas["input_schema"]["properties"].keys() == {"messages"}
    nodes = {node["id"] for node in (await studio.get(f"/assistants/{await assistant(studio)}/graph")).json()["nodes"]}
    assert {"commands", "moderate", "extract", "retrieve", "decide", "sell", "tools", "ground", "remember"} <= nodes


async def test_a_conversation_runs_and_a_changed_setting_counts(studio: httpx.AsyncClient):
    thread = (await studio.post("/threads", json={})).json()["thread_id"]
    answer = await run(studio, thread, "How much is the Aurora Duo?", business="Aurora Coffee, machines")
    assert "449\u00a0000" in answer["replies"][0]
    assert "Tea House" in (await run(studio, thread, "hello", business="Tea House"))["replies"][0]


async def test_a_wrong_placeholder_is_refused_by_name(studio: httpx.AsyncClient):
    thread = (await studio.post("/threads", json={})).json()["thread_id"]
    refused = await run(studio, thread, "hello", sell_prompt="Hi {compny}")
    assert "{compny}" in refused["__error__"]["message"]
