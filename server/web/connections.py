"""Connections of the web server: none that only keeps a place, and never more than the machine has files for.

Uvicorn waits for ever for the rest of a request that began, and for a body whose answer is given already.
Here a connection has so long for the head of a request, and what comes after an answer is read for a while
and then not any more. One that is idle after its answer is kept for longer than any proxy keeps it (Google's
load balancer 600 s, Caddy 120 s, nginx and Amazon's 60 s), or a webhook could be sent into one that is just
being closed and be lost: https://cloud.google.com/load-balancing/docs/https#timeouts_and_retries"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Seconds for the head of a request, from the connection or from its first byte; for the rest of a body after
# the answer.
HEAD_SECONDS, REST_SECONDS = 20.0, 10.0
# Seconds that an idle connection is kept after an answer.
IDLE_SECONDS = 620
# Files kept for Redis, providers and documents; connections that are wanted where the machine allows them.
OTHER_FILES, MOST = 256, 8_000

log = structlog.get_logger()


def most_connections() -> int:
    """How many connections the process may hold, its limit of open files raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + OTHER_FILES
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard > 0 else wanted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(64, min(MOST, soft - OTHER_FILES))


class Connection(HttpToolsProtocol):
    """One connection. `most`: of all there are; when there are more, the one goes that has been without a
    request for longest, since it came or since its last answer."""

    most = MOST
    # Those without a request, the longest waiting first.
    _unspoken: dict[Connection, None] = {}  # noqa: RUF012 - one for all

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = IDLE_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._whole = True

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)
        self._unspoken[self] = None
        if len(self.connections) > self.most:
            log.warning("connections_full", most=self.most)
            oldest = next(iter(self._unspoken))
            del self._unspoken[oldest]  # or the next of a burst would choose it too, before it is gone
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unspoken.pop(self, None)
        self._heard()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._whole = False
        self._wait(HEAD_SECONDS)
        self._speechless()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._unspoken.pop(self, None)
        self._heard()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._whole = True
        self._heard()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._whole:
            self._wait(REST_SECONDS)
        elif self.cycle.response_complete and not self.transport.is_closing():
            self._speechless()

    def _speechless(self) -> None:
        self._unspoken.pop(self, None)
        self._unspoken[self] = None

    def _wait(self, seconds: float) -> None:
        self._heard()
        self._timer = self.loop.call_later(seconds, self._too_late)

    def _heard(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        if not self.transport.is_closing():
            log.info("connection_too_slow")
            self.transport.close()
