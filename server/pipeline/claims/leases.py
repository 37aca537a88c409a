"""Conversations in hand: their leases renewed together while somebody works on them, the work stopped whose
lease is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from redis.exceptions import RedisError

from agent.checkpointer import LeaseLost
from server.store.mailbox import Mailbox

# While nothing is in hand, ms.
IDLE = 1000


@dataclass(eq=False, slots=True)
class _InHand:
    """`working`: the task that is stopped when it is `lost`."""

    mailbox: Mailbox
    conversation_id: str
    fence: int
    working: asyncio.Task[object] | None
    lost: bool = False


class Leases:
    """All that one worker holds."""

    def __init__(self) -> None:
        self._in_hand: set[_InHand] = set()
        self._renewals: dict[Mailbox, asyncio.Task[None]] = {}

    async def keep_renewing(self) -> None:
        """Renew all, three times in the term of a lease, until cancelled."""
        while True:
            terms = [one.mailbox.limits.lease // 3 for one in self._in_hand]
            await asyncio.sleep(min([IDLE, *terms]) / 1000)
            of_bot: dict[Mailbox, list[_InHand]] = defaultdict(list)
            for one in self._in_hand:
                of_bot[one.mailbox].append(one)
            # each by itself: a shard of a cluster that is gone keeps no other waiting
            for mailbox in of_bot.keys() - self._renewals.keys():
                task = asyncio.create_task(self._renew(mailbox, of_bot[mailbox]))
                self._renewals[mailbox] = task
                task.add_done_callback(lambda _, mailbox=mailbox: self._renewals.pop(mailbox))

    async def _renew(self, mailbox: Mailbox, held: list[_InHand]) -> None:
        try:
            lost = await mailbox.renew([(one.conversation_id, one.fence) for one in held])
        except (RedisError, OSError):  # the next renewal, or the commit, will tell
            return
        for one in (held[number] for number in lost):
            if one in self._in_hand and one.working:
                one.lost = True
                one.working.cancel()

    @contextlib.asynccontextmanager
    async def held(self, mailbox: Mailbox, conversation_id: str, fence: int) -> AsyncGenerator[None]:
        """Renewed while the block runs; the block is stopped when it is lost, and LeaseLost raised."""
        one = _InHand(mailbox, conversation_id, fence, asyncio.current_task())
        self._in_hand.add(one)
        try:
            try:
                yield
            finally:
                self._in_hand.discard(one)
                if renewal := self._renewals.get(mailbox):  # or it comes after a park, and undoes that
                    await asyncio.wait([renewal])
        except asyncio.CancelledError:
            if not one.lost or one.working is None:
                raise
            one.working.uncancel()
            raise LeaseLost(conversation_id) from None
