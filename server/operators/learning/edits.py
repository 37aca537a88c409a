"""Where people put other words in the place of the agent's draft. Only the place is noted: the words stay in
the transcript, and go with it.

edited   LIST   JSON of `EditPlace`, newest first, the last 300 of eight weeks
"""

from __future__ import annotations

from pydantic import Field

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.observability.unanswered import KEPT
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record

MOST = 300


class EditPlace(Record):
    """Where an edit stands."""

    conversation_id: str = Field(description="The conversation")
    entry_id: str = Field(description="The line that a person wrote")
    at: int = Field(description="When, Unix milliseconds")


async def note_edit(runtime: BotRuntime, conversation_id: str, entry_id: str) -> None:
    """A person is about to send other words than the agent's draft."""
    name = key(runtime.bot.id, "edited")
    row = EditPlace(conversation_id=conversation_id, entry_id=entry_id, at=now_ms())
    async with runtime.redis.pipeline(transaction=True) as pipe:
        pipe.lpush(name, row.model_dump_json())
        pipe.ltrim(name, 0, MOST - 1)
        pipe.expire(name, KEPT // 1000)
        await pipe.execute()


async def kept_edits(redis: Redis, bot_id: str) -> list[EditPlace]:
    """The edits of the last eight weeks, newest first."""
    rows = await redis.lrange(key(bot_id, "edited"), 0, -1)
    found = readable(rows, EditPlace.model_validate_json, "the place of an edit")
    return [row for row in found if row.at > now_ms() - KEPT]
