"""The bill of WhatsApp messages: one entry a message, expected when it goes out, put right by its statuses.

status:C         HASH    `bill:REPLY`  JSON of the entry, beside what became of the reply (`ledger.lua`)
spent:DAY        HASH    wa_nano (billionths of a US dollar), wa_paid and wa_free messages, wa_unpriced:
                         those paid whose price nobody knows; the same in `totals` and in contact:C
service:ACCOUNT  HASH    month -> service messages of a number, of which the first ones are free
charged:ID       STRING  the reply that a conversation of the older model is charged with, for 8 days
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from channels.base import StatusUpdate
from channels.content.pricing import MessagePricing
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.config.whatsapp_prices.countries import country_of_number
from server.observability.charges.forecast import Forecast, category_of, forecast_of
from server.store.client import Redis
from server.store.counters import COUNTING, day_of
from server.store.keys import digest, key
from server.store.message_templates import templates
from server.store.records import Contact, Reply
from server.store.scripts import Scripts

NANO = 1_000_000_000


async def expect_charge(runtime: BotRuntime, contact: Contact, reply: Reply) -> None:
    """Put a reply that goes out on the bill, as far as WhatsApp charges for its number."""
    if not runtime.bot.charged(contact.account):
        return
    known = await templates(runtime.redis, runtime.bot.id) if reply.template else {}
    day = day_of(runtime.bot.limits.timezone)
    found = forecast_of(runtime.bot.prices.card(), contact, category_of(reply.template, known), now_ms(), day)
    given: dict[str, Any] = {"category": found.category, "nano": _nano(found.price), "free": found.free}
    await _run(runtime, "forecast", contact.id, contact.account, reply.id, quota=found.quota, **given)


async def note_price(runtime: BotRuntime, conversation_id: str, reply_id: str, status: StatusUpdate) -> None:
    """Let the bill say what a status does: the price of a reply, or that it did not arrive."""
    if not runtime.bot.charged(status.account):
        return
    if status.status == "failed":
        await _run(runtime, "failed", conversation_id, status.account, reply_id)
    elif status.pricing and status.pricing.charged is not None:
        told = await _told(runtime, conversation_id, status, status.pricing)
        await _run(runtime, "told", conversation_id, status.account, reply_id, **told)


async def _told(
    runtime: BotRuntime, conversation_id: str, status: StatusUpdate, pricing: MessagePricing
) -> dict[str, Any]:
    card, day = runtime.bot.prices.card(), day_of(runtime.bot.limits.timezone)
    country = country_of_number(status.contact) if status.contact.isdecimal() else ""
    if not country and (contact := await runtime.conversations.contact(conversation_id)):
        country = country_of_number(contact.wa_id, contact.user_id)
    period = card.period(day)
    # a card has no prices of the older model
    price = None if pricing.by_conversation else card.price(country, pricing.category, day)
    return {
        "category": pricing.category,
        "nano": _nano(price),
        "charged": int(bool(pricing.charged)),
        "reason": pricing.type or ("regular" if pricing.charged else "not_billable"),
        "quota": period.free_service_messages if period else 0,
        "conversation": digest(pricing.conversation) if pricing.by_conversation else "",
    }


def _nano(price: float | None) -> int | str:
    return "" if price is None else round(price * NANO)


async def service_messages(runtime: BotRuntime, account: str) -> int:
    """How many service messages of a number count for this month's free share."""
    month = day_of(runtime.bot.limits.timezone)[:7]
    return int(await runtime.redis.hget(key(runtime.bot.id, "service", account), month) or 0)


async def price_at(runtime: BotRuntime, contact: Contact, template: str, at: int) -> Forecast:
    """What a message would cost that went out `at` (Unix ms): `template` (`name:language`), or empty for any
    other. Of a service message within the free share of this month the price is 0."""
    if not runtime.bot.charged(contact.account):
        return Forecast("", 0, "not_charged")
    known = await templates(runtime.redis, runtime.bot.id) if template else {}
    day = day_of(runtime.bot.limits.timezone, at)
    found = forecast_of(runtime.bot.prices.card(), contact, category_of(template, known), at, day)
    if found.free:
        return Forecast(found.category, 0, found.free)
    if not template and await service_messages(runtime, contact.account) < found.quota:
        return Forecast(found.category, 0, "free_customer_service")
    return found


@lru_cache(maxsize=16)
def _scripts(redis: Redis) -> Scripts:
    return Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)


async def _run(
    runtime: BotRuntime, name: str, conversation_id: str, account: str, reply_id: str, **arguments: Any
) -> None:
    day = day_of(runtime.bot.limits.timezone)
    places = (("status", conversation_id), ("contact", conversation_id), ("service", account))
    keys = [key(runtime.bot.id, *place) for place in places]
    given = {"day": day, "month": day[:7], "reply": reply_id, **arguments}
    await _scripts(runtime.redis).run(name, keys, given)
