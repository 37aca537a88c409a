"""Memory that is free goes back to the system. The C library keeps what each thread has freed for that
thread, and every index is built in another one: what building takes for a moment would be taken for good."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


@cache
def _trim() -> Callable[[int], int] | None:
    """What glibc has for it; others give it back by themselves, or not at all."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Give all pages back that nothing is on: some milliseconds."""
    if trim := _trim():
        trim(0)
