"""A conversation as a test, from the dashboard: what `salesgraph replay export` writes, in an archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from agent.documents import Bookshelf
from knowledge_base.library import Library
from server.bots.bot import BotRuntime
from server.replay.export import Transcript, export_conversation, mask_of
from server.replay.saved import BadConversation, tape_of
from server.replay.tape import as_file
from server.store.records import Contact

__all__ = ["BadConversation", "conversation_archive"]


async def conversation_archive(
    name: str, runtime: BotRuntime, contact: Contact, shelf: Library, names: Sequence[str], bad: str
) -> bytes:
    """A zip archive of NAME.yaml and its tape, for `tests/conversations`. Raises BadConversation."""
    transcript = Transcript(contact, await runtime.conversations.transcript(contact.id))
    mask = mask_of(transcript, names)
    made = await export_conversation(name, transcript, runtime.bot, Bookshelf(shelf), mask, bad)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(f"{name}.yaml", made.file)
        files.writestr(tape_of(Path(f"{name}.yaml")).name, as_file(made.tape))
    return archive.getvalue()
