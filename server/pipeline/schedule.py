"""When a worker looks at which bot's mailbox: at once when it was woken for it, else each in its turn, never
all in a storm."""

from __future__ import annotations

import random
import time

# Seconds between two looks at a bot that nobody woke us for, while there are few; of many, so many are looked
# at in a second.
LONGEST_NAP, LOOKS_A_SECOND = 1.0, 100


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
