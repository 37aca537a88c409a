"""WAHA's webhooks: signed JSON to messages, statuses and links (waha.devlike.pro, OpenAPI 2026.7.1,
"Webhooks")."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, cast

from channels.base import (
    AMENDING,
    Frozen,
    Kind,
    LinkChange,
    LinkState,
    Media,
    Message,
    Parsed,
    Status,
    StatusUpdate,
    amending_id,
)
from channels.json_parts import as_dict, as_dicts, clean_text, each, object_of, required, seconds

STATES: dict[str, LinkState] = {
    "STOPPED": "stopped",
    "STARTING": "starting",
    "SCAN_QR_CODE": "scan_qr",
    "PASSKEY_REQUIRED": "failed",
    "PASSKEY_CONFIRMATION_REQUIRED": "failed",
    "WORKING": "connected",
    "FAILED": "failed",
}
# ackName: ERROR, PENDING, SERVER, DEVICE, READ, PLAYED
_ACKS: dict[int, Status] = {-1: "failed", 1: "sent", 2: "delivered", 3: "read", 4: "read"}


def signature(key: str, body: bytes) -> str:
    """The X-Webhook-Hmac of a body."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


def bare_message_id(message_id: object) -> str:
    """The part of `false_77015550101@c.us_AAAA` that names the message whichever identity of its chat is
    before it."""
    text = clean_text(message_id)
    parts = text.split("_")
    return parts[2] if len(parts) > 2 and parts[0] in ("true", "false") else text


def parse(body: bytes) -> Parsed:
    """The one event of a webhook body. Raises ValueError when it is no JSON object."""
    event, parsed = object_of(body), Parsed()
    each(parsed, event, _event)
    return parsed


def _event(event: dict[str, Any]) -> Frozen | None:
    name, session, payload = (
        clean_text(event.get("event")),
        clean_text(event.get("session")),
        as_dict(event.get("payload")),
    )
    if name == "session.status":
        status = clean_text(payload.get("status"))
        reason = "WhatsApp asks for a passkey on this phone" if status.startswith("PASSKEY") else ""
        phone = digits_of(as_dict(event.get("me")).get("id"))
        return LinkChange(
            account=required(event, "session"), state=STATES[status], reason=reason, phone=phone
        )
    if name == "message.ack":
        return _ack(payload, session)
    if name not in ("message", "message.any", "message.reaction", "message.edited", "message.revoked"):
        return None
    if name == "message.revoked":  # the message as it was stands beside what is left of it
        left, before = as_dict(payload.get("after")), as_dict(payload.get("before"))
        left = {name: value for name, value in left.items() if value is not None}
        payload = {**before, **left, "id": left.get("id") or before.get("id"), **payload}
        payload["id"] = payload["id"] or payload.get("revokedMessageId")
    return _message(payload, required(event, "session"), name)


def digits_of(chat: object) -> str:
    """The phone number of an id such as 7701...@c.us; empty for a lid, a group or nothing."""
    digits, _, server = clean_text(chat).partition("@")
    digits = digits.partition(":")[0]
    return digits if server in ("c.us", "s.whatsapp.net") and digits.isascii() and digits.isdigit() else ""


def _message(raw: dict[str, Any], session: str, event: str) -> Message | None:
    echo = raw.get("fromMe") is True
    chat = clean_text(raw.get("to" if echo else "from")) or clean_text(raw.get("from"))
    if chat.endswith(("@broadcast", "@newsletter")):
        return None
    group = chat if chat.endswith("@g.us") else ""
    data = as_dict(raw.get("_data"))
    wa_id = digits_of(chat) or ("" if group or echo else digits_of(_other(data)))
    kind, text, media = _content(raw, event)
    given, original = (
        bare_message_id(required(raw, "id")),
        bare_message_id(raw.get("editedMessageId") or raw.get("revokedMessageId")),
    )
    amends = (original or given) if kind in AMENDING else ""
    return Message(
        id=amending_id(amends, kind, text) if amends == given else given,
        account=session,
        kind="echo" if echo and event.startswith("message") and kind != "reaction" else kind,
        timestamp=seconds(raw.get("timestamp")),
        wa_id=wa_id,
        user_id=chat if group or not digits_of(chat) else "",
        name=""
        if echo
        else clean_text(
            as_dict(data.get("Info")).get("PushName") or data.get("pushName") or data.get("notifyName")
        ),
        text=text,
        media=media,
        quoted_id=bare_message_id(as_dict(raw.get("replyTo")).get("id"))
        or bare_message_id(as_dict(raw.get("reaction")).get("messageId")),
        group_id=group,
        amends="" if echo else amends,
        ours=echo and raw.get("source") != "app",
    )


