"""What WhatsApp tells of a number reaches its owner: alerts with the remedy, over when it is over."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support import meta_notices as meta
from tests.support.meta_notices import SOME_TIME
from tests.support.servers.front_door import FrontDoor, front_door, settings_of
from tests.support.stack import text, webhook


@pytest.fixture
async def door(redis: Redis, tmp_path: Path) -> AsyncIterator[FrontDoor]:
    async with front_door(settings_of(tmp_path), redis) as found:
        yield found


async def alerts(door: FrontDoor) -> dict[str, str]:
    """The alerts of `GET /api/stats` about numbers and templates, by what they are about."""
    rows = (await door.read("/api/stats"))["alerts"]
    found = {row["name"]: row for row in rows if row["name"].startswith("health:default:")}
    assert all(row["bot_id"] == "default" and row["text"] for row in found.values())
    return {
        name.split(":", 3)[3] if "template" not in name else name.split(":", 2)[2]: row["text"]
        for name, row in found.items()
    }


async def told(door: FrontDoor, *bodies: dict[str, Any]) -> dict[str, str]:
    for body in bodies:
        assert (await door.post(body)).status_code == 200
    return await alerts(door)


async def card(door: FrontDoor) -> dict[str, Any]:
    (number,) = (await door.read("/api/bots/default/health"))["numbers"]
    return number


ENDS = "2099-01-01T00:00:00+0000"
# (what is told, the alert it makes, words of its text, what ends it; None: nothing but time)
CASES: dict[str, tuple[dict[str, Any], str, str, dict[str, Any] | None]] = {
    "flagged": (meta.quality("FLAGGED"), "quality", "slower", meta.quality("UNFLAGGED", SOME_TIME + 9)),
    "restricted": (
        meta.restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", ENDS),
        "restriction:RESTRICTED_BIZ_INITIATED_MESSAGING",
        "until 1 January 2099, 00:00 UTC nobody may be written to first",
        meta.account("ACCOUNT_RESTRICTION", SOME_TIME + 9, restriction_info=[]),
    ),
    "disabled": (
        meta.account("DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE", "waba_ban_date": "today"}),
        "account",
        "appeal",
        meta.account("DISABLED_UPDATE", SOME_TIME + 9, ban_info={"waba_ban_state": "REINSTATE"}),
    ),
    "left the app": (
        meta.account("PARTNER_REMOVED"),
        "account",
        "connect it again",
        meta.account("PARTNER_ADDED", SOME_TIME + 9),
    ),
    "violation": (
        meta.account("ACCOUNT_VIOLATION", int(time.time()), violation_info={"violation_type": "SCAM"}),
        "violation",
        "SCAM",
        meta.account("DISABLED_UPDATE", int(time.time()) + 9, ban_info={"waba_ban_state": "REINSTATE"}),
    ),
    "no higher limit": (
        meta.account_alert("INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", "WARNING", "ACTIVE"),
        "note:INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
        "Use the platform actively",
        meta.capability("TIER_10K", SOME_TIME + 9),
    ),
    "no official account": (
        meta.account_alert("OBA_REJECTED", "CRITICAL", "ACTIVE"),
        "note:OBA_REJECTED",
        "OBA_REJECTED",
        meta.account_alert("OBA_APPROVED", "INFORMATIONAL", "NONE", SOME_TIME + 9),
    ),
    "name": (
        meta.display_name("REJECTED", reason="NAME_NOT_CONSISTENT"),
        "display_name",
        "NAME_NOT_CONSISTENT",
        meta.display_name("APPROVED", SOME_TIME + 9),
    ),
    "pin": (meta.security("PIN_RESET_REQUEST", int(time.time())), "security", "PIN", None),
    "paused template": (
        meta.template("PAUSED"),
        "template:come_back:en_US",
        "comes back by itself",
        meta.template("APPROVED", SOME_TIME + 9),
    ),
    "disliked template": (
        meta.template_quality("RED"),
        "template:come_back:en_US",
        "quality",
        meta.template_quality("GREEN", SOME_TIME + 9),
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_each_kind_of_trouble_is_an_alert_once_and_over_when_it_is_over(door: FrontDoor, case: str):
    trouble, name, words, end = CASES[case]
    assert await told(door) == {}
    assert list(found := await told(door, trouble, trouble)) == [name]
    assert words in found[name]
    history = (await card(door))["history"] if "template" not in name else []
    assert len(history) == (0 if "template" in name else 1)
    if end is not None:
        assert await told(door, end) == {}
        assert await told(door, trouble) == {}, "what comes late changes nothing that is newer"


async def test_two_notices_of_one_moment_count_in_the_order_they_came(door: FrontDoor):
    deferred = meta.account_alert("INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", "WARNING", "ACTIVE")
    held = meta.restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", ENDS)
    reinstated = meta.account("DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"})
    violation = meta.account("ACCOUNT_VIOLATION", violation_info={"violation_type": "SCAM"})
    pin = meta.security("PIN_CHANGED", SOME_TIME)  # of long ago, and heard of now
    await told(door, meta.capability("TIER_2K"), deferred, reinstated, held, violation, pin)
    assert {name.partition(":")[0] for name in await alerts(door)} == {
        "note",
        "restriction",
        "violation",
        "security",
    }
    assert len(await told(door, reinstated, held, pin)) == 4, "told again"
    lifted = meta.account("ACCOUNT_RESTRICTION", restriction_info=[])
    assert list(await told(door, meta.capability("TIER_10K"), lifted, pin)) == ["security"]


async def test_a_lowered_limit_is_told_with_both_and_over_when_it_is_raised(door: FrontDoor):
    assert await told(door, meta.capability(2000)) == {}
    lowered = meta.quality("DOWNGRADE", SOME_TIME + 5, old_limit="TIER_2K", current_limit="TIER_250")
    assert list(found := await told(door, lowered, lowered)) == ["limit"]
    assert "from 2,000 to 250 a day" in found["limit"]
    assert (await card(door))["limit"] == 250
    raised = meta.quality("UPGRADE", SOME_TIME + 9, max_daily_conversations_per_business="TIER_UNLIMITED")
    assert await told(door, raised, lowered, meta.capability(2000)) == {}
    throughput = meta.quality("THROUGHPUT_UPGRADE", SOME_TIME + 10, current_limit="TIER_UNLIMITED")
    assert await told(door, throughput) == {}
    assert ((number := await card(door))["limit"], number["tier"]) == (-1, "TIER_UNLIMITED")


async def test_what_means_nothing_to_us_is_counted_and_shown_and_harms_nobody(door: FrontDoor):
    body = webhook(text("77010000001", "what does delivery cost?", "wamid.1"))
    strange = meta.notice("history_of_the_future", {"anything": [1, {"deep": None}]})
    mad = [
        meta.notice("account_update", {"event": 7, "restriction_info": {"restriction_type": "X"}}),
        meta.notice("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{}, 3]}),
        meta.notice("account_alerts", {"alert_info": "none"}),
        meta.notice("business_capability_update", {"max_daily_conversations_per_business": [1]}),
        meta.notice("phone_number_quality_update", {"event": None, "display_phone_number": {"a": 1}}),
        meta.notice("security", {}),
        meta.notice("message_template_quality_update", {"new_quality_score": "RED"}),
        meta.notice("calls", {"calls": [{"event": "terminate"}, 3], "metadata": 5}),
    ]
    body["entry"] += [piece for one in (strange, *mad) for piece in one["entry"]]
    assert (await door.post(body)).status_code == 200
    (known,) = (await door.read("/api/contacts"))["items"]
    assert known["unread"] == 1
    ignored = (await door.read("/api/bots/default/health"))["ignored"]
    assert ignored["history_of_the_future"] == 1
    assert "history_of_the_future" in await door.read("/dashboard/bots/default/link")


async def test_the_card_of_a_number_shows_what_was_told(door: FrontDoor):
    await door.post(webhook(text("77010000001", "hello", "wamid.1")))
    await told(
        door,
        meta.capability("TIER_2K"),
        meta.quality("FLAGGED"),
        meta.restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", ENDS),
        meta.template("REJECTED", reason="INVALID_FORMAT"),
        meta.display_name("PENDING"),
    )
    page = await door.read("/dashboard/bots/default/link")
    for words in ("low", "0 of 2,000", "TIER_2K", "stand still", "come_back:en_US", "Aurora: pending"):
        assert words in page
    number = await card(door)
    assert (number["number"], number["flagged"], number["sending"]) == ("1", True, "stopped")
    assert [row["field"] for row in number["history"]].count("account_update") == 1
