"""The clock of a shop in Almaty, moved by hand."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from server import clock

ZONE = ZoneInfo("Asia/Almaty")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def local(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, ZONE):%Y-%m-%d %H:%M}"


def at(text: str) -> None:
    """Let it be that moment in Almaty."""
    clock.move_to(clock.ahead() + ms(text) - clock.now_ms())
