"""Tools of MCP servers: one session each, a dead server skipped, an error an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from structlog.testing import capture_logs

import agent.nodes.tools
import tools
from agent.context import Context
from agent.models.chat import Models
from agent.nodes.ground import evidence
from tests.fakes.serving import free_port
from tests.support.shop.chatting import Chat, Scripted, call
from tests.support.waiting import until
from tools._mcp import BadMcpFile, connected, servers

FAKE = str(Path(__file__).parents[1] / "fakes" / "mcp_server.py")
SHOP = {"command": sys.executable, "args": [FAKE], "env": {"SHOP_KEY": "${MCP_TEST_KEY}"}}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.setenv("MCP_TEST_KEY", "from-the-environment")

    def write(**rows: Any) -> Path:
        path = tmp_path / "mcp.json"
        path.write_text(json.dumps({"mcpServers": rows}))
        return path

    return write


async def answer_of(tool: str, args: dict[str, Any]) -> ToolMessage:
    """What the agent is told when it calls a tool."""
    told: list[ToolMessage] = []

    def script(messages: list[Any], offered: list[str]) -> AIMessage:
        if offered in (["Verdict"], ["Facts"]):
            return call(offered[0], {})
        if isinstance(messages[-1], ToolMessage):
            told.append(messages[-1])
            return AIMessage("Here you are.")
        return call(tool, args)

    await Chat(Models(Scripted(script=script, asked=[])), tools=["shop_*"]).says("is it in stock?")
    return told[0]


async def test_tools_of_a_server_are_called_in_one_session(file: Callable[..., Path]):
    async with connected(file(shop=SHOP)) as working:
        assert working == ["shop"]
        assert "shop_stock" in tools.found() and "shop_silent" not in tools.found()
        first = await answer_of("shop_stock", {"article": "AU-DUO"})
        assert "AU-DUO: 7 in stock (call 1 of" in first.text and "from-the-environment" in first.text
        second = await answer_of("shop_stock", {"article": "AU-ONE"})
        assert "call 2 of" in second.text
        assert first.text.split("process ")[1] == second.text.split("process ")[1]
    assert not [name for name in tools.found() if name.startswith("shop_")]


async def test_an_error_is_an_error_and_supports_nothing(file: Callable[..., Path]):
    async with connected(file(shop=SHOP)):
        answer = await answer_of("shop_fails", {"article": "AU-DUO"})
        assert answer.status == "error" and "1 tenge" in answer.text
    good = answer.model_copy(update={"status": "success", "content": "AU-ONE costs 2 tenge"})
    known = evidence({"messages": [HumanMessage("?"), answer, good, AIMessage("!")]}, Context())  # pyright: ignore
    said = " ".join(source.text for source in known.sources)
    assert "2 tenge" in said and "1 tenge" not in said


async def test_answers_are_bounded_in_time_and_size(
    file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    async with connected(file(shop=SHOP)):
        long = await answer_of("shop_long", {})
        assert len(long.text) < agent.nodes.tools.TOOL_CHARACTERS + 20
        picture = await answer_of("shop_picture", {})
        assert len(str(picture.content)) < 100
        monkeypatch.setattr(agent.nodes.tools, "TOOL_SECONDS", 0.5)
        slow = await answer_of("shop_slow", {})
        assert slow.status == "error" and "colleague" in slow.text


async def test_a_dead_server_is_named_and_skipped(file: Callable[..., Path]):
    with capture_logs() as logs:
        async with connected(
            file(dead={"command": "false"}, nowhere={"url": "http://127.0.0.1:9/mcp"}, shop=SHOP)
        ) as working:
            assert working == ["shop"]
    assert {line["server"] for line in logs if line["event"] == "mcp_server_skipped"} == {"dead", "nowhere"}


async def test_a_server_that_dies_comes_back(file: Callable[..., Path]):
    async with connected(file(shop=SHOP)):
        died = await answer_of("shop_dies", {})
        assert died.status == "error"

        async def again() -> bool:
            answer = await answer_of("shop_stock", {"article": "AU-DUO"})
            return answer.status == "success" and "call 1 of" in answer.text

        await until(again, 40)


async def test_a_server_with_an_address(file: Callable[..., Path]):
    port = free_port()
    process = subprocess.Popen([sys.executable, FAKE, "--http"], env={**os.environ, "MCP_PORT": str(port)})
    try:
        async with httpx.AsyncClient() as client:

            async def up() -> bool:
                try:
                    return (await client.get(f"http://127.0.0.1:{port}/mcp")).status_code > 0
                except httpx.HTTPError:
                    return False

            await until(up)
        async with connected(file(shop={"url": f"http://127.0.0.1:{port}/mcp"})) as working:
            assert working == ["shop"]
            assert "7 in stock" in (await answer_of("shop_stock", {"article": "A"})).text
    finally:
        process.terminate()
        process.wait(10)


async def test_a_tool_whose_name_is_taken_is_left_out(file: Callable[..., Path]):
    with capture_logs() as logs:
        async with connected(file(shop=SHOP)):
            tools.add(
                "another",
                [tools.found()["shop_stock"], tools.found()["shop_long"].model_copy(update={"name": "mine"})],
            )
            assert "mine" in tools.found()
            tools.remove("another")
    assert [
        line["error"] for line in logs if line["event"] == "tool_not_loaded" and line["source"] == "another"
    ] == ["the name shop_stock is taken"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "mcpServers"),
        ("[]", "mcpServers"),
        ('{"mcpServers": {"A b": {"command": "x"}}}', "A b"),
        ('{"mcpServers": {"a": {}}}', "one of both"),
        ('{"mcpServers": {"a": {"command": "x", "url": "https://y"}}}', "one of both"),
        ('{"mcpServers": {"a": {"url": "ftp://y"}}}', "mcpServers"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, words: str):
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(BadMcpFile, match="MCP_FILE") as refused:
        servers(path)
    assert words in str(refused.value)


async def test_without_a_file_there_is_nothing(tmp_path: Path):
    async with connected(None) as working:
        assert working == []
