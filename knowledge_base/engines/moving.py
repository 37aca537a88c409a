"""The passages of a bot from the store into an engine, and whether they are found there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from knowledge_base.embed import Vectors
from knowledge_base.passage_vectors import kept_before, matrix
from knowledge_base.passages import Passage
from knowledge_base.search.contract import Searcher
from knowledge_base.search.texts import Pack
from knowledge_base.stored import Store, Stored

# Passages of a bot that are looked for after a move, spread over all.
LOOKED_FOR = 50
# Among so many hits a passage is to be found by its own words and vector.
_AMONG = 5


@dataclass
class Moved:
    """What was moved of a bot, and what is not found where it went."""

    documents: int = 0
    passages: int = 0
    looked_for: int = 0
    problems: list[str] = field(default_factory=list[str])


async def move_documents(store: Store, bot_id: str, target: Searcher) -> Moved:
    """Put all documents of a bot into an engine in place of what it has of the bot, and look for some of
    their passages there. Documents are put one by one: they may be many."""
    moved = Moved()
    await target.remove(bot_id)
    probes: list[tuple[Passage, Vectors]] = []
    for document_id in await store.versions(bot_id):
        for document in await store.documents(bot_id, [document_id]):
            vectors = await _vectors(store, bot_id, document)
            pack = Pack(document.id, "", document.language, document.passages)
            await target.put(bot_id, [(pack, vectors)])
            moved.documents += 1
            moved.passages += len(pack)
            probes += zip(document.passages, vectors, strict=True)
            probes = _some(probes)
    await _look_for(target, bot_id, probes, moved)
    return moved


async def _vectors(store: Store, bot_id: str, document: Stored) -> Vectors:
    known = kept_before(document) | await store.vectors(bot_id, document.id)
    return matrix(document.embedder, document.passages, known)


def _some(probes: list[tuple[Passage, Vectors]]) -> list[tuple[Passage, Vectors]]:
    """At most twice LOOKED_FOR, evenly spread."""
    return probes[:: 1 + len(probes) // (2 * LOOKED_FOR)]


async def _look_for(
    target: Searcher, bot_id: str, probes: list[tuple[Passage, Vectors]], moved: Moved
) -> None:
    for passage, vector in probes[:: 1 + len(probes) // LOOKED_FOR]:
        meaning = vector if np.any(vector) else None
        hits = await target.search(bot_id, f"{passage.heading} {passage.text}", meaning, _AMONG)
        moved.looked_for += 1
        if not any(hit.passage.text == passage.text for hit in hits):
            moved.problems.append(f"{passage.document}, p. {passage.page}: is not found")
        if hits and hits[0].passages != moved.passages:
            moved.problems.append(f"{hits[0].passages} passages are there, {moved.passages} were moved")
            return
    if moved.passages and not moved.looked_for:
        moved.problems.append("nothing could be looked for")
