"""Replies that people at the business keep at hand: `/hours` in the field where they write stands for one.

canned   HASH   shortcut -> text, in which `{field}` stands for a field of the contact's profile
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from agent.context import STAGES
from agent.profile import CustomField
from server.bots.bot import BotRuntime
from server.operators.takeover import Refused
from server.store.keys import key
from server.store.records import Contact, Record

SHORTCUT = r"^[\w-]{1,30}$"
# Of one bot, and characters of one: more than that WhatsApp takes in no message.
MOST, LONGEST = 200, 4_096
_FIELD = re.compile(r"\{(\w{1,40})\}")
# What each profile may hold, in the order people want it: field -> (what it is, an example).
COMMON = {
    "name": ("the first name, else the name they gave themselves on WhatsApp", "Aigerim"),
    "last_name": ("the family name", "Omarova"),
    "company": ("the company", "Aurora LLP"),
    "email": ("the e-mail address", "aigerim@aurora.example"),
    "phone": ("the number they gave, else the one they write from", "+77010000001"),
    "language": ("the language they write, two letters", "ru"),
    "stage": ("where the sales talk stands", STAGES[0]),
}
# What a field of a business's own may look like.
EXAMPLES = {"number": "42", "date": "2027-05-20", "email": "aigerim@aurora.example", "phone": "+77010000001"}


class ReplyField(Record):
    """A field of a contact's profile that may stand in a reply."""

    name: str = Field(description="Its name, as it is written between `{` and `}`")
    about: str = Field(description="What it is")
    example: str = Field(description="A value it may have")


class CannedReply(Record):
    """A text at hand."""

    shortcut: str = Field(description="What stands for it, without the `/`")
    text: str = Field(description="Its words; `{field}` stands for a field of the contact's profile")

    def filled(self, profile: Mapping[str, str]) -> str:
        """With what is known of a contact; a field that nobody knows is left for whoever sends it."""
        return _FIELD.sub(lambda found: profile.get(found[1]) or found[0], self.text)

    def strange(self, known: Mapping[str, str]) -> list[str]:
        """Names between `{` and `}` that are no field, such as a misspelled one: they stay as they are."""
        return list(dict.fromkeys(name for name in _FIELD.findall(self.text) if name not in known))


def fillings(runtime: BotRuntime, contact: Contact) -> dict[str, str]:
    """What stands in place of each field in a reply to a contact. What the agent thinks of them, such as
    their class, is no such field."""
    known = {"name": contact.name, "phone": f"+{contact.wa_id}" if contact.wa_id else "", **contact.profile}
    return {field.name: known[field.name] for field in reply_fields(runtime) if field.name in known}


def reply_fields(runtime: BotRuntime) -> list[ReplyField]:
    """The fields that may stand in a bot's replies: those of every profile, then those of its own."""
    common = [ReplyField(name=name, about=about, example=one) for name, (about, one) in COMMON.items()]
    own = runtime.bot.context.custom_fields
    return [*common, *(ReplyField(name=one.name, about=_about(one), example=_example(one)) for one in own)]


def _about(field: CustomField) -> str:
    about = field.question or field.name.replace("_", " ")
    return f"{about} (one of: {', '.join(field.choices)})" if field.choices else about


def _example(field: CustomField) -> str:
    return field.choices[0] if field.choices else EXAMPLES.get(field.type, "…")


async def canned_replies(runtime: BotRuntime) -> list[CannedReply]:
    """Those of a bot, by shortcut."""
    raw = await runtime.redis.hgetall(key(runtime.bot.id, "canned"))
    return [CannedReply(shortcut=name.decode(), text=text.decode()) for name, text in sorted(raw.items())]


async def keep_canned(runtime: BotRuntime, reply: CannedReply, *, new: bool = False) -> bool:
    """Keep a reply, in the place of one of the same shortcut; False, and nothing is changed, where there is
    such a one and it is to be a `new` one. Raises Refused for too many."""
    place = key(runtime.bot.id, "canned")
    if await runtime.redis.hlen(place) >= MOST and not await runtime.redis.hexists(place, reply.shortcut):
        raise Refused(f"at most {MOST} canned replies; delete one")
    if new:
        return bool(await runtime.redis.hsetnx(place, reply.shortcut, reply.text))
    await runtime.redis.hset(place, reply.shortcut, reply.text)
    return True


async def drop_canned(runtime: BotRuntime, shortcut: str) -> bool:
    """Forget a reply; False when there is none of that shortcut."""
    return bool(await runtime.redis.hdel(key(runtime.bot.id, "canned"), shortcut))
