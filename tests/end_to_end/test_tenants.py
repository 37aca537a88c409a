"""Two bots with every setting different, the same people writing to both: nothing of one is ever seen by the
other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from redis.asyncio import Redis
from structlog.testing import capture_logs

from agent.checkpointer import RedisCheckpointer
from agent.context import Context
from agent.documents import Bookshelf
from agent.graph import build
from agent.models.chat import Models
from agent.models.usage import Meter
from agent.prompts import placeholders, prompt_text
from channels.cloud_webhook import signature
from channels.emulators.cloud_api import CloudApiEmulator
from channels.emulators.wappi import WappiEmulator
from knowledge_base.embed import bundled
from knowledge_base.library import Library
from server.bots.knowledge import RedisStore
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.config.settings import Settings
from server.pipeline.account import linked_sessions
from server.pipeline.worker import Worker
from server.pipeline.worker_services import WorkerServices
from server.store.keys import key, thread_prefix
from server.web.app import create
from tests.support.shop.chatting import Scripted, call
from tests.support.waiting import until

pytestmark = pytest.mark.slow

MARKS = {"alpha": "ALPHAMARK", "omega": "OMEGAMARK"}
API = "operator-token-of-the-tests"
PEOPLE = ("77015550001", "77015550002")


def config(bot: str) -> dict[str, Any]:
    """Every text of a bot's settings has its mark."""
    mark = MARKS[bot]
    prompts = {
        name: f"{mark} {prompt_text(name.removesuffix('_prompt'))}"
        for name in Context.model_fields
        if name.endswith("_prompt")
    }
    assert all(
        placeholders(text) <= placeholders(prompt_text(n.removesuffix("_prompt")))
        for n, text in prompts.items()
    )
    first = bot == "alpha"
    channel = (
        {
            "type": "wappi",
            "profile_id": f"profile-{mark}",
            "token": f"token-{mark}",
            "webhook_secret": mark,
            "url": "http://wappi",
        }
        if first
        else {
            "type": "cloud_api",
            "phone_number_id": "555000",
            "access_token": f"token-{mark}",
            "app_secret": f"app-{mark}",
            "url": "http://graph",
        }
    )
    return {
        **{
            "id": bot,
            "business": f"{mark} shop",
            "facts": f"{mark} opens at {9 if first else 10}.",
            **prompts,
        },
        **{"channel": channel, "tools": ["find_product"] if first else ["request_human"], "tool_rounds": 1},
        **{
            "model": f"openai:{mark}",
            "fallback_model": f"openai:{mark}-2",
            "moderate_model": f"openai:{mark}-3",
        },
        "custom_fields": [{"name": f"size_{mark.lower()}", "question": f"{mark} size?"}],
        "profile_fields": ["name"] if first else ["email"],
        **{
            "window": 6 if first else 30,
            "passages": 2 if first else 3,
            "session_minutes": 10 if first else 700,
        },
        "inbox": {"max_messages": 5 if first else 9, "debounce_seconds": 0},
        "retention": {"transcript_messages": 15 if first else 40},
        "hours": {"timezone": "Asia/Almaty" if first else "Europe/Rome"},
        "outreach": {"enabled": first, "intervals": [24] if first else [48], "unofficial": True},
        **{"not_client_reply": f"{mark} no", "daily_budget": 5 if first else 0},
    }


