"""The Cloud API's webhook: bytes to messages, statuses and notices, whatever else a body holds (Meta's
webhook reference)."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from channels.base import (
    AMENDING,
    REFERRAL,
    Kind,
    Media,
    Message,
    Parsed,
    Preference,
    StatusUpdate,
)
from channels.cloud_errors import classify
from channels.cloud_taps import tapped
from channels.content.account import NumberIdentity
from channels.content.payments import PaymentReport
from channels.content.pricing import MessagePricing
from channels.json_parts import as_dict, as_dicts, clean_text, each, object_of, required, seconds
from channels.notices.cloud import ACCOUNT_FIELDS, account_notice, missed_call, template_notice
from channels.notices.payments import payment_report

# Business-scoped user id: ISO country, a dot, up to 128 alphanumerics (optionally behind "ENT.").
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_NUMBER = re.compile(r"[0-9]{5,15}")

# What somebody says who opens the chat for the first time and has not written yet.
WAVE = "👋"
# Characters of an ad or a product that go with a message.
BESIDE = 1_000
# Characters of a word about a price; none of Meta's has as many.
WORD = 60
_MEDIA = ("image", "audio", "video", "document", "sticker")
_SILENT: dict[str, Kind] = {"revoke": "revoke", "system": "system"}
_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}


def signature(secret: str, body: bytes) -> str:
    """The X-Hub-Signature-256 of a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed_by(secret: str, body: bytes, header: str | None) -> bool:
    """Whether `header` is the signature of these raw bytes, compared in constant time."""
    return bool(header) and hmac.compare_digest(
        signature(secret, body).encode(), str(header).encode("utf-8", "replace")
    )


def parse(body: bytes) -> Parsed:
    """All messages and statuses of a webhook body, whatever else it holds.

    An element that cannot be read is quarantined beside its neighbours. Raises ValueError when the body is
    not a JSON object."""
    payload, parsed = object_of(body), Parsed()
    for entry, field, value in _changes(payload):
        account = _account(parsed, entry, value)
        if field == "messages":
            each(parsed, value.get("messages"), lambda raw, v=value, a=account: _message(raw, v, a))
            each(parsed, value.get("statuses"), lambda raw, a=account: _status(raw, a))
        elif listed := _LISTS.get(field):
            each(parsed, value.get(listed[0]), lambda raw, v=value, a=account, r=listed[1]: r(raw, v, a))
        elif field in _TEMPLATES:
            each(parsed, [value], lambda raw, e=entry: template_notice(raw, _moment(e)))
        elif field in ACCOUNT_FIELDS:
            read = partial(account_notice, field, business_account=_id(entry), at=_moment(entry))
            each(parsed, [value], read)
        else:
            parsed.ignored.append(field[:64])
    return parsed


