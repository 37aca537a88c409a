"""The process's one HTTP client.

httpx for its interface, aiohttp underneath: httpcore looks at every open connection on every request, which
with hundreds of them costs more than all the rest of a turn (31 against 18 ms of CPU, `python -m
benchmarks.load --delay 0`). Its errors keep apart what our senders must keep apart: a request that never
left, and one whose answer was lost.

No answer is read beyond a limit, packed or unpacked: what a provider sends is as untrusted as what anybody
sends. A request with the extension `most` gets its answer as it comes, for a reader who counts; every other
answer is read here."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import AsyncIterator, Generator
from urllib.request import getproxies

import aiohttp
import httpx

# How long an idle connection is kept, seconds: to a provider of messages for less than the 5 s after which
# Node and Apache close theirs (https://nodejs.org/api/http.html#serverkeepalivetimeout), or a message could
# go into one that is being closed and nobody would know whether it arrived; to a model for longer.
PROVIDER_IDLE, MODEL_IDLE = 4.0, 30.0
# Bytes of an answer, unpacked: more than any provider's JSON has.
MOST = 16 * 1024 * 1024
CHUNK = 64 * 1024
# What we understand of packed answers (RFC 9110, 8.4.1); nothing else is asked for.
PACKED = ("gzip", "x-gzip", "deflate")


class _Transport(httpx.AsyncBaseTransport):
    """As many connections as there are requests in flight, so that one that hangs holds up no other."""

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        """Made on first use: it belongs to the loop it is made in."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=self._idle)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=bool(getproxies()),  # it also reads ~/.netrc on every request
            )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        allowed = request.extensions.get("timeout", {})
        connect, read = allowed.get("connect"), allowed.get("read")
        total = connect + read if connect and read else None
        with _told_as_httpx(request):
            answer = await self._open().request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=total, connect=connect, sock_connect=connect, sock_read=read
                ),
            )
        if "most" in request.extensions:
            stream = _Stream(answer, request)
            return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream, request=request)
        async with answer:
            with _told_as_httpx(request):
                body = await _read(answer)
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() != b"content-encoding"]
        return httpx.Response(answer.status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()


class _Stream(httpx.AsyncByteStream):
    """An answer as it comes, never unpacked."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer, self._request = answer, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told_as_httpx(self._request):
            async for chunk in self._answer.content.iter_chunked(CHUNK):
                yield chunk

    async def aclose(self) -> None:
        """Read no more of it."""
        self._answer.close()


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """A whole answer, unpacked. Raises ClientPayloadError for one that is too large, or packed in a way
    nobody asked for."""
    packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packed not in (*PACKED, "identity", ""):
        raise aiohttp.ClientPayloadError(f"the answer is packed as {packed[:20]}")
    if (answer.content_length or 0) > MOST:
        raise aiohttp.ClientPayloadError(f"the answer has {answer.content_length} bytes")
    chunks, size = list[bytes](), 0
    async for chunk in answer.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST:
            raise aiohttp.ClientPayloadError(f"the answer has more than {MOST} bytes")
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    return _unpacked(body) if packed in PACKED and body else body


def _unpacked(body: bytes) -> bytes:
    raw = not (body[:2] == b"\x1f\x8b" or (body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0))
    inflate = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
    try:
        plain = inflate.decompress(body, MOST + 1)
    except zlib.error as error:
        raise aiohttp.ClientPayloadError(f"the answer cannot be unpacked: {error}") from error
    if len(plain) > MOST:
        raise aiohttp.ClientPayloadError(f"the answer has more than {MOST} bytes when it is unpacked")
    return plain


@contextlib.contextmanager
def _told_as_httpx(request: httpx.Request) -> Generator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except aiohttp.InvalidURL as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error) or "no answer in time", request=request) from error
    except aiohttp.ClientError as error:
        raise httpx.ReadError(str(error), request=request) from error


def http_client(timeout: httpx.Timeout | float, idle: float = PROVIDER_IDLE) -> httpx.AsyncClient:
    """A client whose `ConnectError` means that the request never left, and any other error that it may have
    arrived. `idle`: for how many seconds a connection is kept that nobody uses."""
    packed = {"Accept-Encoding": "gzip, deflate"}
    return httpx.AsyncClient(timeout=timeout, transport=_Transport(idle), headers=packed)
