"""Rows in Redis as they are read: one that is not as we wrote it is left out, with a line in the log, and
hides no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog

Row = TypeVar("Row")

log = structlog.get_logger()


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
            log.error("record_unreadable", what=what, why=type(error).__name__)
    return found


def fields_of(row: bytes) -> dict[str, Any]:
    """The fields of a JSON object. Raises ValueError or TypeError for what is none."""
    return {**json.loads(row)}
