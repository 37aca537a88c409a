"""The contract of a search engine: passages of bots are put in, found and removed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from knowledge_base.embed import Vectors
from knowledge_base.passages import Passage
from knowledge_base.search.texts import Pack


class Hit(BaseModel):
    """A passage that search returned, and what tells whether it answers (`knowledge_base.search.verdict`)."""

    model_config = ConfigDict(frozen=True)

    passage: Passage
    # Of the document, two letters; empty where it is not known.
    language: str = ""
    # What hits are ordered by.
    score: float
    # How near its meaning is to the question's; 0 where one of them has no vector.
    cosine: float
    # The share of the question's weight whose words stand in this very passage.
    coverage: float
    # The share of it whose words stand in any passage of the bot.
    known: float = 0.0
    # The mean of all cosines with the question, and of how many passages.
    mean: float = 0.0
    passages: int = 0
    # How near the passage, and the question, are to questions about something else, on average.
    foreign: float = 0.0
    elsewhere: float = 0.0
    # Whether it is taken for an answer.
    strong: bool = False


class Searcher(Protocol):
    """An engine that finds passages. What is put for one bot is never found for another."""

    # Whether what one process puts is found by all others; else each puts what it finds in the store.
    shared: bool

    async def put(self, bot_id: str, documents: Sequence[tuple[Pack, Vectors]]) -> None:
        """Add documents with the unit vectors of their passages, (n, d); zeros for a passage that is not
        embedded. One of an id that is there takes its place, at once: no search finds both or neither."""
        ...

    async def remove(self, bot_id: str, ids: Collection[str] | None = None) -> None:
        """Forget documents of these ids; without ids, the whole bot."""
        ...

    async def search(
        self,
        bot_id: str,
        question: str,
        vector: Vectors | None,
        count: int = 5,
        against: Vectors | None = None,
    ) -> list[Hit]:
        """The best passages for a question and its vector, best first; without a vector by their words
        alone. `against` is the mean vector of questions about something else."""
        ...

    def size(self, bot_id: str) -> int:
        """Bytes of memory that a bot takes in this process, about."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
