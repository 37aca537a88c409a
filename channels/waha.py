"""QR-linked sessions through a WAHA gateway (waha.devlike.pro, OpenAPI 2026.7.1).

Not WhatsApp's own interface: it acts as a phone's linked device, against WhatsApp's terms, and numbers get
banned for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import Field, SecretStr

from channels.base import (
    Capabilities,
    Content,
    Credentials,
    Failure,
    LinkChange,
    Linked,
    Media,
    Pace,
    Parsed,
    Qr,
    Recipient,
    SendError,
    Session,
    unsupported,
)
from channels.content.media import ContactCards, File, Location, Person, Reaction, Template, Text
from channels.content.plain import as_text, simplified
from channels.downloads import DownloadError, fetch
from channels.json_parts import as_dict, clean_text
from channels.requests import object_in, retry_after, send_request
from channels.waha_webhook import STATES, digits_of, me_of, parse, sent_id, signature

EVENTS = ["message.any", "message.ack", "message.reaction", "session.status"]
# No provider says how fast: about what a person types on a phone.
PACE = Pace(2000, 3, 1000, 5)
# What WAHA has calls for.
SHOWS = frozenset({"text", "image", "video", "document", "audio", "location", "contacts", "reaction"})
# Message ids are remembered for 8 days; an event that comes later than this is a replay.
OLDEST_SECONDS = 7 * 86_400
_CONTACT = (
    "not registered",
    "not on whatsapp",
    "no lid for user",
    "does not exist on whatsapp",
    "invalid wid",
)


class WahaCredentials(Credentials):
    """A session of a gateway. `hmac_key` signs its webhooks, which go to `webhook_url`."""

    needed: ClassVar[tuple[str, ...]] = ("url", "hmac_key")
    session: str = Field(pattern=r"^[A-Za-z0-9_-]{1,54}$")
    api_key: SecretStr = SecretStr("")
    hmac_key: SecretStr = SecretStr("")
    url: str = Field("", pattern=r"^(https?://.*)?$")
    webhook_url: str = Field("", pattern=r"^(https?://.*)?$")

    @property
    def account(self) -> str:
        return self.session


class Waha(Linked):
    """One session."""

    name = "waha"
    capabilities = Capabilities(echoes=True, groups=True, official=False, links=True, shows=SHOWS)
    Credentials = WahaCredentials

    def __init__(self, client: httpx.AsyncClient, credentials: WahaCredentials) -> None:
        self._client, self.credentials = client, credentials
        self.pace = PACE
        self._root = credentials.url.rstrip("/")
        self._typing: set[str] = set()

    def authentic(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the gateway signed these bytes, and lately."""
        key = self.credentials.hmac_key.get_secret_value()
        given = headers.get("x-webhook-hmac", "")
        if not key or not hmac.compare_digest(
            signature(key, body).encode(), given.encode("utf-8", "replace")
        ):
            return False
        try:
            at = as_dict(json.loads(body)).get("timestamp")
        except (ValueError, RecursionError):
            return True  # `parse` says what is wrong with it
        return not isinstance(at, int | float) or at / 1000 > time.time() - OLDEST_SECONDS

    def parse(self, body: bytes) -> Parsed:
        """A webhook body; it may be of any session of the gateway."""
        return parse(body)

    async def send(self, to: Recipient, content: Content, callback: str) -> str:
        """Send one thing and return the message's id. The id is made of `callback`, so that the same message
        sent again is the same message. Raises SendError."""
        if isinstance(content, Template):
            raise unsupported(self.name, content)
        chat = _chat(to)
        if chat in self._typing:
            self._typing.discard(chat)
            await self._asked("POST", "/api/stopTyping", json=self._in(chat))
        shown = simplified(content, self.capabilities.shows)
        if isinstance(shown, Reaction):
            named = {"messageId": f"false_{chat}_{shown.message_id}", "reaction": shown.emoji}
            answer = await self._asked(
                "PUT", "/api/reaction", json={"session": self.credentials.session, **named}
            )
            return sent_id(answer) or _own_id(callback)
        call, body = _request(chat, shown, callback)
        answer = await self._asked("POST", f"/api/{call}", json={**self._in(chat), **body})
        if not (found := sent_id(answer)):
            raise SendError("unknown", "the answer names no message id")
        return found

    async def typing(self, to: Recipient, message_id: str) -> None:
        """Blue ticks, and the typing indicator until something is sent."""
        chat = _chat(to)
        seen = {"messageIds": [f"false_{chat}_{message_id}"]}
        await self._asked("POST", "/api/sendSeen", json={**self._in(chat), **seen})
        await self._asked("POST", "/api/startTyping", json=self._in(chat))
        self._typing.add(chat)

    async def fetch_media(self, media: Media, most: int) -> bytes:
        """From the gateway, whatever name of itself it wrote in the address. Raises DownloadError."""
        if not media.url:
            raise DownloadError("gone", "the gateway could not fetch it")
        parts, own = urlsplit(media.url), urlsplit(self._root)
        if not parts.path.startswith("/api/files/"):
            raise DownloadError("refused", f"{parts.hostname} is not the gateway")
        url = f"{self._root}{parts.path}{f'?{parts.query}' if parts.query else ''}"
        return await fetch(self._client, url, self._headers(), most, (), f"{own.scheme}://{own.netloc}")

    async def phone_of(self, lid: str) -> str:
        """The phone number behind a lid; empty when the gateway does not know it. Raises SendError."""
        answer = await self._asked("GET", f"/api/{self.credentials.session}/lids/{quote(lid, safe='')}")
        return digits_of(answer.get("pn"))

    async def state(self) -> LinkChange:
        """What the gateway says of the session."""
        account = self.credentials.session
        try:
            answer = await self._asked("GET", f"/api/sessions/{account}")
        except SendError as error:
            if error.code != 404:
                raise
            return LinkChange(account=account, state="stopped", reason="the gateway has no such session yet")
        status = clean_text(answer.get("status"))
        reason = "" if status == "WORKING" else status.lower().replace("_", " ")
        return LinkChange(
            account=account, state=STATES.get(status, "failed"), reason=reason, phone=me_of(answer)
        )

    async def qr(self) -> Qr | None:
        """The code to scan, as a picture and as its text; None when the session waits for none."""
        path, headers = f"/api/{self.credentials.session}/auth/qr", {"Accept": "application/json"}
        try:
            picture = await self._asked("GET", path, {"format": "image"}, headers)
            text = await self._asked("GET", path, {"format": "raw"}, headers)
        except SendError as error:
            if error.code in (404, 422):
                return None
            raise
        return Qr(png=clean_text(picture.get("data")), value=clean_text(text.get("value")))

    async def pairing_code(self, phone: str) -> str:
        """The code to type on the phone."""
        answer = await self._asked(
            "POST", f"/api/{self.credentials.session}/auth/request-code", json={"phoneNumber": phone}
        )
        return clean_text(answer.get("code"))

    async def session(self, action: Session) -> None:
        """Create, start, stop, restart, unlink or delete the session; all of them as often as one likes."""
        name = self.credentials.session
        if action == "start":
            await self._start()
            return
        method, path = ("DELETE", "") if action == "delete" else ("POST", f"/{action}")
        try:
            await self._asked(method, f"/api/sessions/{name}{path}")
        except SendError as error:
            if error.code != 404 or action not in ("delete", "stop", "logout"):
                raise

    async def _start(self) -> None:
        given = self.credentials
        hook: dict[str, Any] = {"url": given.webhook_url, "events": EVENTS}
        hook["retries"] = {"policy": "exponential", "delaySeconds": 2, "attempts": 15}
        if key := given.hmac_key.get_secret_value():
            hook["hmac"] = {"key": key}
        config = {"webhooks": [hook] if given.webhook_url else []}
        if (await self.state()).reason == "the gateway has no such session yet":
            await self._asked(
                "POST", "/api/sessions", json={"name": given.session, "start": True, "config": config}
            )
            return
        await self._asked("PUT", f"/api/sessions/{given.session}", json={"config": config})
        await self._asked("POST", f"/api/sessions/{given.session}/start")

    def _in(self, chat: str) -> dict[str, Any]:
        return {"session": self.credentials.session, "chatId": chat}

    def _headers(self) -> dict[str, str]:
        key = self.credentials.api_key.get_secret_value()
        return {"X-Api-Key": key} if key else {}

    async def _asked(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> dict[str, Any]:
        """The answer's JSON, empty where it has none. Raises SendError."""
        sent = {**self._headers(), **(headers or {})}
        answer = await send_request(
            self._client, method, f"{self._root}{path}", params=query, headers=sent, **request
        )
        data = object_in(answer)
        if answer.status_code < 300:
            return data
        detail = f"{clean_text(data.get('error'))} {clean_text(data.get('message'))}".strip()
        kind = classify(answer.status_code, detail)
        raise SendError(
            kind, f"HTTP {answer.status_code} {detail}"[:300], answer.status_code, retry_after(answer)
        )


def _request(chat: str, content: Content, callback: str) -> tuple[str, dict[str, Any]]:
    """The call of a content that WAHA shows, and its body. (Its OpenAPI calls sendButtons deprecated, and a
    list or a poll answers without our ids: choices go out as numbered words.)"""
    id = {"id": _own_id(callback)}
    if isinstance(content, Location):
        title = content.name or content.address
        return "sendLocation", {
            "latitude": content.latitude,
            "longitude": content.longitude,
            "title": title,
            **id,
        }
    if isinstance(content, ContactCards):
        return "sendContactVcard", {"contacts": [_card(person) for person in content.people], **id}
    if isinstance(content, File):
        call = {"image": "sendImage", "video": "sendVideo", "audio": "sendVoice"}.get(
            content.kind, "sendFile"
        )
        where = {"url": content.url} if content.url else {"data": base64.b64encode(content.data).decode()}
        body: dict[str, Any] = {"file": {"mimetype": content.mime_type, "filename": content.name, **where}}
        convert = {"convert": True} if call in ("sendVideo", "sendVoice") else {}
        return call, {**body, **convert, **({} if call == "sendVoice" else {"caption": content.caption})}
    text = content if isinstance(content, Text) else Text(body=as_text(content))
    quoted = {"reply_to": f"false_{chat}_{text.quoted_id}"} if text.quoted_id else {}
    return "sendText", {"text": text.body, "linkPreview": False, **id, **quoted}


def _card(person: Person) -> dict[str, str]:
    """A card as RFC 2426 writes it, its text escaped."""

    def escaped(text: str) -> str:
        return re.sub(r"([\\\\,;])", r"\\\1", text).replace("\n", "\\n")

    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{escaped(person.name)}"]
    lines += [f"ORG:{escaped(person.company)};"] if person.company else []
    lines += [f"TEL;type=CELL;waid={person.digits}:{person.phone}"] if person.phone else []
    lines += [f"EMAIL:{escaped(person.email)}"] if person.email else []
    return {"vcard": "\n".join([*lines, "END:VCARD"])}


def classify(status: int, detail: str) -> Failure:
    """What to do about an error answer of the gateway. 422 is its word for a session that is not linked."""
    said = detail.casefold()
    if any(word in said for word in _CONTACT):
        return "contact"
    if status in (401, 403, 404) or (status == 422 and "session" in said):
        return "stop"
    if status == 429:
        return "busy"
    return "unknown" if status >= 500 else "change"


def _chat(to: Recipient) -> str:
    return f"{to.wa_id}@c.us" if to.wa_id else to.user_id


def _own_id(callback: str) -> str:
    """A message id as WhatsApp Web makes them, the same for every try of one send."""
    return "3EB0" + hashlib.blake2b(callback.encode(), digest_size=9).hexdigest().upper()
