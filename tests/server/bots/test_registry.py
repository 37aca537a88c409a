"""Bots that come and go while others work, and bots that one process cannot read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from channels import cloud_webhook
from channels.base import SendError
from channels.emulators.waha import WahaEmulator
from channels.emulators.waha_gateway import LidIn
from channels.waha_webhook import signature
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter, NotReady
from server.config.bot import BadConfig
from server.config.settings import Settings
from server.operators import tokens
from server.pipeline.intake import receive
from server.store import alerts
from server.store.keys import key
from server.web.app import create

CLOUD = {
    "type": "cloud_api",
    "phone_number_id": "555000",
    "access_token": "theirs",
    "app_secret": "their-app",
}


def registry(
    redis: Redis, folder: Path, client: httpx.AsyncClient | None = None, **settings: Any
) -> BotRegistry:
    """The bots as one more process sees them."""
    known = {
        "whatsapp_access_token": "ours",
        "whatsapp_app_secret": "our-app",
        "secrets_key": "right",
        **settings,
    }
    made = Settings(_env_file=None, data_dir=folder, **known)  # pyright: ignore[reportCallIssue]
    return BotRegistry(made, redis, ChannelRouter(made, client or httpx.AsyncClient(), []))


def message(number: str) -> bytes:
    row = {"from": "77010000001", "id": "wamid.1", "type": "text", "text": {"body": "hello"}}
    value = {"metadata": {"phone_number_id": number}, "messages": [row]}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


def signed(body: bytes, secret: str = "our-app") -> dict[str, str]:
    return {"x-hub-signature-256": cloud_webhook.signature(secret, body)}


async def test_a_bot_may_go_while_somebody_walks_through_them_all(redis: Redis, tmp_path: Path):
    house = registry(redis, tmp_path)
    for n in range(5):
        await house.put({"id": f"b{n}"})
    seen = []
    for runtime in house.values():
        await house.delete("b4")
        seen.append(runtime.bot.id)
    assert "b4" in seen and "b4" not in house
    assert [name for name, _ in house.items()] == list(house)


async def test_a_bot_whose_secrets_do_not_open_takes_no_other_bot_with_it_and_loses_nothing(
    redis: Redis, tmp_path: Path
):
    one = registry(redis, tmp_path)
    await one.put(
        {"id": "theirs", "channel": {"type": "cloud_api", "phone_number_id": "555000", "app_secret": "x"}}
    )
    await one.put({"id": "plain", "business": "Fine"})
    other = registry(redis, tmp_path, secrets_key="wrong")
    await other.refresh()
    assert set(other) == {"default", "demo", "theirs", "plain"}
    assert [row["setting"] for row in await alerts.all_alerts(redis)] == ["SECRETS_KEY"]
    # its customers are not answered by the default bot of the same app: Meta is to bring them again
    body = message("555000")
    scope = other.router.scope("cloud_api", body, signed(body))
    assert scope
    with pytest.raises(NotReady):
        await receive(scope.channel.parse(body), scope, other)
    assert await other["default"].conversations.count() == 0
    with pytest.raises(BadConfig, match="SECRETS_KEY"):
        await other.put({**await other.config("theirs"), "business": "changed"})
    again = registry(redis, tmp_path)
    await again.refresh()
    link: Any = again["theirs"].bot.accounts[0]
    assert link.credentials.app_secret.get_secret_value() == "x"


@pytest.mark.parametrize(
    "row",
    [
        b"not json",
        b'{"config": {"id": "bad", "nothing": 1}}',
        b'{"config": {"id": "bad", "prompt_set": "gone"}}',
    ],
)
async def test_a_row_that_cannot_be_read_is_an_alert_and_no_more(redis: Redis, tmp_path: Path, row: bytes):
    house = registry(redis, tmp_path)
    await house.put({"id": "plain"})
    await redis.hset(key("*", "bots"), "bad", row)  # pyright: ignore[reportGeneralTypeIssues]
    await redis.incr(key("*", "version"))
    await house.refresh()
    assert set(house) == {"default", "demo", "plain"}
    assert [r["bot_id"] for r in await alerts.all_alerts(redis)] == ["bad"]
    await house.put({"id": "bad", "business": "mended"})
    assert "bad" in house and await alerts.all_alerts(redis) == []


async def test_the_default_bot_never_writes_from_a_number_that_is_anothers(redis: Redis, tmp_path: Path):
    house = registry(redis, tmp_path)
    assert house.router.channel("default", "555000")
    await house.put({"id": "theirs", "channel": {"type": "cloud_api", "phone_number_id": "555000"}})
    assert house.router.channel("default", "555000") is None
    assert house.router.channel("theirs", "555000")
    assert house.router.channel("default", "777000")


async def test_no_message_is_judged_before_the_bots_are_known(redis: Redis, tmp_path: Path):
    await registry(redis, tmp_path).put({"id": "theirs", "channel": CLOUD})
    made = Settings(_env_file=None, data_dir=tmp_path, secrets_key="right", api_token="t")  # pyright: ignore
    web: Any = create(made, redis)
    body = message("555000")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://127.0.0.1") as client:
        headers = {"X-Hub-Signature-256": signed(body, "their-app")["x-hub-signature-256"]}
        assert (await client.post("/webhook", content=body, headers=headers)).status_code == 200
    assert await redis.zcard(key("theirs", "active")) == 1


async def test_a_lid_is_asked_of_the_session_it_wrote_to(redis: Redis, tmp_path: Path):
    gateway = WahaEmulator("key", ready="s")
    client = httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app))
    house = registry(redis, tmp_path, client)
    for name in ("s1", "s2"):
        channel = {
            "type": "waha",
            "session": name,
            "url": "http://waha",
            "api_key": "key",
            "hmac_key": "shared",
        }
        await house.put({"id": name, "channel": channel})
    session = gateway.find("s2")
    assert session
    session.lids["77015550101"] = LidIn(contact="77015550101", lid="9@lid")
    payload = {"id": "false_9@lid_AA", "from": "9@lid", "body": "hi", "fromMe": False}
    body = json.dumps({"event": "message", "session": "s2", "payload": payload}).encode()
    scope = house.router.scope("waha", body, {"x-webhook-hmac": signature("shared", body)})
    assert scope
    assert await receive(scope.channel.parse(body), scope, house) == 1
    (_, name), *_ = await house["s2"].conversations.page(1)
    contact = await house["s2"].conversations.contact(name)
    assert contact and (contact.wa_id, contact.user_id) == ("77015550101", "9@lid")
    await client.aclose()


async def test_erasing_does_not_wait_for_a_gateway(redis: Redis, tmp_path: Path):
    made = Settings(_env_file=None, data_dir=tmp_path, secrets_key="right", api_token="t")  # pyright: ignore
    web: Any = create(made, redis)
    headers = {"Authorization": "Bearer t"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(web), base_url="http://127.0.0.1", headers=headers
    ) as client:
        channel = {"type": "waha", "url": "http://127.0.0.1:9", "hmac_key": "k", "api_key": "k"}
        assert (await client.put("/api/bots", json={"id": "gone", "channel": channel})).json()[
            "status"
        ] == "created"
        token = (await client.post("/api/tokens", json={"bot_id": "gone", "name": "x"})).json()["token"]
        await redis.hset(key("gone", "contact", "c"), "wa_id", "77010000001")  # pyright: ignore[reportGeneralTypeIssues]
        answer = (await client.delete("/api/bots/gone", params={"erase": True})).json()
    assert "unlink" in answer["notice"] and answer["erased_keys"] >= 1
    assert await tokens.find_operator(redis, token) is None
    assert not [name async for name in redis.scan_iter(match=key("gone", "contact", "*"))]


@pytest.mark.parametrize("url", ["http://waha:30OO", "http://[", "http://waha:99999999"])
async def test_an_address_that_is_none_is_an_error_like_any_other(redis: Redis, tmp_path: Path, url: str):
    house = registry(redis, tmp_path)
    channel = {"type": "waha", "url": url, "hmac_key": "k", "api_key": "ключ"}
    await house.put({"id": "odd", "channel": channel})
    line: Any = house.router.channel("odd", "odd")
    with pytest.raises(SendError):
        await line.state()
