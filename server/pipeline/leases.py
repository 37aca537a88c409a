"""A conversation in hand: its lease renewed while somebody works on it, the work stopped when the lease is
lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from redis.exceptions import RedisError

from agent.checkpointer import LeaseLost
from server.background import ended
from server.store.mailbox import Mailbox


@contextlib.asynccontextmanager
async def held(mailbox: Mailbox, conversation_id: str, fence: int) -> AsyncGenerator[None]:
    """Renewed while the block runs; the block is stopped when it is lost, and LeaseLost raised."""
    working, lost = asyncio.current_task(), False

    async def renew() -> None:
        nonlocal lost
        while working and not lost:
            await asyncio.sleep(mailbox.limits.lease / 3000)
            with contextlib.suppress(RedisError, OSError):  # the next renewal, or the commit, will tell
                if not await mailbox.renew(conversation_id, fence):
                    lost = True
                    working.cancel()

    task = asyncio.create_task(renew())
    try:
        try:
            yield
        finally:
            await ended([task])
    except asyncio.CancelledError:
        if not lost or working is None:
            raise
        working.uncancel()
        raise LeaseLost(conversation_id) from None
