"""Waiting for something to become true, instead of sleeping and hoping."""

from __future__ import annotations

import inspect
import time
from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], T | Awaitable[T]], seconds: float = 30) -> T:
    """The first truthy result of `look`."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        found = await found if inspect.isawaitable(found) else found
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s; last: {found!r}"
        await sleep(0.02)
