"""Who wants no more messages: one suppression, wherever it came from, with a record of every change.

The doors: words ("stop"; the button of a template says it too), WhatsApp's own switch (webhook
`user_preferences`), error 131050 of a send, and an operator. The sender looks at it right before every
request.

    suppressed   ZSET   conversation -> ms since when
    consents     LIST   JSON of the last changes: at, conversation_id, stopped, door, source
"""

from __future__ import annotations

from typing import Any, Literal

import structlog
from pydantic import Field

from channels.emulators.numbers import is_simulated
from server.clock import now_ms
from server.outreach.follow_ups import FollowUps
from server.store.client import Redis
from server.store.contacts import OPERATOR, Conversations
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record
from server.store.wire.confirming import outlives

# How a change of consent came; what is stored and the API call it `door`.
OptOutSource = Literal["words", "preferences", "error 131050", "operator"]
KEPT = 10_000
# Sources where whoever says so is answered that it is kept.
PROMISED = ("operator", "preferences")

log = structlog.get_logger()


class Suppression(Record):
    """A contact who wants no messages."""

    conversation_id: str = Field(description="The contact's id, and that of the conversation")
    bot_id: str = Field(description="The bot they wrote to")
    wa_id: str = Field(description="Digits of their number; empty where only a user id is known")
    user_id: str = Field(description="The provider's id of them")
    since: int = Field(description="Since when, Unix milliseconds")


class ConsentChange(Record):
    """One change of what a contact wants."""

    at: int = Field(default=0, description="When, Unix milliseconds")
    conversation_id: str = Field(description="The contact's id, and that of the conversation")
    stopped: bool = Field(description="True: no more messages; false: that was taken back")
    door: str = Field(
        default="", description="How it came: `words`, `preferences`, `error 131050` or `operator`"
    )
    source: str = Field(default="", description="Id of the message that says it, or who entered it")


async def change_consent(
    redis: Redis,
    conversations: Conversations,
    conversation_id: str,
    stopped: bool,
    door: OptOutSource,
    source: str,
) -> None:
    """Stop all messages to a contact, or take that back; with it the sequence of touches ends. Made again it
    changes nothing, unless it was cut short before: then it is finished. Raises NotConfirmed where
    whoever says so would be told that it is kept."""
    known = await conversations.contact(conversation_id)
    if known is None:
        return
    source = OPERATOR if door == "operator" else source
    if known.stopped != stopped:
        await conversations.learn(conversation_id, {"consent": "stopped" if stopped else None}, source)
    await record_consent(redis, conversations.bot_id, conversation_id, stopped, door, source)
    if door in PROMISED:
        await outlives(redis, conversations.bot_id)


async def record_consent(
    redis: Redis, bot_id: str, conversation_id: str, stopped: bool, door: OptOutSource, source: str
) -> None:
    """Put a change of consent on record that the profile has already, and end the touches. Once for a
    source."""
    row = ConsentChange(
        at=now_ms(), conversation_id=conversation_id, stopped=stopped, door=door, source=source
    )
    was: Any = await redis.zscore(key(bot_id, "suppressed"), conversation_id)
    if (was is not None) == stopped:
        return
    async with redis.pipeline(transaction=True) as pipe:
        if stopped:
            pipe.zadd(key(bot_id, "suppressed"), {conversation_id: now_ms()})
        else:
            pipe.zrem(key(bot_id, "suppressed"), conversation_id)
        pipe.lpush(key(bot_id, "consents"), row.model_dump_json())
        pipe.ltrim(key(bot_id, "consents"), 0, KEPT - 1)
        await pipe.execute()
    if stopped:
        follow_ups = FollowUps(redis)
        await follow_ups.count(bot_id, "opted_out")
        await follow_ups.end(bot_id, conversation_id, "opted out")
    log.info("consent", bot=bot_id, conversation=conversation_id, stopped=stopped, door=door)


async def suppressed(redis: Redis, conversations: Conversations) -> list[Suppression]:
    """Everybody who wants no messages, the longest first. People of the simulator are nobody."""
    rows: Any = await redis.zrange(key(conversations.bot_id, "suppressed"), 0, -1, withscores=True)
    since = {name.decode(): int(at) for name, at in rows}
    return [
        Suppression(
            conversation_id=contact.id,
            bot_id=contact.bot_id,
            wa_id=contact.wa_id,
            user_id=contact.user_id,
            since=since[contact.id],
        )
        for contact, _ in await conversations.latest(list(since))
        if not is_simulated(contact.account)
    ]


async def changes(redis: Redis, bot_id: str, limit: int = 200) -> list[ConsentChange]:
    """The last changes of consent, newest first."""
    rows: Any = await redis.lrange(key(bot_id, "consents"), 0, limit - 1)
    return readable(rows, ConsentChange.model_validate_json, "a change of consent")