class Noted(Models):
    """Remembers what each model was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, list[str]]] = []
        super().__init__(Scripted(script=_answer, asked=[]))

    async def ask(self, name: str, messages: Any, meter: Meter, **how: Any) -> Any:
        seen = "\n".join(str(m.content) for m in messages)
        self.calls.append((name, seen, [tool.name for tool in how.get("tools", ())]))
        call = replace(how.pop("call"), cheaper="", fallback="")
        return await super().ask("offline", messages, meter, call=call, **how)


def _answer(messages: list[Any], offered: list[str]) -> AIMessage:
    if offered == ["Verdict"]:
        return call("Verdict", {"contact_class": "client", "intent": "business", "reason": "asks"})
    if offered == ["Facts"]:
        return call("Facts", {})
    if "find_product" in offered and not any(m.type == "tool" for m in messages):
        return call("find_product", {"query": "vase"})
    words = [word for m in messages[-1:] for word in str(m.content).split()]
    return AIMessage(f"Heard {' '.join(words[:12])}.")


class Deployment:
    """Web and worker of one deployment in this process, between emulated providers."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.redis = redis
        self.settings = Settings(
            _env_file=None, data_dir=folder, api_token=API, chat_model="offline", debounce_seconds=0
        )  # pyright: ignore[reportCallIssue]
        self.wappi = WappiEmulator("token-ALPHAMARK", lambda _: "")
        self.graph = CloudApiEmulator("", "", "token-OMEGAMARK")
        self.web = create(self.settings, redis)
        mounts = {
            "all://wappi": httpx.ASGITransport(self.wappi.app),
            "all://graph": httpx.ASGITransport(self.graph.app),
        }
        self.provider = httpx.AsyncClient(mounts=mounts, timeout=10)
        self.router = ChannelRouter(self.settings, self.provider, [])
        self.registry = BotRegistry(self.settings, redis, self.router)
        self.models, self.shelf = Noted(), Library(RedisStore(redis), bundled())

    def http(self, token: str = API) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.web), base_url="http://127.0.0.1", headers=headers
        )  # pyright: ignore[reportArgumentType]

    def graph_of(self, bot_id: str) -> Any:
        saver = RedisCheckpointer(
            self.redis, prefix=thread_prefix(bot_id), holder=lambda t: key(bot_id, "box", t)
        )
        return build(self.models, Bookshelf(self.shelf)).copy({"checkpointer": saver})

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        await self.registry.refresh()
        services = WorkerServices.over(self.settings, self.redis, self.router, self.provider)
        worker = Worker(self.registry, self.graph_of, services)
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()
            await task

    async def write(self, bot: str, contact: str, text: str) -> None:
        """A contact writes to a bot, on that bot's wire."""
        async with self.http("") as wire:
            if bot == "alpha":
                chat = f"{contact}@c.us"
                row = {
                    "wh_type": "incoming_message",
                    "profile_id": "profile-ALPHAMARK",
                    "id": uuid.uuid4().hex,
                    "type": "chat",
                    "body": text,
                    "chatId": chat,
                    "from": chat,
                    "senderName": f"{MARKS[bot]} {contact}",
                }
                answer = await wire.post("/webhook/wappi/alpha/ALPHAMARK", json={"messages": [row]})
            else:
                message = {
                    "from": contact,
                    "id": f"wamid.{uuid.uuid4().hex}",
                    "type": "text",
                    "text": {"body": text},
                }
                value = {
                    "metadata": {"phone_number_id": "555000"},
                    "messages": [message],
                    "contacts": [{"wa_id": contact, "profile": {"name": f"{MARKS[bot]} {contact}"}}],
                }
                body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
                headers = {"X-Hub-Signature-256": signature("app-OMEGAMARK", body)}
                answer = await wire.post("/webhook", content=body, headers=headers)
            assert answer.status_code == 200, answer.text

    async def idle(self) -> bool:
        return all([await runtime.mailbox.backlog() == 0 for runtime in self.registry.values()])

    async def everything(self, bot: str) -> str:
        """All that Redis holds under a bot's keys, and the keys."""
        found: list[str] = []
        async for name in self.redis.scan_iter(match=key(bot, "*")):
            kind: bytes = await self.redis.type(name)
            read_of: dict[bytes, Any] = {
                b"string": self.redis.get,
                b"hash": self.redis.hgetall,
                b"list": lambda n: self.redis.lrange(n, 0, -1),
                b"zset": lambda n: self.redis.zrange(n, 0, -1),
                b"set": self.redis.smembers,
            }
            found.append(f"{name!r} {await read_of[kind](name)!r}")
        return "\n".join(found)


TRAFFIC = st.lists(
    st.tuples(
        st.sampled_from(sorted(MARKS)),
        st.sampled_from(PEOPLE),
        st.sampled_from(
            (
                "price of the vase | delivery? | I am Dana, dana@example.com | a person please | "
                "stop | start | /history | /info | 👍"
            ).split(" | ")
        ),
    ),
    min_size=4,
    max_size=14,
)


