"""What a status says about a price is read in every shape that Meta has sent, and in none of them guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.cloud_webhook import parse
from channels.content.pricing import MessagePricing


def read(**status: Any) -> MessagePricing | None:
    told = {"id": "wamid.1", "status": "sent", "recipient_id": "77010000001", **status}
    value = {"metadata": {"phone_number_id": "42"}, "statuses": [told]}
    parsed = parse(json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode())
    assert parsed.quarantined == []
    return parsed.statuses[0].pricing


def pmp(kind: str, category: str, billable: bool | None = None) -> dict[str, Any]:
    told = {"pricing_model": "PMP", "type": kind, "category": category}
    return {"pricing": told if billable is None else {**told, "billable": billable}}


def cbp(category: str, billable: bool, conversation: str = "a1b2") -> dict[str, Any]:
    about = {"id": conversation, "expiration_timestamp": "1786259300", "origin": {"type": category}}
    return {
        "conversation": about,
        "pricing": {"billable": billable, "pricing_model": "CBP", "category": category},
    }


@pytest.mark.parametrize(
    ("status", "category", "charged", "by_conversation"),
    [
        (pmp("regular", "service", True), "service", True, False),
        (pmp("regular", "utility"), "utility", True, False),
        (pmp("regular", "marketing", True), "marketing", True, False),
        (pmp("regular", "marketing_lite", True), "marketing_lite", True, False),
        (pmp("regular", "authentication-international", True), "authentication_international", True, False),
        (pmp("free_customer_service", "service", True), "service", False, False),
        (pmp("free_customer_service", "utility", False), "utility", False, False),
        (pmp("free_entry_point", "referral_conversion", False), "referral_conversion", False, False),
        (pmp("free_group_customer_service", "service"), "service", False, False),
        (cbp("marketing", True), "marketing", True, True),
        (cbp("service", False), "service", False, True),
        (cbp("referral_conversion", False), "referral_conversion", False, True),
        ({"conversation": {"id": "a", "origin": {"type": "utility"}}}, "utility", None, True),
        ({"pricing": {"category": "service", "billable": True}}, "service", True, False),
        ({"pricing": {"type": "something_new", "category": "a_new_one"}}, "a_new_one", None, False),
    ],
)
def test_every_shape_of_a_price_is_read(
    status: dict[str, Any], category: str, charged: bool | None, by_conversation: bool
):
    told = read(**status)
    assert told and (told.category, told.charged, told.by_conversation) == (
        category,
        charged,
        by_conversation,
    )


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"pricing": None},
        {"pricing": []},
        {"pricing": "PMP", "conversation": 5},
        {"conversation": {"id": "a"}},
    ],
)
def test_a_status_that_says_nothing_of_a_price_says_nothing(status: dict[str, Any]):
    assert read(**status) is None


def test_odd_values_are_kept_short_and_stop_nothing():
    told = read(pricing={"billable": "yes", "category": {"a": 1}, "type": "R" * 500, "pricing_model": 7})
    assert told and told.billable is None and len(told.type) == 60 and told.charged is None
