"""Wappi.pro: a WhatsApp number behind a linked phone, by HTTP (wappi.pro/api-documentation, as read by its
public clients)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

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
from channels.content.media import File, Image, Reaction, Template, Text
from channels.content.plain import as_text, simplified
from channels.downloads import DownloadError, fetch
from channels.json_parts import as_dict, as_dicts, clean_text, seconds
from channels.requests import object_in, retry_after, send_request
from channels.wappi_webhook import parse, parse_history

# Where Wappi keeps the files of messages (captured webhooks, 2026).
HOSTS = ("storage.yandexcloud.net", "wappi.pro")
# 20 messages in any minute: 4 at once, and 16 more while 60 s go by.
PACE = Pace(60_000 / 16, 4)
PAGE, PAGES = 100, 50
# What Wappi has calls for.
SHOWS = frozenset({"text", "image", "video", "document", "audio", "reaction"})
# What `detail` says when a message will never go, and why.
_STOP = ("authori", "profile", "payment", "paid", "subscription", "token", "not connected", "ban")
_CONTACT = (
    "not registered",
    "not exist",
    "no account",
    "not found on whatsapp",
    "invalid phone",
    "not on whatsapp",
)


class WappiCredentials(Credentials):
    """A profile of wappi.pro. `authorization`: what Wappi sends as `Authorization` on webhooks
    (webhook/url/set, `auth`); `receive`: `poll` where no webhook can reach this machine."""

    needed: ClassVar[tuple[str, ...]] = ("token",)
    profile_id: str = Field(pattern=r"^[\w-]{1,64}$")
    token: SecretStr = SecretStr("")
    authorization: SecretStr = SecretStr("")
    receive: str = Field("", pattern=r"^(webhook|poll)?$")
    url: str = Field("https://wappi.pro", pattern=r"^https?://")

    @property
    def account(self) -> str:
        return self.profile_id

    @property
    def missing(self) -> list[str]:
        """A webhook without a secret would be refused."""
        unlocked = self.receive == "webhook" and not self.webhook_secret.get_secret_value()
        return [*super().missing, *(["webhook_secret"] if unlocked else [])]

    @property
    def polled(self) -> bool:
        """Whether messages are asked for; so unless a webhook has a secret."""
        return self.receive == "poll" or (not self.receive and not self.webhook_secret.get_secret_value())


class Wappi(Linked):
    """One profile."""

    name = "wappi"
    capabilities = Capabilities(echoes=True, groups=True, official=False, links=True, shows=SHOWS)
    Credentials = WappiCredentials

    def __init__(self, client: httpx.AsyncClient, credentials: WappiCredentials) -> None:
        self._client, self.credentials = client, credentials
        self.pace = PACE
        self._root = credentials.url.rstrip("/")
        # answers to requests made side by side can be each other's
        self._turn = asyncio.Lock()

    def authentic(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Wappi signs nothing: the secret is in the webhook's address, and in `Authorization` where one was
        agreed on."""
        wanted = self.credentials.authorization.get_secret_value()
        given = headers.get("authorization", "")
        return not wanted or hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())

    def parse(self, body: bytes) -> Parsed:
        """A webhook body."""
        return parse(body)

    async def send(self, to: Recipient, content: Content, callback: str) -> str:
        """Send one thing and return the message's id. Wappi repeats no `callback`. Raises SendError."""
        if isinstance(content, Template):
            raise unsupported(self.name, content)
        call, body = _request(to.wa_id or to.user_id, simplified(content, self.capabilities.shows))
        answer = await self._asked("POST", f"/api/sync/{call}", json=body)
        for name in ("message_id", "msg_id", "id"):
            if found := clean_text(answer.get(name)):
                return found
        if found := clean_text(as_dict(answer.get("message")).get("id")):
            return found
        raise SendError("unknown", "the answer names no message id")

    async def typing(self, to: Recipient, message_id: str) -> None:
        """Blue ticks, and the typing indicator until something is sent."""
        await self._asked(
            "POST", "/api/sync/message/mark/read", {"mark_all": "true"}, json={"message_id": message_id}
        )
        await self._asked("POST", "/api/sync/chat/typing/start", json={"recipient": to.wa_id or to.user_id})

    async def fetch_media(self, media: Media, most: int) -> bytes:
        """By its link while that holds (48 h), then by a new one, then as it came. Raises DownloadError."""
        if media.url:
            try:
                return await self._fetch(media.url, most)
            except DownloadError as error:
                if error.kind == "too_large":
                    raise
        try:
            async with self._turn:
                answer = await self._asked(
                    "GET", "/api/sync/message/media/download", {"message_id": media.id}
                )
        except SendError as error:
            if not media.data:
                raise DownloadError("gone" if error.kind == "change" else "retry", str(error)) from error
        else:
            crossed = clean_text(answer.get("message_id")) not in ("", media.id)
            crossed = crossed or (
                media.filename and clean_text(answer.get("file_name")) not in ("", media.filename)
            )
            if crossed:
                raise DownloadError("retry", "the answer was about another file")
            return await self._fetch(clean_text(answer.get("file_link")), most)
        try:
            data = base64.b64decode(media.data, validate=True)
        except binascii.Error:
            raise DownloadError("gone", "neither a link nor a file") from None
        if len(data) > most:
            raise DownloadError("too_large", f"{len(data)} bytes")
        return data

    async def _fetch(self, url: str, most: int) -> bytes:
        parts = urlsplit(self._root)
        return await fetch(self._client, url, {}, most, HOSTS, f"{parts.scheme}://{parts.netloc}")

    async def newer(self, since: int) -> Parsed:
        """The newest messages of all chats, oldest first: at least a page of them, and all from `since` (Unix
        seconds) on. Raises SendError."""
        rows: list[dict[str, Any]] = []
        for page in range(PAGES):
            query = {"limit": str(PAGE), "offset": str(page * PAGE), "order": "desc"}
            async with self._turn:
                answer = await self._asked("GET", "/api/sync/messages/all/get", query)
            if clean_text(answer.get("profile_id")) not in ("", self.credentials.profile_id):
                raise SendError("retry", "the answer was about another profile")
            found = as_dicts(answer.get("messages"))
            rows += found
            if len(found) < PAGE or any(_at(row) < since for row in found):
                break
        return parse_history(sorted(rows, key=_at), self.credentials.profile_id)

    async def state(self) -> LinkChange:
        """What `get/status` says; a profile whose time is paid for no longer is silent without an error
        anywhere else."""
        answer = await self._asked("GET", "/api/sync/get/status")
        reply = {"account": self.credentials.profile_id, "phone": clean_text(answer.get("phone")).lstrip("+")}
        if (until := _moment(answer.get("payment_expired_at"))) and until < datetime.now(UTC):
            return LinkChange(**reply, state="unpaid", reason=f"paid until {until:%Y-%m-%d}")
        if answer.get("authorized") is not True:
            return LinkChange(**reply, state="scan_qr", reason="no phone is linked")
        status = clean_text(answer.get("app_status"))
        if status not in ("", "open"):
            return LinkChange(**reply, state="disconnected", reason=f"app_status is {status}")
        return LinkChange(**reply, state="connected")

    async def qr(self) -> Qr | None:
        """The code to scan; None when the profile is linked."""
        try:
            answer = await self._asked("GET", "/api/sync/qr/get")
        except SendError as error:
            if "already" in str(error).casefold():
                return None
            raise
        return Qr(png=clean_text(answer.get("qrCode")).partition("base64,")[2])

    async def pairing_code(self, phone: str) -> str:
        """The code to type on the phone."""
        answer = await self._asked("GET", "/api/sync/auth/code", {"phone": phone})
        return clean_text(answer.get("code")) or clean_text(answer.get("detail"))

    async def phone_of(self, lid: str) -> str:
        """Wappi's messages have the number themselves."""
        return ""

    async def session(self, action: Session) -> None:
        """Profiles run by themselves: they can be restarted and unlinked here, the rest is done at
        wappi.pro."""
        if action in ("stop", "delete"):
            return
        await self._asked("GET", f"/api/profile/{'logout' if action == 'logout' else 'restart'}")

    async def register(self, webhook: str) -> None:
        """Have webhooks sent to this address, with our `authorization`."""
        secret = self.credentials.authorization.get_secret_value()
        await self._asked(
            "POST", "/api/webhook/url/set", {"url": webhook, **({"auth": secret} if secret else {})}
        )
        kinds = [
            "incoming_message",
            "outgoing_message_api",
            "outgoing_message_phone",
            "delivery_status",
            "authorization_status",
        ]
        await self._asked("POST", "/api/webhook/types/set", json=kinds)

    async def _asked(
        self, method: str, path: str, query: dict[str, str] | None = None, **request: Any
    ) -> dict[str, Any]:
        """The answer's JSON. Raises SendError for a refusal, in whichever of its two forms."""
        wanted = {"profile_id": self.credentials.profile_id, **(query or {})}
        headers = {"Authorization": self.credentials.token.get_secret_value()}
        answer = await send_request(
            self._client, method, f"{self._root}{path}", params=wanted, headers=headers, **request
        )
        data = object_in(answer)
        detail = clean_text(data.get("detail") or data.get("error"))
        if answer.status_code < 300 and data and clean_text(data.get("status")) != "error":
            return data
        kind = classify(answer.status_code, detail, bool(data))
        code = answer.status_code if answer.status_code >= 300 else 0
        raise SendError(kind, f"HTTP {answer.status_code} {detail}"[:300], code, retry_after(answer))


