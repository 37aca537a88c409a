"""Jobs that run beside the main work of a process until it ends: notices told, deadlines kept, lists
refreshed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any

import structlog

Job = Callable[[], Coroutine[Any, Any, None]]

# Seconds before a job that failed is begun again.
AGAIN = 5.0
# Seconds that a cancelled task has before it is cancelled once more, and how often that is done.
PATIENCE, TIMES = 2.0, 10

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def running(*jobs: Job) -> AsyncGenerator[None]:
    """Run jobs without end while the block runs. One that fails is logged and begun again; afterwards none is
    left."""
    tasks = [asyncio.create_task(_kept_up(job)) for job in jobs]
    try:
        yield
    finally:
        await ended(tasks)


async def _kept_up(job: Job) -> None:
    while True:
        try:
            await job()
            return
        except Exception:  # whatever it was, what the job does must go on being done
            named = getattr(job, "func", job)  # of a partial
            log.exception("background_job_failed", job=getattr(named, "__qualname__", repr(named)))
            await asyncio.sleep(AGAIN)


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended: `asyncio.wait_for` of Python 3.11, and whatever else awaits in one,
    can lose a cancellation (https://github.com/python/cpython/issues/86296)."""
    left = {task for task in tasks if not task.done()}
    for _ in range(TIMES):
        for task in left:
            task.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=PATIENCE)
        if not left:
            return
    log.error("background_jobs_left", jobs=[task.get_name() for task in left])
