"""A follow-up goes out where it costs least: within a window that it would just miss; and one that costs more
than the owner allows is told of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from channels.base import Message
from server import clock
from server.outreach.follow_ups import FollowUps
from server.store import alerts
from server.store.keys import key
from server.store.message_templates import MessageTemplate
from server.store.records import Contact, Plan
from tests.support.office import NUMBER, Office
from tests.support.virtual_clock import at, local

KZ, DE = "77010000001", "4915112345678"


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    yield
    clock.move_to(0)


class Silent:
    """A contact of the default bot who wrote just now and says nothing more."""

    def __init__(self, redis: Redis, folder: Path, **settings: Any) -> None:
        self.office = Office(redis, folder, enable_follow_ups=True, **settings)
        self.runtime, self.follow_ups = self.office.runtime, FollowUps(self.office.runtime.redis)

    async def contact(self, number: str = KZ, referral: dict[str, str] | None = None) -> Contact:
        said = {"id": f"m{clock.now_ms()}", "account": NUMBER, "kind": "text", "text": "hi", "wa_id": number}
        message = Message.model_validate(
            {**said, "referral": referral or {}, "timestamp": clock.now_ms() // 1000}
        )
        conversation = await self.runtime.conversations.identify(message)
        await self.runtime.redis.hset(
            key("default", "contact", conversation), "heard_at", str(clock.now_ms())
        )
        found = await self.runtime.conversations.contact(conversation)
        assert found
        return found

    async def due(self, contact: Contact) -> str:
        then = await self.follow_ups.answered(self.runtime, contact.id, "", True)
        assert then.plan
        return local(then.plan.due)

    async def touch(self, contact: Contact, plan: Plan) -> str:
        """A touch that is due now; what becomes of it."""
        await self.runtime.redis.set(key("default", "follow", contact.id), plan.model_dump_json())
        return (await self.follow_ups.judged(self.runtime, contact))[1].what


@pytest.mark.parametrize(
    ("wrote", "first"),
    [
        ("2026-11-24 15:00", "2026-11-25 14:4"),  # in hours: just before the window ends
        ("2026-11-24 19:00", "2026-11-25 17:5"),  # it ends at 18:55: before the shop closes
        ("2026-11-24 21:00", "2026-11-26 10:"),  # too far from the evening before: a template in the morning
        ("2026-11-27 15:00", "2026-11-30 10:"),  # Saturday is closed
    ],
)
async def test_a_touch_that_would_just_miss_the_window_goes_out_before_its_end(
    redis: Redis, tmp_path: Path, wrote: str, first: str
):
    at(wrote)
    scene = Silent(redis, tmp_path)
    anna = await scene.contact()
    assert (await scene.due(anna)).startswith(first)
    off = Silent(redis, tmp_path, free_windows_first=False)
    assert await off.due(anna) >= f"{local(clock.now_ms() + 86_400_000)[:10]} 10:00"


async def test_the_free_time_after_an_ad_is_used_up_to_its_end(redis: Redis, tmp_path: Path):
    at("2026-11-24 15:00")
    scene = Silent(redis, tmp_path, follow_up_intervals=(72,))
    plain, from_ad = await scene.contact(), await scene.contact(DE, {"source_type": "ad", "ctwa_clid": "c"})
    assert (await scene.due(plain)).startswith("2026-11-27 15:0")
    assert (await scene.due(from_ad)).startswith("2026-11-27 14:5")


async def test_a_number_that_nobody_charges_for_keeps_its_times(redis: Redis, tmp_path: Path):
    at("2026-11-24 15:00")
    scene = Silent(redis, tmp_path)
    message = Message(id="m", account="sim-default", kind="text", wa_id=KZ)
    nobody = await scene.runtime.conversations.identify(message)
    then = await scene.follow_ups.answered(scene.runtime, nobody, "", True)
    assert then.plan and local(then.plan.due) >= "2026-11-25 15:00"


async def test_a_touch_that_costs_more_than_the_owner_allows_goes_out_and_is_told_of(
    redis: Redis, tmp_path: Path
):
    at("2026-11-24 15:00")
    scene = Silent(redis, tmp_path, follow_up_templates={"*": "news:en"})
    news = MessageTemplate(name="news", language="en", category="MARKETING", body="News!")
    await scene.runtime.redis.hset(key("default", "templates"), "news:en", news.model_dump_json())
    hans, anna = await scene.contact(DE), await scene.contact(KZ)
    at("2026-11-26 15:00")  # both windows are closed
    plan = Plan(anchor=1, touch=1, due=clock.now_ms())
    assert await scene.touch(anna, plan) == "go" and await alerts.all_alerts(scene.runtime.redis) == []
    for _ in range(2):
        assert await scene.touch(hans, plan) == "go"
    [alert] = await alerts.all_alerts(scene.runtime.redis)
    assert (alert["name"], alert["setting"]) == ("touch_price:default", "touch_price_limit")
    assert "0.1365" in alert["text"] and "news:en" in alert["text"] and "marketing" in alert["text"]
    described = await scene.follow_ups.described(scene.runtime, hans, plan)
    assert (described.price, described.form) == (0.1365, "template news:en")
    assert await scene.touch(anna, plan) == "go" and await alerts.all_alerts(scene.runtime.redis) == []


async def test_without_a_limit_nobody_is_told(redis: Redis, tmp_path: Path):
    at("2026-11-24 15:00")
    scene = Silent(redis, tmp_path, follow_up_templates={"*": "news:en"}, touch_price_limit=0)
    hans = await scene.contact(DE)
    at("2026-11-26 15:00")
    assert await scene.touch(hans, Plan(anchor=1, touch=1, due=clock.now_ms())) == "go"
    assert await alerts.all_alerts(scene.runtime.redis) == []