def _changes(payload: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(the entry it came in, field, value) of each change."""
    for entry in as_dicts(payload.get("entry")):
        for change in as_dicts(entry.get("changes")):
            if isinstance(value := change.get("value"), dict):
                yield entry, clean_text(change.get("field")) or "messages", value


def _account(parsed: Parsed, entry: dict[str, Any], value: dict[str, Any]) -> str:
    """The provider's id of the number that a change is about, whose digits and business account are kept."""
    about = as_dict(value.get("metadata"))
    account, digits = clean_text(about.get("phone_number_id")), clean_text(about.get("display_phone_number"))
    if account:
        digits = re.sub(r"\D", "", digits)[:20]
        parsed.numbers[account] = NumberIdentity(number=digits, business_account=_id(entry))
    return account


def _id(entry: dict[str, Any]) -> str:
    return clean_text(entry.get("id"))[:64]


def _moment(entry: dict[str, Any]) -> int:
    """When an entry was made, Unix ms; 0: it does not say."""
    return seconds(entry.get("time")) * 1000


def _message(raw: dict[str, Any], value: dict[str, Any], account: str) -> Message:
    wa_id, user_id, name = _sender(raw, value)
    kind, text, media = _content(raw)
    return Message(
        id=required(raw, "id"),
        account=account,
        kind=kind,
        timestamp=seconds(raw.get("timestamp")),
        wa_id=wa_id,
        user_id=user_id,
        name=name,
        text=text,
        media=media,
        quoted_id=clean_text(as_dict(raw.get("context")).get("id")),
        payload=clean_text(as_dict(raw.get("button")).get("payload")),
        group_id=clean_text(raw.get("group_id")),
        context=_beside(raw),
        referral=_referral(as_dict(raw.get("referral"))),
        amends=clean_text(as_dict(raw.get(kind)).get("original_message_id")) if kind in AMENDING else "",
        moved_to=_moved(as_dict(raw.get("system"))) if kind == "system" else ("", ""),
        **tapped(raw),
    )


def _beside(raw: dict[str, Any]) -> str:
    """What a message was written from: an ad ("referral"), or a product of the catalogue
    ("context.referred_product")."""
    ad, product = as_dict(raw.get("referral")), as_dict(as_dict(raw.get("context")).get("referred_product"))
    lines = list[str]()
    if ad:
        words = ": ".join(filter(None, (clean_text(ad.get("headline")), clean_text(ad.get("body")))))
        what = "post" if clean_text(ad.get("source_type")) == "post" else "ad"
        lines.append(f"{what} “{words}”" if words else f"{what} {clean_text(ad.get('source_url'))}".strip())
    if product:
        lines.append(
            f"product {clean_text(product.get('product_retailer_id'))} of the catalogue".replace("  ", " ")
        )
    flat = " and the ".join(" ".join(line.split()) for line in lines)
    return f"[about the {flat[:BESIDE]}]" if flat else ""


def _referral(ad: dict[str, Any]) -> dict[str, str]:
    return {name: value for name in REFERRAL if (value := clean_text(ad.get(name))[:BESIDE])}


def _moved(system: dict[str, Any]) -> tuple[str, str]:
    """The new (number, user id) of somebody who has changed either ("system" of the webhook reference)."""
    if clean_text(system.get("type")) not in (
        "user_changed_number",
        "user_changed_user_id",
        "customer_changed_number",
    ):
        return "", ""
    number = clean_text(system.get("wa_id") or system.get("new_wa_id")).lstrip("+")
    user_id = clean_text(system.get("user_id"))
    return number if _NUMBER.fullmatch(number) else "", user_id if _USER_ID.fullmatch(user_id) else ""


def _echo(raw: dict[str, Any], value: dict[str, Any], account: str) -> Message:
    """What a person at the business wrote from the phone app; the contact is the addressee."""
    _, text, media = _content(raw)
    wa_id, user_id = clean_text(raw.get("to")).lstrip("+"), clean_text(raw.get("to_user_id"))
    if not wa_id and not user_id:
        raise ValueError("echo without an addressee")
    return Message(
        id=required(raw, "id"),
        account=account,
        kind="echo",
        timestamp=seconds(raw.get("timestamp")),
        wa_id=wa_id,
        user_id=user_id,
        text=text,
        media=media,
    )


def _sender(raw: dict[str, Any], value: dict[str, Any]) -> tuple[str, str, str]:
    """(phone digits, business-scoped id, name); either id may be empty, not both."""
    sender, user_id = clean_text(raw.get("from")), clean_text(raw.get("from_user_id"))
    contacts = as_dicts(value.get("contacts"))
    mine = [
        c
        for c in contacts
        if {clean_text(c.get("wa_id")), clean_text(c.get("user_id"))} & ({sender, user_id} - {""})
    ]
    alone = len(contacts) == 1 and len(as_dicts(value.get("messages"))) == 1
    contact = mine[0] if mine else contacts[0] if alone else {}
    if not sender and not user_id:
        sender, user_id = clean_text(contact.get("wa_id")), clean_text(contact.get("user_id"))
    if _USER_ID.fullmatch(sender):
        sender, user_id = "", user_id or sender
    if not sender and not user_id:
        raise ValueError("message without a sender")
    return (
        sender.lstrip("+"),
        user_id or clean_text(contact.get("user_id")),
        clean_text(as_dict(contact.get("profile")).get("name")),
    )


def _content(raw: dict[str, Any]) -> tuple[Kind, str, Media | None]:
    """(kind, text for a reader, media)."""
    kind = str(raw.get("type") or "")
    content = as_dict(raw.get(kind))
    if kind == "text":
        return "text", clean_text(content.get("body")), None
    if kind in _MEDIA:
        media = Media(
            id=clean_text(content.get("id")),
            mime_type=clean_text(content.get("mime_type")),
            filename=clean_text(content.get("filename")),
        )
        return kind, clean_text(content.get("caption")), media
    if kind == "location":
        place = ", ".join(filter(None, (clean_text(content.get("name")), clean_text(content.get("address")))))
        at = f"{clean_text(content.get('latitude'))}, {clean_text(content.get('longitude'))}"
        return "location", f"{place} ({at})".strip(), None
    if kind == "contacts":
        return "contacts", "; ".join(_card(card) for card in as_dicts(raw.get("contacts"))), None
    if kind == "button":
        return "button", clean_text(content.get("text") or content.get("payload")), None
    if kind == "interactive":
        return "button", _pressed(content), None
    if kind == "order":
        items = [
            f"{clean_text(i.get('quantity'))} x {clean_text(i.get('product_retailer_id'))} at "
            f"{clean_text(i.get('item_price'))} {clean_text(i.get('currency'))}"
            for i in as_dicts(content.get("product_items"))
        ]
        return "order", "; ".join(filter(None, (clean_text(content.get("text")), *items))), None
    if kind == "reaction":
        return "reaction", clean_text(content.get("emoji")), None
    if kind == "request_welcome":  # the chat was opened for the first time
        return "text", WAVE, None
    if kind == "edit":
        return "edit", _content(as_dict(content.get("message")))[1], None
    return _SILENT.get(kind, "unsupported"), clean_text(content.get("body")), None


def _pressed(interactive: dict[str, Any]) -> str:
    """The words of a pressed button, a chosen row, or a filled-in form."""
    chosen = as_dict(interactive.get(str(interactive.get("type") or "")))
    if "response_json" in chosen:
        return (
            _filled_in(chosen["response_json"])
            or clean_text(chosen.get("body"))
            or clean_text(chosen.get("name"))
        )
    words = chosen.get("title") or chosen.get("response"), chosen.get("description")
    return " - ".join(filter(None, map(clean_text, words))) or clean_text(chosen.get("id"))


def _filled_in(response: object) -> str:
    """The fields of a form as `name: value`, without the token that only its sender may know; empty for what
    is no JSON, where nobody can tell the token from the rest. Fields of a form made in the builder are called
    `screen_0_full_name_1`."""
    try:
        fields: object = json.loads(response) if isinstance(response, str) else response
    except (ValueError, RecursionError):
        return ""
    if not isinstance(fields, dict):
        secret = "token" in str(response).lower()
        return clean_text(response) if not secret else "" if isinstance(fields, str) else _value(fields)
    return "; ".join(
        f"{re.sub(r'^screen_[0-9]+_|_[0-9]+$', '', name).replace('_', ' ')}: {_value(value)}"
        for name, value in as_dict(cast(object, fields)).items()
        if "token" not in name.lower() and value not in (None, "", [], {})
    )


def _value(value: object) -> str:
    """An answer of a form in words; choices are ids such as `0_Red`, and lists of them."""
    if isinstance(value, list):
        return ", ".join(_value(one) for one in cast(list[object], value))
    if isinstance(value, dict):
        return ", ".join(
            f"{clean_text(name)} {_value(one)}"
            for name, one in as_dict(cast(object, value)).items()
            if "token" not in str(name).lower()
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    return re.sub(r"^[0-9]{1,2}_(?=\D)", "", " ".join(clean_text(value).split())).replace("_", " ")


def _card(card: dict[str, Any]) -> str:
    name = clean_text(as_dict(card.get("name")).get("formatted_name"))
    phones = ", ".join(clean_text(phone.get("phone")) for phone in as_dicts(card.get("phones")))
    return f"{name} {phones}".strip()


def _status(raw: dict[str, Any], account: str) -> StatusUpdate | PaymentReport | None:
    if raw.get("type") == "payment":
        return payment_report(raw, account)
    status = _STATUSES.get(str(raw.get("status")))
    if status is None:
        return None
    error = (as_dicts(raw.get("errors")) or [{}])[0]
    details = clean_text(as_dict(error.get("error_data")).get("details")) or clean_text(error.get("title"))
    code = error.get("code")
    return StatusUpdate(
        id=required(raw, "id"),
        account=account,
        status=status,  # pyright: ignore[reportArgumentType] - a value of _STATUSES
        timestamp=seconds(raw.get("timestamp")),
        callback=clean_text(raw.get("biz_opaque_callback_data")),
        contact=clean_text(raw.get("recipient_id") or raw.get("recipient_user_id")),
        error_code=code if isinstance(code, int) else 0,
        error=details,
        failure=classify(code if isinstance(code, int) else 0, 0),
        pricing=_pricing(raw),
    )


def _pricing(status: dict[str, Any]) -> MessagePricing | None:
    """ "pricing" and "conversation" of the webhook reference; None where neither says anything."""
    told, conversation = as_dict(status.get("pricing")), as_dict(status.get("conversation"))
    category = told.get("category") or as_dict(conversation.get("origin")).get("type")
    if not told and not category:
        return None
    words = (told.get("pricing_model"), category, told.get("type"))
    model, category, kind = (clean_text(word)[:WORD].strip().lower() for word in words)
    billable = told.get("billable")
    return MessagePricing(
        model=model,
        category=category.replace("-", "_"),
        type=kind,
        billable=billable if isinstance(billable, bool) else None,
        conversation=clean_text(conversation.get("id"))[:200],
    )


def _preference(raw: dict[str, Any], value: dict[str, Any], account: str) -> Preference:
    """ "user_preferences" of the webhook reference; its `value` is `stop` or `resume`."""
    cards = as_dicts(value.get("contacts"))
    card = cards[0] if len(cards) == 1 else {}
    wa_id, user_id = (
        clean_text(raw.get("wa_id") or card.get("wa_id")),
        clean_text(raw.get("user_id") or card.get("user_id")),
    )
    wanted = str(raw.get("value"))
    if wanted not in ("stop", "resume") or not (wa_id or user_id):
        raise ValueError("a preference of nobody, or neither stop nor resume")
    at = seconds(raw.get("timestamp"))
    return Preference(
        account=account, stopped=wanted == "stop", wa_id=wa_id.lstrip("+"), user_id=user_id, timestamp=at
    )


# Fields whose value holds a list, its name, and what reads a piece of it.
_LISTS: dict[str, tuple[str, Callable[[Any, dict[str, Any], str], Any]]] = {
    "smb_message_echoes": ("message_echoes", _echo),
    "user_preferences": ("user_preferences", _preference),
    "calls": ("calls", missed_call),
}
_TEMPLATES = ("message_template_status_update", "message_template_quality_update")
