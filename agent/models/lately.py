"""How models did lately: which answer too late for now, and for how many turns the offline model stood in for
one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

# So many answers in a row that did not come in time, and the model is left alone for a while.
LATE = 2
# So many turns in a row that the offline model had to answer are an alert, whatever the cause.
MANY = 3


@dataclass
class Lately:
    """Of each model: its late answers, forms and words apart, since a small server may be too slow for the
    ones and fast enough for the others; and the turns in a row that it did not answer."""

    _late: dict[tuple[str, bool], int] = field(default_factory=dict[tuple[str, bool], int])
    _at: dict[tuple[str, bool], float] = field(default_factory=dict[tuple[str, bool], float])
    _offline: dict[str, int] = field(default_factory=dict[str, int])
    _alarmed: set[str] = field(default_factory=set[str])

    def late(self, name: str, form: bool, began: float) -> list[bool]:
        """A call that `began` then was not answered in time. For what the model is left alone from now on:
        forms (True), words (False). Calls made side by side count as one, and one of each sort is enough."""
        kind = (name, form)
        if began < self._at.get(kind, 0):
            return []
        self._at[kind], self._late[kind] = time.monotonic(), self._late.get(kind, 0) + 1
        if self._late.get((name, not form)):
            return [True, False]
        return [form] if self._late[kind] >= LATE else []

    def in_time(self, name: str, form: bool) -> None:
        """A call was answered."""
        self._late.pop((name, form), None)

    def stood_in(self, name: str) -> int:
        """The offline model answered a turn for this one. How many in a row, where that is an alert now; else
        0."""
        self._offline[name] = self._offline.get(name, 0) + 1
        if self._offline[name] < MANY or name in self._alarmed:
            return 0
        self._alarmed.add(name)
        return self._offline[name]

    def answered(self, name: str) -> bool:
        """The model, or one in its place, answered a turn. Whether an alert is over."""
        self._offline.pop(name, None)
        over = name in self._alarmed
        self._alarmed.discard(name)
        return over
