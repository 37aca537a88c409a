"""Leases of what a worker has in hand, renewed together."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from agent.checkpointer import LeaseLost
from server.background import running
from server.pipeline.claims.leases import Leases
from server.store.keys import key
from tests.support.mailboxes import mailbox, put, take
from tests.support.waiting import until


async def test_a_lost_lease_stops_its_own_turn_and_not_the_next_of_the_same_conversation(redis: Redis):
    box, leases, ended = mailbox(redis, lease=300), Leases(), list[str]()
    await put(box, "c", "m1")
    _, old = await take(box)
    await redis.zadd(key("b", "due"), {"c": 0})  # it ends, as in an outage
    _, new = await take(box)

    async def turn(name: str, fence: int) -> None:
        try:
            async with leases.held(box, "c", fence):
                await asyncio.Event().wait()
        except LeaseLost:
            ended.append(name)

    async with running(leases.keep_renewing):
        turns = [asyncio.create_task(turn("old", old.fence)), asyncio.create_task(turn("new", new.fence))]
        await until(lambda: bool(ended))
        due = await redis.zscore(key("b", "due"), "c")
        assert due is not None

        async def renewed() -> bool:
            return (await redis.zscore(key("b", "due"), "c") or 0) > due

        await until(renewed)
        assert ended == ["old"]
        turns[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await turns[1]
