"""What is kept only for a time: dead letters, and the transcripts of conversations that have fallen silent.

The mailbox itself bounds a living conversation: its inbox, its transcript and the ids it remembers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from redis.exceptions import RedisError

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.listing import ConversationList
from server.conversations.search.index import drop_old_changes
from server.store.client import Redis
from server.store.keys import key
from server.store.mailbox import DAY
from server.store.readable import fields_of, readable

PAUSE = 3600
# Lists of a bot that quote a conversation, or name a line of one: they are kept no longer than it.
QUOTING = ("unanswered", "edited")

log = structlog.get_logger()


async def keep_sweeping(redis: Redis, runtimes: Mapping[str, BotRuntime]) -> None:
    """Sweep all bots now and once an hour; of many workers one does."""
    while True:
        try:
            for runtime in runtimes.values():
                if await ConversationList(redis).rebuild(runtime):
                    log.info("conversation_list_built", bot=runtime.bot.id)
                if await redis.set(key(runtime.bot.id, "swept"), now_ms(), nx=True, ex=PAUSE - 60):
                    gone = await sweep(redis, runtime, now_ms())
                    if any(gone.values()):
                        log.info("swept", bot=runtime.bot.id, **gone)
        except (RedisError, OSError) as error:
            log.error("redis_unreachable", error=repr(error)[:200])
        await asyncio.sleep(PAUSE)


async def sweep(redis: Redis, runtime: BotRuntime, now: int) -> dict[str, int]:
    """Forget what is older than the bot's retention says; how many of each. Contacts and their profiles
    stay."""
    letters = [
        letter.id
        for letter in await runtime.dead_letters.every()
        if letter.at < now - runtime.bot.dead_letter_days * DAY
    ]
    await runtime.dead_letters.drop(*letters)
    silent = 0
    if keep := runtime.mailbox.limits.keep:
        oldest = now - keep
        rows = await redis.zrangebyscore(key(runtime.bot.id, "active"), "-inf", f"({oldest}")
        for name in (row.decode() for row in rows):
            silent += await runtime.mailbox.forget(name, oldest)
        for part in QUOTING:
            await _drop_older(redis, key(runtime.bot.id, part), oldest)
    await drop_old_changes(redis, runtime.bot.id, now)
    return {"dead_letters": len(letters), "conversations": silent}


async def _drop_older(redis: Redis, name: str, oldest: int) -> None:
    """Take out of a list the rows from before `oldest` (ms)."""
    rows: list[bytes] = await redis.lrange(name, 0, -1)
    times = readable(rows, lambda row: (row, int(fields_of(row)["at"])), "what quotes a conversation")
    for row in (row for row, at in times if at < oldest):
        await redis.lrem(name, 0, row)
