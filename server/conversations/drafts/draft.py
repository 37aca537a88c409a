"""Drafts: replies of the agent that wait for a person's word before they go out.

A draft stands with its contact (`Contact.draft`, JSON of a `Draft`), so that it is shown, merged, handed out
and erased with them. What the agent remembers of a reply that never went out is taken back when the next turn
begins (`server.conversations.drafts.of_turn`)."""

from __future__ import annotations

import uuid
from functools import lru_cache
from pathlib import Path

from channels.base import Message
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.config.turn_settings import ReplyMode
from server.store.client import Redis
from server.store.counters import COUNTING, day_of
from server.store.keys import WAKE, key
from server.store.readable import readable
from server.store.records import Contact, Entry, Record, Reply
from server.store.scripts import Scripts

# The kind of message by which a person asks the agent for a draft.
ASKS = "draft_request"
# How long (ms) a draft is in the hands of whoever sends it.
TAKEN = 30_000
# What a person has to look after while one waits, or nobody but they answer.
WAITING, UNANSWERED = "a draft waits to be sent", "the agent does not answer here: write to them"


class Draft(Record):
    """What the agent would say: `replies`, each with its line of the transcript (`entries`); none, and `why`,
    where it has nothing to say. `remembered`: ids of the messages it keeps in mind as said. `settled`: a
    person has discarded it or put other words in its place; `taken_at` (ms): somebody is sending it."""

    turn_id: str
    at: int
    replies: tuple[Reply, ...] = ()
    entries: tuple[Entry, ...] = ()
    why: str = ""
    remembered: tuple[str, ...] = ()
    settled: bool = False
    taken_at: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether somebody is sending it right now: what they began is ended within seconds, or anew by
        whoever comes after them."""
        return now_ms() - self.taken_at < TAKEN

    @property
    def text(self) -> str:
        """All that it says."""
        return "\n\n".join(reply.text for reply in self.replies if reply.text)


def mode_of(runtime: BotRuntime, contact: Contact) -> ReplyMode:
    """Whether what the agent answers goes out by itself, waits as a draft, or it does not answer at all."""
    return contact.reply_mode or runtime.bot.reply_mode


def draft_of(contact: Contact) -> Draft | None:
    """The draft that waits for a person; None where none does."""
    kept = kept_draft(contact)
    return None if kept is None or kept.settled else kept


def kept_draft(contact: Contact) -> Draft | None:
    """What was drafted last, settled or not; None where nothing was, or it cannot be read."""
    rows = [contact.draft.encode()] if contact.draft else []
    return next(iter(readable(rows, Draft.model_validate_json, "a draft")), None)


async def settle_draft(runtime: BotRuntime, contact: Contact) -> bool:
    """Nothing more goes out of the draft that stands with `contact`, and the agent forgets it when the next
    turn begins; False where another one stands there by now."""
    draft = kept_draft(contact)
    if draft is None or draft.is_taken:
        return False
    done = draft.model_copy(update={"settled": True, "replies": (), "entries": ()})
    return await _put(runtime, contact, done.model_dump_json())


async def take_draft(runtime: BotRuntime, contact: Contact) -> Contact | None:
    """Let nobody else send, change or discard the draft that stands with `contact`, and the agent keep it in
    mind; the contact with it. None where somebody has done one of these meanwhile."""
    draft = kept_draft(contact)
    if draft is None or draft.is_taken:
        return None
    taken = draft.model_copy(update={"taken_at": now_ms()}).model_dump_json()
    mine = await _put(runtime, contact, taken)
    return contact.model_copy(update={"draft": taken}) if mine else None


async def end_draft(runtime: BotRuntime, contact: Contact, remembered: bool) -> None:
    """The draft that was taken has gone out as it was (`remembered`), or other words in its place."""
    draft = kept_draft(contact)
    if remembered or draft is None:
        await _put(runtime, contact, "")
        return
    done = {"settled": True, "taken_at": 0, "replies": (), "entries": ()}
    await _put(runtime, contact, draft.model_copy(update=done).model_dump_json())


async def ask_for_draft(runtime: BotRuntime, conversation_id: str) -> None:
    """Let a worker write what the agent would say now; whoever has the conversation keeps it."""
    bot_id = runtime.bot.id
    wanted = Message(id=f"draft:{uuid.uuid4().hex}", account="", kind=ASKS)
    parts = [key(bot_id, "inbox", conversation_id), key(bot_id, "due"), key(bot_id, "busy")]
    asked = {"conversation": conversation_id, "bot": bot_id, "wake": WAKE}
    await _scripts(runtime.redis).run("ask", parts, {**asked, "payload": wanted.model_dump_json()})


async def _put(runtime: BotRuntime, contact: Contact, draft: str) -> bool:
    keys = [key(runtime.bot.id, "contact", contact.id)]
    given = {"conversation": contact.id, "old": contact.draft, "draft": draft}
    given |= {"waiting": WAITING, "unanswered": UNANSWERED, "day": day_of(runtime.bot.limits.timezone)}
    return bool(await _scripts(runtime.redis).run("settle", keys, given))


@lru_cache(maxsize=16)
def _scripts(redis: Redis) -> Scripts:
    return Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)
