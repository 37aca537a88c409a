"""Replies that people at the business keep at hand: `/hours` in the field where they write stands for one.

canned   HASH   shortcut -> text, in which `{field}` stands for a field of the contact's profile
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from server.bots.bot import BotRuntime
from server.operators.takeover import Refused
from server.store.keys import key
from server.store.records import Record

SHORTCUT = r"^[\w-]{1,30}$"
# Of one bot.
MOST = 200
_FIELD = re.compile(r"\{(\w{1,40})\}")


class CannedReply(Record):
    """A text at hand."""

    shortcut: str = Field(description="What stands for it, without the `/`")
    text: str = Field(description="Its words; `{field}` stands for a field of the contact's profile")

    def filled(self, profile: Mapping[str, str]) -> str:
        """With what is known of a contact; a field that nobody knows is left for whoever sends it."""
        return _FIELD.sub(lambda found: profile.get(found[1]) or found[0], self.text)


async def canned_replies(runtime: BotRuntime) -> list[CannedReply]:
    """Those of a bot, by shortcut."""
    raw = await runtime.redis.hgetall(key(runtime.bot.id, "canned"))
    return [CannedReply(shortcut=name.decode(), text=text.decode()) for name, text in sorted(raw.items())]


async def keep_canned(runtime: BotRuntime, reply: CannedReply) -> None:
    """Keep a reply, in the place of one of the same shortcut. Raises Refused for too many."""
    place = key(runtime.bot.id, "canned")
    if await runtime.redis.hlen(place) >= MOST and not await runtime.redis.hexists(place, reply.shortcut):
        raise Refused(f"at most {MOST} canned replies; delete one")
    await runtime.redis.hset(place, reply.shortcut, reply.text)


async def drop_canned(runtime: BotRuntime, shortcut: str) -> bool:
    """Forget a reply; False when there is none of that shortcut."""
    return bool(await runtime.redis.hdel(key(runtime.bot.id, "canned"), shortcut))
