"""Rows in Redis as they are read: one that is not as we wrote it is left out, with a line in the log, and
hides no other. Owners are told as well: `unreadable_lately` is among the alerts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog

from server.clock import now_ms

Row = TypeVar("Row")

log = structlog.get_logger()

# For how long an owner is told of a record after it was last met, in ms: pages read most of them every
# minute.
LATELY = 3_600_000
met: dict[str, int] = {}


def unreadable(what: str, why: str, **where: str) -> None:
    """Say that a record is not as we wrote it: `what` it is, `why` it cannot be read, and where it is."""
    met[what] = now_ms()
    log.error("record_unreadable", what=what, why=why, **where)


def unreadable_lately() -> dict[str, int]:
    """What this process could not read within the last hour, by what it is, with the time (ms) of the last
    one."""
    for what in [what for what, at in met.items() if at < now_ms() - LATELY]:
        del met[what]
    return dict(met)


def readable(rows: Iterable[bytes | None], read: Callable[[bytes], Row], what: str) -> list[Row]:
    """The rows that `read` can read; `what` they are is said of those that it cannot. Missing ones are left
    out."""
    found: list[Row] = []
    for row in rows:
        if row is None:
            continue
        try:
            found.append(read(row))
        except (
            ValueError,
            TypeError,
            KeyError,
            RecursionError,
        ) as error:  # of JSON, of UTF-8, of the shape of a record
            unreadable(what, type(error).__name__)
    return found


def fields_of(row: bytes) -> dict[str, Any]:
    """The fields of a JSON object. Raises ValueError or TypeError for what is none."""
    return {**json.loads(row)}
