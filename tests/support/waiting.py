"""Waiting for something to become true, instead of sleeping and hoping."""

from __future__ import annotations

import inspect
import os
import time
from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def slowness() -> float:
    """How many times longer things take here than on a machine with nothing else to do: 1 at least."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


async def until(look: Callable[[], T | Awaitable[T]], seconds: float = 30) -> T:
    """The first truthy result of `look`, within `seconds` of a machine with nothing else to do."""
    began = time.monotonic()
    while True:
        found = look()
        found = await found if inspect.isawaitable(found) else found
        if found:
            return found
        waited = time.monotonic() - began
        assert waited < seconds * slowness(), f"not within {waited:.0f} s; last: {found!r}"
        await sleep(0.02)
