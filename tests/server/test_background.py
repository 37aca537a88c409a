"""Jobs beside the main work: begun again when they fail, ended for certain when the work ends."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from structlog.testing import capture_logs

from server import background
from server.background import running
from tests.support.waiting import until


async def test_a_job_that_loses_its_first_cancellation_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(background, "PATIENCE", 0.05)
    lost: list[int] = []
    turns = 0

    async def deaf() -> None:
        nonlocal turns
        while True:
            try:
                await asyncio.sleep(0.001)
                turns += 1
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append(turns)

    async with running(deaf):
        await until(lambda: turns)
    assert lost
    assert not [task for task in asyncio.all_tasks() if "_kept_up" in repr(task.get_coro())]


async def test_a_job_that_fails_is_logged_and_begun_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(background, "AGAIN", 0.0)
    times: list[str] = []

    async def stumbles(name: str) -> None:
        times.append(name)
        if len(times) == 1:
            raise ValueError("a row nobody foresaw")
        await asyncio.Event().wait()

    with capture_logs() as logs:
        async with running(partial(stumbles, "rows")):
            await until(lambda: len(times) == 2)
    (failed,) = [row for row in logs if row["event"] == "background_job_failed"]
    assert failed["log_level"] == "error" and "stumbles" in failed["job"]