def _request(recipient: str, content: Content) -> tuple[str, dict[str, str]]:
    """The call of a content that Wappi shows, and its body. (No client or page we know of names calls for
    places and cards of people: they go out in words.)"""
    to = {"recipient": recipient}
    if isinstance(content, Reaction):
        return "message/reaction", {"body": content.emoji, "message_id": content.message_id}
    if isinstance(content, File):
        file = {**to, "caption": content.caption, "file_name": content.name}
        if content.url:
            return "message/file/url/send", {**file, "url": content.url}
        sort = "img" if isinstance(content, Image) else content.kind
        return f"message/{sort}/send", {**file, "b64_file": base64.b64encode(content.data).decode()}
    text = content if isinstance(content, Text) else Text(body=as_text(content))
    if text.quoted_id:
        return "message/reply", {"body": text.body, "message_id": text.quoted_id}
    return "message/send", {**to, "body": text.body}


def classify(status: int, detail: str, told: bool) -> Failure:
    """What to do about an error: an HTTP status with a `detail`, or (not `told`) without a body that Wappi
    wrote."""
    said = detail.casefold()
    if any(word in said for word in _CONTACT):
        return "contact"
    if status in (401, 402, 403) or (400 <= status < 500 and any(word in said for word in _STOP)):
        return "stop"
    if status == 429:
        return "busy"
    if status >= 500 or not told:
        return "unknown"
    return "stop" if status < 300 and any(word in said for word in _STOP) else "change"


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(clean_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _at(row: dict[str, Any]) -> int:
    return seconds(row.get("time") or row.get("timestamp"))
