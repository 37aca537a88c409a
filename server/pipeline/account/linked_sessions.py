"""Whether linked phones are linked: what their providers tell and answer, and when somebody must look.

link:A       HASH    state, reason, phone, at (ms), bad: unhappy answers in a row, off: somebody stopped it
checking:A   STRING  a worker has asked within the minute
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import structlog
from redis.exceptions import RedisError

from channels.base import LinkChange, Linked, SendError
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
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


async def known(runtime: BotRuntime, account: str) -> dict[str, str]:
    """What was last told or answered about a number; empty when nobody has asked."""
    raw = await runtime.redis.hgetall(key(runtime.bot.id, "link", account))
    return {name.decode(): value.decode() for name, value in raw.items()}


async def record_session_state(runtime: BotRuntime, change: LinkChange, counts: bool = True) -> None:
    """Put a state on record; an alert after two bad ones in a row that count, over with the first good
    one."""
    name, alert = key(runtime.bot.id, "link", change.account), f"link:{runtime.bot.id}:{change.account}"
    before = await known(runtime, change.account)
    good = change.state in GOOD
    bad = 0 if good else int(before.get("bad") or 0) + counts
    row = {"state": change.state, "reason": change.reason, "at": str(now_ms()), "bad": str(bad)}
    row |= {"phone": change.phone} if change.phone else {}
    await runtime.redis.hset(name, mapping=row)
    if before.get("state") != change.state:
        log.info("link_changed", bot=runtime.bot.id, state=change.state, reason=change.reason)
    if good:
        await alerts.clear(runtime.redis, alert)
    elif counts and bad >= BAD_ANSWERS and not before.get("off"):
        remedy = REMEDIES.get(change.state, "").format(bot=runtime.bot.id)
        state = f"{change.state}, {change.reason}" if change.reason else change.state
        text = f"{runtime.bot.id} cannot be reached: {state}; {remedy}"
        await alerts.raise_alert(runtime.redis, alert, text, "channel", runtime.bot.id)


async def want(runtime: BotRuntime, account: str, on: bool) -> None:
    """Whether workers put a session up again that is not running."""
    await runtime.redis.hset(key(runtime.bot.id, "link", account), "off", "" if on else "1")


async def check_session(
    runtime: BotRuntime, account: str, channel: Linked, counts: bool = True
) -> LinkChange:
    """Ask the provider, and put the answer on record; it `counts` when nobody asked who is looking
    already."""
    try:
        change = await channel.state()
    except SendError as error:
        change = LinkChange(account=account, state="failed", reason=str(error)[:200])
    before = await known(runtime, account)
    await record_session_state(runtime, change, counts)
    if change.state in ("stopped", "failed") and channel.name == "waha" and not before.get("off"):
        await _put_up(runtime, change, before, channel)
    return change


async def _put_up(runtime: BotRuntime, change: LinkChange, before: dict[str, str], channel: Linked) -> None:
    """Start a session that nobody stopped; one that was never linked shows its codes only when somebody asks
    for them."""
    if change.state == "failed" and not before.get("phone"):
        return
    try:
        await channel.session("start" if change.state == "stopped" else "restart")
    except SendError as error:
        log.warning("session_not_started", bot=runtime.bot.id, error=str(error)[:200])


async def keep_checking(runtimes: Mapping[str, BotRuntime], router: ChannelRouter) -> None:
    """Ask about every linked number once a minute, until cancelled: of many workers one, and never all at
    once."""
    while True:
        linked = [(runtimes[bot], account, line) for bot, account, line in router.linked() if bot in runtimes]
        for runtime, account, channel in linked:
            if not isinstance(channel, Linked):
                continue
            try:
                held = key(runtime.bot.id, "checking", account)
                if await runtime.redis.set(held, 1, nx=True, px=PAUSE * 900):
                    await check_session(runtime, account, channel)
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            except Exception:  # one number's fault must not keep the others from being looked after
                log.exception("link_not_checked", bot=runtime.bot.id)
            await asyncio.sleep(PAUSE / len(linked) * random.uniform(0.5, 1))
        await asyncio.sleep(random.uniform(1, 3) if linked else PAUSE / 10)
