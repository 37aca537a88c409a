"""Documents are moved from the store into an engine, and looked for there."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_base.embed import Vectors
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.engines.moving import move_documents
from knowledge_base.library import Library, MemoryStore
from knowledge_base.search.contract import Hit
from tests.knowledge_base.engines.letters import Letters

pytestmark = pytest.mark.slow


async def kept(folder: Path) -> MemoryStore:
    store = MemoryStore()
    library = Library(store, Letters())
    for number in range(6):
        path = folder / f"{number}.md"
        path.write_text("\n\n".join(f"# Part {part}\n\n{part} of document {number}." for part in "ABCDE"))
        await library.add("b", path)
    return store


async def test_all_of_a_bot_is_moved_and_found_there(tmp_path: Path):
    target = MemorySearcher()
    moved = await move_documents(await kept(tmp_path), "b", target)
    assert (moved.documents, moved.passages, moved.looked_for, moved.problems) == (6, 30, 30, [])
    found = await target.search("b", "document 4", None, 5)
    assert {hit.passage.document for hit in found} == {"4.md"}
    again = await move_documents(await kept(tmp_path), "b", target)
    assert (again.passages, again.problems) == (30, [])  # in place of what was there


async def test_an_engine_that_does_not_find_what_it_was_given_is_told_on(tmp_path: Path):
    class Forgetful(MemorySearcher):
        async def search(
            self, bot_id: str, question: str, vector: Vectors | None, count: int = 5
        ) -> list[Hit]:
            hits = await super().search(bot_id, question, vector, 30)
            return [hit for hit in hits if hit.passage.document != "4.md"][:count]

    moved = await move_documents(await kept(tmp_path), "b", Forgetful())
    assert len(moved.problems) == 5 and all("4.md, p. 1: is not found" in p for p in moved.problems)
