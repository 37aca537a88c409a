"""What the README tells people to write works as it stands there."""

from __future__ import annotations

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from redis.asyncio import Redis

import tools
from channels.base import Channel, SendError, Template
from channels.registry import channels
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.cli.saved import replay_commands
from server.config.bot import parse_config, split_secrets
from server.config.settings import Settings
from server.pipeline import intake
from server.pipeline.sender import send
from server.replay.runs import Kept, played
from server.replay.saved import parsed
from server.replay.tape import Recorded

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(heading: str, language: str) -> str:
    """The first block of a language under a heading."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)[1]  # pyright: ignore[reportOptionalSubscript]


async def test_a_tool_in_ten_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = block("Tools", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    (tmp_path / "opening_hours.py").write_text(code)
    monkeypatch.setattr(tools, "__path__", [*tools.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "tools.opening_hours", raising=False)
    tools.installed.cache_clear()
    try:
        found = tools.found()["opening_hours"]
        assert await found.ainvoke({"day": "Sunday"}) == "closed"
        assert await found.ainvoke({"day": "Monday"}) == "10:00 to 19:00"
    finally:
        tools.installed.cache_clear()


def test_the_file_of_bots():
    for config in yaml.safe_load(block("Many bots", "yaml")):
        given = parse_config(config)
        public, secrets = split_secrets(given.channel)
        assert secrets and "secret" not in json.dumps(public)


def test_every_command_of_the_first_lines_is_a_target():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


async def test_a_channel_in_forty_lines(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From a webhook at its secret address through the mailbox to the gateway, and back."""
    code = block("Write a channel", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 40
    made: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec", dont_inherit=True), made)
    monkeypatch.setitem(channels(), "bridge", made["Bridge"])
    assert Channel in made["Bridge"].__mro__
    sent: list[dict[str, Any]] = []
    gateway = FastAPI()

    @gateway.post("/send")
    async def take(request: Request) -> JSONResponse:
        if request.headers.get("authorization") != "token":
            return JSONResponse({}, 401)
        sent.append(await request.json())
        return JSONResponse({"id": f"B{len(sent)}"})

    client = httpx.AsyncClient(transport=httpx.ASGITransport(gateway))
    settings = Settings(_env_file=None, data_dir=tmp_path, debounce_seconds=0)  # pyright: ignore[reportCallIssue]
    router = ChannelRouter(settings, client, [])
    registry = BotRegistry(settings, redis, router)
    channel = {"type": "bridge", "line": "shop", "token": "token", "url": "http://gateway", "webhook_secret": "hush"}
    assert await registry.put({"id": "bridged", "channel": channel}) == ("bridged", "created")
    body = json.dumps(
        {"messages": [{"id": uuid.uuid4().hex, "line": "shop", "from": "77015550101", "text": "hello"}, {}]}
    ).encode()
    assert router.scope_at("bridge", "bridged", "wrong", body, {}) is None
    scope = router.scope_at("bridge", "bridged", "hush", body, {})
    assert scope
    runtime = registry["bridged"]
    assert await intake.receive(scope.channel.parse(body), scope, registry) == 1
    (conversation,) = (await runtime.mailbox.claim(5)).ids
    work = await runtime.mailbox.begin(conversation)
    assert "hello" in work.batch[0]
    await runtime.mailbox.commit(conversation, work.fence, work.turn_id, [(json.dumps({"id": "t:0", "text": "hi"}), json.dumps({"id": "t:0", "author": "bot"}))])  # fmt: skip
    work = await runtime.mailbox.begin(conversation, work.fence)
    assert not await send(runtime, router, conversation, work.fence, work.reply, 1000)
    assert sent == [{"line": "shop", "to": "77015550101", "text": "hi", "id": f"{conversation}/t:0"}]
    line: Any = router.channel("bridged", "shop")
    assert line.parse(body).quarantined[0].reason == "no id"
    with pytest.raises(SendError) as refused:
        await line.send(line.credentials, Template(name="a:en"), "c")
    assert refused.value.kind == "change"
    await client.aclose()


async def test_the_saved_conversation():
    text = block("Is a new prompt better?", "yaml")
    went, _ = await played(Kept(Path("readme.yaml"), parsed(text, "README.md"), Recorded()))
    assert went.passed, went.shown()


def test_the_commands_of_the_prompt_engineer():
    shown = set(re.findall(r"bin/salesgraph replay (\w+)", README))
    assert shown == {"export", "run", "compare", "accept"}
    assert {command.name for command in replay_commands.registered_commands} > shown
