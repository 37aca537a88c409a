"""Wappi without a webhook: the newest messages asked for every few seconds, none missed and none taken twice.

cursor:A    HASH    began: seconds at which polling first began; at: seconds of the newest message that is
            stored
polling:A   STRING  the worker that asks
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import OrderedDict
from typing import Any

import structlog
from redis.exceptions import RedisError

from channels.base import LinkChange, Parsed, SendError
from channels.wappi import Wappi
from server.background import ended
from server.bots.bot import BotRuntime
from server.bots.registry import BotRegistry
from server.bots.routing import WebhookScope
from server.clock import now_ms
from server.pipeline.account import linked_sessions
from server.pipeline.intake import receive
from server.store.keys import key

# A message can be listed later than one that is newer: so far back (seconds) history is read beyond the
# newest known one.
OVERLAP = 90
LONGEST_PAUSE = 300
# How long a worker that stops asking keeps others waiting, seconds beyond its pause.
PATIENCE = 30
REMEMBERED = 2000
# What is older is not looked at again: message ids are remembered for 8 days.
KNOWN_SECONDS = 7 * 86_400
# This process, whichever of its polls asks.
ME = uuid.uuid4().hex

log = structlog.get_logger()


class Poll:
    """The asking for one profile, in one process."""

    def __init__(
        self, runtime: BotRuntime, channel: Wappi, registry: BotRegistry, pause: float, me: str = ME
    ) -> None:
        self._desk, self._channel, self._roster, self._pause = runtime, channel, registry, pause
        self._account, self._me = channel.credentials.account, me
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.failures = 0

    @property
    def pause(self) -> float:
        """Seconds until the next question: more when Wappi fails, and never quite the same, so that profiles
        do not ask at once."""
        return self._backoff() * random.uniform(0.8, 1.2)

    def _backoff(self) -> float:
        return min(LONGEST_PAUSE, self._pause * 2 ** min(self.failures, 10))

    async def run(self) -> None:
        """Ask until cancelled."""
        await asyncio.sleep(random.uniform(0, self._pause))
        while True:
            try:
                if await self._mine():
                    await self.once()
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            except Exception:  # whatever a provider's answer provokes, the next one is asked for
                self.failures += 1
                log.exception("poll_failed", bot=self._desk.bot.id)
            await asyncio.sleep(self.pause)

    async def _mine(self) -> bool:
        """Whether this process asks; another one does while it holds the place."""
        name, term = key(self._desk.bot.id, "polling", self._account), int(self._pause + PATIENCE)
        if await self._desk.redis.set(name, self._me, nx=True, ex=term):
            return True
        held: Any = await self._desk.redis.get(name)
        if held != self._me.encode():
            return False
        await self._desk.redis.expire(name, int(self._backoff()) + PATIENCE)
        return True

    async def once(self) -> int:
        """Ask and store what is new; how many messages. The cursor moves when all of it is stored."""
        runtime, name = self._desk, key(self._desk.bot.id, "cursor", self._account)
        now = now_ms() // 1000
        await runtime.redis.hsetnx(name, "began", str(now))
        raw = await runtime.redis.hgetall(name)
        began, at = int(raw[b"began"]), int(raw.get(b"at", raw[b"began"]))
        try:
            found = await self._channel.newer(at - OVERLAP)
        except SendError as error:
            self.failures += 1
            log.warning("poll_failed", bot=runtime.bot.id, failures=self.failures, error=str(error)[:200])
            if self.failures >= linked_sessions.BAD_ANSWERS:
                await linked_sessions.record_session_state(
                    runtime, LinkChange(account=self._account, state="failed", reason=str(error)[:200])
                )
            return 0
        self.failures = 0
        first = max(began, now - KNOWN_SECONDS)
        fresh = [m for m in found.messages if m.timestamp >= first and self._new(m.id)]
        told = [s for s in found.statuses if s.timestamp >= first and self._new(f"{s.id} {s.status}")]
        scope = WebhookScope(self._channel, {self._account: runtime.bot})
        oldest = now - runtime.mailbox.limits.age // 1000
        late = [m for m in fresh if m.timestamp < oldest]
        count = await receive(Parsed(messages=late), scope, self._roster, answer=False)
        current = [m for m in fresh if m.timestamp >= oldest]
        quarantined = [q for q in found.quarantined if self._new(q.piece)]
        count += await receive(
            Parsed(messages=current, statuses=told, quarantined=quarantined), scope, self._roster
        )
        for one in (
            *(m.id for m in fresh),
            *(f"{s.id} {s.status}" for s in told),
            *(q.piece for q in quarantined),
        ):
            self._seen[one] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        newest = max((m.timestamp for m in fresh), default=at)
        if newest > at:
            await runtime.redis.hset(name, "at", str(min(newest, now)))
        return count

    def _new(self, name: str) -> bool:
        return name not in self._seen


async def keep_polling(registry: BotRegistry, pause: float) -> None:
    """Ask for the messages of every profile that has no webhook, until cancelled."""
    running: dict[tuple[str, str], tuple[Any, asyncio.Task[None]]] = {}
    try:
        while True:
            wanted = {
                (bot, account): (registry[bot], channel)
                for bot, account, channel in registry.router.linked()
                if isinstance(channel, Wappi) and channel.credentials.polled and bot in registry
            }
            for name, (made_of, task) in list(running.items()):
                if wanted.get(name) != made_of or task.done():
                    await ended([task])
                    del running[name]
            for name, made_of in wanted.items():
                if name not in running:
                    task = asyncio.create_task(Poll(*made_of, registry, pause).run())
                    running[name] = (made_of, task)
            await asyncio.sleep(1)
    finally:
        await ended(task for _, task in running.values())
