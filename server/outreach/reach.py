"""How many people a number may write to first: counted for 24 hours, slowed down before the limit, stopped by
a restriction.

Meta counts people who were written to outside of their 24-hour window, all numbers of a business together
(page "Messaging limits"); who wrote within 24 hours is free. Unknown limits hold nothing up.

{*}:reached:A      ZSET    digest of a contact -> ms when they were written to first; A: the business account,
                           else the number
{*}:reach_pace:A   STRING  ms before which no further one is written to
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.observability.health.kept import record_of
from server.observability.health.record import NumberHealth
from server.observability.health.warnings import alert_name, in_people
from server.outreach.rules import DAY, HOUR, WINDOW
from server.store.client import Redis
from server.store.keys import SHARED, digest, key
from server.store.records import Contact, Reply
from server.store.scripts import Scripts

# Of the limit: from here on slower, and no further; the rest is for appointments and for people at the
# business. Of a number of low quality less.
CAREFUL, MOST = 0.8, 0.95
FLAGGED_CAREFUL, FLAGGED_MOST = 0.4, 0.7
# A restriction is looked at again after so long at the latest (ms).
LOOK_AGAIN = HOUR


@dataclass(frozen=True, slots=True)
class Hold:
    """Why somebody is not written to now, and for how many ms."""

    why: str
    wait: int


class Reach:
    """The count of every business account."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._health = redis, record_of(redis)
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"))

    async def silenced(self, runtime: BotRuntime, account: str) -> Hold | None:
        """Why a number may write to nobody first, such as a restriction; None: it may."""
        if not runtime.bot.windowed(account):
            return None
        return _silenced(await self._health.of(runtime.bot.id, account), now_ms())

    async def ahead(self, runtime: BotRuntime, account: str, template: str) -> Hold | None:
        """Why a touch is not worth making now, with or without a template; nothing is counted."""
        if not runtime.bot.windowed(account):
            return None
        health = await self._health.of(runtime.bot.id, account)
        if held := _silenced(health, now_ms()):
            return held
        most = bounds(health, urgent=False)[1]
        if not template or most < 0 or await self.count(health) < most:
            return None
        return Hold(_limited(health), LOOK_AGAIN)

    async def hold(self, runtime: BotRuntime, contact: Contact, reply: Reply) -> Hold | None:
        """Why a reply must wait that opens a conversation, or is a follow-up; None: it goes out, and the
        contact counts. Replies to somebody who wrote within 24 hours never wait."""
        if not runtime.bot.windowed(contact.account) or not (reply.touch or reply.template):
            return None
        inside = now_ms() < contact.heard_at + WINDOW
        if inside and not reply.touch:
            return None
        health = await self._health.of(runtime.bot.id, contact.account)
        if (held := _silenced(health, now_ms())) or inside:
            return held
        urgent = reply.notice or reply.author == "person"
        careful, most = bounds(health, urgent)
        asked = {
            "contact": digest(f"{runtime.bot.id} {contact.id}"),
            "day_ms": DAY,
            "careful": careful,
            "most": most,
            "interval": DAY // max(1, health.limit or 1),
        }
        wait = int(await self._scripts.run("reserve", _keys(health), asked))
        if not wait:
            return None
        return Hold(_limited(health), min(wait, LOOK_AGAIN))

    async def count(self, health: NumberHealth) -> int:
        """How many people were written to first within 24 hours."""
        return await self._redis.zcount(_keys(health)[0], now_ms() - DAY, "+inf")

    async def alerts(self, bot_id: str) -> list[tuple[str, str]]:
        """(name, text) of an alert for each number of a bot that slows down or stops."""
        found = list[tuple[str, str]]()
        for account in await self._health.accounts(bot_id):
            health = await self._health.of(bot_id, account)
            careful, most = bounds(health, urgent=False)
            count = await self.count(health) if most >= 0 else 0
            if most >= 0 and count >= careful:
                does = "wait" if count >= most else "go out slower"
                text = (
                    f"{bot_id}: WhatsApp lets this business write to {in_people(health.limit)} people a day "
                    f"first, and it nearly has; follow-ups and templates {does} until some of them are a day "
                    "ago. Replies go on. The limit rises with good quality: see WhatsApp Manager."
                )
                found.append((alert_name(bot_id, account, "reach"), text))
        return found


def _limited(health: NumberHealth) -> str:
    return f"WhatsApp lets this business write to {in_people(health.limit)} people a day first"


def _silenced(health: NumberHealth, now: int) -> Hold | None:
    if not (why := health.silenced):
        return None
    left = health.silenced_until - now
    return Hold(why, min(max(1000, left), LOOK_AGAIN) if health.silenced_until else LOOK_AGAIN)


def _keys(health: NumberHealth) -> list[str]:
    owner = health.business_account or health.account
    return [key(SHARED, part, owner) for part in ("reached", "reach_pace")]


def bounds(health: NumberHealth, urgent: bool) -> tuple[int, int]:
    """(people from whom on it is slower, people at whom it stops); -1: never."""
    if health.limit is None or health.limit < 0:
        return -1, -1
    if urgent:
        return health.limit, health.limit
    careful, most = (FLAGGED_CAREFUL, FLAGGED_MOST) if health.flagged else (CAREFUL, MOST)
    return int(health.limit * careful), int(health.limit * most)
