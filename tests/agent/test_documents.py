"""The documents of a folder, read once for whoever asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent.documents import folder
from agent.models.usage import Meter


async def test_who_cannot_wait_for_the_documents_takes_none_of_them_from_the_next(tmp_path: Path):
    for name in ("delivery", "warranty", "returns"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n\nWhat {name} costs is written here.\n")
    shelf = folder(tmp_path)
    asked = asyncio.create_task(shelf.passages("b", "what is it?", "", 5, Meter()))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    found = await shelf.passages("b", "what is it?", "", 5, Meter())
    assert {passage["document"] for passage in found} == {"delivery.md", "warranty.md", "returns.md"}
