"""The timers of touches in Redis: what was planned for a contact, and a timer that becomes a message in the
inbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from redis.exceptions import RedisError

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import WAKE, key
from server.store.records import Plan
from server.store.scripts import Scripts

# How often workers look for timers that are up, seconds; and how many they take at a look.
PAUSE, HANDFUL = 1.0, 200
# Of many bots so many are looked at in a second.
FEW, BOTS_A_SECOND = 10, 100
# Tries of a change that others keep overtaking.
TRIES = 20

log = structlog.get_logger()


class Timers:
    """The plans and timers of every bot."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"))

    async def plan(self, bot_id: str, conversation_id: str) -> Plan | None:
        """What comes if the contact stays silent; None when nothing was ever planned."""
        raw = await self._redis.get(key(bot_id, "follow", conversation_id))
        return Plan.model_validate_json(raw) if raw else None

    async def change(
        self, bot_id: str, conversation_id: str, change: Callable[[Plan], Plan | None]
    ) -> Plan | None:
        """Put `change(plan)` in the place of a plan, whatever others do meanwhile; None when there is none,
        or `change` answers None."""
        keys = [key(bot_id, "timers"), key(bot_id, "follow", conversation_id)]
        for _ in range(TRIES):
            raw = await self._redis.get(keys[1])
            new = change(Plan.model_validate_json(raw)) if raw else None
            if new is None:
                return None
            asked = {
                "conversation": conversation_id,
                "old": raw,
                "plan": new.model_dump_json(),
                "timer": new.timer,
            }
            if await self._scripts.run("set", keys, asked):
                return new
        raise RuntimeError(f"the plan of {conversation_id} keeps changing")

    async def fire(self, bot_id: str, conversation_id: str) -> bool:
        """Turn a timer that is up into a message of kind `touch`; False when it is not, or no more."""
        box = [key(bot_id, part, conversation_id) for part in ("follow", "inbox")]
        keys = [key(bot_id, "timers"), *box, key(bot_id, "due"), key(bot_id, "busy")]
        asked = {"conversation": conversation_id, "bot": bot_id, "wake": WAKE}
        return bool(await self._scripts.run("fire", keys, asked))

    async def ring(self, bot_id: str) -> int:
        """Fire all that are up; how many."""
        up = await self._redis.zrangebyscore(key(bot_id, "timers"), "-inf", now_ms(), 0, HANDFUL)
        return sum([await self.fire(bot_id, name.decode()) for name in up])

    async def active(self, bot_id: str) -> list[tuple[str, int]]:
        """(conversation, ms) of every timer, the next first."""
        rows = await self._redis.zrange(key(bot_id, "timers"), 0, -1, withscores=True)
        return [(name.decode(), int(at)) for name, at in rows]

    async def keep_ringing(
        self, runtimes: Mapping[str, BotRuntime], besides: Callable[[BotRuntime], Awaitable[Any]]
    ) -> None:
        """Fire what is up, and do `besides`, for one bot after another, until cancelled; any number of
        workers may."""
        while True:
            started = time.monotonic()
            for runtime in list(runtimes.values()):
                try:
                    if fired := await self.ring(runtime.bot.id):
                        log.info("touches_due", bot=runtime.bot.id, count=fired)
                    await besides(runtime)
                except (RedisError, OSError) as error:
                    log.error("redis_unreachable", error=repr(error)[:200])
                except Exception:  # one contact's fault must not keep everybody's touches from coming
                    log.exception("timers_failed", bot=runtime.bot.id)
                if len(runtimes) > FEW:  # never all at once
                    await asyncio.sleep(1 / BOTS_A_SECOND)
            await asyncio.sleep(max(0.01, PAUSE - (time.monotonic() - started)))
