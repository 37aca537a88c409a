"""Outgoing webhooks, for CRMs and automations: what happens is told to whoever asked for it.

The scripts that change something put its event on a list in the same breath (`counters.lua`, `happened`).
Workers make one delivery of it for each webhook that wants it and send them until they are taken.

{*}:hooked        SET    bots that have webhooks
{bot}:hooks       HASH   webhook id -> JSON of a `Hook`
{bot}:happened    LIST   JSON of events nobody has looked at yet
{bot}:deliveries  HASH   delivery id -> JSON of a `Delivery`
{bot}:reported    ZSET   ids of deliveries that are made once, whatever was forgotten of them -> ms
{bot}:delivery_due, delivery_finished   ZSET   delivery id -> ms of the next attempt; of the last one
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import structlog
from redis.exceptions import RedisError

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.config.settings import Settings
from server.notifications.attempts import Attempts
from server.notifications.conversions import business_account_of, conversion_of, endpoint_of
from server.notifications.deliveries import Delivery, Event, Hook, current_name
from server.notifications.signing import secret_of
from server.notifications.webhook_addresses import PublicOnly, check_address
from server.store import alerts
from server.store.client import Redis
from server.store.keys import SHARED, digest, key
from server.store.readable import readable
from server.store.scripts import Scripts

HOOKED = key(SHARED, "hooked")
# How often workers look, seconds; deliveries taken at a look, and for how long (ms) they are one worker's.
PAUSE, HANDFUL, TERM = 1.0, 20, 60_000
# First delay after a failure (ms), longest, and attempts: about a day altogether.
FIRST, LONGEST, ATTEMPTS = 5_000, 6 * 3_600_000, 16
# Bots whose deliveries are on their way at once; deliveries of one that may wait: what comes after is
# dropped, with an error.
AT_ONCE, MOST_WAITING = 20, 10_000
# Finished deliveries of a bot that stay to be looked at and replayed.
KEPT = 1_000

log = structlog.get_logger()


def _delivery(
    hook: Hook, payload: dict[str, Any], event: dict[str, Any] | None, conversation_id: str
) -> Delivery | None:
    """What a webhook is told of something that happened; None: nothing."""
    if hook.kind == "conversions" and event:
        one = event["data"][0]
        return Delivery(
            id=digest(f"{one['event_id']} {hook.id}"),
            hook_id=hook.id,
            event=one["event_name"],
            payload=event,
            at=payload["at"],
            conversation_id=conversation_id,
        )
    if hook.kind == "conversions" or not hook.wants(payload["event"]):
        return None
    id = digest(f"{payload['id']} {hook.id}")
    return Delivery(id=id, hook_id=hook.id, event=payload["event"], payload=payload, at=payload["at"])


def _deliveries(rows: Sequence[bytes]) -> list[Delivery]:
    return readable(rows, Delivery.model_validate_json, "a delivery of a webhook")


class Hooks:
    """The webhooks of every bot."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings, self._redis = settings, redis
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._reporting: dict[str, str] = {}
        self._attempts = Attempts(settings, redis)
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"))

    async def every(self, bot_id: str) -> list[Hook]:
        """Those of a bot, the oldest first."""
        rows = await self._redis.hvals(key(bot_id, "hooks"))
        return sorted(readable(rows, Hook.model_validate_json, "a webhook"), key=lambda hook: hook.created)

    async def one(self, bot_id: str, hook_id: str) -> Hook | None:
        """The webhook of an id."""
        raw = await self._redis.hget(key(bot_id, "hooks"), hook_id)
        return next(iter(readable([raw], Hook.model_validate_json, "a webhook")), None)

    async def create(self, bot_id: str, url: str, events: tuple[Event, ...]) -> tuple[Hook, str]:
        """A new one, and what its deliveries are signed with. Raises Forbidden."""
        await check_address(self._settings, url)
        hook = Hook(id=uuid4().hex[:12], bot_id=bot_id, url=url, events=events, created=now_ms())
        await self._redis.sadd(HOOKED, bot_id)
        await self._redis.hset(key(bot_id, "hooks"), hook.id, hook.model_dump_json())
        return hook, secret_of(self._settings, hook.id)

    async def delete(self, bot_id: str, hook_id: str) -> bool:
        """Tell it nothing any more; False when there is none of that id. What was on its way to it is dropped
        when it is due."""
        return bool(await self._redis.hdel(key(bot_id, "hooks"), hook_id))

    async def deliveries(self, bot_id: str, hook_id: str, limit: int = 50) -> list[Delivery]:
        """The last of a webhook, newest first."""
        rows = await self._redis.hvals(key(bot_id, "deliveries"))
        found = [d for d in _deliveries(rows) if d.hook_id == hook_id]
        return sorted(found, key=lambda delivery: -delivery.at)[:limit]

    async def replay(self, hook: Hook, delivery_id: str) -> bool:
        """Send a delivery of a webhook again, under its id; False when there is none of it."""
        bot_id = hook.bot_id
        raw = await self._redis.hget(key(bot_id, "deliveries"), delivery_id)
        if not raw or Delivery.model_validate_json(raw).hook_id != hook.id:
            return False
        again = Delivery.model_validate_json(raw).model_copy(
            update={"status": "waiting", "attempts": 0, "next": 0}
        )
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key(bot_id, "deliveries"), delivery_id, again.model_dump_json())
            pipe.zadd(key(bot_id, "delivery_due"), {delivery_id: 0})
            pipe.zrem(key(bot_id, "delivery_finished"), delivery_id)
            await pipe.execute()
        return True

    async def ping(self, hook: Hook) -> str:
        """Send something to see whether it arrives; the delivery's id."""
        payload: dict[str, Any] = {
            "id": uuid4().hex,
            "event": "ping",
            "bot_id": hook.bot_id,
            "at": now_ms(),
            "contact": None,
            "data": {},
        }
        delivery = Delivery(
            id=digest(f"{payload['id']} {hook.id}"),
            hook_id=hook.id,
            event="ping",
            payload=payload,
            at=now_ms(),
        )
        await self._redis.hset(key(hook.bot_id, "deliveries"), delivery.id, delivery.model_dump_json())
        await self._redis.zadd(key(hook.bot_id, "delivery_due"), {delivery.id: 0})
        return delivery.id

    async def keep_telling(self, runtimes: Mapping[str, BotRuntime]) -> None:
        """Deliver until cancelled; any number of workers may."""
        connector = aiohttp.TCPConnector(
            resolver=None if self._settings.hooks_private else PublicOnly(), use_dns_cache=False
        )
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
            while True:
                for runtime in await self._wanted(runtimes):
                    if runtime.bot.id not in self._telling and len(self._telling) < AT_ONCE:
                        task = asyncio.create_task(self._tell(runtime, http))
                        self._telling[runtime.bot.id] = task
                        task.add_done_callback(
                            lambda _, bot_id=runtime.bot.id: self._telling.pop(bot_id, None)
                        )
                    await asyncio.sleep(0)
                await asyncio.sleep(max(PAUSE, len(runtimes) / 200))

    async def _wanted(self, runtimes: Mapping[str, BotRuntime]) -> list[BotRuntime]:
        """The bots that anybody wants to be told of."""
        try:
            for runtime in list(runtimes.values()):
                await self.report_conversions(runtime)
            known = await self._redis.smembers(HOOKED)
            return [runtimes[name] for name in (raw.decode() for raw in known) if name in runtimes]
        except (RedisError, OSError) as error:
            log.error("redis_unreachable", error=repr(error)[:200])
            return []

    async def _tell(self, runtime: BotRuntime, http: aiohttp.ClientSession) -> None:
        try:
            await self.tell(runtime, http)
        except (RedisError, OSError) as error:
            log.error("redis_unreachable", error=repr(error)[:200])
        except Exception:  # one bot's fault must not keep the others' events
            log.exception("hooks_failed", bot=runtime.bot.id)

    async def tell(self, runtime: BotRuntime, http: aiohttp.ClientSession) -> int:
        """Deliver what is due for one bot; how many attempts that took."""
        bot_id = runtime.bot.id
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.exists(key(bot_id, "hooks"))
            pipe.zcard(key(bot_id, "delivery_due"))
            wanted, due = await pipe.execute()
        if wanted:
            while await self._fan_out(runtime, due >= MOST_WAITING):
                due += 1
        elif not due:
            await self._redis.srem(HOOKED, bot_id)
            if await self._redis.exists(key(bot_id, "hooks")):  # made in this very moment
                await self._redis.sadd(HOOKED, bot_id)
            return 0
        keys = [key(bot_id, part) for part in ("delivery_due", "deliveries")]
        rows: Any = await self._scripts.run("claim", keys, {"count": HANDFUL, "term": TERM})
        hooks = {hook.id: hook for hook in await self.every(bot_id)} if rows else {}
        await asyncio.gather(
            *(self._attempt(runtime, hooks.get(d.hook_id), d, http) for d in _deliveries(rows))
        )
        return len(rows)

    async def _fan_out(self, runtime: BotRuntime, full: bool) -> bool:
        """Make deliveries of the oldest event, or drop it when too many wait; False when there is none."""
        bot_id = runtime.bot.id
        raw = await self._redis.lindex(key(bot_id, "happened"), 0)
        if not raw:
            return False
        row = json.loads(raw)
        row["event"] = current_name(row["event"])
        contact = await runtime.conversations.contact(row["conversation_id"])
        who = contact and {
            "id": contact.id,
            "name": contact.profile.get("name") or contact.name,
            "phone": contact.profile.get("phone") or (f"+{contact.wa_id}" if contact.wa_id else ""),
            "profile": contact.profile,
            "ad": contact.referral or None,
            "first_ad": contact.first_referral or None,
        }
        event = digest(f"{row['conversation_id']} {row['event']} {row['id']}")
        payload = {
            "id": event,
            "event": row["event"],
            "bot_id": bot_id,
            "at": row["at"],
            "contact": who,
            "data": row["data"] or {},
        }
        hooks = [hook for hook in await self.every(bot_id) if hook.created <= row["at"] and not full]
        event = None
        if contact and any(hook.kind == "conversions" for hook in hooks):
            event = conversion_of(row, contact, await business_account_of(runtime, contact.account))
        made = [d for hook in hooks if (d := _delivery(hook, payload, event, row["conversation_id"]))]
        if full:
            log.error("hook_event_dropped", bot=bot_id, event_name=row["event"], waiting=MOST_WAITING)
        once = {hook.id for hook in hooks if hook.kind == "conversions"}
        flat = [text for d in made for text in (d.id, d.model_dump_json(), str(int(d.hook_id in once)))]
        keys = [key(bot_id, part) for part in ("happened", "deliveries", "delivery_due", "reported")]
        await self._scripts.run("fan", keys, {"raw": raw}, *flat)
        return True

    async def report_conversions(self, runtime: BotRuntime) -> None:
        """Let the Conversions API be told of what happens, or nothing any more, as the bot is set."""
        bot, name = runtime.bot, f"conversions-{runtime.bot.id}"
        url = endpoint_of(self._settings, bot.conversions) if bot.conversions else ""
        if self._reporting.get(bot.id) == url:
            return
        if url:
            known = await self.one(bot.id, name)
            since = known.created if known else now_ms()
            hook = Hook(id=name, bot_id=bot.id, url=url, created=since, kind="conversions")
            await self._redis.sadd(HOOKED, bot.id)
            await self._redis.hset(key(bot.id, "hooks"), name, hook.model_dump_json())
        else:
            await self.delete(bot.id, name)
            await alerts.clear(self._redis, f"conversions:{bot.id}")
        self._reporting[bot.id] = url

    async def _attempt(
        self, runtime: BotRuntime, hook: Hook | None, delivery: Delivery, http: aiohttp.ClientSession
    ) -> None:
        bot_id, attempts = runtime.bot.id, delivery.attempts + 1
        bound = log.bind(
            bot=bot_id,
            hook=delivery.hook_id,
            delivery=delivery.id,
            event_name=delivery.event,
            attempt=attempts,
        )
        answer = await self._attempts.told(runtime, hook, delivery, http)
        status, wait = "waiting", min(LONGEST, FIRST * 2 ** (attempts - 1))
        if answer.outcome == "taken":
            status = "delivered"
            bound.info("hook_told")
        elif answer.outcome == "refused" or attempts >= ATTEMPTS:
            status = "failed"
            bound.error("hook_given_up", answer=answer.text)
        else:
            bound.warning("hook_not_told", answer=answer.text)
        following = now_ms() + wait if status == "waiting" else 0
        update = {"status": status, "attempts": attempts, "answer": answer.text, "next": following}
        row = delivery.model_copy(update=update).model_dump_json()
        keys = [key(bot_id, part) for part in ("delivery_due", "deliveries", "delivery_finished")]
        asked = {"id": delivery.id, "row": row, "next": following, "at": now_ms(), "most": KEPT}
        await self._scripts.run("settle", keys, asked)
