"""When a business is open, as settings say it and nodes read it."""

from __future__ import annotations

from typing_extensions import TypedDict


class Opening(TypedDict):
    """When the business is open, where somebody has set it: `days` such as `Mon-Fri,Sun`, `start` and `end`
    (HH:MM), whether it is `open` now, and `until` when, or when it opens (`YYYY-MM-DD HH:MM`; empty:
    unknown), all by its own clock."""

    days: str
    start: str
    end: str
    open: bool
    until: str
