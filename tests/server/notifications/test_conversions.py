"""What ads brought is told to Meta's Conversions API: only with consent, each event once, hashed, and visibly
when it is refused."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from channels.base import Message
from channels.content.account import NumberIdentity
from server import clock
from server.bots.bot import BotRuntime, runtimes
from server.clock import now_ms
from server.notifications import webhooks as module
from server.notifications.conversions import CREDITED
from server.notifications.webhooks import Hooks
from server.observability.health.kept import record_of
from server.operators import privacy
from server.orders.book import OrderBook
from server.orders.records import Payment
from server.outreach import consent
from server.store import alerts
from server.store.keys import key
from tests.fakes.conversions_wire import ConversionsApi
from tests.fakes.serving import served
from tests.support.servers.front_door import front_door, settings_of
from tests.support.shop.orders import placed
from tests.support.stack import NUMBER

DATASET, TOKEN = "1234567890", "capi-token"
NAME = "conversions-default"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch):
    """What failed is tried again at once."""
    monkeypatch.setattr(module, "FIRST", 1)
    yield
    clock.move_to(0)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Scene:
    """A bot that tells Meta, and Meta."""

    def __init__(self, redis: Redis, folder: Path, meta: ConversionsApi, url: str, **settings: Any) -> None:
        known = {"report_conversions": True, "conversions_dataset_id": DATASET, "conversions_token": TOKEN}
        self.settings = settings_of(folder, conversions_url=url, **{**known, **settings})
        self.redis, self.meta = redis, meta
        self.runtime: BotRuntime = runtimes(self.settings, redis)["default"]
        self.hooks = Hooks(self.settings, redis)

    async def comes(self, contact: str = "77010000001", click: str = "clid-1", at: int = 0) -> str:
        """Somebody comes from an ad."""
        ad = {"source_type": "ad", "source_id": "120226", "ctwa_clid": click} if click else {}
        said = Message(
            id="m",
            account=NUMBER,
            kind="text",
            wa_id=contact,
            referral=ad,
            timestamp=(at or now_ms()) // 1000,
        )
        return await self.runtime.conversations.identify(said)

    async def tell(self, http: aiohttp.ClientSession, times: int = 5) -> None:
        for _ in range(times):
            await self.hooks.tell(self.runtime, http)
            await asyncio.sleep(0.01)

    async def deliveries(self) -> list[tuple[str, str, str]]:
        found = await self.hooks.deliveries("default", NAME)
        return [(one.event, one.status, one.answer) for one in reversed(found)]


@pytest.fixture
async def scene(redis: Redis, tmp_path: Path) -> AsyncIterator[Scene]:
    meta = ConversionsApi(TOKEN, DATASET)
    with served(meta.app) as url:
        found = Scene(redis, tmp_path, meta, url)
        await found.hooks.report_conversions(found.runtime)
        yield found


def names(scene: Scene) -> list[str]:
    return [name for name, _ in scene.meta.counted]


async def test_a_lead_a_qualified_lead_and_a_purchase_are_told_once_and_hashed(
    scene: Scene, http: aiohttp.ClientSession
):
    await record_of(scene.redis).introduce("default", NUMBER, NumberIdentity(business_account="waba-5"))
    conversations = scene.runtime.conversations
    id = await scene.comes()
    await scene.comes()
    await conversations.learn(id, {"email": " Ann@Example.COM "}, "m")
    for kind in ("client", "unknown", "client"):
        await conversations.learn(id, {"class": kind}, "m")
    for _ in range(2):
        await conversations.buy(id, "till-7", "1500.50", "KZT")
    await asyncio.gather(*(scene.tell(http) for _ in range(3)))  # as many workers
    assert sorted(names(scene)) == ["LeadSubmitted", "Purchase", "QualifiedLead"]
    assert len(scene.meta.received) == 3
    bought = next(one for one in scene.meta.received if one["event_name"] == "Purchase")
    assert bought["custom_data"] == {"currency": "KZT", "value": 1500.5}
    person = bought["user_data"]
    assert person["ctwa_clid"] == "clid-1" and person["whatsapp_business_account_id"] == "waba-5"
    assert person["ph"] == [hashlib.sha256(b"77010000001").hexdigest()]
    assert person["em"] == [hashlib.sha256(b"ann@example.com").hexdigest()]
    assert "77010000001" not in str(await scene.redis.hgetall(key("default", "deliveries")))
    assert {status for _, status, _ in await scene.deliveries()} == {"delivered"}


async def test_an_event_is_not_told_again_when_its_delivery_is_long_forgotten(
    scene: Scene, http: aiohttp.ClientSession
):
    id = await scene.comes()
    await scene.tell(http)
    await scene.redis.delete(key("default", "deliveries"), key("default", "delivery_finished"))
    await scene.redis.hset(key("default", "contact", id), "r:at", "1")  # the click is told again
    await scene.redis.hset(key("default", "contact", id), "r:ctwa_clid", "other")
    await scene.comes()
    await scene.tell(http)
    assert len(scene.meta.received) == 1
    await scene.comes(click="clid-2", at=now_ms() + 1000)
    await scene.tell(http)
    assert names(scene) == ["LeadSubmitted", "LeadSubmitted"]


async def test_what_fails_is_tried_again_and_counts_once(scene: Scene, http: aiohttp.ClientSession):
    """A server error, a limit, and an answer that is lost after Meta has counted the event."""
    scene.meta.faults += [500, 429, "lost"]
    await scene.comes()
    await scene.tell(http, 8)
    assert len(scene.meta.counted) == 1 and len(scene.meta.received) == 2
    assert await scene.deliveries() == [("LeadSubmitted", "delivered", "200")]
    assert await alerts.all_alerts(scene.redis) == []


async def test_a_worker_that_dies_in_between_leaves_the_event_to_the_next(
    scene: Scene, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    await scene.comes()

    async def dies(*_: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(module, "TERM", 1)  # it is not waited for
    with monkeypatch.context() as patched:
        patched.setattr(scene.hooks._attempts, "told", dies)
        with pytest.raises(asyncio.CancelledError):
            await scene.hooks.tell(scene.runtime, http)
    assert scene.meta.received == []
    await asyncio.sleep(0.01)
    await scene.tell(http)
    assert names(scene) == ["LeadSubmitted"]


async def test_a_refused_event_is_shown_and_can_be_sent_again(scene: Scene, http: aiohttp.ClientSession):
    scene.meta.faults += [400]
    await scene.comes()
    await scene.tell(http)
    assert await scene.deliveries() == [("LeadSubmitted", "failed", "400 told to")]
    (alert,) = await alerts.all_alerts(scene.redis)
    assert alert["name"] == "conversions:default" and "400 told to" in alert["text"]
    async with front_door(scene.settings, scene.redis) as door:
        (hook,) = (await door.read("/api/hooks"))["items"]
        assert (hook["id"], hook["kind"]) == (NAME, "conversions")
        (delivery,) = (await door.read(f"/api/hooks/{NAME}/deliveries"))["items"]
        again = await door.http.post(f"/api/hooks/{NAME}/deliveries/{delivery['id']}/replay")
        assert again.status_code == 202
        assert (await door.http.delete(f"/api/hooks/{NAME}")).status_code == 409
        assert (await door.http.post(f"/api/hooks/{NAME}/ping")).status_code == 409
    await scene.tell(http)
    assert names(scene) == ["LeadSubmitted"] and await alerts.all_alerts(scene.redis) == []


async def test_an_order_without_a_currency_is_refused_here(scene: Scene, http: aiohttp.ClientSession):
    id = await scene.comes()
    await scene.runtime.conversations.buy(id, "till-8", "10", "")
    await scene.tell(http)
    assert names(scene) == ["LeadSubmitted"]
    assert any("give the price list a currency" in answer for _, _, answer in await scene.deliveries())


async def test_who_wants_no_messages_or_came_from_no_ad_is_never_told_of(
    scene: Scene, http: aiohttp.ClientSession
):
    conversations = scene.runtime.conversations
    old = await scene.comes("77010000003", "clid-3")
    await scene.redis.delete(key("default", "happened"))  # it was told of then
    long_ago = str(now_ms() - CREDITED - 5000)
    await scene.redis.hset(key("default", "contact", old), "ad_at", long_ago)
    await conversations.learn(old, {"class": "client"}, "m")
    stopped = await scene.comes()
    await consent.change_consent(scene.redis, conversations, stopped, True, "words", "m")
    organic = await scene.comes("77010000002", click="")
    await conversations.learn(organic, {"class": "client"}, "m")
    await scene.tell(http)
    assert scene.meta.received == []
    assert [status for _, status, _ in await scene.deliveries()] == ["failed"]
    assert await alerts.all_alerts(scene.redis) == []


async def test_nothing_is_kept_or_told_where_nobody_asked_for_it(
    redis: Redis, tmp_path: Path, http: aiohttp.ClientSession
):
    meta = ConversionsApi(TOKEN, DATASET)
    off = Scene(redis, tmp_path, meta, "http://127.0.0.1:9", report_conversions=False)
    await off.hooks.report_conversions(off.runtime)
    await off.comes()
    await off.tell(http)
    assert not await redis.exists(key("default", "happened"), key("default", "hooks"))


@pytest.mark.parametrize("missing", ["conversions_dataset_id", "conversions_token"])
def test_half_a_setting_names_the_other_half(tmp_path: Path, missing: str):
    known = {"report_conversions": True, "conversions_dataset_id": DATASET, "conversions_token": TOKEN}
    with pytest.raises(ValidationError, match="set CONVERSIONS_DATASET_ID and CONVERSIONS_TOKEN"):
        settings_of(tmp_path, **{**known, missing: None})


async def test_nothing_of_an_event_is_left_of_who_is_erased(scene: Scene, http: aiohttp.ClientSession):
    id = await scene.comes()
    await scene.tell(http)
    contact = await scene.runtime.conversations.contact(id)
    assert contact
    await privacy.erased(scene.redis, scene.runtime, contact)
    assert await scene.deliveries() == []
    assert await scene.redis.hgetall(key("default", "contact", id)) == {}


async def test_taking_consent_back_drops_what_was_on_its_way(scene: Scene, http: aiohttp.ClientSession):
    await scene.comes()
    off = Scene(scene.redis, Path(scene.settings.data_dir), scene.meta, "", report_conversions=False)
    await scene.hooks.report_conversions(off.runtime)
    await scene.tell(http)
    assert scene.meta.received == []
    assert await scene.hooks.every("default") == []


async def test_a_wrong_token_is_an_alert_and_the_event_waits(redis: Redis, tmp_path: Path, http):
    meta = ConversionsApi("another", DATASET)
    with served(meta.app) as url:
        scene = Scene(redis, tmp_path, meta, url)
        await scene.hooks.report_conversions(scene.runtime)
        await scene.comes()
        await scene.tell(http, 2)
        assert [status for _, status, _ in await scene.deliveries()] == ["waiting"]
        (alert,) = await alerts.all_alerts(redis)
        assert alert["setting"] == "CONVERSIONS_TOKEN"
        meta.token = TOKEN
        await scene.tell(http)
        assert names(scene) == ["LeadSubmitted"] and await alerts.all_alerts(redis) == []


async def test_people_at_the_business_note_a_purchase_once(scene: Scene, http: aiohttp.ClientSession):
    id = await scene.comes()
    async with front_door(scene.settings, scene.redis) as door:
        bought = {"id": "till-7", "value": 99.5, "currency": "EUR"}
        answers = [await door.http.post(f"/api/contacts/{id}/purchases", json=bought) for _ in range(2)]
        assert [answer.json()["status"] for answer in answers] == ["noted", "known"]
        wrong = await door.http.post(f"/api/contacts/{id}/purchases", json={**bought, "currency": "euro"})
        assert wrong.status_code == 422
        (row,) = (await door.read("/api/analytics/ads"))["ads"]
        assert row["orders"] == 1
        config = {"id": "b", "conversions": {"enabled": True, "dataset_id": "12345"}}
        assert (await door.http.put("/api/bots", json=config)).status_code == 200
        wrong = await door.http.put("/api/bots", json={"id": "b", "conversions": {"dataset_id": "x"}})
        assert wrong.status_code == 422
    await scene.tell(http)
    assert sorted(names(scene)) == ["LeadSubmitted", "Purchase"]


async def test_an_order_that_is_paid_is_one_purchase_whoever_tells_of_it(
    scene: Scene, http: aiohttp.ClientSession, tmp_path: Path
):
    id, book = await scene.comes(), OrderBook(scene.redis)
    link = Payment(way="link")
    paid, noted = await placed(scene.redis, id, payment=link), await placed(scene.redis, id, payment=link)
    await scene.tell(http)
    assert sorted(names(scene)) == ["LeadSubmitted"]  # nobody has paid yet
    conversations = scene.runtime.conversations
    for _ in range(2):
        await book.move("default", paid.id, "paid", "payment")
    assert not await conversations.buy(id, paid.id, "265001", "KZT")
    assert await conversations.buy(id, noted.id, "265001", "KZT")
    await book.move("default", noted.id, "paid", "Ann")
    await book.move("default", paid.id, "done", "Ann")
    await scene.tell(http)
    assert sorted(names(scene)) == ["LeadSubmitted", "Purchase", "Purchase"]
    assert len(scene.meta.received) == 3
    bought = [one["custom_data"] for one in scene.meta.received if one["event_name"] == "Purchase"]
    assert bought == [{"currency": "KZT", "value": 265001.0}] * 2
    async with front_door(scene.settings, scene.redis) as door:
        [row] = (await door.read("/api/analytics/ads"))["ads"]
    assert (row["orders"], row["purchases"], row["revenue"]) == (2, 2, "530002 KZT")
    [lead] = [one for one in scene.meta.received if one["event_name"] == "LeadSubmitted"]
    assert lead["event_id"] not in {one["event_id"] for one in scene.meta.received if one is not lead}
