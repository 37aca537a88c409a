"""What README and documentation tell people to write works as it stands there."""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import typer
import yaml
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import BaseTool
from redis.asyncio import Redis

import tools
from agent.models.chat import Models
from agent.models.usage import Meter
from channels.base import Channel, SendError
from channels.content.media import Template
from channels.registry import channels
from knowledge_base.passages import Passage
from knowledge_base.search.contract import Searcher
from knowledge_base.search.texts import Pack
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.cli import compare as _compare  # noqa: F401 - adds its command to those of replay
from server.cli import main
from server.cli.bots import bots_commands
from server.cli.imports import import_commands
from server.cli.prompts import prompts_commands
from server.cli.redis import redis_commands
from server.cli.saved import replay_commands
from server.cli.studio import studio_commands
from server.config.bot import parse_config, split_secrets
from server.config.settings import Settings
from server.notifications.deliveries import EVENTS
from server.notifications.signing import sign_event
from server.pipeline import intake
from server.pipeline.sender import send_head
from server.replay.runs import KeptConversation, documents, played
from server.replay.saved import parse_conversation
from server.replay.tape import Recorded
from server.store.records import Entry, Reply
from tests.support.shop.chatting import Chat, Scripted, call, quiet

ROOT = Path(__file__).parents[1]
PAGES = {
    path: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}


def blocks(page: str, heading: str, language: str) -> list[str]:
    """The blocks of a language under a heading of a page, indented ones too."""
    section = re.split(rf"\n##+ {re.escape(heading)}\n", PAGES[ROOT / "docs" / page], maxsplit=1)[1]
    section = re.split(r"\n##+ ", section, maxsplit=1)[0]
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", section, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


def block(page: str, heading: str, language: str) -> str:
    """The first of them."""
    return blocks(page, heading, language)[0]


@pytest.fixture
def drop_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], BaseTool]]:
    """Drops a file of a tool's name into the folder of tools; the tool."""

    def dropped(name: str, code: str) -> BaseTool:
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.setattr(tools, "__path__", [*tools.__path__, str(tmp_path)])
        monkeypatch.delitem(sys.modules, f"tools.{name}", raising=False)
        tools.installed.cache_clear()
        return tools.found()[name]

    yield dropped
    tools.installed.cache_clear()


