"""Webhooks about a number and its account, in the shapes of Meta's webhook reference."""

from __future__ import annotations

from typing import Any

from tests.support.stack import NUMBER

# Digits of the number that `webhook` speaks of, and its business account.
DIGITS, BUSINESS = "1", "1"
# Some moment, Unix seconds.
SOME_TIME = 1_790_000_000


def notice(
    field: str, value: dict[str, Any], at: int = SOME_TIME, business: str = BUSINESS
) -> dict[str, Any]:
    """One webhook body around one change."""
    entry = {"id": business, "time": at, "changes": [{"field": field, "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def quality(event: str, at: int = SOME_TIME, **more: Any) -> dict[str, Any]:
    value = {"display_phone_number": DIGITS, "event": event, **more}
    return notice("phone_number_quality_update", value, at)


def account(event: str, at: int = SOME_TIME, **more: Any) -> dict[str, Any]:
    return notice("account_update", {"event": event, **more}, at)


def restricted(kind: str, expiration: str, at: int = SOME_TIME) -> dict[str, Any]:
    row = {"restriction_type": kind, "expiration": expiration}
    return account("ACCOUNT_RESTRICTION", at, restriction_info=[row])


def capability(limit: Any, at: int = SOME_TIME) -> dict[str, Any]:
    value = {"max_daily_conversations_per_business": limit, "max_phone_numbers_per_waba": 25}
    return notice("business_capability_update", value, at)


def account_alert(kind: str, severity: str, status: str, at: int = SOME_TIME) -> dict[str, Any]:
    told = {
        "alert_severity": severity,
        "alert_status": status,
        "alert_type": kind,
        "alert_description": "Use the platform actively.",
    }
    return notice("account_alerts", {"entity_type": "BUSINESS", "entity_id": "5", "alert_info": told}, at)


def display_name(decision: str, at: int = SOME_TIME, reason: str | None = None) -> dict[str, Any]:
    value = {
        "display_phone_number": DIGITS,
        "decision": decision,
        "requested_verified_name": "Aurora",
        "rejection_reason": reason,
    }
    return notice("phone_number_name_update", value, at)


def security(event: str, at: int) -> dict[str, Any]:
    return notice("security", {"display_phone_number": DIGITS, "event": event, "requester": "6155"}, at)


def template(event: str, at: int = SOME_TIME, reason: str = "NONE") -> dict[str, Any]:
    value = {
        "event": event,
        "message_template_id": 1,
        "message_template_name": "come_back",
        "message_template_language": "en-US",
        "reason": reason,
    }
    return notice("message_template_status_update", value, at)


def template_quality(new: str, at: int = SOME_TIME) -> dict[str, Any]:
    value = {
        "previous_quality_score": "GREEN",
        "new_quality_score": new,
        "message_template_id": 1,
        "message_template_name": "come_back",
        "message_template_language": "en-US",
    }
    return notice("message_template_quality_update", value, at)


def call(contact: str, call_id: str, event: str = "terminate", **more: Any) -> dict[str, Any]:
    """A call of a customer; by default one that ended without anybody answering."""
    one = {
        "id": call_id,
        "from": contact,
        "to": DIGITS,
        "event": event,
        "direction": "USER_INITIATED",
        "timestamp": str(SOME_TIME),
        **({"status": "FAILED"} if event == "terminate" else {}),
        **more,
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": DIGITS, "phone_number_id": NUMBER},
        "contacts": [{"wa_id": contact, "profile": {"name": "Ann"}}],
        "calls": [one],
    }
    return notice("calls", value)
