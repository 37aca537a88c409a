"""The process's one HTTP client.

httpx for its interface, aiohttp underneath: httpcore looks at every open connection on every request, which with hundreds
of them costs more than all the rest of a turn (31 against 18 ms of CPU, `python -m benchmarks.load --delay 0`). Its
errors keep apart what our senders must keep apart: a request that never left, and one whose answer was lost.
"""

from __future__ import annotations

from urllib.request import getproxies

import aiohttp
import httpx

IDLE_SECONDS = 30


class _Transport(httpx.AsyncBaseTransport):
    """As many connections as there are requests in flight, so that one that hangs holds up no other."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        """Made on first use: it belongs to the loop it is made in."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS)
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
        try:
            async with self._open().request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=total, connect=connect, sock_connect=connect, sock_read=read),
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.InvalidURL as error:
            raise httpx.UnsupportedProtocol(str(error), request=request) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error) or "no answer in time", request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.ReadError(str(error), request=request) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, content=body, request=request)

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()


def http_client(timeout: httpx.Timeout | float) -> httpx.AsyncClient:
    """A client whose `ConnectError` means that the request never left, and any other error that it may have arrived."""
    return httpx.AsyncClient(timeout=timeout, transport=_Transport())
