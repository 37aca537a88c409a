"""What a message is going to cost at WhatsApp, before any status of it has come.

The rules are Meta's ("Pricing on the WhatsApp Business Platform", "Pricing for non-template messages",
November 2026): one charge for each message, by its category and the market of whom it goes to; everything is
free for some time after an ad; so many service messages of a number and month are free, which only a counter
can tell (`server.observability.charges.ledger`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.config.whatsapp_prices.countries import country_of_number
from server.config.whatsapp_prices.rate_card import RateCard
from server.store.message_templates import MessageTemplate
from server.store.records import Contact

HOUR = 3_600_000
SERVICE, ENTRY_POINT = "service", "free_entry_point"
# A template whose category nobody knows is counted like the dearest.
UNKNOWN_TEMPLATE = "marketing"


@dataclass(frozen=True, slots=True)
class Forecast:
    """`price` in US dollars, None where the card does not say; `free`: why it costs nothing, empty where it
    does; `quota`: so many service messages of the month cost nothing."""

    category: str
    price: float | None
    free: str = ""
    quota: int = 0


def category_of(template: str, known: Mapping[str, MessageTemplate]) -> str:
    """The category that a message is charged in: `template` (`name:language`) as the account has it, or empty
    for any other message."""
    if not template:
        return SERVICE
    found = known.get(template)
    return found.category.lower() if found and found.category else UNKNOWN_TEMPLATE


def free_entry_until(card: RateCard, contact: Contact, day: str) -> int:
    """Until when (Unix ms) everything to a contact is free who came from an ad; 0: they did not."""
    came, period = contact.referral.get("at", ""), card.period(day)
    if not period or contact.referral.get("source_type") != "ad" or not came.isdecimal():
        return 0
    return int(came) + period.free_entry_point_hours * HOUR


def forecast_of(card: RateCard, contact: Contact, category: str, now: int, day: str) -> Forecast:
    """The price of a message to a contact that goes out `now` (Unix ms), on `day` (YYYY-MM-DD)."""
    price = card.price(country_of_number(contact.wa_id, contact.user_id), category, day)
    period = card.period(day)
    if now < free_entry_until(card, contact, day):
        return Forecast(category, price, ENTRY_POINT)
    return Forecast(category, price, quota=period.free_service_messages if period else 0)
