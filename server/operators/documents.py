"""Documents of bots as operators see them: read, listed, and being read just now."""

from __future__ import annotations

from typing import Any

from knowledge_base.library import Stored

LARGEST_DOCUMENT = 50 * 1024 * 1024


class Reading:
    """Documents that are being read just now: bot -> name -> (passages done, passages in all)."""

    def __init__(self) -> None:
        self._now: dict[str, dict[str, tuple[int, int]]] = {}

    def of(self, bot_id: str) -> list[dict[str, Any]]:
        """Those of a bot."""
        return [
            {"name": name, "done": done, "of": of} for name, (done, of) in self._now.get(bot_id, {}).items()
        ]

    def at(self, bot_id: str, name: str, done: int, of: int) -> None:
        """How far one is."""
        self._now.setdefault(bot_id, {})[name] = (done, of)

    def over(self, bot_id: str, name: str) -> None:
        """It is read, or cannot be."""
        self._now.get(bot_id, {}).pop(name, None)


def described(document: Stored) -> dict[str, Any]:
    """A document without its passages."""
    return {
        **document.model_dump(include={"id", "name", "language", "pages", "problems"}),
        "passages": len(document.passages),
    }
