"""What the bots' model calls and their messages cost, and how much of a day's budget is left.

spent:DAY   HASH   calls, input, output, nano (billionths of a US dollar), `unpriced` calls and what those
                   would have cost with the dearest model (`assumed`, billionths); kept for 400 days.
                   What WhatsApp charges stands beside it (`server.observability.charges.ledger`)
contact:C   HASH   calls, input, output, nano of the conversation, and what WhatsApp charges for it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from pydantic import Field

from agent.models.usage import Allowance, Call
from server.bots.bot import Bot
from server.config.settings import Settings
from server.store import alerts
from server.store.client import Redis
from server.store.counters import ad_of, day_of
from server.store.keys import key
from server.store.records import Record

NANO = 1_000_000_000
KEPT_SECONDS = 400 * 86_400
# Of the budget: from here on the cheaper model answers, so that the rest lasts longer.
CAREFUL = 0.8

log = structlog.get_logger()


class Usage(Record):
    """Model calls and messages, and their cost."""

    calls: int = Field(description="Model calls")
    input_tokens: int = Field(description="Tokens of what models were asked")
    output_tokens: int = Field(description="Tokens of what they answered")
    cost: float = Field(description="US dollars of model calls")
    whatsapp_cost: float = Field(
        description="US dollars that WhatsApp charges for messages, without those whose price nobody knows"
    )
    paid_messages: int = Field(description="Messages that WhatsApp charges for")
    free_messages: int = Field(description="Messages that it charges for in principle, and that were free")
    unpriced_messages: int = Field(description="Messages paid whose price nobody knows")


def usage_of(row: Mapping[str, int]) -> Usage:
    """The sums of a bill as Redis holds them."""
    return Usage(
        calls=row.get("calls", 0),
        input_tokens=row.get("input", 0),
        output_tokens=row.get("output", 0),
        cost=round(row.get("nano", 0) / NANO, 6),
        whatsapp_cost=round(row.get("wa_nano", 0) / NANO, 6),
        paid_messages=row.get("wa_paid", 0),
        free_messages=row.get("wa_free", 0),
        unpriced_messages=row.get("wa_unpriced", 0),
    )


class DayUsage(Usage):
    """What a bot's model calls and messages of a day cost."""

    assumed_cost: float = Field(
        description="US dollars that calls of models without a price would have cost with the dearest model"
    )
    unpriced_calls: int = Field(description="Calls of models without a price")


class Spending:
    """The bill of every bot, by day in the business's time zone."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._timezone, self._redis = settings.timezone, redis

    def today(self) -> str:
        """YYYY-MM-DD."""
        return day_of(self._timezone)

    async def allowance(self, bot: Bot) -> Allowance:
        """How much the next turn of a bot may spend. The first turn to find the budget short raises an
        alert."""
        budget = bot.context.daily_budget
        if not budget:
            return "full"
        today = await self.of(bot.id)
        spent = today.cost + today.assumed_cost + today.whatsapp_cost
        if spent < CAREFUL * budget:
            await alerts.clear(self._redis, f"budget:{bot.id}")
            return "full"
        what = "offline answers" if spent >= budget else "the cheaper model"
        text = (
            f"{bot.id} has spent {spent:.2f} of {budget:.2f} US dollars today; {what} until midnight. "
            "Raise daily_budget to change that."
        )
        if today.whatsapp_cost:
            text += f" {today.whatsapp_cost:.2f} of it is what WhatsApp charges for messages."
        if today.assumed_cost:
            text += (
                f" {today.assumed_cost:.2f} of it is for models without a price, counted like the dearest: "
                "MODEL_PRICES says what they cost."
            )
        await alerts.raise_alert(self._redis, f"budget:{bot.id}", text, "daily_budget", bot.id)
        return "offline" if spent >= budget else "cheaper"

    async def record(self, bot_id: str, conversation_id: str, calls: Sequence[Call]) -> None:
        """Put calls on the bills of the bot and, unless its id is empty, of the conversation."""
        if not calls:
            return
        bill = {
            "calls": len(calls),
            "input": sum(call.input_tokens for call in calls),
            "output": sum(call.output_tokens for call in calls),
            "nano": round(NANO * sum(call.cost for call in calls)),
        }
        day = key(bot_id, "spent", self.today())
        ad = await ad_of(self._redis, bot_id, conversation_id) if conversation_id else ""
        async with self._redis.pipeline(transaction=False) as pipe:
            for name, amount in bill.items():
                pipe.hincrby(day, name, amount)
                pipe.hincrby(key(bot_id, "totals"), name, amount)
                if conversation_id:
                    pipe.hincrby(key(bot_id, "contact", conversation_id), name, amount)
            if assumed := round(NANO * sum(call.assumed for call in calls)):
                pipe.hincrby(day, "assumed", assumed)
            if ad and bill["nano"]:
                for name in (key(bot_id, "figures", self.today()), key(bot_id, "totals")):
                    pipe.hincrby(name, f"ad nano {ad}", bill["nano"])
            if unpriced := sum(not call.priced for call in calls):
                pipe.hincrby(day, "unpriced", unpriced)
            pipe.expire(day, KEPT_SECONDS)
            await pipe.execute()

    async def of(self, bot_id: str, day: str = "") -> DayUsage:
        """Calls, tokens and US dollars of a bot on a day (today)."""
        raw = await self._redis.hgetall(key(bot_id, "spent", day or self.today()))
        row = {name.decode(): int(value) for name, value in raw.items()}
        return DayUsage(
            **usage_of(row).model_dump(),
            assumed_cost=row.get("assumed", 0) / NANO,
            unpriced_calls=row.get("unpriced", 0),
        )
