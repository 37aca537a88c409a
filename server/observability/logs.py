"""Structured logs: one JSON object a line, never message text, tokens or whole phone numbers."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Where the words of others stand, such as a provider's error, which may name whom a message was for.
_THEIR_WORDS = ("detail", "error", "reason", "why")


def without_numbers(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with all but the last two digits of phone numbers left out, as a processor of structlog."""
    for name in _THEIR_WORDS:
        if isinstance(said := event.get(name), str):
            event[name] = re.sub(r"\d{5,}(?=\d\d)", "…", said)
    return event


def configure(level: str) -> None:
    """Log to standard error at this level and above; libraries log warnings only."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    renderer = (
        structlog.dev.ConsoleRenderer(colors=True)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            without_numbers,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
