"""Meta's WhatsApp Cloud API: webhook bodies to messages, messages to Graph requests.

Wire format: developers.facebook.com/docs/whatsapp/cloud-api (webhooks reference, messages reference, error codes).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from channels.base import (
    Failure,
    Kind,
    Media,
    Message,
    Pace,
    Parsed,
    Preference,
    Quarantined,
    Recipient,
    SendError,
    StatusUpdate,
    TemplateStatus,
)
from channels.downloads import META_HOSTS, DownloadError, fetch

# "Cloud API error codes": which ones heal by waiting, and which never do.
_STOP = {0, 3, 10, 190, 368, 130497, 131005, 131031, 131037, 131042, 131045, 131048, 131064}
_KINDS: dict[Failure, set[int]] = {
    "retry": {1, 2, 131000, 131016, 131057},
    "busy": {4, 80007, 130429},
    "pair": {131056},
    "window": {131047},
    "contact": {33, 130403, 131026, 131030},
    "opt_out": {131050},
    "later": {130472, 131049},
}

# Business-scoped user id: ISO country, a dot, up to 128 alphanumerics (optionally behind "ENT.").
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")

_MEDIA = ("image", "audio", "video", "document", "sticker")
_SILENT: dict[str, Kind] = {"reaction": "reaction", "edit": "edit", "revoke": "revoke", "system": "system"}
_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}


def signature(secret: str, body: bytes) -> str:
    """The X-Hub-Signature-256 of a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed_by(secret: str, body: bytes, header: str | None) -> bool:
    """Whether `header` is the signature of these raw bytes, compared in constant time."""
    return bool(header) and hmac.compare_digest(
        signature(secret, body).encode(), str(header).encode("utf-8", "replace")
    )


def clean(value: object) -> str:
    """Text that every store takes: no NUL, lone surrogates replaced; a non-string becomes its text, None is empty."""
    text = "" if value is None else value if isinstance(value, str) else str(value)
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parse(body: bytes) -> Parsed:
    """All messages and statuses of a webhook body, whatever else it holds.

    An element that cannot be read is quarantined beside its neighbours. Raises ValueError when the body is not a JSON
    object.
    """
    try:
        payload = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(payload, dict):
        raise ValueError("a webhook body is a JSON object")
    parsed = Parsed()
    for field, value in _changes(payload):
        account = clean(_dict(value.get("metadata")).get("phone_number_id"))
        if field == "smb_message_echoes":
            _each(parsed, value.get("message_echoes"), lambda raw, v=value, a=account: _echo(raw, v, a))
        elif field == "user_preferences":
            _each(parsed, value.get("user_preferences"), lambda raw, v=value, a=account: _preference(raw, v, a))
        elif field == "message_template_status_update":
            _each(parsed, [value], _template_status)
        elif field == "messages":
            _each(parsed, value.get("messages"), lambda raw, v=value, a=account: _message(raw, v, a))
            _each(parsed, value.get("statuses"), lambda raw, a=account: _status(raw, a))
    return parsed


