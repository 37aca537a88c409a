"""The Cloud API's webhook fields about a number and its account: bytes to notices.

Facts of the pages "... webhook reference" under developers.facebook.com/documentation/business-messaging/
whatsapp/webhooks/reference (those of May and June 2026), one page a field; calls: "Calling API", "Call
terminate webhook"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from channels.base import TemplateStatus
from channels.content.account import AccountNotice, MissedCall, Restriction
from channels.json_parts import as_dict, as_dicts, clean_text, required, seconds

# Characters of what a notice says.
LONGEST = 500
# "TIER_2K": so many people a day; "TIER_UNLIMITED" is -1 in numbers.
_TIER = re.compile(r"(?:TIER_)?(\d{1,7})(K?)", re.IGNORECASE)
_UNLIMITED = ("TIER_UNLIMITED", "UNLIMITED", "-1")
# What ends a call: only the first is of Meta's reference, the others are gateways' words.
_ENDED = ("terminate", "missed", "reject", "timeout")


def limit_of(tier: object) -> int | None:
    """People a day that a tier stands for; -1: any number; None for what is no tier."""
    word = clean_text(tier).strip()
    if word in _UNLIMITED:
        return -1
    found = _TIER.fullmatch(word)
    return int(found[1]) * (1000 if found[2] else 1) if found else None


def _quality(value: dict[str, Any]) -> dict[str, Any]:
    event = clean_text(value.get("event"))
    daily, current = value.get("max_daily_conversations_per_business"), value.get("current_limit")
    # of a change of throughput, `current_limit` is the throughput
    tier = daily if limit_of(daily) is not None or event == "THROUGHPUT_UPGRADE" else current
    return {"event": event, **_limited(tier)}


def _limited(tier: object) -> dict[str, Any]:
    limit = limit_of(tier)
    return {} if limit is None else {"limit": limit, "tier": clean_text(tier)[:40]}


def _account(value: dict[str, Any]) -> dict[str, Any]:
    event, banned = clean_text(value.get("event")), as_dict(value.get("ban_info"))
    raw = value.get("restriction_info")
    rows = [as_dict(cast(object, raw))] if isinstance(raw, dict) else as_dicts(raw)
    restrictions = tuple(
        Restriction(kind=required(row, "restriction_type")[:100], until=_moment(row.get("expiration")))
        for row in rows
    )
    gone = as_dict(value.get("disconnection_info"))
    details = (
        as_dict(value.get("violation_info")).get("violation_type"),
        banned.get("waba_ban_date"),
        gone.get("reason"),
    )
    return {
        "event": event,
        "status": clean_text(banned.get("waba_ban_state"))[:40],
        "detail": "; ".join(filter(None, map(clean_text, details)))[:LONGEST],
        "restrictions": restrictions if raw is not None else None,
    }


def _moment(value: object) -> int:
    """Unix ms of a moment in ISO 8601 or in Unix seconds; 0 for neither."""
    text = clean_text(value).strip()
    if text.isdecimal():
        return seconds(text) * 1000
    try:
        at = datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.replace("Z", "+00:00")))
    except ValueError:
        return 0
    return int(at.timestamp() * 1000)


def _alert(value: dict[str, Any]) -> dict[str, Any]:
    told = as_dict(value.get("alert_info")) or value
    return {
        "event": clean_text(told.get("alert_type")),
        "entity": clean_text(value.get("entity_id"))[:100],
        "topic": clean_text(value.get("entity_type"))[:100],
        "severity": clean_text(told.get("alert_severity"))[:40],
        "status": clean_text(told.get("alert_status"))[:40],
        "detail": clean_text(told.get("alert_description"))[:LONGEST],
    }


def _capability(value: dict[str, Any]) -> dict[str, Any]:
    daily, phone = (
        value.get(f"max_daily_{name}") for name in ("conversations_per_business", "conversation_per_phone")
    )
    numbers = (f"{n}: {clean_text(value[n])}" for n in sorted(value) if n.startswith("max_phone_numbers"))
    return {
        **_limited(daily if limit_of(daily) is not None else phone),
        "detail": "; ".join(numbers)[:LONGEST],
    }


def _name(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "event": clean_text(value.get("decision")),
        "topic": clean_text(value.get("requested_verified_name"))[:LONGEST],
        "detail": clean_text(value.get("rejection_reason"))[:LONGEST],
    }


def _security(value: dict[str, Any]) -> dict[str, Any]:
    return {"event": clean_text(value.get("event")), "detail": clean_text(value.get("requester"))[:100]}


_READERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "phone_number_quality_update": _quality,
    "account_update": _account,
    "account_alerts": _alert,
    "business_capability_update": _capability,
    "phone_number_name_update": _name,
    "security": _security,
}
ACCOUNT_FIELDS = frozenset(_READERS)


def account_notice(field: str, value: dict[str, Any], business_account: str, at: int) -> AccountNotice:
    """What one of ACCOUNT_FIELDS says; `at` is the time of its entry, Unix ms. Raises ValueError."""
    told = _READERS[field](value)
    number = value.get("display_phone_number") or value.get("phone_number")
    return AccountNotice(
        field=field,
        business_account=business_account,
        number=re.sub(r"\D", "", clean_text(number))[:20],
        at=at,
        **{**told, "event": told.get("event", "")[:100]},
    )


def template_notice(value: dict[str, Any], at: int) -> TemplateStatus:
    """ "message_template_status_update", or "message_template_quality_update". Raises ValueError."""
    name, language = required(value, "message_template_name"), required(value, "message_template_language")
    rejected, other = as_dict(value.get("rejection_info")), as_dict(value.get("other_info"))
    quality = clean_text(value.get("new_quality_score"))
    why = (clean_text(text) for text in (value.get("reason"), rejected.get("reason"), other.get("title")))
    return TemplateStatus(
        name=name,
        language=language.replace("-", "_"),
        status="" if quality else required(value, "event"),
        reason="; ".join(text for text in why if text and text != "NONE")[:LONGEST],
        quality=quality[:40],
        at=at,
    )


def missed_call(raw: dict[str, Any], value: dict[str, Any], account: str) -> MissedCall | None:
    """A call from a customer that ended without anybody speaking; None for every other. Raises ValueError for
    one without an id or a caller."""
    business = re.sub(r"\D", "", clean_text(as_dict(value.get("metadata")).get("display_phone_number")))
    caller = clean_text(raw.get("from")).lstrip("+")
    direction = clean_text(raw.get("direction")).upper()
    theirs = direction == "USER_INITIATED" or (not direction and caller != business)
    ended, status = clean_text(raw.get("event")).lower() in _ENDED, clean_text(raw.get("status")).upper()
    spoken = seconds(raw.get("duration")) > 0 and status != "FAILED"
    if not theirs or not ended or spoken:
        return None
    cards = as_dicts(value.get("contacts"))
    card = next(
        (c for c in cards if clean_text(c.get("wa_id")) == caller), cards[0] if len(cards) == 1 else {}
    )
    user_id = clean_text(raw.get("from_user_id") or card.get("user_id"))
    if not caller and not user_id:
        raise ValueError("a call without a caller")
    return MissedCall(
        id=required(raw, "id"),
        account=account,
        wa_id=caller,
        user_id=user_id,
        name=clean_text(as_dict(card.get("profile")).get("name")),
        at=seconds(raw.get("timestamp")),
    )
