"""Which models can be asked to read replies against their evidence: one that never fills the verifier's form,
or is late time and again, is not asked in every turn for nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

# What a call is on the bill that reads a reply.
VERIFY = "verify"
# So many answers in a row that are no judgement, and a model is known not to fill the form.
UNREADABLE = 3
# So many late ones in a row, and it is left alone; each further one doubles the time, up to so many seconds.
LATE, LONGEST_REST = 2, 3600.0


@dataclass
class Verifiers:
    """How models did lately as verifiers. `rest` (seconds) is how long one that was late is left alone."""

    rest: float = 60
    _unreadable: dict[str, int] = field(default_factory=dict[str, int])
    _late: dict[str, int] = field(default_factory=dict[str, int])
    _until: dict[str, float] = field(default_factory=dict[str, float])

    def rests(self, name: str) -> bool:
        """Whether a model is left alone for now."""
        return self._until.get(name, 0) > time.monotonic()

    def answered(self, name: str) -> None:
        """A model has judged a reply: what was before is forgotten."""
        for counts in (self._unreadable, self._late, self._until):
            counts.pop(name, None)

    def unreadable(self, name: str) -> bool:
        """A model has answered, and judged nothing. Whether that was once too often."""
        self._unreadable[name] = self._unreadable.get(name, 0) + 1
        return self._unreadable[name] == UNREADABLE

    def late(self, name: str) -> None:
        """A model has not answered in time."""
        self._late[name] = self._late.get(name, 0) + 1
        if self._late[name] >= LATE:
            rest = self.rest * 2.0 ** min(self._late[name] - LATE, 16)
            self._until[name] = time.monotonic() + min(rest, LONGEST_REST)
