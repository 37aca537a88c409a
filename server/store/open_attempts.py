"""For how long it could have been noted what became of a send without an answer."""

from __future__ import annotations

import time

from redis.exceptions import ResponseError

from server.store.client import Redis, uptime

# Attempts that a process remembers having looked at.
MOST = 10_000


class OpenAttempts:
    """Those of one bot that a process has looked at."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._since: dict[str, float] = {}

    async def noted_for(self, key: str, reply_id: str) -> int:
        """For how many ms a status could have been noted where a key lives: not while that server was down.
        Where a user may not ask for how long it is up, since this process first looked."""
        if len(self._since) >= MOST:
            self._since.clear()
        since = self._since.setdefault(reply_id, time.monotonic())
        try:
            return await uptime(self._redis, key)
        except ResponseError:
            return int((time.monotonic() - since) * 1000)
