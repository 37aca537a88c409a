"""What was read in the texts of late: a passage, a message or a reply is read several times in a turn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Generic, TypeVar

Found = TypeVar("Found")


class RecentReadings(Generic[Found]):
    """What `read` finds in a text, whole or (`every`) with the numbers within names. Limited by what was
    found, `most` things, not by texts: one long message may hold thousands."""

    def __init__(self, read: Callable[[str, bool], Iterable[Found]], most: int) -> None:
        self._read, self._most, self._count = read, most, 0
        self._texts: OrderedDict[tuple[str, bool], tuple[Found, ...]] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str, every: bool) -> tuple[Found, ...]:
        """What stands in a text."""
        with self._lock:
            if (text, every) in self._texts:
                self._texts.move_to_end((text, every))
                return self._texts[text, every]
        found = tuple(self._read(text, every))
        with self._lock:
            if (text, every) not in self._texts:
                self._texts[text, every] = found
                self._count += len(found) + 1
            while self._count > self._most and len(self._texts) > 1:
                self._count -= len(self._texts.popitem(last=False)[1]) + 1
        return found

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._texts.clear()
            self._count = 0
