"""Telling the people at the business that a conversation needs them: by webhook, by WhatsApp, and always on
the dashboard.

notices   HASH   turn id -> JSON of a notice that nobody was told yet; a turn that runs again says it once
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import httpx
import structlog
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError

from agent.language.phrases import say, with_return
from agent.phone_numbers import with_country_code
from channels.base import Recipient, SendError
from channels.content.media import Text
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.config.settings import Settings
from server.conversations import outbox
from server.conversations.callbacks import callback
from server.notifications.signing import operator_secret, sign_event
from server.observability.charges.ledger import expect_charge
from server.store.client import Redis
from server.store.keys import key
from server.store.mailbox import DAY
from server.store.records import Contact, Reply

# How often the list is looked at, seconds, and how long one worker has for a notice before another tries.
PAUSE, CLAIM = 1.0, 60
# In the place of a conversation's id on the bill, and for how long a status may still say what one cost.
NOTICES, BILLED_SECONDS = "notice", 30 * 86_400
# What a conversation needs people for, all of it together.
TASK_CHARACTERS = 1_000

log = structlog.get_logger()


class Notice(BaseModel):
    """Why a conversation needs a person. `event`: `handoff` (the bot is silent until it is handed back) or
    `task` (it goes on). `tries` and `next` (ms) are for what could not be delivered, or is not due yet.
    `again`: told only where nobody has answered by then, to the customer too."""

    id: str
    event: str
    bot_id: str
    conversation_id: str
    contact: str
    reason: str
    at: int
    tries: int = 0
    next: int = 0
    again: bool = False


async def call_person(
    runtime: BotRuntime, contact: Contact, notice_id: str, event: str, reason: str
) -> Notice:
    """Show on the dashboard that a conversation needs a person, and tell the operator, once for the id. What
    it needed one for before is not forgotten over it."""
    now = await runtime.conversations.contact(contact.id)
    await runtime.conversations.set(contact.id, task=_with(now.task if now else "", reason[:500]))
    notice = Notice(
        id=notice_id,
        event=event,
        bot_id=runtime.bot.id,
        conversation_id=contact.id,
        contact=contact.profile.get("name") or contact.name,
        reason=reason[:500],
        at=now_ms(),
    )
    await leave(runtime.redis, notice)
    log.info("person_called", bot=runtime.bot.id, conversation=contact.id, turn=notice_id, reason=event)
    return notice


def _with(open_task: str, reason: str) -> str:
    """The lines of a task, the newest last; the oldest go when there are too many."""
    lines = [line for line in open_task.splitlines() if line != reason]
    while len("\n".join([*lines, reason])) > TASK_CHARACTERS:
        lines.pop(0)
    return "\n".join([*lines, reason])


async def leave(redis: Redis, notice: Notice) -> None:
    """Put a notice on the list, once for its id."""
    await redis.hsetnx(_list(notice), notice.id, notice.model_dump_json())


def _list(notice: Notice) -> str:
    return key(notice.bot_id, "reminders" if notice.again else "notices")


async def keep_telling(
    settings: Settings,
    redis: Redis,
    runtimes: Mapping[str, BotRuntime],
    router: ChannelRouter,
    http: httpx.AsyncClient,
) -> None:
    """Deliver notices until cancelled; of many workers one takes each."""
    while True:
        try:
            for runtime in runtimes.values():
                for name in ("notices", "reminders"):
                    raw = await redis.hgetall(key(runtime.bot.id, name))
                    for id, row in raw.items():
                        try:
                            notice = Notice.model_validate_json(row)
                        except ValidationError:  # the dashboard has the conversation; the others must be told
                            await runtime.conversations.quarantine(
                                "a notice that cannot be read", row.decode(errors="replace")
                            )
                            await redis.hdel(key(runtime.bot.id, name), id)
                            continue
                        await _deliver(settings, redis, runtime, router, http, notice)
        except (RedisError, OSError) as error:
            log.error("redis_unreachable", error=repr(error)[:200])
        await asyncio.sleep(max(PAUSE, len(runtimes) / 100))


async def _deliver(
    settings: Settings,
    redis: Redis,
    runtime: BotRuntime,
    router: ChannelRouter,
    http: httpx.AsyncClient,
    notice: Notice,
) -> None:
    held = key(runtime.bot.id, "noticing", notice.id)
    if notice.next > now_ms() or not await redis.set(held, 1, nx=True, ex=CLAIM):
        return
    if notice.again and not await _still_waits(runtime, notice):
        await redis.hdel(_list(notice), notice.id)
        await redis.delete(held)
        return
    failed = [
        why
        for why in (
            await _post(settings, runtime, http, notice),
            await _write(settings, runtime, router, notice),
        )
        if why
    ]
    bound = log.bind(bot=notice.bot_id, conversation=notice.conversation_id, notice=notice.id)
    if not failed or notice.at < now_ms() - DAY:
        if failed:
            bound.error("notice_given_up", reasons=failed)
        await redis.hdel(_list(notice), notice.id)
        if not failed:
            bound.info("notice_told")
    else:
        bound.warning("notice_not_told", reasons=failed, tries=notice.tries + 1)
        later = notice.model_copy(
            update={"tries": notice.tries + 1, "next": now_ms() + min(600_000, 2_000 * 2**notice.tries)}
        )
        await redis.hset(_list(notice), notice.id, later.model_dump_json())
    await redis.delete(held)


async def _still_waits(runtime: BotRuntime, notice: Notice) -> bool:
    """Whether nobody has looked after a conversation that was handed over; then the customer hears, once,
    that it is not forgotten."""
    contact = await runtime.conversations.contact(notice.conversation_id)
    if contact is None or contact.assignee != "person" or not contact.waiting_since:
        return False
    if not contact.stopped:
        language = contact.profile.get("language") or "en"
        text = with_return(
            say("still_waiting", language), language, runtime.bot.outreach.hours.back_at(now_ms())
        )
        await outbox.post(runtime, contact, Reply(id=notice.id, text=text, notice=True))
    return True


async def _post(settings: Settings, runtime: BotRuntime, http: httpx.AsyncClient, notice: Notice) -> str:
    """POST the notice as JSON, signed as outgoing webhooks are; why it failed, or nothing."""
    if not runtime.bot.operator_webhook_url:
        return ""
    link = f"{settings.links_url}/dashboard/{notice.bot_id}/{notice.conversation_id}"
    body = json.dumps({**notice.model_dump(exclude={"tries", "next"}), "link": link}).encode()
    signed = sign_event(operator_secret(settings, notice.bot_id), now_ms() // 1000, body)
    headers = {"Content-Type": "application/json", "X-Salesgraph-Signature": signed}
    try:
        answer = await http.post(runtime.bot.operator_webhook_url, content=body, headers=headers, timeout=10)
    except httpx.HTTPError as error:
        return f"OPERATOR_WEBHOOK_URL: {error!r}"[:200]
    return "" if answer.status_code < 300 else f"OPERATOR_WEBHOOK_URL: HTTP {answer.status_code}"


async def _write(settings: Settings, runtime: BotRuntime, router: ChannelRouter, notice: Notice) -> str:
    """A WhatsApp message to the operator's number. Their 24-hour window may be closed: they must write to the
    number first."""
    account = runtime.bot.account
    channel = router.channel(runtime.bot.id, account) if account else None
    if not runtime.bot.operator_number or channel is None:
        return ""
    link = f"{settings.links_url}/dashboard/{notice.bot_id}/{notice.conversation_id}"
    text = f"*{notice.contact or 'A contact'}* needs a person ({runtime.bot.id}).\n{notice.reason}\n{link}"
    number = with_country_code(runtime.bot.operator_number)
    known = await runtime.conversations.known(account, number)
    writes = (
        await runtime.conversations.contact(known) if known else None
    )  # in the spelling that they write from, if they do
    to = Recipient(account=account, wa_id=writes.wa_id if writes and writes.wa_id else number)
    try:
        await channel.send(to, Text(body=text[:4096]), callback(NOTICES, notice.id)[:512])
    except SendError as error:
        if error.kind == "unknown":
            return ""  # it may have arrived, and one too few is better than a flood: the dashboard has it
        return f"OPERATOR_NUMBER: {error}"[:200]
    await _on_the_bill(
        runtime, Contact(id=NOTICES, bot_id=notice.bot_id, account=account, wa_id=to.wa_id), notice
    )
    return ""


async def _on_the_bill(runtime: BotRuntime, operator: Contact, notice: Notice) -> None:
    """A notice costs what any message does, and belongs to no conversation."""
    try:
        states = key(runtime.bot.id, "status", NOTICES)
        await runtime.redis.hsetnx(states, notice.id, "accepted")
        await runtime.redis.expire(states, BILLED_SECONDS)
        await expect_charge(runtime, operator, Reply(id=notice.id, text=notice.reason))
    except Exception:  # nothing that goes wrong with the bill may let a message go out twice
        log.exception("notice_not_billed", bot=notice.bot_id, notice=notice.id)
