"""What is stored, as the promises look at it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.durability.protocol.scripts_at import NOW


@dataclass(slots=True)
class Stored:
    """One state of the mailbox: of each conversation the ids in inbox and outbox, whether it is due `later`
    (absent: not at all), its box and the state of each reply; and the
    dead `letters` by turn, each with whose it is."""

    inbox: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    outbox: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    later: dict[str, bool] = field(default_factory=dict[str, bool])
    box: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    states: dict[str, str] = field(default_factory=dict[str, str])
    letters: dict[str, tuple[str, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[str, tuple[str, ...]]]
    )
    contact: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @property
    def dead(self) -> tuple[str, ...]:
        """The messages of all dead letters."""
        return tuple(one for _, ids in self.letters.values() for one in ids)

    @property
    def quiet(self) -> bool:
        """Nothing is left to be done."""
        return not (self.later or any(self.inbox.values()) or any(self.outbox.values()))

    @property
    def work(self) -> tuple[Any, ...]:
        """What a worker that lost its lease must not change."""
        return (self.inbox, self.outbox, self.later, self.dead, self.states, self._turns())

    def _turns(self) -> list[tuple[str | None, ...]]:
        names = ("fence", "turn", "size", "attempts", "failures", "singly", "parked")
        return [tuple(map(box.get, names)) for box in self.box.values()]


def _pairs(values: list[str]) -> dict[str, str]:
    return dict(zip(values[::2], values[1::2], strict=True))


def stored_in(raw: bytes) -> Stored:
    """Read off what the scripts left."""
    found = Stored()
    for name, _, values in json.loads(raw.decode("latin-1")):
        part, _, conversation = name.partition("}:")[2].partition(":")
        if part == "inbox":
            found.inbox[conversation] = tuple(json.loads(row.split(" ", 2)[2])["id"] for row in values)
        elif part == "outbox":
            found.outbox[conversation] = tuple(json.loads(row)["id"] for row in values)
        elif part == "box":
            found.box[conversation] = _pairs(values)
        elif part == "status":
            found.states |= _pairs(values)
        elif part == "contact":
            found.contact[conversation] = _pairs(values)
        elif part == "due":
            found.later = {one: float(at) > NOW for at, one in zip(values[::2], values[1::2], strict=True)}
        elif part == "dead":
            rows = {turn: json.loads(row) for turn, row in _pairs(values).items()}
            for turn, row in rows.items():
                ids = tuple(json.loads(payload)["id"] for payload in row["batch"])
                found.letters[turn] = (row["conversation_id"], ids)
    return found
