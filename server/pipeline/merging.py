"""Two records that turn out to be one person become one: a number and a user id that meet, a number that was
changed.

Which ones is noted where it shows (`conversations.lua`); they are merged as soon as neither has anything in
hand, by whoever looks first. Nothing is lost: lines of both transcripts stand by time, each profile field
keeps its source, what was said otherwise stands in a line of its own, and the stricter consent holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import structlog
from redis.exceptions import ResponseError

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.config.settings import Settings
from server.pipeline.agents import remember_beside
from server.store.client import Redis
from server.store.counters import COUNTING
from server.store.keys import key
from server.store.readable import fields_of
from server.store.records import Contact, Entry
from server.store.scripts import Scripts

# What the agent is told of the other conversation: its last lines, so many characters of each.
LINES, CHARACTERS = 12, 160
_WRITERS = {"contact": "Customer", "person": "Colleague", "bot": "Assistant"}

log = structlog.get_logger()


class Merging:
    """The merges that are to be made, of every bot."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings, self._redis = settings, redis
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)

    async def catch_up(self, runtime: BotRuntime) -> int:
        """Make all merges of a bot that can be made now; how many were made."""
        noted = await self._redis.hgetall(key(runtime.bot.id, "merges"))
        made = 0
        for other, row in noted.items():
            try:
                wanted = fields_of(row)
                into = await runtime.conversations.merged_into(str(wanted["into"]))
                numbers = (str(wanted.get("wa_id") or ""), str(wanted.get("user_id") or ""))
                made += await self._merge(runtime, into, other.decode(), *numbers)
            except (
                ValueError,
                TypeError,
                KeyError,
                ResponseError,
            ) as error:  # a person is asked; the others go on
                why = f"two records of one person cannot be merged: {type(error).__name__}"
                await runtime.conversations.quarantine(
                    why, f"{other.decode(errors='replace')} {row.decode(errors='replace')}"
                )
                await self._redis.hdel(key(runtime.bot.id, "merges"), other)
        return made

    async def _merge(self, runtime: BotRuntime, into: str, other: str, wa_id: str, user_id: str) -> bool:
        bot_id, conversations = runtime.bot.id, runtime.conversations
        kept, gone = await conversations.contact(into), await conversations.contact(other)
        both = [contact for contact in (kept, gone) if contact]
        if kept and (wa_id or user_id):
            both.append(kept.model_copy(update={"wa_id": wa_id, "user_id": user_id}))
        if gone:  # who has moved on since is reached where they are now
            wa_id, user_id = (wa_id and gone.wa_id) or wa_id, (user_id and gone.user_id) or user_id
        aliases = dict.fromkeys([name for contact in both for name in await conversations.aliases(contact)])
        said = await conversations.transcript(other, LINES)
        asked = {"conversation": into, "absorbed": other, "wa_id": wa_id, "user_id": user_id}
        keys = [key(bot_id, "contact", into), key(bot_id, "contact", other), *aliases]
        done = await self._scripts.run("merge", keys, asked)
        if done != 1:
            return False
        conversations.look_again()
        log.info("contacts_merged", bot=bot_id, conversation=into, other=other)
        await self._tell(runtime, into, kept, gone, said)
        return True

    async def _tell(
        self,
        runtime: BotRuntime,
        into: str,
        kept: Contact | None,
        gone: Contact | None,
        said: Sequence[Entry],
    ) -> None:
        """What follows from it: the end of touches is on record, and the agent knows what was said in the
        other conversation."""
        now = await runtime.conversations.contact(into)
        if now and now.stopped and not (kept and kept.stopped):
            row = {
                "at": now_ms(),
                "conversation_id": into,
                "stopped": True,
                "door": "words",
                "source": "merged",
            }
            await self._redis.lpush(key(runtime.bot.id, "consents"), json.dumps(row))
        lines = [f"{_WRITERS[e.author]}: {' '.join(e.text.split())[:CHARACTERS]}" for e in said if e.text]
        if lines:
            text = "\n".join(["Said by the same customer from another number:", *lines])
            await remember_beside(self._settings, self._redis, runtime.bot.id, into, text)
