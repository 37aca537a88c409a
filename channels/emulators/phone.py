"""What the contact's phone shows: bubbles, ticks, typing; kept in a journal, so that it survives a
restart."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

TICKS = ("sent", "delivered", "read")
# How long WhatsApp shows the typing indicator unless a message comes first (Cloud API, typing indicators).
TYPING_SECONDS = 25


@dataclass(slots=True)
class Bubble:
    """One message as the phone shows it. `mine`: the contact wrote it. `at` is Unix milliseconds. `content`:
    what is more than words, as Graph writes it: `type`, and the part of that name."""

    id: str
    number: str
    contact: str
    mine: bool
    text: str
    at: int
    status: str = "sent"
    callback: str = ""
    content: dict[str, Any] = field(default_factory=dict[str, Any])


def _for_our_user(path: str, flags: int) -> int:
    """What was said is for nobody else on this machine."""
    return os.open(path, flags, 0o600)


class Phones:
    """All conversations between business numbers and contacts, and whoever watches them."""

    def __init__(self, journal: Path | None = None) -> None:
        self.bubbles: dict[str, Bubble] = {}
        self._journal = journal
        self._watchers: dict[tuple[str, str], set[asyncio.Queue[dict[str, Any]]]] = {}
        if journal and journal.exists():
            journal.chmod(0o600)
            for line in journal.read_text(encoding="utf-8").splitlines():
                self._replay(line)

    def conversation(self, number: str, contact: str) -> list[Bubble]:
        """The bubbles between a business number and a contact, oldest first."""
        return [b for b in self.bubbles.values() if (b.number, b.contact) == (number, contact)]

    def show(self, bubble: Bubble) -> None:
        """A new bubble."""
        self.bubbles[bubble.id] = bubble
        self._write({"bubble": asdict(bubble)})
        self._tell(bubble.number, bubble.contact, {"type": "bubble", **asdict(bubble)})

    def tick(self, bubble_id: str, status: str) -> None:
        """Ticks only grow."""
        bubble = self.bubbles.get(bubble_id)
        if bubble is None or (
            status in TICKS and bubble.status in TICKS and TICKS.index(status) <= TICKS.index(bubble.status)
        ):
            return
        bubble.status = status
        self._write({"tick": bubble_id, "status": status})
        self._tell(bubble.number, bubble.contact, {"type": "tick", "id": bubble_id, "status": status})

    def typing(self, number: str, contact: str) -> None:
        """The business is typing."""
        self._tell(number, contact, {"type": "typing", "seconds": TYPING_SECONDS})

    async def watch(self, number: str, contact: str) -> AsyncIterator[dict[str, Any]]:
        """What happens in one conversation from now on; an empty event every 15 seconds keeps the line
        open."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        watchers = self._watchers.setdefault((number, contact), set())
        watchers.add(queue)
        try:
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), 15)
                except TimeoutError:
                    yield {}
        finally:
            watchers.discard(queue)

    def _tell(self, number: str, contact: str, event: dict[str, Any]) -> None:
        for queue in self._watchers.get((number, contact), ()):
            queue.put_nowait(event)

    def _write(self, row: dict[str, Any]) -> None:
        if self._journal:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            with open(self._journal, "a", encoding="utf-8", opener=_for_our_user) as file:
                file.write(json.dumps(row) + "\n")

    def _replay(self, line: str) -> None:
        try:
            row = json.loads(line)
        except ValueError:
            return  # the last line of a process that was killed while writing
        if "bubble" in row:
            self.bubbles[row["bubble"]["id"]] = Bubble(**row["bubble"])
        elif row.get("tick") in self.bubbles:
            self.bubbles[row["tick"]].status = row["status"]
