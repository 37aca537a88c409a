"""Appointments that are thrown away afterwards, for playing saved conversations."""

from __future__ import annotations

import itertools

from server.bots.bot import Bot
from server.outreach.appointments import A_DAY, DAYS, LEAD, MINUTE, PROPOSED, when


class PaperCalendar:
    """The slots of a bot at `now` (Unix ms), and the one its contact has taken. Nothing is confirmed to
    anybody."""

    def __init__(self, bot: Bot) -> None:
        self._bot, self.now, self._taken = bot, 0, ""

    def copy(self) -> PaperCalendar:
        """Another with the same in it."""
        other = PaperCalendar(self._bot)
        other.now, other._taken = self.now, self._taken
        return other

    async def free(self, day: str = "") -> list[str]:
        """The next free slots, or those of a day."""
        plan = self._bot.outreach
        length, last = plan.appointment_minutes * MINUTE, self.now + DAYS * 24 * 60 * MINUTE
        starts = (
            start
            for first, end in itertools.takewhile(lambda o: o[0] < last, plan.hours.openings(self.now + LEAD))
            for start in range(first, end - length + 1, length)
            if start >= self.now + LEAD
        )
        slots = (when(self._bot, start) for start in starts)
        open_ = (slot for slot in slots if slot != self._taken and slot.startswith(day))
        return list(itertools.islice(open_, A_DAY if day else PROPOSED))

    async def mine(self) -> list[str]:
        """The contact's appointment, if any."""
        return [self._taken] if self._taken else []

    async def book(self, start: str, about: str, idempotency_key: str) -> bool:
        """Take a slot, in place of the one taken before."""
        start = start.strip()[:16].replace("T", " ")
        if start != self._taken and start not in await self.free(start[:10]):
            return False
        self._taken = start
        return True

    async def cancel(self) -> bool:
        """Give the slot back; False when there is none."""
        had, self._taken = bool(self._taken), ""
        return had
