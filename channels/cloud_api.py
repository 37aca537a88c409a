"""Meta's WhatsApp Cloud API: content to Graph requests, and what its errors mean.

Wire format: developers.facebook.com/docs/whatsapp/cloud-api (messages reference, error codes).
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping
from typing import Any, ClassVar, get_args
from urllib.parse import urlsplit

import httpx
from pydantic import Field, SecretStr

from channels.base import (
    Capabilities,
    Channel,
    Content,
    Credentials,
    Media,
    Pace,
    Parsed,
    Recipient,
    SendError,
)
from channels.cloud_errors import classify
from channels.cloud_webhook import parse, signed_by
from channels.content.graph import message_of
from channels.content.media import File
from channels.downloads import META_HOSTS, DownloadError, fetch
from channels.json_parts import as_dict, as_dicts, clean_text
from channels.requests import object_in, retry_after, send_request

# Every kind of content.
EVERYTHING = frozenset(get_args(model.model_fields["kind"].annotation)[0] for model in get_args(Content))


def pace(per_second: float) -> Pace:
    """Meta's limits ("Throughput", "Pair rate limits"): so many messages a second from a number, and to one
    contact one in 6 s, with up to 45 borrowed from the time after. A tenth of a second's share may go at
    once, and nine tenths of it follow evenly, so that no second sees more than the whole."""
    return Pace(1000 / (0.9 * per_second), max(1, round(0.1 * per_second)), 6000, 45)


class CloudCredentials(Credentials):
    """A number of a Meta app. `messages_per_second`: its throughput: 80, 20 when it is also used in the app,
    or as raised; 0 for no limit of ours."""

    needed: ClassVar[tuple[str, ...]] = ("access_token",)
    phone_number_id: str = Field(pattern=r"^[\w-]{1,64}$")
    access_token: SecretStr = SecretStr("")
    app_secret: SecretStr = SecretStr("")
    business_account_id: str = ""
    url: str = Field("https://graph.facebook.com", pattern=r"^https?://")
    version: str = Field("v25.0", pattern=r"^v\d+\.\d+$")
    messages_per_second: float = Field(80, ge=0, le=1000)

    @property
    def account(self) -> str:
        return self.phone_number_id


class CloudApi(Channel):
    """One number through the Graph API; shares the process's HTTP client."""

    name = "cloud_api"
    capabilities = Capabilities(window=True, templates=True, callbacks=True, billed=True, shows=EVERYTHING)
    Credentials = CloudCredentials

    def __init__(self, client: httpx.AsyncClient, credentials: CloudCredentials) -> None:
        self.client, self.credentials = client, credentials
        self.pace = pace(credentials.messages_per_second) if credentials.messages_per_second else Pace()
        self._root = f"{credentials.url.rstrip('/')}/{credentials.version}"
        self._headers = {"Authorization": f"Bearer {credentials.access_token.get_secret_value()}"}

    def authentic(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the app's secret signed these bytes."""
        secret = self.credentials.app_secret.get_secret_value()
        return bool(secret) and signed_by(secret, body, headers.get("x-hub-signature-256"))

    def parse(self, body: bytes) -> Parsed:
        """A webhook body; it may hold messages to any number of the app."""
        return parse(body)

    async def send(self, to: Recipient, content: Content, callback: str) -> str:
        """Send one thing and return the provider's message id. Raises SendError.

        `callback` (at most 512 characters) comes back on every status of the message.
        """
        request = {"messaging_product": "whatsapp", "recipient_type": "individual", **_address(to)}
        request |= await message_of(content, lambda file: self._place(to.account, file))
        answer = await self._post(to.account, {**request, "biz_opaque_callback_data": callback})
        ids = [clean_text(item.get("id")) for item in as_dicts(answer.get("messages"))]
        if not ids or not ids[0]:
            raise SendError("unknown", "the answer names no message id")
        return ids[0]

    async def _place(self, account: str, file: File) -> dict[str, str]:
        """Where a file is for Meta: at its address, or put up under an id ("Media", "Upload media")."""
        if file.url:
            return {"link": file.url}
        form = {"messaging_product": "whatsapp", "type": file.mime_type}
        name = file.name or f"file{mimetypes.guess_extension(file.mime_type.partition(';')[0]) or ''}"
        answer = await self._asked(
            "POST",
            f"{self._root}/{account}/media",
            data=form,
            files={"file": (name, file.data, file.mime_type)},
        )
        media_id = clean_text(self._read(answer).get("id"))
        if not media_id:
            raise SendError("retry", "the answer to an upload names no id")
        return {"id": media_id}

    async def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """What Graph answers to a request at a path of its own. Raises SendError."""
        headers = {**self._headers, **request.pop("headers", {})}
        url = f"{self._root}/{path}"
        return self._read(await send_request(self.client, method, url, headers=headers, **request))

    @property
    def origin(self) -> str:
        """Where Graph is, `https://graph.facebook.com`."""
        parts = urlsplit(self._root)
        return f"{parts.scheme}://{parts.netloc}"

    async def typing(self, to: Recipient, message_id: str) -> None:
        """Blue ticks on a contact's message, and the typing indicator until the reply or for 25 seconds."""
        read = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        await self._post(to.account, {**read, "typing_indicator": {"type": "text"}})

    async def fetch_media(self, media: Media, most: int) -> bytes:
        """The file of a message, at most `most` bytes ("Media": its address is asked for first and holds for
        5 minutes). Raises DownloadError."""
        if not re.fullmatch(r"[\w.-]{1,200}", media.id):
            raise DownloadError("gone", "no media id")
        origin = self.origin
        about = await fetch(
            self.client, f"{self._root}/{media.id}", self._headers, 65_536, META_HOSTS, origin
        )
        try:
            found = as_dict(json.loads(about))
        except ValueError:
            raise DownloadError("retry", "the answer is not JSON") from None
        if int(found.get("file_size") or 0) > most:
            raise DownloadError("too_large", f"{found['file_size']} bytes")
        return await fetch(self.client, clean_text(found.get("url")), self._headers, most, META_HOSTS, origin)

    async def _post(self, account: str, request: dict[str, Any]) -> dict[str, Any]:
        return self._read(await self._asked("POST", f"{self._root}/{account}/messages", json=request))

    async def _asked(self, method: str, url: str, **request: Any) -> httpx.Response:
        return await send_request(self.client, method, url, headers=self._headers, **request)

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        data = object_in(answer)
        if answer.status_code < 300 and "error" not in data:
            return data
        error = as_dict(data.get("error"))
        code = error.get("code") if isinstance(error.get("code"), int) else -1
        kind = classify(code, answer.status_code)  # pyright: ignore[reportArgumentType] - an int by the line above
        if kind == "retry" and answer.status_code >= 500 and code == -1:
            kind = "unknown"  # a gateway's page says nothing about what the server behind it did
        details = clean_text(as_dict(error.get("error_data")).get("details"))
        text = details or clean_text(error.get("error_user_msg")) or clean_text(error.get("message"))
        raise SendError(kind, f"HTTP {answer.status_code} {text}"[:300], code, retry_after(answer))  # pyright: ignore[reportArgumentType]


def _address(to: Recipient) -> dict[str, str]:
    """A number goes out with its plus sign: without it Meta may prepend the business's own country code."""
    if to.wa_id:
        return {"to": f"+{to.wa_id}" if to.wa_id.isascii() and to.wa_id.isdigit() else to.wa_id}
    return {"recipient": to.user_id}
