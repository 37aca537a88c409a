"""Wappi's webhooks and history: JSON to messages, statuses and links.

Wire format: wappi.pro/api-documentation as read by its public clients, and captured webhooks; there is no
schema. `messages` is a list, an object, or missing, when the body itself is the message."""

from __future__ import annotations

from typing import Any

from channels.base import (
    AMENDING,
    Frozen,
    Kind,
    LinkChange,
    Media,
    Message,
    Parsed,
    StatusUpdate,
    amending_id,
)
from channels.json_parts import as_dict, as_dicts, clean_text, each, object_of, required, seconds

OUTGOING = ("outgoing_message_api", "outgoing_message_phone", "outgoing_message")
EVENTS = (
    *("incoming_message", *OUTGOING),
    *("delivery_status", "messages_status", "authorization_status", "application_status", "incoming_call"),
)
_KINDS: dict[str, Kind] = {
    "chat": "text",
    "text": "text",
    "ptt": "audio",
    "audio": "audio",
    "image": "image",
    "video": "video",
    "document": "document",
    "sticker": "sticker",
    "location": "location",
    "vcard": "contacts",
    "reaction": "reaction",
    "system": "system",
}
_MEDIA = ("image", "audio", "video", "document", "sticker")
_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read"}
_FAILED = ("undelivered", "temporary ban", "error", "failed")
# A file in base64 that is kept with its message, where the provider names no address for it.
LARGEST_INLINE = 1_500_000


def parse(body: bytes) -> Parsed:
    """Everything a webhook body holds. Raises ValueError when it is no JSON object."""
    payload, parsed = object_of(body), Parsed()
    each(parsed, payload.get("messages", payload), _element)
    return parsed


def parse_history(rows: object, profile_id: str) -> Parsed:
    """The messages of `messages/get`, whose fields have other names than those of webhooks."""
    parsed = Parsed()
    for row in as_dicts(rows):
        file = as_dict(row.get("s3Info"))
        same = {"wh_type": "incoming_message", "profile_id": profile_id, "is_me": row.get("fromMe")}
        renamed = {
            "stanza_id": row.get("stanzaId"),
            "file_link": file.get("url"),
            "is_forwarded": row.get("isForwarded"),
        }
        each(parsed, {**row, **renamed, **same}, _element)
        if row.get("fromMe") is True and row.get("delivery_status"):
            told = {"wh_type": "delivery_status", "profile_id": profile_id, "id": row.get("id")}
            each(parsed, {**told, "status": row["delivery_status"], "time": row.get("time")}, _element)
    return parsed


def _element(raw: dict[str, Any]) -> Frozen | None:
    event = clean_text(raw.get("wh_type")) or (
        clean_text(raw.get("type")) if raw.get("type") in EVENTS else "incoming_message"
    )
    if event in ("delivery_status", "messages_status"):
        return _status(raw)
    if event == "authorization_status":
        on = clean_text(raw.get("status")) in ("online", "open", "authorized", "connected")
        reason = clean_text(raw.get("reason"))
        return LinkChange(account=_profile(raw), state="connected" if on else "disconnected", reason=reason)
    if event in ("application_status", "incoming_call"):
        return None
    if event not in EVENTS:
        raise ValueError(f"unknown wh_type {event[:60]}")
    return _message(raw, event)


def _message(raw: dict[str, Any], event: str) -> Message:
    """A message that came in, or left by another way than ours; the contact is the chat it stands in."""
    echo = event in OUTGOING or raw.get("is_me") is True
    chat = clean_text(raw.get("chatId") or raw.get("chat_id")) or clean_text(
        raw.get("to" if echo else "from")
    )
    wa_id, user_id, group = _identities(chat, raw)
    kind, text, media = _content(raw)
    original = clean_text(raw.get("id")) or required(raw, "message_id")
    amends = kind in AMENDING and not echo
    return Message(
        id=amending_id(original, kind, text) if amends else original,
        account=_profile(raw),
        kind="echo" if echo else kind,
        timestamp=seconds(raw.get("time") or raw.get("timestamp")),
        wa_id=wa_id,
        user_id=user_id,
        name=""
        if echo
        else clean_text(raw.get("senderName") or raw.get("sender_name") or raw.get("contact_name")),
        text=text,
        media=media,
        quoted_id=clean_text(raw.get("stanza_id")) or clean_text(as_dict(raw.get("reply_message")).get("id")),
        group_id=group,
        amends=original if amends else "",
        ours=echo and event != "outgoing_message_phone",
    )


def _identities(chat: str, raw: dict[str, Any]) -> tuple[str, str, str]:
    """(phone digits, other id, group id) of a chat such as 7701...@c.us, ...@lid, ...@g.us."""
    digits, _, server = chat.partition("@")
    if server == "g.us" or clean_text(raw.get("chat_type")) == "group":
        return "", chat, chat
    other = clean_text(raw.get("whatsapp_chat_id"))
    if server in ("c.us", "s.whatsapp.net") or (not server and digits.isascii() and digits.isdigit()):
        return digits.lstrip("+"), other if other.endswith("@lid") else "", ""
    if not chat:
        raise ValueError("message without a chat")
    return "", chat, ""


def _content(raw: dict[str, Any]) -> tuple[Kind, str, Media | None]:
    given = clean_text(raw.get("type"))
    kind = _KINDS.get(given, "text" if given in EVENTS else "unsupported")
    body = raw.get("body")
    if raw.get("is_deleted") is True:
        return "revoke", "", None
    if kind in _MEDIA and raw.get("is_edited") is True:
        return "edit", clean_text(raw.get("caption")), None
    if kind in _MEDIA:
        return kind, clean_text(raw.get("caption")), _media(raw, body if isinstance(body, str) else "")
    if kind == "location":
        place = ", ".join(filter(None, (clean_text(raw.get("caption")), clean_text(raw.get("address")))))
        where = [
            clean_text(raw.get(name) or as_dict(raw.get("location")).get(name))
            for name in ("latitude", "longitude")
        ]
        return (
            kind,
            f"{place} ({', '.join(where)})".strip() if all(where) else place or clean_text(body),
            None,
        )
    text = clean_text(body) if isinstance(body, str) else ""
    if kind == "contacts":
        return (
            kind,
            "; ".join(_card(line) for line in text.splitlines() if line.startswith(("FN", "TEL"))),
            None,
        )
    return ("edit" if raw.get("is_edited") is True and kind == "text" else kind), text, None


def _media(raw: dict[str, Any], body: str) -> Media:
    link = clean_text(raw.get("file_link")) or (body if body.startswith(("https://", "http://")) else "")
    return Media(
        id=clean_text(raw.get("id")) or clean_text(raw.get("message_id")),
        mime_type=clean_text(raw.get("mimetype")),
        filename=clean_text(raw.get("file_name")),
        url=link,
        data="" if link or len(body) > LARGEST_INLINE else clean_text(body),
    )


def _card(line: str) -> str:
    return line.partition(":")[2].strip()


def _status(raw: dict[str, Any]) -> StatusUpdate | None:
    told = clean_text(raw.get("status")).lower()
    if told not in _STATUSES and told not in _FAILED:
        return None
    return StatusUpdate(
        id=required(raw, "id"),
        account=_profile(raw),
        status=_STATUSES.get(told, "failed"),  # pyright: ignore[reportArgumentType] - a value of _STATUSES
        timestamp=seconds(raw.get("time")),
        error="" if told in _STATUSES else told,
        failure="stop" if "ban" in told else "change",
    )


def _profile(raw: dict[str, Any]) -> str:
    return required(raw, "profile_id")
