"""When a worker looks at which bot's mailbox: at once when it was woken for it, else each in its turn, never
all in a storm."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from server.store.client import Redis
from server.store.keys import WAKE

# Seconds between two looks at a bot that nobody woke us for, while there are few; of many, so many are looked
# at in a second.
LONGEST_NAP, LOOKS_A_SECOND = 1.0, 100
# How long a subscription is waited for anew while Redis is away, seconds.
RETRY = 0.5


class PollSchedule:
    """When one worker looks at each mailbox next."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._wanted: set[str] = set()

    def wake(self, bot_id: str) -> None:
        """Something is to be done for a bot."""
        self._wanted.add(bot_id)

    def due_in(self, bot_id: str) -> float:
        """Seconds until the next look at a bot; 0: look now. Who was woken while the look goes on is looked
        at again."""
        if bot_id not in self._wanted and (wait := self._next.get(bot_id, 0) - time.monotonic()) > 0:
            return wait
        self._wanted.discard(bot_id)
        return 0

    def looked(self, bot_id: str, found: bool, next_due: int, bots: int) -> float:
        """Seconds until the next look, after one that `found` work, or saw the next due in so many ms (-1:
        none)."""
        pause = self.longest(bots) * random.uniform(0.5, 1)
        pause = 0 if found else min(pause, next_due / 1000) if next_due >= 0 else pause
        self._next[bot_id] = time.monotonic() + pause
        return pause

    @staticmethod
    def longest(bots: int) -> float:
        """The longest pause between two looks at one of so many bots."""
        return max(LONGEST_NAP, bots / LOOKS_A_SECOND)


async def keep_listening(redis: Redis, wake: Callable[[str], None]) -> None:
    """Name to `wake` every bot for which there is something to be done, until cancelled."""
    while True:
        try:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(WAKE)
                while True:  # not listen(): a silent connection must not wait for ever
                    if told := await pubsub.get_message(ignore_subscribe_messages=True, timeout=30):
                        wake(told["data"].decode())
        except (RedisError, OSError):
            await asyncio.sleep(RETRY)
