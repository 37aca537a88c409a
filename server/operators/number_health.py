"""The health of a bot's numbers as people see it: quality, limits, restrictions, templates, and what follows
for sending."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from server.bots.bot import BotRuntime
from server.observability.health.kept import record_of
from server.observability.health.record import NumberHealth
from server.outreach.reach import Reach, bounds
from server.store.message_templates import MessageTemplate, templates
from server.store.records import Record


class NumberCard(NumberHealth):
    """A number with what follows for whom it writes to first. Replies to people who wrote always go on."""

    reached: int = Field(description="People who were written to first within 24 hours")
    sending: Literal["free", "slower", "stopped"] = Field(
        description="Whether follow-ups and templates go out as they are due, slower, or not at all"
    )
    why: str = Field(default="", description="Why they do not go out as they are due")


class BotHealth(Record):
    """How the numbers and templates of a bot stand with WhatsApp."""

    bot_id: str = Field(description="The bot's id")
    numbers: list[NumberCard] = Field(description="Its numbers on the Cloud API")
    templates: list[MessageTemplate] = Field(description="Its message templates, by name")
    ignored: dict[str, int] = Field(
        description="Webhook fields that mean nothing to Salesgraph -> how often they came, for all bots"
    )


async def health_of_bot(runtime: BotRuntime) -> BotHealth:
    """What is known of a bot's numbers and templates now."""
    record, bot_id = record_of(runtime.redis), runtime.bot.id
    own = [one.id for one in runtime.bot.accounts if one.channel == "cloud_api"]
    accounts = list(dict.fromkeys([*own, *await record.accounts(bot_id)]))
    known = await templates(runtime.redis, bot_id)
    return BotHealth(
        bot_id=bot_id,
        numbers=[await _card(runtime, account) for account in accounts],
        templates=[known[name] for name in sorted(known)],
        ignored=await record.ignored(),
    )


async def _card(runtime: BotRuntime, account: str) -> NumberCard:
    health, reach = await record_of(runtime.redis).with_history(runtime.bot.id, account), Reach(runtime.redis)
    reached, (careful, most) = await reach.count(health), bounds(health, urgent=False)
    sending, why = "free", health.silenced
    if why or 0 <= most <= reached:
        sending = "stopped"
    elif 0 <= careful <= reached:
        sending = "slower"
    if sending != "free" and not why:
        why = f"{reached} of {health.limit} people were written to first within 24 hours"
    return NumberCard(**health.model_dump(), reached=reached, sending=sending, why=why)
