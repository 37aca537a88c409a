"""Outgoing webhooks: signed, repeated until they are taken, each event once, never to a private address."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from server.bots.bot import BotRuntime, runtimes
from server.config.settings import Settings
from server.notifications import webhooks as module
from server.notifications.deliveries import EVENTS
from server.notifications.signing import secret_of, sign_event
from server.notifications.webhook_addresses import Forbidden, PublicOnly, check_address
from server.notifications.webhooks import Hooks
from server.store.keys import key
from server.store.mailbox import TurnOutcome
from tests.fakes.serving import served
from tests.support.office import heard
from tests.support.waiting import until


class Crm:
    """An endpoint that remembers what it was told and answers as it is told to."""

    def __init__(self) -> None:
        self.app, self.told, self.answers = FastAPI(), list[tuple[dict[str, str], bytes]](), list[int]()

        @self.app.post("/hook")
        async def hook(request: Request) -> Response:
            self.told.append((dict(request.headers), await request.body()))
            return Response(status_code=self.answers.pop(0) if self.answers else 204)

        @self.app.post("/elsewhere")
        async def elsewhere() -> Response:
            return Response(status_code=302, headers={"Location": "/hook"})

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.told]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, hooks_private=True)


@pytest.fixture
def runtime(settings: Settings, redis: Redis) -> BotRuntime:
    return runtimes(settings, redis)["default"]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_everything_that_happens_is_told_once_and_signed(
    settings: Settings, redis: Redis, runtime: BotRuntime, http: aiohttp.ClientSession
):
    crm, hooks = Crm(), Hooks(settings, redis)
    with served(crm.app) as url:
        await heard(runtime, "77010000000", "before anybody asked")
        hook, secret = await hooks.create("default", f"{url}/hook", ())
        chosen, _ = await hooks.create("default", f"{url}/hook", ("opted_out",))
        id = await heard(runtime, "77010000001", "hello", "Ann")
        for value in ("a@b.c", "a@b.c", "d@e.f"):
            await runtime.conversations.learn(id, {"email": value}, "m1")
        await runtime.conversations.learn(id, {"class": "client", "class_reason": "asks"}, "m1")
        await runtime.conversations.set(id, task="wants a person")
        await runtime.conversations.set(id, task="wants a person")
        await runtime.conversations.learn(id, {"consent": "stopped"}, "m2")
        await _ended(runtime, id, "yes")
        await asyncio.gather(*(hooks.tell(runtime, http) for _ in range(8)))  # as many workers
        while await hooks.tell(runtime, http):
            pass
    kinds = [event["event"] for event in crm.events]
    assert sorted(kinds) == sorted(
        [
            "lead_created",
            "profile_changed",
            "profile_changed",
            "class_changed",
            "needs_person",
            "opted_out",
            "opted_out",
            "yes",
        ]
    )
    deliveries = [headers["x-salesgraph-delivery"] for headers, _ in crm.told]
    assert len(set(deliveries)) == len(deliveries)
    changed = next(
        e
        for e in crm.events
        if e["event"] == "profile_changed" and e["data"]["changed"] == {"email": "d@e.f"}
    )
    assert changed["contact"]["id"] == id and changed["contact"]["phone"] == "+77010000001"
    assert next(e for e in crm.events if e["event"] == "class_changed")["data"] == {
        "before": "",
        "after": "client",
    }
    for headers, body in crm.told:
        parts = dict(part.split("=") for part in headers["x-salesgraph-signature"].split(","))
        known = {
            hmac.new(s.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
            for s in (secret, secret_of(settings, chosen.id))
        }
        assert parts["v1"] in known
    assert secret not in str(await redis.hgetall(key("default", "hooks")))  # pyright: ignore[reportGeneralTypeIssues]
    assert [d.status for d in await hooks.deliveries("default", hook.id)] == ["delivered"] * 7


async def _ended(runtime: BotRuntime, conversation: str, decision: str) -> None:
    """A turn that ends with a yes or a no."""

    async def claimed() -> bool:
        return conversation in (await runtime.mailbox.claim(10)).ids

    await until(claimed)
    work = await runtime.mailbox.begin(conversation)
    assert await runtime.mailbox.commit(
        conversation, work.fence, work.turn_id, [], TurnOutcome(count=decision)
    )


async def test_what_is_not_taken_comes_again_under_the_same_id(
    settings: Settings,
    redis: Redis,
    runtime: BotRuntime,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "FIRST", 0)
    crm, hooks = Crm(), Hooks(settings, redis)
    crm.answers = [500, 302, 200]
    with served(crm.app) as url:
        hook, _ = await hooks.create("default", f"{url}/hook", ("lead_created",))
        await heard(runtime, "77010000001", "hello")
        await until(lambda: _told(hooks, runtime, http, crm, 3))
        assert {headers["x-salesgraph-delivery"] for headers, _ in crm.told} == {
            crm.told[0][0]["x-salesgraph-delivery"]
        }
        assert [headers["x-salesgraph-attempt"] for headers, _ in crm.told] == ["1", "2", "3"]
        delivery = (await hooks.deliveries("default", hook.id))[0]
        assert (delivery.status, delivery.attempts, delivery.answer) == ("delivered", 3, "200")
        assert await hooks.replay(hook, delivery.id) and not await hooks.replay(hook, "nobody")
        await until(lambda: _told(hooks, runtime, http, crm, 4))
        assert crm.told[3][1] == crm.told[0][1]
        await hooks.delete("default", hook.id)
        await heard(runtime, "77010000002", "hello")
        await hooks.tell(runtime, http)
    assert len(crm.told) == 4 and not await redis.exists(key("default", "delivery_due"))


async def _told(hooks: Hooks, runtime: BotRuntime, http: aiohttp.ClientSession, crm: Crm, times: int) -> bool:
    await hooks.tell(runtime, http)
    return len(crm.told) >= times


async def test_a_redirect_is_not_followed_and_a_dead_endpoint_is_given_up(
    settings: Settings,
    redis: Redis,
    runtime: BotRuntime,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "FIRST", 0)
    monkeypatch.setattr(module, "ATTEMPTS", 3)
    crm, hooks = Crm(), Hooks(settings, redis)
    with served(crm.app) as url:
        away, _ = await hooks.create("default", f"{url}/elsewhere", ())
        nobody, _ = await hooks.create("default", "http://127.0.0.1:9/", ())
        await hooks.ping(away)
        await hooks.ping(nobody)

        async def given_up() -> bool:
            await hooks.tell(runtime, http)
            rows = [
                *await hooks.deliveries("default", away.id),
                *await hooks.deliveries("default", nobody.id),
            ]
            return [row.status for row in rows] == ["failed", "failed"]

        await until(given_up)
    assert crm.told == []
    assert (await hooks.deliveries("default", nobody.id))[0].answer.startswith("no answer")


PRIVATE = (
    "http://127.0.0.1/ http://localhost/ http://10.1.2.3/ http://192.168.1.1/ "
    "http://169.254.169.254/latest/meta-data http://[::1]/ http://[::ffff:10.0.0.1]/ http://0.0.0.0/ "
    "http://100.64.0.1/ http://2130706433/ http://[fd00::1]/ http://224.0.0.1/ "
    "http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://192.0.0.192/"
).split()


@pytest.mark.parametrize("url", PRIVATE)
async def test_private_addresses_are_refused(tmp_path: Path, url: str):
    with pytest.raises(Forbidden):
        await check_address(Settings(_env_file=None, data_dir=tmp_path), url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://93.184.216.34/",
        "https://",
        "https://user:pass@93.184.216.34/",
        "no address",
        "http://nothing.invalid/",
    ],
)
async def test_what_is_no_address_is_refused(tmp_path: Path, url: str):
    with pytest.raises(Forbidden):
        await check_address(Settings(_env_file=None, data_dir=tmp_path), url)


async def test_a_name_that_turns_private_after_it_was_checked_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    """DNS rebinding: the check saw another address than the connection would."""
    resolver = PublicOnly()

    async def private(*_: Any, **__: Any) -> list[Any]:
        return [
            {
                "hostname": "rebind.example",
                "host": "127.0.0.1",
                "port": 80,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
        ]

    monkeypatch.setattr(resolver._inner, "resolve", private)
    with pytest.raises(Forbidden):
        await resolver.resolve("rebind.example", 80)


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 2**40))
def test_no_two_bodies_have_one_signature(one: bytes, other: bytes, at: int):
    assert (sign_event("secret", at, one) == sign_event("secret", at, other)) == (one == other)
    assert sign_event("secret", at, one) != sign_event("another", at, one)


async def test_without_webhooks_nothing_is_kept(redis: Redis, runtime: BotRuntime):
    await heard(runtime, "77010000001", "hello")
    assert not await redis.exists(key("default", "happened"))


def test_the_events_are_those_that_scripts_tell_of():
    """Each event's name stands in a script, and no other name does, but for those that come with the call."""
    import re

    folder = Path(module.__file__).parents[1]
    named = {n for path in folder.rglob("*.lua") for n in re.findall(r"happened\('(\w+)'", path.read_text())}
    assert named | {"yes", "no", "order_changed"} == set(EVENTS)


async def test_a_webhook_stored_for_calls_is_told_of_appointments(
    settings: Settings, redis: Redis, runtime: BotRuntime, http: aiohttp.ClientSession
):
    crm, hooks = Crm(), Hooks(settings, redis)
    with served(crm.app) as url:
        hook, _ = await hooks.create("default", f"{url}/hook", ("yes",))
        old = hook.model_dump(mode="json") | {"events": ["call_booked"]}
        await redis.hset(key("default", "hooks"), hook.id, json.dumps(old))
        id = await heard(runtime, "77010000001", "call me", "Ann")
        row = {"event": "call_booked", "conversation_id": id, "id": "1", "at": hook.created + 1, "data": {}}
        await redis.rpush(key("default", "happened"), json.dumps(row))
        while await hooks.tell(runtime, http):
            pass
    assert [event["event"] for event in crm.events] == ["appointment_booked"]