def _changes(payload: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in _dicts(payload.get("entry")):
        for change in _dicts(entry.get("changes")):
            if isinstance(value := change.get("value"), dict):
                yield str(change.get("field") or "messages"), value


def _each(parsed: Parsed, items: object, read: Any) -> None:
    if items is None:
        return
    for raw in items if isinstance(items, list) else [items]:
        try:
            item = read(raw)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            parsed.quarantined.append(Quarantined(reason=str(error)[:200], piece=json.dumps(raw)[:10_000]))
            continue
        if isinstance(item, Message):
            parsed.messages.append(item)
        elif isinstance(item, StatusUpdate):
            parsed.statuses.append(item)
        elif isinstance(item, Preference):
            parsed.preferences.append(item)
        elif isinstance(item, TemplateStatus):
            parsed.templates.append(item)


def _message(raw: dict[str, Any], value: dict[str, Any], account: str) -> Message:
    wa_id, user_id, name = _sender(raw, value)
    kind, text, media = _content(raw)
    return Message(
        id=_required(raw, "id"),
        account=account,
        kind=kind,
        timestamp=_seconds(raw.get("timestamp")),
        wa_id=wa_id,
        user_id=user_id,
        name=name,
        text=text,
        media=media,
        quoted_id=clean(_dict(raw.get("context")).get("id")),
        group_id=clean(raw.get("group_id")),
    )


def _echo(raw: dict[str, Any], value: dict[str, Any], account: str) -> Message:
    """What a person at the business wrote from the phone app; the contact is the addressee."""
    _, text, media = _content(raw)
    wa_id, user_id = clean(raw.get("to")).lstrip("+"), clean(raw.get("to_user_id"))
    if not wa_id and not user_id:
        raise ValueError("echo without an addressee")
    seconds = _seconds(raw.get("timestamp"))
    return Message(
        id=_required(raw, "id"),
        account=account,
        kind="echo",
        timestamp=seconds,
        wa_id=wa_id,
        user_id=user_id,
        text=text,
        media=media,
    )


def _sender(raw: dict[str, Any], value: dict[str, Any]) -> tuple[str, str, str]:
    """(phone digits, business-scoped id, name); either id may be empty, not both."""
    sender, user_id = clean(raw.get("from")), clean(raw.get("from_user_id"))
    contacts = _dicts(value.get("contacts"))
    mine = [c for c in contacts if {clean(c.get("wa_id")), clean(c.get("user_id"))} & ({sender, user_id} - {""})]
    alone = len(contacts) == 1 and len(_dicts(value.get("messages"))) == 1
    contact = mine[0] if mine else contacts[0] if alone else {}
    if not sender and not user_id:
        sender, user_id = clean(contact.get("wa_id")), clean(contact.get("user_id"))
    if _USER_ID.fullmatch(sender):
        sender, user_id = "", user_id or sender
    if not sender and not user_id:
        raise ValueError("message without a sender")
    return (
        sender.lstrip("+"),
        user_id or clean(contact.get("user_id")),
        clean(_dict(contact.get("profile")).get("name")),
    )


def _content(raw: dict[str, Any]) -> tuple[Kind, str, Media | None]:
    """(kind, text for a reader, media)."""
    kind = str(raw.get("type") or "")
    content = _dict(raw.get(kind))
    if kind == "text":
        return "text", clean(content.get("body")), None
    if kind in _MEDIA:
        media = Media(
            id=clean(content.get("id")),
            mime_type=clean(content.get("mime_type")),
            filename=clean(content.get("filename")),
        )
        return kind, clean(content.get("caption")), media  # pyright: ignore[reportReturnType] - one of _MEDIA
    if kind == "location":
        place = ", ".join(filter(None, (clean(content.get("name")), clean(content.get("address")))))
        return (
            "location",
            f"{place} ({clean(content.get('latitude'))}, {clean(content.get('longitude'))})".strip(),
            None,
        )
    if kind == "contacts":
        return "contacts", "; ".join(_card(card) for card in _dicts(raw.get("contacts"))), None
    if kind == "button":
        return "button", clean(content.get("text") or content.get("payload")), None
    if kind == "interactive":
        return "button", _pressed(content), None
    if kind == "order":
        items = [
            f"{clean(i.get('quantity'))} x {clean(i.get('product_retailer_id'))} at {clean(i.get('item_price'))} "
            f"{clean(i.get('currency'))}"
            for i in _dicts(content.get("product_items"))
        ]
        return "order", "; ".join(filter(None, (clean(content.get("text")), *items))), None
    if kind == "reaction":
        return "reaction", clean(content.get("emoji")), None
    if kind == "edit":
        return "edit", _content(_dict(content.get("message")))[1], None
    return _SILENT.get(kind, "unsupported"), clean(content.get("body")), None


def _pressed(interactive: dict[str, Any]) -> str:
    """The words of a pressed button, a chosen row, or a filled-in form."""
    chosen = _dict(interactive.get(str(interactive.get("type") or "")))
    if "response_json" in chosen:
        return clean(chosen["response_json"])
    return clean(chosen.get("title") or chosen.get("response") or chosen.get("id"))


def _card(card: dict[str, Any]) -> str:
    name = clean(_dict(card.get("name")).get("formatted_name"))
    phones = ", ".join(clean(phone.get("phone")) for phone in _dicts(card.get("phones")))
    return f"{name} {phones}".strip()


def _status(raw: dict[str, Any], account: str) -> StatusUpdate | None:
    status = _STATUSES.get(str(raw.get("status")))
    if status is None:
        return None
    error = (_dicts(raw.get("errors")) or [{}])[0]
    details = clean(_dict(error.get("error_data")).get("details")) or clean(error.get("title"))
    code = error.get("code")
    return StatusUpdate(
        id=_required(raw, "id"),
        account=account,
        status=status,  # pyright: ignore[reportArgumentType] - a value of _STATUSES
        timestamp=_seconds(raw.get("timestamp")),
        callback=clean(raw.get("biz_opaque_callback_data")),
        contact=clean(raw.get("recipient_id") or raw.get("recipient_user_id")),
        error_code=code if isinstance(code, int) else 0,
        error=details,
    )


def _preference(raw: dict[str, Any], value: dict[str, Any], account: str) -> Preference:
    """ "user_preferences" of the webhook reference; its `value` is `stop` or `resume`."""
    cards = _dicts(value.get("contacts"))
    card = cards[0] if len(cards) == 1 else {}
    wa_id, user_id = clean(raw.get("wa_id") or card.get("wa_id")), clean(raw.get("user_id") or card.get("user_id"))
    wanted = str(raw.get("value"))
    if wanted not in ("stop", "resume") or not (wa_id or user_id):
        raise ValueError("a preference of nobody, or neither stop nor resume")
    at = _seconds(raw.get("timestamp"))
    return Preference(account=account, stopped=wanted == "stop", wa_id=wa_id.lstrip("+"), user_id=user_id, timestamp=at)


def _template_status(raw: dict[str, Any]) -> TemplateStatus:
    """ "message_template_status_update" of the webhook reference."""
    name, language = _required(raw, "message_template_name"), _required(raw, "message_template_language")
    return TemplateStatus(name=name, language=language, status=_required(raw, "event"), reason=clean(raw.get("reason")))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _required(raw: dict[str, Any], key: str) -> str:
    if not (text := clean(raw.get(key))):
        raise ValueError(f"no {key}")
    return text


def _seconds(value: object) -> int:
    """Unix seconds; Meta sends a string, some gateways a number, some milliseconds, some neither."""
    try:
        number = int(float(str(value)))
    except (ValueError, OverflowError):
        return 0
    return number // 1000 if number > 10**11 else number


def classify(code: int, http_status: int) -> Failure:
    """What to do about an error of the Graph API: the answer to a request, or (HTTP status 0) a `failed` status."""
    for kind, codes in _KINDS.items():
        if code in codes:
            return kind
    if (code in _STOP and (code or http_status in (401, 403))) or 200 <= code <= 299:
        return "stop"
    if http_status == 401:
        return "stop"
    if http_status == 429:
        return "busy"
    return "retry" if http_status >= 500 else "change"


def pace(per_second: float) -> Pace:
    """Meta's limits ("Throughput", "Pair rate limits"): so many messages a second from a number, and to one contact one
    in 6 s, with up to 45 borrowed from the time after. A tenth of a second's share may go at once, and nine tenths of it
    follow evenly, so that no second sees more than the whole."""
    return Pace(1000 / (0.9 * per_second), max(1, round(0.1 * per_second)), 6000, 45)


class CloudApi:
    """Sends through the Graph API. One per account credentials; shares the process's HTTP client."""

    def __init__(
        self, client: httpx.AsyncClient, base_url: str, version: str, token: str, limits: Pace | None = None
    ) -> None:
        self._client = client
        self.pace = limits or Pace()
        self._root = f"{base_url}/{version}"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def send_text(self, to: Recipient, body: str, callback: str, quoted_id: str = "") -> str:
        """Send one bubble and return the provider's message id. Raises SendError.

        `callback` (at most 512 characters) comes back on every status of the message.
        """
        quoted = {"context": {"message_id": quoted_id}} if quoted_id else {}
        content = {"type": "text", "text": {"body": body, "preview_url": False}, **quoted}
        return await self._send(to, content, callback)

    async def send_template(self, to: Recipient, template: str, callback: str, variables: Sequence[str] = ()) -> str:
        """Send an approved template, `name:language`, such as `we_answered:en`, its body's variables filled in order. Raises
        SendError."""
        name, _, language = template.partition(":")
        filled: dict[str, Any] = {"name": name, "language": {"code": language or "en"}}
        if variables:
            values = [{"type": "text", "text": value} for value in variables]
            filled["components"] = [{"type": "body", "parameters": values}]
        return await self._send(to, {"type": "template", "template": filled}, callback)

    async def _send(self, to: Recipient, content: dict[str, Any], callback: str) -> str:
        request = {"messaging_product": "whatsapp", "recipient_type": "individual", **_address(to), **content}
        answer = await self._post(to.account, {**request, "biz_opaque_callback_data": callback})
        ids = [clean(item.get("id")) for item in _dicts(answer.get("messages"))]
        if not ids or not ids[0]:
            raise SendError("unknown", "the answer names no message id")
        return ids[0]

    async def mark_read(self, account: str, message_id: str, typing: bool = True) -> None:
        """Blue ticks on a contact's message, and the typing indicator until the reply or for 25 seconds."""
        request: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        if typing:
            request["typing_indicator"] = {"type": "text"}
        await self._post(account, request)

    async def download(self, media_id: str, most: int) -> bytes:
        """The file of a message, at most `most` bytes ("Media": its address is asked for first and holds for 5 minutes).
        Raises DownloadError."""
        if not re.fullmatch(r"[\w.-]{1,200}", media_id):
            raise DownloadError("gone", "no media id")
        parts = urlsplit(self._root)
        origin = f"{parts.scheme}://{parts.netloc}"
        about = await fetch(self._client, f"{self._root}/{media_id}", self._headers, 65_536, META_HOSTS, origin)
        try:
            found = _dict(json.loads(about))
        except ValueError:
            raise DownloadError("retry", "the answer is not JSON") from None
        if int(found.get("file_size") or 0) > most:
            raise DownloadError("too_large", f"{found['file_size']} bytes")
        return await fetch(self._client, clean(found.get("url")), self._headers, most, META_HOSTS, origin)

    async def _post(self, account: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._client.post(f"{self._root}/{account}/messages", json=request, headers=self._headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise SendError("retry", f"no connection: {error!r}") from error
        except httpx.HTTPError as error:
            raise SendError("unknown", f"no answer: {error!r}") from error
        try:
            data = answer.json()
        except ValueError:
            data = {}
        data = _dict(data)
        if answer.status_code < 300 and "error" not in data:
            return data
        error = _dict(data.get("error"))
        code = error.get("code") if isinstance(error.get("code"), int) else -1
        kind = classify(code, answer.status_code)  # pyright: ignore[reportArgumentType] - an int by the line above
        if kind == "retry" and answer.status_code >= 500 and code == -1:
            kind = "unknown"  # a gateway's page says nothing about what the server behind it did
        text = clean(_dict(error.get("error_data")).get("details")) or clean(error.get("message"))
        raise SendError(kind, f"HTTP {answer.status_code} {text}"[:300], code, _retry_after(answer))  # pyright: ignore[reportArgumentType]


def _address(to: Recipient) -> dict[str, str]:
    """A number goes out with its plus sign: without it Meta may prepend the business's own country code."""
    if to.wa_id:
        return {"to": f"+{to.wa_id}" if to.wa_id.isascii() and to.wa_id.isdigit() else to.wa_id}
    return {"recipient": to.user_id}


def _retry_after(answer: httpx.Response) -> float:
    try:
        return max(0.0, float(answer.headers.get("retry-after", "0")))
    except ValueError:
        return 0
