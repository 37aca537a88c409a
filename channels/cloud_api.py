"""Meta's WhatsApp Cloud API: messages and templates to Graph requests, and what its errors mean.

Wire format: developers.facebook.com/docs/whatsapp/cloud-api (messages reference, error codes).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from channels.base import (
    Failure,
    Pace,
    Recipient,
    SendError,
)
from channels.cloud_webhook import as_dict, as_dicts, clean
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

    async def send_document(
        self, to: Recipient, name: str, mime_type: str, data: bytes, caption: str, callback: str
    ) -> str:
        """Upload a file and send it as a document with a caption ("Media", "Document messages"). Raises SendError."""
        form = {"messaging_product": "whatsapp", "type": mime_type}
        url = f"{self._root}/{to.account}/media"
        answer = await self._asked("POST", url, data=form, files={"file": (name, data, mime_type)})
        media_id = clean(self._read(answer).get("id"))
        if not media_id:
            raise SendError("retry", "the answer to an upload names no id")
        document = {"id": media_id, "filename": name, **({"caption": caption[:1024]} if caption else {})}
        return await self._send(to, {"type": "document", "document": document}, callback)

    async def templates(self, business_account: str) -> list[dict[str, Any]]:
        """Every message template of a WhatsApp business account: name, language, status, reason, category, body ("GET
        /{whatsapp-business-account}/message_templates"). Raises SendError."""
        found, after = [], ""
        while True:
            asked = {
                "limit": "200",
                "fields": "name,language,status,rejected_reason,category,components",
                **({"after": after} if after else {}),
            }
            answer = self._read(
                await self._asked("GET", f"{self._root}/{business_account}/message_templates", params=asked)
            )
            found += [_template_of(row) for row in as_dicts(answer.get("data"))]
            after = clean(as_dict(as_dict(answer.get("paging")).get("cursors")).get("after"))
            if not after or not as_dict(answer.get("paging")).get("next"):
                return found

    async def _send(self, to: Recipient, content: dict[str, Any], callback: str) -> str:
        request = {"messaging_product": "whatsapp", "recipient_type": "individual", **_address(to), **content}
        answer = await self._post(to.account, {**request, "biz_opaque_callback_data": callback})
        ids = [clean(item.get("id")) for item in as_dicts(answer.get("messages"))]
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
            found = as_dict(json.loads(about))
        except ValueError:
            raise DownloadError("retry", "the answer is not JSON") from None
        if int(found.get("file_size") or 0) > most:
            raise DownloadError("too_large", f"{found['file_size']} bytes")
        return await fetch(self._client, clean(found.get("url")), self._headers, most, META_HOSTS, origin)

    async def _post(self, account: str, request: dict[str, Any]) -> dict[str, Any]:
        return self._read(await self._asked("POST", f"{self._root}/{account}/messages", json=request))

    async def _asked(self, method: str, url: str, **request: Any) -> httpx.Response:
        try:
            return await self._client.request(method, url, headers=self._headers, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise SendError("retry", f"no connection: {error!r}") from error
        except httpx.HTTPError as error:
            raise SendError("unknown", f"no answer: {error!r}") from error

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            data = answer.json()
        except ValueError:
            data = {}
        data = as_dict(data)
        if answer.status_code < 300 and "error" not in data:
            return data
        error = as_dict(data.get("error"))
        code = error.get("code") if isinstance(error.get("code"), int) else -1
        kind = classify(code, answer.status_code)  # pyright: ignore[reportArgumentType] - an int by the line above
        if kind == "retry" and answer.status_code >= 500 and code == -1:
            kind = "unknown"  # a gateway's page says nothing about what the server behind it did
        text = clean(as_dict(error.get("error_data")).get("details")) or clean(error.get("message"))
        raise SendError(kind, f"HTTP {answer.status_code} {text}"[:300], code, _retry_after(answer))  # pyright: ignore[reportArgumentType]


def _template_of(row: dict[str, Any]) -> dict[str, Any]:
    parts = {str(c.get("type")).upper(): clean(c.get("text")) for c in as_dicts(row.get("components"))}
    reason = clean(row.get("rejected_reason"))
    plain = {name: clean(row.get(name)) for name in ("name", "language", "status", "category")}
    return {**plain, "reason": "" if reason == "NONE" else reason, "body": parts.get("BODY", "")}


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
