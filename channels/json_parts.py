"""Reading JSON that others wrote: what is missing, of another type or unprintable stops nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from channels.base import (
    Frozen,
    LinkChange,
    Message,
    Parsed,
    Preference,
    Quarantined,
    StatusUpdate,
    TemplateStatus,
)
from channels.content.account import AccountNotice, MissedCall
from channels.content.payments import PaymentReport


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object of a webhook body. Raises ValueError when it is none."""
    try:
        payload: object = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(payload, dict):
        raise ValueError("a webhook body is a JSON object")
    return as_dict(cast(object, payload))


def clean_text(value: object) -> str:
    """Text that every store takes: no NUL, lone surrogates replaced; a non-string becomes its text, None is
    empty."""
    text = "" if value is None else value if isinstance(value, str) else str(value)
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def each(parsed: Parsed, items: object, read: Callable[[Any], Frozen | None]) -> None:
    """Read one element, or every element of a list, into its place; what `read` raises about quarantines that
    one."""
    if items is None:
        return
    places: dict[type[Frozen], list[Any]] = {
        Message: parsed.messages,
        StatusUpdate: parsed.statuses,
        Preference: parsed.preferences,
        TemplateStatus: parsed.templates,
        LinkChange: parsed.links,
        AccountNotice: parsed.notices,
        MissedCall: parsed.calls,
        PaymentReport: parsed.payments,
    }
    for raw in cast(list[Any], items) if isinstance(items, list) else [items]:
        try:
            item = read(raw)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            parsed.quarantined.append(Quarantined(reason=_in_words(error), piece=json.dumps(raw)[:10_000]))
            continue
        if item is not None:
            places[type(item)].append(item)


def _in_words(error: Exception) -> str:
    """Why a piece cannot be read, for an owner: Python's own words for a wrong shape tell them nothing."""
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, TypeError | AttributeError):
        return "it is not built as the provider's reference says"
    return str(error)[:200]


def as_dict(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def as_dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list, none if it is no list."""
    items = cast(list[object], value) if isinstance(value, list) else []
    return [cast(dict[str, Any], item) for item in items if isinstance(item, dict)]


def required(raw: dict[str, Any], key: str) -> str:
    """The text of a field. Raises ValueError when it is missing or empty."""
    if not (text := clean_text(raw.get(key))):
        raise ValueError(f"no {key}")
    return text


def seconds(value: object) -> int:
    """Unix seconds; Meta sends a string, some gateways a number, some milliseconds, some neither."""
    try:
        number = int(float(str(value)))
    except (ValueError, OverflowError):
        return 0
    return number // 1000 if number > 10**11 else number
