"""What people at the business say of a conversation among themselves. The contact never sees it, and neither
does the agent.

comments:C       LIST   JSON of a `Comment`, oldest first
mentioned:ID     SET    conversations in which an operator was named, and which they have not looked at since;
                        `mentioned` SET   the ids of those who ever were
"""

from __future__ import annotations

import contextlib
import re
import uuid

from pydantic import Field
from redis.exceptions import RedisError

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.operators.tokens import MASTER, Operator, all_operators
from server.store.client import Redis
from server.store.keys import EVENTS, key
from server.store.readable import readable
from server.store.records import Record

# Of one conversation; the oldest go.
MOST = 500


class Comment(Record):
    """A comment on a conversation."""

    id: str = Field(description="Its id")
    at: int = Field(description="When it was written, Unix milliseconds")
    by: str = Field(description="Who wrote it")
    text: str = Field(description="Its words")
    mentions: list[str] = Field(default=[], description="Names of the operators it calls: `@Name`")


async def write_comment(runtime: BotRuntime, conversation_id: str, author: Operator, text: str) -> Comment:
    """Keep a comment; whom it names with an `@` finds the conversation among those they were called to."""
    redis, bot_id = runtime.redis, runtime.bot.id
    everybody = (MASTER, *await all_operators(redis))
    called = [one for one in everybody if one.sees(bot_id) and _calls(text, one.name)]
    comment = Comment(
        id=uuid.uuid4().hex, at=now_ms(), by=author.name, text=text, mentions=[one.name for one in called]
    )
    place = key(bot_id, "comments", conversation_id)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.rpush(place, comment.model_dump_json())
        pipe.ltrim(place, -MOST, -1)
        for one in called:
            pipe.sadd(key(bot_id, "mentioned", one.id), conversation_id)
            pipe.sadd(key(bot_id, "mentioned"), one.id)
        await pipe.execute()
    with contextlib.suppress(RedisError):  # a wish: who may not publish loses nothing but time
        await redis.execute_command("PUBLISH", EVENTS, key(bot_id, "transcript", conversation_id))
    return comment


def _calls(text: str, name: str) -> bool:
    """Whether a comment calls somebody: `@Ann` is not `@Anna`."""
    return bool(re.search(rf"@{re.escape(name)}(?!\w)", text, re.IGNORECASE))


async def comments_of(runtime: BotRuntime, conversation_id: str) -> list[Comment]:
    """The comments on a conversation, oldest first."""
    rows = await runtime.redis.lrange(key(runtime.bot.id, "comments", conversation_id), 0, -1)
    return readable(rows, Comment.model_validate_json, "a comment")


async def seen_by(redis: Redis, bot_id: str, conversation_id: str, operator: Operator) -> None:
    """An operator has looked at what they were called to."""
    await redis.srem(key(bot_id, "mentioned", operator.id), conversation_id)
