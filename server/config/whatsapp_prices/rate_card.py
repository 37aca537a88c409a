"""A rate card: what a message costs by market, category and day, and what is free.

The card that is shipped is `rates.json`, which names its source and what it leaves out. What is free:
"Pricing on the WhatsApp Business Platform" and "Pricing for non-template messages" (Meta, November 2026)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

SHIPPED = Path(__file__).with_name("rates.json")
# In the place of a country: every one that no market names.
ANY = "*"

# Categories of Meta's rate cards.
PriceCategory = Literal["service", "utility", "authentication", "authentication_international", "marketing"]
CATEGORIES: tuple[str, ...] = get_args(PriceCategory)
Dollars = Annotated[float, Field(ge=0, le=10, description="US dollars of one message")]
# market -> category -> US dollars
OwnPrices = dict[str, dict[PriceCategory, Dollars]]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$", description="ISO 3166-1, two letters; or *")]


class BadRateCard(ValueError):
    """A file that is no rate card; the message names each field and what is wrong with it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Market(_Part):
    """Countries that have the same prices. A category without a price has none that is known."""

    countries: tuple[Country, ...] = Field(min_length=1)
    service: Dollars | None = None
    utility: Dollars | None = None
    authentication: Dollars | None = None
    authentication_international: Dollars | None = None
    marketing: Dollars | None = None


class PricePeriod(_Part):
    """What holds from a day on."""

    starts: date = Field(alias="from")
    free_service_messages: int = Field(
        ge=0, description="Service messages of a number and month that are free"
    )
    free_entry_point_hours: int = Field(ge=0, description="For so long after an ad everything is free")
    markets: Mapping[str, Market] = Field(min_length=1)

    @field_validator("markets")
    @classmethod
    def _apart(cls, markets: Mapping[str, Market]) -> Mapping[str, Market]:
        seen: dict[str, str] = {}
        for name, market in markets.items():
            for country in market.countries:
                if country in seen:
                    raise ValueError(f"{country} stands in {seen[country]} and in {name}: leave it in one")
                seen[country] = name
        return markets

    @cached_property
    def _named(self) -> dict[str, str]:
        return {country: name for name, market in self.markets.items() for country in market.countries}

    def market(self, country: str) -> str:
        """The market of a country (ISO); empty where the card has none for it."""
        return self._named.get(country) or self._named.get(ANY, "")


class RateCard(_Part):
    """Periods in the order of time, the last one open; `source` and `checked` say where the prices are from
    and when somebody last compared them."""

    source: str = Field(min_length=3, max_length=2_000)
    checked: date
    currency: Literal["USD"]
    notes: str = Field(default="", max_length=4_000)
    periods: tuple[PricePeriod, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(a.starts >= b.starts for a, b in itertools.pairwise(self.periods)):
            raise ValueError("periods: put them in the order of their days, each day once")
        return self

    def period(self, day: str) -> PricePeriod | None:
        """What holds on a day (YYYY-MM-DD); None for one before the card begins."""
        wanted = date.fromisoformat(day)
        return next((one for one in reversed(self.periods) if one.starts <= wanted), None)

    def price(self, country: str, category: str, day: str) -> float | None:
        """US dollars of one message to a country (ISO) in a category; None where the card does not say."""
        period = self.period(day)
        market = period and period.markets.get(period.market(country))
        return getattr(market, category) if market and category in CATEGORIES else None

    def with_own(self, own: Mapping[str, Mapping[PriceCategory, float]]) -> RateCard:
        """The card with prices of an owner's own, in place of its own in every period: `market -> category ->
        US dollars`. Raises BadRateCard for a market or a category that there is none of."""
        if not own:
            return self
        known = {name for period in self.periods for name in period.markets}
        if strange := sorted(own.keys() - known):
            raise BadRateCard(f"{strange[0]}: there is no such market; known are {', '.join(sorted(known))}")
        periods = [
            period.model_copy(
                update={
                    "markets": {
                        name: _repriced(name, market, own.get(name, {}))
                        for name, market in period.markets.items()
                    }
                }
            )
            for period in self.periods
        ]
        return self.model_copy(update={"periods": tuple(periods)})


def _repriced(name: str, market: Market, own: Mapping[PriceCategory, float]) -> Market:
    try:
        return Market.model_validate({**market.model_dump(), **own}) if own else market
    except ValidationError as error:
        raise BadRateCard(_said(error, name)) from None


def read_rate_card(text: str) -> RateCard:
    """The rate card of a file, JSON or YAML. Raises BadRateCard."""
    try:
        found: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadRateCard(f"it is neither JSON nor YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(found, dict):
        raise BadRateCard("it must hold source, checked, currency and periods")
    try:
        return RateCard.model_validate_json(json.dumps(cast(object, found), default=str))
    except (ValidationError, ValueError) as error:
        raise BadRateCard(_said(error) if isinstance(error, ValidationError) else str(error)[:300]) from None


def _said(error: ValidationError, under: str = "") -> str:
    """Each field and what is wrong with it, the first ones."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_problem(one["loc"], one["msg"], under) for one in problems[:10])


def _problem(place: Iterable[int | str], what: str, under: str) -> str:
    named = ".".join([*([under] if under else []), *map(str, place)])
    return f"{named or 'the file'}: {what.removeprefix('Value error, ')}"


@cache
def shipped_rate_card() -> RateCard:
    """The card that comes with this version."""
    return read_rate_card(SHIPPED.read_text(encoding="utf-8"))
