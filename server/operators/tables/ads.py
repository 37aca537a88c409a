"""What each ad brought: people, clients, appointments, orders, and what talking to them cost.

Everything counts for the last ad that somebody had come from when it happened (`of_ad` of `counters.lua`)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from agent.ordering.cart import plain_sum
from server.bots.bot import BotRuntime
from server.observability.costs import NANO
from server.store.client import Redis
from server.store.counters import WORTH, by_ad, by_day, days, summed
from server.store.keys import key
from server.store.readable import fields_of, readable
from server.store.records import Record

# What stands in a row, and the figure of the ad that it is.
COUNTED = {
    "arrivals": "arrivals",
    "contacts": "contacts",
    "clients": "clients",
    "appointments": "bookings",
    "yes": "yes",
    "orders": "orders",
    "purchases": "purchases",
}
# How a figure begins that says what was bought, in a currency.
WORTH_IN = "worth_"


class AdFigures(Record):
    """What an ad, or a post, brought in a time."""

    ad: str = Field(description="Its id at Meta; its address where it has none")
    source_type: str = Field(default="", description="`ad` or `post`")
    headline: str = Field(default="", description="Its headline")
    source_url: str = Field(default="", description="Its address")
    arrivals: int = Field(description="How often somebody came from it")
    contacts: int = Field(description="People who had never written before")
    clients: int = Field(description="People who became known as clients")
    appointments: int = Field(description="Appointments that they made")
    yes: int = Field(description="People who said yes to an offer")
    orders: int = Field(description="Orders that they placed")
    purchases: int = Field(description="Orders that they paid, and purchases that were noted")
    revenue: str = Field(description="What they paid, such as `4500 KZT`; of several currencies each")
    model_cost: float = Field(description="US dollars of model calls for them")
    whatsapp_cost: float = Field(description="US dollars of messages to them, where it is known")


class AdReport(Record):
    """The ads of a period, the one with the most arrivals first."""

    first: str = Field(description="Its first day, YYYY-MM-DD")
    last: str = Field(description="Its last day, YYYY-MM-DD")
    bots: list[str] = Field(description="The bots that are counted")
    ads: list[AdFigures] = Field(description="Each ad that brought somebody, or whose people did something")


AD_COLUMNS = tuple(AdFigures.model_fields)


async def ad_report(redis: Redis, runtimes: Mapping[str, BotRuntime], first: str, last: str) -> AdReport:
    """What ads brought to these bots from one day (YYYY-MM-DD) to another. Raises ValueError for what is no
    period."""
    total = by_ad(summed(await by_day(redis, list(runtimes), days(first, last))))
    known: dict[str, dict[str, Any]] = {}
    for bot_id in runtimes:
        for name, row in (await redis.hgetall(key(bot_id, "ads"))).items():
            known |= {name.decode(): found for found in readable([row], fields_of, "an ad")}
    rows = [_row(ad, counts, known.get(ad, {})) for ad, counts in total.items()]
    rows.sort(key=lambda row: (-row.arrivals, row.ad))
    return AdReport(first=first, last=last, bots=list(runtimes), ads=rows)


def _row(ad: str, counts: Mapping[str, int], said: Mapping[str, Any]) -> AdFigures:
    words = {name: str(said.get(name) or "") for name in ("source_type", "headline", "source_url")}
    figures = {name: counts.get(figure, 0) for name, figure in COUNTED.items()}
    costs = {
        f"{name}_cost": round(counts.get(figure, 0) / NANO, 6)
        for name, figure in (("model", "nano"), ("whatsapp", "whatsapp_nano"))
    }
    worth = {name: Decimal(count).scaleb(-WORTH) for name, count in counts.items() if count}
    paid = sorted((name, sum) for name, sum in worth.items() if name.startswith(WORTH_IN))
    revenue = ", ".join(f"{plain_sum(sum)} {name.removeprefix(WORTH_IN)}" for name, sum in paid)
    return AdFigures.model_validate({"ad": ad, **words, **figures, "revenue": revenue, **costs})
