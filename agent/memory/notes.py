"""Notes of a contact: what they said that must not be forgotten, each with the message it stands in.

They are kept in the store under (bot, conversation, `notes`), apart from the working memory, so that no
summary rewrites them. A note with the key of another replaces it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

import structlog
from langchain_core.messages import HumanMessage
from langgraph.store.base import BaseStore
from pydantic import BaseModel, Field

from agent.state import text_of

# Notes of one contact, and characters of one: a prompt holds all of them on every turn.
MOST, CHARACTERS = 30, 200
# Who entered a note that stands in no message.
OPERATOR = "operator"

log = structlog.get_logger()


class NewNote(BaseModel):
    """A note as the model takes it."""

    key: str = Field(description="one to three English words: allergy, budget, wife", max_length=60)
    text: str = Field("", description="one short sentence; empty takes the note back", max_length=400)
    quote: str = Field("", description="their words", max_length=400)


class Note(BaseModel):
    """Something a contact said that is kept in mind."""

    key: str = Field(description="What it is about, such as `allergy`; the same key replaces it")
    text: str = Field(description="What is to be remembered")
    message_id: str = Field(description="The message it stands in, or `operator`")
    at: str = Field(description="When it was noted, ISO 8601")


def namespace(bot_id: str, conversation_id: str) -> tuple[str, ...]:
    """Where the notes of a contact are in the store."""
    return (bot_id, conversation_id, "notes")


async def read_notes(store: BaseStore, bot_id: str, conversation_id: str) -> list[Note]:
    """The notes of a contact, the latest first."""
    found = await store.asearch(namespace(bot_id, conversation_id), limit=10 * MOST)
    return [
        Note(
            key=item.key,
            text=str(item.value.get("text", "")),
            message_id=str(item.value.get("message_id", "")),
            at=item.updated_at.astimezone(UTC).isoformat(timespec="seconds"),
        )
        for item in found
    ]


async def write_notes(
    store: BaseStore, bot_id: str, conversation_id: str, notes: Mapping[str, tuple[str, str]]
) -> None:
    """Keep notes, key -> (text, id of the message). An empty text takes one back. Beyond MOST the oldest
    go."""
    where = namespace(bot_id, conversation_id)
    for key, (text, message_id) in notes.items():
        if text:
            await store.aput(where, key, {"text": text[:CHARACTERS], "message_id": message_id})
        else:
            await store.adelete(where, key)
    for note in (await read_notes(store, bot_id, conversation_id))[MOST:]:
        await store.adelete(where, note.key)
        log.info("note_dropped", bot=bot_id, conversation=conversation_id, note=note.key)


async def forget_notes(store: BaseStore, bot_id: str, conversation_id: str) -> None:
    """Take all notes of a contact back."""
    for note in await read_notes(store, bot_id, conversation_id):
        await store.adelete(namespace(bot_id, conversation_id), note.key)


def note_key(text: str) -> str:
    """A key as it is kept: small letters, one blank between words; empty where nothing is left."""
    return " ".join(re.findall(r"\w+", text.casefold()))[:40].strip()


def supported(
    notes: Iterable[NewNote], known: Mapping[str, str], messages: Sequence[HumanMessage]
) -> dict[str, tuple[str, str]]:
    """The notes whose quote really stands in one of the messages, key -> (text, id of the message); those
    that say nothing new are left out."""

    def bare(text: str) -> str:
        return re.sub(r"\W+", " ", text.casefold()).strip()

    found: dict[str, tuple[str, str]] = {}
    for note in notes:
        key, quote = note_key(note.key), bare(note.quote)
        source = next((m for m in messages if quote and quote in bare(text_of(m))), None)
        text = " ".join(note.text.split())[:CHARACTERS]
        if key and source is not None and known.get(key, "") != text:
            found[key] = (text, str(source.id))
    return found


def as_values(notes: Sequence[Note]) -> list[dict[str, Any]]:
    """Notes for an export."""
    return [note.model_dump() for note in notes]
