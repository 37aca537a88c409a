"""Whether linked phones are linked: what their providers tell and answer, and when somebody must look.

link:A       HASH    state, reason, phone, at (ms), bad: unhappy answers in a row, off: somebody stopped it
checking:A   STRING  a worker has asked within the minute
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import structlog
from redis.exceptions import RedisError

from channels.base import LinkChange, Linked, SendError
from server.bots.bot import Desk
from server.bots.routing import Numbers
from server.clock import now_ms
from server.store import alerts
from server.store.keys import key

# Seconds between two questions about one number; the states of a phone flap, so one bad answer alerts nobody.
PAUSE, BAD_ANSWERS = 60, 2
GOOD = ("connected", "starting")

log = structlog.get_logger()

REMEDIES = {
    "unpaid": "pay for the profile at wappi.pro",
    "scan_qr": "scan the code of GET /api/bots/{bot}/status with the phone of this number",
    "stopped": "start it with POST /api/bots/{bot}/session/start",
    "disconnected": "see that the phone is on and has a network; else link it again",
    "failed": "restart it with POST /api/bots/{bot}/session/restart, then scan the code",
}


async def known(desk: Desk, account: str) -> dict[str, str]:
    """What was last told or answered about a number; empty when nobody has asked."""
    raw: Any = await desk.redis.hgetall(key(desk.bot.id, "link", account))  # pyright: ignore[reportGeneralTypeIssues]
    return {name.decode(): value.decode() for name, value in raw.items()}


async def note(desk: Desk, change: LinkChange, counts: bool = True) -> None:
    """Put a state on record; an alert after two bad ones in a row that count, over with the first good one."""
    name, alert = key(desk.bot.id, "link", change.account), f"link:{desk.bot.id}:{change.account}"
    before = await known(desk, change.account)
    good = change.state in GOOD
    bad = 0 if good else int(before.get("bad") or 0) + counts
    row = {"state": change.state, "reason": change.reason, "at": str(now_ms()), "bad": str(bad)}
    row |= {"phone": change.phone} if change.phone else {}
    await desk.redis.hset(name, mapping=row)  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]
    if before.get("state") != change.state:
        log.info("link_changed", bot=desk.bot.id, state=change.state, reason=change.reason)
    if good:
        await alerts.clear(desk.redis, alert)
    elif counts and bad >= BAD_ANSWERS and not before.get("off"):
        remedy = REMEDIES.get(change.state, "").format(bot=desk.bot.id)
        text = (
            f"{desk.bot.id} cannot be reached: {change.state}{f', {change.reason}' if change.reason else ''}; {remedy}"
        )
        await alerts.raise_alert(desk.redis, alert, text, "channel", desk.bot.id)


async def want(desk: Desk, account: str, on: bool) -> None:
    """Whether workers put a session up again that is not running."""
    await desk.redis.hset(key(desk.bot.id, "link", account), "off", "" if on else "1")  # pyright: ignore[reportGeneralTypeIssues]


async def check(desk: Desk, account: str, channel: Linked, counts: bool = True) -> LinkChange:
    """Ask the provider, and put the answer on record; it `counts` when nobody asked who is looking already."""
    try:
        change = await channel.state()
    except SendError as error:
        change = LinkChange(account=account, state="failed", reason=str(error)[:200])
    before = await known(desk, account)
    await note(desk, change, counts)
    if change.state in ("stopped", "failed") and channel.name == "waha" and not before.get("off"):
        await _put_up(desk, change, before, channel)
    return change


async def _put_up(desk: Desk, change: LinkChange, before: dict[str, str], channel: Linked) -> None:
    """Start a session that nobody stopped; one that was never linked shows its codes only when somebody asks for them."""
    if change.state == "failed" and not before.get("phone"):
        return
    try:
        await channel.session("start" if change.state == "stopped" else "restart")
    except SendError as error:
        log.warning("session_not_started", bot=desk.bot.id, error=str(error)[:200])


async def keep_checking(desks: Mapping[str, Desk], numbers: Numbers) -> None:
    """Ask about every linked number once a minute, until cancelled: of many workers one, and never all at once."""
    while True:
        linked = [(desks[bot], account, line) for bot, account, line in numbers.linked() if bot in desks]
        for desk, account, channel in linked:
            if not isinstance(channel, Linked):
                continue
            try:
                held = key(desk.bot.id, "checking", account)
                if await desk.redis.set(held, 1, nx=True, px=PAUSE * 900):
                    await check(desk, account, channel)
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            except Exception:  # one number's fault must not keep the others from being looked after
                log.exception("link_not_checked", bot=desk.bot.id)
            await asyncio.sleep(PAUSE / len(linked) * random.uniform(0.5, 1))
        await asyncio.sleep(random.uniform(1, 3) if linked else PAUSE / 10)
