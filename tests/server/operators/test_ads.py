"""The ad that somebody came from: the first and the last are kept, told, counted for what they brought."""

from __future__ import annotations

import json

from redis.asyncio import Redis

from agent.models.usage import Call
from channels.base import Message
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.ads import DAY, ad_words
from server.observability.costs import Spending
from server.outreach.appointments import Appointments, BookingStep
from server.store.keys import key
from server.store.records import Contact
from tests.support.office import NUMBER, Office
from tests.support.servers.front_door import front_door, settings_of
from tests.support.stack import text, webhook

VASES = {
    "source_type": "ad",
    "source_id": "120226",
    "source_url": "https://fb.me/3cr4Wqqkv",
    "headline": "Emerald fountain",
    "body": "Hand-thrown vases",
    "media_type": "image",
    "image_url": "https://scontent.example/x.jpg",
    "ctwa_clid": "clid-1",
}
SPRING = {"source_type": "post", "source_id": "7", "headline": "=Spring", "ctwa_clid": "clid-2"}


def clicked(ad: dict[str, str], at: int, contact: str = "77010000001") -> Message:
    return Message(
        id=f"{ad['source_id']} {at}", account=NUMBER, kind="text", wa_id=contact, referral=ad, timestamp=at
    )


async def known(runtime: BotRuntime, conversation: str) -> Contact:
    found = await runtime.conversations.contact(conversation)
    assert found
    return found


async def test_the_first_and_the_last_ad_are_kept_in_whatever_order_they_come(redis: Redis, tmp_path):
    runtime = Office(redis, tmp_path).runtime
    for ad, at in ((VASES, 200), (SPRING, 300), (VASES, 200), (SPRING, 100)):
        id = await runtime.conversations.identify(clicked(ad, at))
    contact = await known(runtime, id)
    assert contact.referral == {**SPRING, "at": "300000"}
    assert contact.first_referral == {**SPRING, "at": "100000"}
    totals = await redis.hgetall(key("default", "totals"))
    assert (totals[b"ad arrivals 120226"], totals[b"ad arrivals 7"]) == (b"1", b"1")


async def test_a_record_of_an_older_version_keeps_its_ad_as_the_first(redis: Redis, tmp_path):
    runtime = Office(redis, tmp_path).runtime
    id = await runtime.conversations.identify(
        Message(id="m", account=NUMBER, kind="text", wa_id="77010000001")
    )
    old = {f"r:{name}": value for name, value in {**VASES, "at": "1000"}.items()}
    await redis.hset(key("default", "contact", id), mapping=old)
    assert (await known(runtime, id)).first_referral["source_id"] == "120226"
    await runtime.conversations.identify(clicked(SPRING, 300))
    contact = await known(runtime, id)
    assert (contact.first_referral["source_id"], contact.referral["source_id"]) == ("120226", "7")


async def test_what_people_of_an_ad_do_counts_for_it(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    runtime = office.runtime
    now = now_ms() // 1000
    for n in range(3):
        id = await runtime.conversations.identify(clicked(VASES, now, f"7701000000{n}"))
        await runtime.conversations.identify(clicked(VASES, now, f"7701000000{n}"))
    await runtime.conversations.learn(id, {"class": "client"}, "m")
    await runtime.conversations.learn(id, {"class": "unknown"}, "m")
    await runtime.conversations.learn(id, {"class": "client"}, "m")
    appointments, contact = Appointments(redis), await known(runtime, id)
    (slot,) = await appointments.free(runtime.bot, 0, 1)
    assert await appointments.book(runtime.bot, contact, slot, "vases", BookingStep("t"))
    assert await appointments.book(runtime.bot, contact, slot, "vases", BookingStep("t"))
    spending = Spending(office.settings, redis)
    await spending.record("default", id, [Call("sell", "m", cost=0.25)])
    await runtime.conversations.identify(clicked(SPRING, now + 1, "77010000000"))
    async with front_door(settings_of(tmp_path), redis) as door:
        rows = (await door.read("/api/analytics/ads"))["ads"]
        table = await door.read("/api/analytics/ads?format=csv")
        page = await door.read("/dashboard/analytics")
    assert [row["ad"] for row in rows] == ["120226", "7"]
    assert {
        name: rows[0][name] for name in ("arrivals", "contacts", "clients", "appointments", "orders")
    } == {
        "arrivals": 3,
        "contacts": 3,
        "clients": 1,
        "appointments": 1,
        "orders": 0,
    }
    assert (rows[0]["headline"], rows[0]["model_cost"]) == ("Emerald fountain", 0.25)
    assert rows[1]["contacts"] == 0
    assert "'=Spring" in table and "Emerald fountain" in page


async def test_operators_and_whoever_asked_to_be_told_see_the_ad(redis: Redis, tmp_path):
    async with front_door(settings_of(tmp_path), redis) as door:
        await redis.hset(key("default", "hooks"), "h", "{}")
        for ad, number in ((VASES, 1), (SPRING, 2)):
            said = {**text("77010000001", "hello", f"wamid.{number}"), "referral": ad}
            await door.post(webhook(said))
            await door.post(webhook(said))
        (card,) = (await door.read("/api/contacts"))["items"]
        page = await door.read(f"/dashboard/default/{card['id']}")
        table = await door.read("/api/contacts?format=csv")
    assert (card["first_referral"]["image_url"], card["referral"]["ctwa_clid"]) == (
        VASES["image_url"],
        "clid-2",
    )
    assert "First came from the ad" in page and "Came from the post" in page and "Hand-thrown vases" in page
    assert 'href="https://fb.me/3cr4Wqqkv"' in page
    assert "first_ad_source_id" in table and "'=Spring" in table
    told = [json.loads(row) for row in await redis.lrange(key("default", "happened"), 0, -1)]
    assert [row["event"] for row in told] == ["lead_created", "ad_clicked"]
    assert [row["data"]["referral"]["ctwa_clid"] for row in told] == ["clid-1", "clid-2"]


def test_the_agent_is_told_of_an_ad_for_a_month():
    at = 1_790_000_000_000
    contact = Contact(id="c", bot_id="b", referral={**VASES, "headline": "<b>50 %\n off", "at": str(at)})
    assert ad_words(contact, at) == (
        "an ad that they tapped on today, which says “<b>50 % off: Hand-thrown vases”"
    )
    assert "3 days ago" in ad_words(contact, at + 3 * DAY)
    assert ad_words(contact, at + 31 * DAY) == ad_words(Contact(id="c", bot_id="b"), at) == ""
