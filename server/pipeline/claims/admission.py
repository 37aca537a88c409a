"""How many conversations a worker takes up at once: as many as it answers quickly, by its measured lag, and
no bot so many that another's customers wait.

A process that takes up everybody serves all of them slowly: with 300 people at once the first reply came
after 10 seconds, and leases ended meanwhile (`python -m benchmarks.overload`). So it begins with a few,
doubles them while the event loop comes round in time, and takes fewer when it is late."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

# Taken up before anything is known, and at the least.
FIRST, FEWEST = 16, 4
# How often the event loop is looked at, and how often the number is thought over, seconds.
TICK, THINK = 0.02, 0.2
# Late by more than so many seconds, a loop can carry less.
SLOW = 0.1
# The share of its time in which the event loop works: below the first it can carry twice as much, below the
# second a little more.
HALF, FULL = 0.45, 0.85
# What a bot that has more than its share leaves free for others: one in so many.
LEFT_FREE = 4

Bot = TypeVar("Bot")


class Admission:
    """The number for one worker: between FEWEST and `most`. `more` is called when it has grown."""

    def __init__(self, most: int, more: Callable[[], None]) -> None:
        self._most, self._fewest, self._more = most, min(FEWEST, most), more
        self.limit = min(FIRST, most)
        self._in_hand: Counter[str] = Counter()
        # when each bot was served last
        self._served: dict[str, int] = {}
        self._count = 0
        self._full = False

    async def keep_measuring(self) -> None:
        """Measure until cancelled."""
        while True:
            began, worked, late = time.monotonic(), time.thread_time(), 0.0
            while (now := time.monotonic()) - began < THINK:
                await asyncio.sleep(TICK)
                late = max(late, time.monotonic() - now - TICK)
            self.heard(late, (time.thread_time() - worked) / (now - began))

    def heard(self, late: float, worked: float) -> None:
        """The event loop came round late by up to so many seconds, and worked this share of the time. More
        only where all were in use: a loop with little to do says nothing of what it can carry."""
        if late > SLOW:
            self.limit = max(self._fewest, self.limit * 7 // 8)
        elif self._full and worked < FULL:
            self.limit = min(self._most, self.limit + (self.limit if worked < HALF else self.limit // 8 + 1))
            self._more()
        elif sum(self._in_hand.values()) < self.limit // 2:  # what it could carry then was other work
            self.limit = max(min(FIRST, self._most), self.limit * 15 // 16)
        self._full = sum(self._in_hand.values()) >= self.limit

    @property
    def free(self) -> int:
        """How many more conversations may be taken up now, of all bots."""
        free = max(0, self.limit - sum(self._in_hand.values()))
        self._full = self._full or not free
        return free

    def room(self, bot_id: str) -> int:
        """How many of them may be of this bot: all, where nobody else has any in hand; else its share, and
        of what is free then all but what others may come for."""
        free = self.free
        others = len(self._in_hand.keys() - {bot_id})
        share = max(1, self.limit // (others + 1))
        owed = share - self._in_hand[bot_id]
        over = free - self.limit // LEFT_FREE if others else free
        room = max(0, min(free, max(owed, over)))
        self._full = self._full or not room  # a slower bot that has some in hand must not keep the others few
        return room

    def fewest_first(self, bots: Mapping[str, Bot]) -> list[tuple[str, Bot]]:
        """In which order bots are looked at: who has least in hand, and of those who was not served for
        longest."""
        served = self._served
        return sorted(bots.items(), key=lambda pair: (self._in_hand.get(pair[0], 0), served.get(pair[0], 0)))

    def taken(self, bot_id: str) -> None:
        """A conversation of a bot is in hand."""
        self._in_hand[bot_id] += 1
        self._count += 1
        self._served[bot_id] = self._count

    def done(self, bot_id: str) -> None:
        """It is in hand no more."""
        self._in_hand[bot_id] -= 1
        if self._in_hand[bot_id] <= 0:
            del self._in_hand[bot_id]