@given(traffic=TRAFFIC)
@settings(max_examples=4, phases=[Phase.generate])
async def test_nothing_of_one_bot_reaches_the_other(
    redis: Redis, tmp_path: Path, traffic: list[tuple[str, str, str]]
):
    await redis.flushdb()
    house = Deployment(redis, tmp_path)
    with capture_logs() as logs:
        async with house.http() as operator:
            put = await operator.put("/api/bots", json=[config("alpha"), config("omega")])
            assert [row["status"] for row in put.json()["items"]] == ["created", "created"]
            tokens = {
                bot: (await operator.post("/api/tokens", json={"bot_id": bot, "name": "x"})).json()["token"]
                for bot in MARKS
            }
            for bot, mark in MARKS.items():
                for name, text in (
                    (f"{mark}.md", f"# Delivery\n\n{mark} delivers for 1500 tenge."),
                    (f"{mark}.csv", f"name,price,currency\n{mark} vase,900,KZT\n"),
                ):
                    sent = await operator.post(
                        "/api/knowledge/documents",
                        params={"bot_id": bot},
                        files={"file": (name, text.encode())},
                    )
                    assert sent.status_code == 201, sent.text
            async with house.working():
                for bot, contact, text in traffic:
                    await house.write(bot, contact, f"{MARKS[bot]} {text}")
                await until(house.idle, 60)
                for bot in MARKS:
                    await linked_sessions.check_session(
                        house.registry[bot],
                        house.registry[bot].bot.account,
                        house.router.channel(bot, house.registry[bot].bot.account),
                    ) if bot == "alpha" else None  # type: ignore[arg-type]
        written = {bot for bot, _, _ in traffic}
        for name, seen, offered in house.models.calls:
            inside = [mark for mark in MARKS.values() if mark in seen or mark in name]
            assert len(inside) == 1, seen
            own = next(bot for bot, mark in MARKS.items() if mark == inside[0])
            assert set(offered) <= set(config(own)["tools"])
        for bot, mark in MARKS.items():
            other = next(m for m in MARKS.values() if m != mark)
            held = await house.everything(bot)
            assert other not in held
            assert mark in held
            shown = []
            async with house.http(tokens[bot]) as api:
                for path in (
                    "/api/stats",
                    "/api/bots",
                    f"/api/bots/{bot}",
                    "/api/contacts",
                    "/api/conversations",
                    "/api/follow-ups/active",
                    "/api/follow-ups/skipped",
                    "/api/calls",
                    "/api/dead-letters",
                    "/api/suppressions",
                    f"/api/knowledge/documents?bot_id={bot}",
                    f"/api/consents?bot_id={bot}",
                    f"/api/templates?bot_id={bot}",
                    "/api/tokens",
                ):
                    answer = await api.get(path)
                    assert answer.status_code == 200, path
                    shown.append(answer.text)
                for row in (await api.get("/api/conversations")).json()["items"]:
                    shown.append((await api.get(f"/api/conversations/{row['id']}")).text)
            assert other not in "\n".join(shown)
            assert all(other not in str(line) for line in logs if line.get("bot") == bot)
            assert (mark in "\n".join(shown)) and (bot not in written or '"wa_id":"7701' in "\n".join(shown))
        sent = {"alpha": house.wappi.requests, "omega": house.graph.requests}
        for bot, mark in MARKS.items():
            other = next(m for m in MARKS.values() if m != mark)
            assert all(other not in json.dumps(request) for request in sent[bot])
        assert all("MARK" not in str(line) for line in logs)  # what people say, and secrets, are in no log
    await house.provider.aclose()


async def test_one_tenants_secret_brings_nothing_to_another(redis: Redis, tmp_path: Path):
    """Signed by the app of one, to the number of the other: kept for the one who signed it, and answered by
    nobody."""
    house = Deployment(redis, tmp_path)
    async with house.http() as operator:
        other = {**config("omega"), "id": "third"}
        other["channel"] = {**other["channel"], "phone_number_id": "777000", "app_secret": "app-THIRD"}
        await operator.put("/api/bots", json=[config("omega"), other])
        message = {"from": PEOPLE[0], "id": "wamid.X", "type": "text", "text": {"body": "hello"}}
        value = {"metadata": {"phone_number_id": "555000"}, "messages": [message]}
        body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
        headers = {"X-Hub-Signature-256": signature("app-THIRD", body)}
        assert (await operator.post("/webhook", content=body, headers=headers)).status_code == 200
        assert (await operator.get("/api/contacts")).json()["items"] == []
        assert await redis.llen(key("third", "quarantine")) == 1
    await house.provider.aclose()
