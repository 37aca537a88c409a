"""What it saves that messages which come in quick succession are answered together: a bot that answers each
of them sends, and pays, as many replies.

Counted by the step that ends a turn (`counted` in `server/store/counters.lua`), so once however often it was
run: `bursts`, the turns that answered several messages; `burst messages` in them; `burst saved`, how many
replies fewer than messages went out; `burst nano`, what those would have cost at list price, in billionths of
a US dollar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import Field

from channels.base import ANSWERED, Message
from server.bots.bot import BotRuntime
from server.config.whatsapp_prices.countries import country_of_number
from server.observability.charges.forecast import SERVICE
from server.observability.costs import NANO
from server.store.counters import day_of
from server.store.mailbox import TurnOutcome
from server.store.records import Contact, Record


class SavedMessages(Record):
    """What was saved by answering messages together that came together."""

    bursts: int = Field(description="Turns that answered several messages at once")
    messages: int = Field(description="Messages of contacts in them")
    saved: int = Field(description="Replies fewer than messages: what a reply to each would have been more")
    saved_cost: float = Field(
        description="US dollars that those would have cost at WhatsApp, at list price, where it charges; the "
        "free share of a month is not taken off"
    )


def saved_messages(figures: Mapping[str, int]) -> SavedMessages:
    """Of the figures of a day or of a period."""
    return SavedMessages(
        bursts=figures.get("bursts", 0),
        messages=figures.get("burst messages", 0),
        saved=figures.get("burst saved", 0),
        saved_cost=round(figures.get("burst nano", 0) / NANO, 6),
    )


def with_merged(
    then: TurnOutcome, runtime: BotRuntime, contact: Contact, batch: Sequence[Message], replies: int
) -> TurnOutcome:
    """What a turn leaves behind, with what it saves that it answered all of a batch in so many replies."""
    answered = sum(message.kind in ANSWERED for message in batch)
    if answered < 2 or not replies:
        return then
    saved = max(0, answered - replies)
    bot = runtime.bot
    day, country = day_of(bot.limits.timezone), country_of_number(contact.wa_id, contact.user_id)
    price = bot.prices.card().price(country, SERVICE, day) if bot.charged(contact.account) else 0
    told = f"merged:{answered}:{saved}:{round(saved * (price or 0) * NANO)}"
    return replace(then, count=f"{then.count} {told}".strip())