async def test_a_tool_in_ten_lines(drop_in: Callable[[str, str], BaseTool]):
    code = block("extend.md", "Write a tool", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    found = drop_in("opening_hours", code)
    assert await found.ainvoke({"day": "Sunday"}) == "closed"
    assert await found.ainvoke({"day": "Monday"}) == "10:00 to 19:00"


async def test_a_tool_asks_for_what_belongs_to_its_turn(drop_in: Callable[[str, str], BaseTool]):
    drop_in("reserve", blocks("extend.md", "Write a tool", "python")[1])

    def script(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
        answers = [message for message in messages if isinstance(message, ToolMessage)]
        if answers or "reserve" not in offered:
            return AIMessage(answers[-1].text) if answers else quiet(messages, offered)
        return call("reserve", {"article": "blue vase"})

    chat = Chat(Models(Scripted(script=script, asked=[])), grounding=False)
    assert await chat.says("please keep one for me") == ["Blue vase is reserved under no key"]


async def test_a_search_engine_of_ones_own():
    made: dict[str, Any] = {}
    exec(compile(block("extend.md", "Write a search engine", "python"), "extend.md", "exec"), made)
    engine: Searcher = made["engine"]()
    passage = Passage(document="prices", page=1, text="The blue vase costs 9 000 ₸.")
    vectors = np.asarray([[1.0, 0.0]], dtype=np.float32)
    await engine.put("shop", [(Pack("prices", "1", "en", [passage]), vectors)])
    assert [hit.passage.text for hit in await engine.search("shop", "blue vase", vectors[0])] == [
        passage.text
    ]
    assert not await engine.search("other", "blue vase", vectors[0])


def test_the_file_of_bots():
    for config in yaml.safe_load(block("bots.md", "A file of bots", "yaml")):
        given = parse_config(config)
        public, secrets = split_secrets(given.channel)
        assert secrets and "secret" not in json.dumps(public)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_of_make_is_a_target(page: Path):
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([\w./-]+)", PAGES[page], re.MULTILINE):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


async def test_a_channel_in_forty_lines(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From a webhook at its secret address through the mailbox to the gateway, and back."""
    code = block("extend.md", "Write a channel", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 40
    made: dict[str, Any] = {}
    exec(compile(code, "extend.md", "exec", dont_inherit=True), made)
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
    channel = {
        "type": "bridge",
        "line": "shop",
        "token": "token",
        "url": "http://gateway",
        "webhook_secret": "hush",
    }
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
    assert [message.text for message in work.batch] == ["hello"]
    await runtime.mailbox.commit(
        conversation,
        work.fence,
        work.turn_id,
        [(Reply(id="t:0", text="hi"), Entry(id="t:0", author="bot", text="hi"))],
    )
    work = await runtime.mailbox.begin(conversation, work.fence)
    assert work.reply
    assert not await send_head(runtime, router, conversation, work.fence, work.reply, 1000)
    assert sent == [{"line": "shop", "to": "77015550101", "text": "hi", "id": f"{conversation}/t:0"}]
    line: Any = router.channel("bridged", "shop")
    assert line.parse(body).quarantined[0].reason == "no id"
    with pytest.raises(SendError) as refused:
        await line.send(line.credentials, Template(name="a:en"), "c")
    assert refused.value.kind == "change"
    await client.aclose()


async def test_the_saved_conversation():
    text = block("prompts.md", "Is a new prompt better?", "yaml")
    # a turn waits for the documents of the sample shop no longer than a customer should
    await documents(None).passages("default", "Aurora Duo", "", 1, Meter())
    went, _ = await played(
        KeptConversation(Path("prompts.yaml"), parse_conversation(text, "prompts.md"), Recorded())
    )
    assert went.passed, went.shown()


def test_the_commands_of_the_prompt_engineer():
    shown = set(re.findall(r"bin/salesgraph replay (\w+)", PAGES[ROOT / "docs/prompts.md"]))
    assert shown == {"export", "run", "compare", "accept"}
    assert {command.name for command in replay_commands.registered_commands} > shown


def test_the_file_of_one_bot():
    given = parse_config(
        {"id": "shop", **yaml.safe_load(block("prompts.md", "A bot's own prompts and facts", "yaml"))}
    )
    assert given.facts and given.price_prompt and given.custom_fields


GROUPS: dict[str, typer.Typer] = {
    **{"bots": bots_commands, "import": import_commands, "prompts": prompts_commands},
    **{"redis": redis_commands, "replay": replay_commands, "studio": studio_commands},
}


def shown_commands() -> Iterator[tuple[str, str]]:
    """Every line of a block that runs `salesgraph`, without what stands before its own words."""
    for path, text in PAGES.items():
        for language, code in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            for line in code.splitlines() if language in ("", "bash") else ():
                if found := re.match(
                    r"\s*(?:\w+=\S+ )*(?:docker compose exec web |\.venv/bin/)?salesgraph (.*)", line
                ):
                    yield path.name, found[1].partition(" #")[0].strip()


@pytest.mark.parametrize(("page", "line"), list(shown_commands()))
def test_every_shown_command_exists_with_its_options(page: str, line: str):
    words = shlex.split(line)
    group = GROUPS.get(words[0])
    command: Any = typer.main.get_group(group or main.app).commands[words[1] if group else words[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def recipe(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The receiver for HubSpot, with the check of signatures above it."""
    made: dict[str, Any] = {}
    for code in (
        block("api.md", "Check the signature", "python"),
        block("api.md", "Recipe: HubSpot", "python"),
    ):
        exec(compile(code, "api.md", "exec", dont_inherit=True), made)
    monkeypatch.setenv("SALESGRAPH_SECRET", "hush")
    monkeypatch.setenv("HUBSPOT_TOKEN", "token")
    return made


def test_the_check_of_a_signature(monkeypatch: pytest.MonkeyPatch):
    is_ours, now = recipe(monkeypatch)["is_ours"], int(time.time())
    body = json.dumps({"event": "yes"}).encode()
    assert is_ours("hush", sign_event("hush", now, body), body)
    assert not is_ours("other", sign_event("hush", now, body), body)
    assert not is_ours("hush", sign_event("hush", now, body), body + b" ")
    assert not is_ours("hush", sign_event("hush", now - 3600, body), body)
    assert not is_ours("hush", "", body)


async def test_the_receiver_for_hubspot(monkeypatch: pytest.MonkeyPatch):
    made = recipe(monkeypatch)
    asked: list[httpx.Request] = []

    def hubspot(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    made["hubspot"] = httpx.AsyncClient(
        base_url="https://api.hubapi.com", transport=httpx.MockTransport(hubspot)
    )
    body = block("api.md", "Outgoing webhooks", "json").encode()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made["app"]), base_url="http://crm") as client:
        signed = {"X-Salesgraph-Signature": sign_event("hush", int(time.time()), body)}
        answer = await client.post("/hooks/salesgraph", content=body, headers=signed)
        assert answer.json() == {"status": "stored"}
        assert (await client.post("/hooks/salesgraph", content=body)).status_code == 403
    (request,) = asked
    assert request.headers["authorization"] == "Bearer token"
    assert json.loads(request.content)["inputs"][0]["properties"]["email"] == "aigerim@example.kz"


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node")
def test_the_check_of_a_signature_in_n8n():
    body = block("api.md", "Outgoing webhooks", "json")
    item = {
        "json": {"headers": {"x-salesgraph-signature": sign_event("hush", 1_786_000_000, body.encode())}},
        "binary": {"data": {"data": base64.b64encode(body.encode()).decode()}},
    }
    code = block("api.md", "Recipe: n8n", "javascript")
    script = (
        f"const node = ($input, $env) => {{{code}}};const answer = secret => JSON.stringify(node({{first: () "
        f"=> ({json.dumps(item)})}}, {{SALESGRAPH_SECRET: secret}}));console.log(answer('hush')); try {{ "
        "answer('other') } catch (error) { console.log(error.message) }"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=60)
    first, second = done.stdout.splitlines()
    assert json.loads(first) == [{"json": json.loads(body)}] and second == "wrong signature", done.stderr


def test_every_event_of_outgoing_webhooks_is_named():
    assert all(f"`{event}`" in PAGES[ROOT / "docs/api.md"] for event in EVENTS)
