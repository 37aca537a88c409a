"""Edits and retractions that come before the message they are of: webhooks are not delivered in order."""

from __future__ import annotations

from collections.abc import Sequence

from channels.base import AMENDING, Message
from server.bots.bot import BotRuntime
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Entry

# Lines of a transcript in which they are looked for.
RECENT_LINES = 12


async def still_said(runtime: BotRuntime, conversation_id: str, batch: Sequence[Message]) -> list[Message]:
    """The batch without messages that an amendment of another batch is of: what was taken back must not be
    answered, and a correction has an answer of its own."""
    name = key(runtime.bot.id, "transcript", conversation_id)
    rows = await runtime.redis.lrange(name, -RECENT_LINES, -1)
    amending = [row for row in rows if any(f'"{kind}"'.encode() in row for kind in AMENDING)]
    here, gone = {message.id for message in batch}, set[str]()
    for entry in readable(amending, Entry.model_validate_json, "a line of a transcript"):
        if entry.kind in AMENDING and entry.author == "contact" and entry.id not in here:
            gone.add(entry.quoted_id)
    return [message for message in batch if message.kind in AMENDING or message.id not in gone]
