"""The time that everything is decided by. It runs as the machine's does; a simulation moves it ahead."""

from __future__ import annotations

import time

_ahead = 0


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000 + _ahead


def ahead() -> int:
    """By how many ms the clock was moved."""
    return _ahead


def move_to(ahead: int) -> None:
    """Let this process, and every step of a mailbox that it takes, be `ahead` ms in the future."""
    global _ahead
    _ahead = ahead
