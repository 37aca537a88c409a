"""Files that contacts send, fetched with care: only from the provider's hosts, never from a private address,
never too much."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Literal
from urllib.parse import urlsplit

import httpx

# Where Meta keeps the files of WhatsApp messages ("Media", Cloud API reference; lookaside.fbsbx.com as of
# 2026).
META_HOSTS = ("fbsbx.com", "fbcdn.net", "whatsapp.net", "facebook.com")

Trouble = Literal["gone", "too_large", "refused", "retry"]


class DownloadError(Exception):
    """A file that did not come. `kind`: `gone` (expired, or never there), `too_large`, `refused` (an address
    we do not ask), `retry` (may come later)."""

    def __init__(self, kind: Trouble, message: str) -> None:
        super().__init__(message)
        self.kind: Trouble = kind


async def fetch(
    client: httpx.AsyncClient,
    url: str,
    headers: dict[str, str],
    most: int,
    hosts: tuple[str, ...],
    trusted: str = "",
) -> bytes:
    """The bytes at `url`, at most `most` of them. `hosts` are the domains that may be asked, over https;
    `trusted` is an origin of our own settings (`https://graph.example`) that may be asked wherever it is.
    Redirects are not followed. Raises DownloadError."""
    parts = urlsplit(url)
    if not trusted or f"{parts.scheme}://{parts.netloc}" != trusted:
        host = (parts.hostname or "").casefold()
        if (
            parts.scheme != "https"
            or parts.username
            or not any(host == h or host.endswith(f".{h}") for h in hosts)
        ):
            raise DownloadError("refused", f"{host or 'no host'} is not where the provider keeps files")
        await _public(host)
    try:
        # as it is, and as it comes: a packed file may be a thousand times larger than what was sent
        plain, extensions = {**headers, "Accept-Encoding": "identity"}, {"most": most}
        async with client.stream(
            "GET", url, headers=plain, follow_redirects=False, extensions=extensions
        ) as answer:
            if answer.status_code != 200:
                kind = "retry" if answer.status_code >= 500 or answer.status_code == 429 else "gone"
                raise DownloadError(kind, f"HTTP {answer.status_code}")
            if int(answer.headers.get("content-length") or 0) > most:
                raise DownloadError("too_large", f"more than {most} bytes")
            if answer.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
                raise DownloadError("refused", "it came packed, which was not asked for")
            chunks, size = list[bytes](), 0
            async for chunk in answer.aiter_raw():
                size += len(chunk)
                if size > most:
                    raise DownloadError("too_large", f"more than {most} bytes")
                chunks.append(chunk)
            return b"".join(chunks)
    except (httpx.HTTPError, ValueError) as error:
        raise DownloadError("retry", f"no answer: {error!r}"[:200]) from error


async def _public(host: str) -> None:
    """A name of the provider's that leads into our own network is somebody's trick."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise DownloadError("retry", f"{host} has no address: {error}") from error
    if not all(ipaddress.ip_address(row[4][0]).is_global for row in found):
        raise DownloadError("refused", f"{host} leads to a private address")