def _other(data: dict[str, Any]) -> object:
    """The phone number that the engines (GOWS, NOWEB) tell beside a lid."""
    info, key = as_dict(data.get("Info")), as_dict(data.get("key"))
    return info.get("SenderAlt") or key.get("remoteJidAlt") or key.get("senderPn")


def _content(raw: dict[str, Any], event: str) -> tuple[Kind, str, Media | None]:
    text = clean_text(raw.get("body"))
    if event in ("message.edited", "message.revoked"):
        return ("edit" if event == "message.edited" else "revoke"), text, None
    if event == "message.reaction" or "reaction" in raw:
        return "reaction", clean_text(as_dict(raw.get("reaction")).get("text")), None
    if raw.get("hasMedia") is True:
        return _file(raw, text)
    if place := as_dict(raw.get("location")):
        named = clean_text(place.get("description") or place.get("title"))
        return (
            "location",
            f"{named} ({clean_text(place.get('latitude'))}, {clean_text(place.get('longitude'))})".strip(),
            None,
        )
    cards = raw.get("vCards")
    if isinstance(cards, list) and cards:
        lines = [
            line
            for card in cast(list[object], cards)
            for line in clean_text(card).splitlines()
            if line.startswith(("FN", "TEL"))
        ]
        return "contacts", "; ".join(line.partition(":")[2].strip() for line in lines), None
    return ("text" if text else "unsupported"), text, None


def _file(raw: dict[str, Any], caption: str) -> tuple[Kind, str, Media]:
    file = as_dict(raw.get("media"))
    mime = clean_text(file.get("mimetype"))
    url = clean_text(file.get("url") or raw.get("mediaUrl"))
    family = mime.partition("/")[0]
    kind: Kind = "sticker" if mime == "image/webp" else "document"
    if kind == "document" and family in ("image", "audio", "video"):
        kind = family
    return (
        kind,
        caption,
        Media(
            id=bare_message_id(raw.get("id")),
            mime_type=mime,
            filename=clean_text(file.get("filename")),
            url=url,
        ),
    )


def _ack(raw: dict[str, Any], session: str) -> StatusUpdate | None:
    status = _ACKS.get(raw.get("ack"))  # pyright: ignore[reportArgumentType]
    if raw.get("fromMe") is not True or status is None:
        return None
    chat = clean_text(raw.get("to")) or clean_text(raw.get("from"))
    error = "the phone could not send it" if status == "failed" else ""
    return StatusUpdate(
        id=bare_message_id(required(raw, "id")),
        account=session,
        status=status,
        contact=digits_of(chat) or chat,
        error=error,
    )


def me_of(session: dict[str, Any]) -> str:
    """The phone number of a session object."""
    return digits_of(as_dict(session.get("me")).get("id"))


def sent_id(answer: dict[str, Any]) -> str:
    """The id of a message that was sent: every engine has its own form of it."""
    found: object = answer.get("id")
    if isinstance(found, dict):
        found = as_dict(cast(object, found)).get("_serialized") or as_dict(cast(object, found)).get("id")
    rows = as_dicts(
        [answer.get("key"), as_dict(answer.get("_data")).get("key"), as_dict(answer.get("_data")).get("id")]
    )
    return bare_message_id(found) or next(
        (bare_message_id(row.get("id")) for row in rows if row.get("id")), ""
    )
