"""What is kept only for a time: dead letters, and the transcripts of conversations that have fallen silent.

The mailbox itself bounds a living conversation: its inbox, its transcript and the ids it remembers.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.bots import Desk
from server.conversations import now_ms
from server.keys import key
from server.mailbox import DAY
from server.settings import Settings

PAUSE = 3600
HANDFUL = 500

log = structlog.get_logger()


async def keep_sweeping(settings: Settings, redis: Redis, desks: dict[str, Desk]) -> None:
    """Sweep all bots now and once an hour; of many workers one does."""
    while True:
        try:
            for desk in desks.values():
                if await redis.set(key(desk.bot.id, "swept"), now_ms(), nx=True, ex=PAUSE - 60):
                    gone = await sweep(settings, redis, desk, now_ms())
                    if any(gone.values()):
                        log.info("swept", bot=desk.bot.id, **gone)
        except (RedisError, OSError) as error:
            log.error("redis_unreachable", error=repr(error)[:200])
        await asyncio.sleep(PAUSE)


async def sweep(settings: Settings, redis: Redis, desk: Desk, now: int) -> dict[str, int]:
    """Forget what is older than the settings say; how many of each. Contacts and their profiles stay."""
    letters = [
        letter["id"]
        for letter in await desk.mailbox.dead_letters()
        if letter["at"] < now - settings.dead_letter_days * DAY
    ]
    if letters:
        await redis.hdel(key(desk.bot.id, "dead"), *letters)  # pyright: ignore[reportGeneralTypeIssues]
    silent = 0
    active, oldest = key(desk.bot.id, "active"), now - settings.transcript_days * DAY
    while settings.transcript_days:
        rows: Any = await redis.zrangebyscore(active, "-inf", f"({oldest}", start=0, num=HANDFUL)
        if not rows:
            break
        for name in (row.decode() for row in rows):
            await desk.conversations.forget_memory(name)
            await redis.delete(*(key(desk.bot.id, part, name) for part in ("transcript", "status")))
        await redis.zrem(active, *rows)
        silent += len(rows)
    return {"dead_letters": len(letters), "conversations": silent}
