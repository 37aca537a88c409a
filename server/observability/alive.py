"""A sign of life of a process that listens on no port: the age of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

PAUSE = 5.0


async def keep_touching(path: Path | None) -> None:
    """Touch a file every `PAUSE` seconds for as long as the event loop turns, Redis or no Redis; without a
    path there is nothing to do."""
    while path:
        path.touch()  # noqa: ASYNC240 - of this loop, which a thread would not show to turn
        await asyncio.sleep(PAUSE)
