"""What a message costs, by the number it goes to, the category and the day; and only a whole rate card is put
in force."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from server.bots.bot import build_bot
from server.config.bot import BadConfig
from server.config.settings import Settings
from server.config.whatsapp_prices.countries import country_of_number
from server.config.whatsapp_prices.prices_in_force import NAME, WhatsAppPrices, keep_rate_card
from server.config.whatsapp_prices.rate_card import BadRateCard, read_rate_card, shipped_rate_card

TODAY = "2026-11-30"


@pytest.mark.parametrize(
    ("number", "market", "service", "marketing"),
    [
        ("77015550101", "Kazakhstan", 0.018, 0.0604),
        ("79161234567", "Russia", 0.04, 0.0802),
        ("393331234567", "Italy", 0.03, 0.0795),
        ("917700900077", "India", 0.0014, 0.0118),
        ("5511999999999", "Brazil", 0.0068, 0.0625),
        ("12125550100", "North America", 0.0034, 0.025),
        ("17875550100", "Rest of Latin America", 0.0113, 0.074),
        ("12425550100", "Other", 0.0077, 0.0604),
        ("447911123456", "United Kingdom", 0.022, 0.0635),
        ("441534123456", "United Kingdom", 0.022, 0.0635),  # Jersey: +44
        ("998901234567", "Rest of Asia Pacific", 0.0113, 0.0842),
        ("237671234567", "Rest of Africa", 0.004, 0.0225),
        ("35699123456", "Other", 0.0077, 0.0604),
    ],
)
def test_a_number_has_the_price_of_its_market(number: str, market: str, service: float, marketing: float):
    card, country = shipped_rate_card(), country_of_number(number)
    period = card.period(TODAY)
    assert period and period.market(country) == market
    assert card.price(country, "service", TODAY) == card.price(country, "utility", TODAY) == service
    assert card.price(country, "marketing", TODAY) == marketing


def test_who_has_no_number_has_the_country_of_their_user_id():
    assert country_of_number("", "KZ.13491208655302741918") == "KZ"
    assert [country_of_number(*who) for who in (("", ""), ("", "kz.1"), ("x", ""), ("999999", ""))] == [
        ""
    ] * 4


def test_what_is_not_known_is_not_guessed():
    card = shipped_rate_card()
    assert card.price("KZ", "service", "2026-09-30") is None  # before the card begins
    assert card.price("KZ", "authentication_international", TODAY) is None
    assert card.price("KZ", "marketing_lite", TODAY) is None and card.price("KZ", "countries", TODAY) is None


def test_the_shipped_card_says_where_it_is_from_and_when_it_was_looked_at():
    card = shipped_rate_card()
    assert "Meta" in card.source and card.checked >= date(2026, 11, 30) and "volume tiers" in card.notes
    assert len(card.periods[0].markets) == 47


def card_of(**more: Any) -> dict[str, Any]:
    markets = {"Italy": {"countries": ["IT"], "service": 0.02}}
    first = {"from": "2026-10-01", "free_service_messages": 1000, "free_entry_point_hours": 72}
    card = {"source": "an invoice", "checked": "2026-12-01", "currency": "USD"}
    return {**card, "periods": [{**first, "markets": markets}], **more}


def test_a_price_holds_from_its_day_until_the_next():
    later = {"from": "2027-01-01", "free_service_messages": 500, "free_entry_point_hours": 72}
    markets = {"Italy": {"countries": ["IT"], "service": 0.05}}
    periods = [*card_of()["periods"], {**later, "markets": markets}]
    card = read_rate_card(json.dumps(card_of(periods=periods)))
    days = ("2026-09-30", "2026-10-01", "2026-12-31", "2027-01-01", "2030-01-01")
    assert [card.price("IT", "service", day) for day in days] == [None, 0.02, 0.02, 0.05, 0.05]
    assert card.price("DE", "service", TODAY) is None  # this card has no other market


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "source, checked, currency and periods"),
        ("{", "neither JSON nor YAML"),
        ("a: &a [*a]", "."),
        (json.dumps(card_of(currency="EUR")), "currency"),
        (json.dumps(card_of(source="")), "source"),
        (json.dumps(card_of(periods=[])), "periods"),
        (json.dumps(card_of(surprise=1)), "surprise"),
        (json.dumps(card_of()).replace("0.02", "-1"), "periods.0.markets.Italy.service"),
        (json.dumps(card_of()).replace("0.02", '"free"'), "periods.0.markets.Italy.service"),
        (json.dumps(card_of()).replace('"IT"', '"Italy"'), "periods.0.markets.Italy.countries.0"),
        (json.dumps(card_of()).replace('"IT"', '"IT", "IT"'), "IT stands in Italy and in Italy"),
        (json.dumps(card_of(periods=card_of()["periods"] * 2)), "in the order of their days"),
    ],
)
def test_a_file_that_is_no_rate_card_is_refused_by_the_field(tmp_path: Path, text: str, named: str):
    with pytest.raises(BadRateCard, match=named):
        keep_rate_card(tmp_path, text)
    assert list(tmp_path.iterdir()) == []


def test_an_owners_card_is_in_force_as_soon_as_it_is_kept_and_their_own_prices_stand_over_it(tmp_path: Path):
    own = WhatsAppPrices.of(tmp_path, {"Italy": {"service": 0.01}})
    plain = WhatsAppPrices.of(tmp_path, {})
    assert plain.card().price("IT", "service", TODAY) == 0.03
    assert own.card().price("IT", "service", TODAY) == 0.01
    assert own.card().price("IT", "marketing", TODAY) == 0.0795
    keep_rate_card(tmp_path, json.dumps(card_of()))
    assert plain.card().price("IT", "service", TODAY) == 0.02
    assert own.card().price("IT", "service", TODAY) == 0.01
    (tmp_path / NAME).write_text("damaged", encoding="utf-8")
    assert plain.card().price("IT", "service", TODAY) == 0.03  # of this version, and the log says why


def test_prices_of_ones_own_are_of_a_bot_and_of_a_market_that_there_is(tmp_path: Path):
    settings = Settings(_env_file=None, data_dir=tmp_path, whatsapp_prices={"India": {"utility": 0.5}})
    bot = build_bot(settings, {"id": "b", "whatsapp_prices": {"Italy": {"service": 0}}}, {})
    prices = [bot.prices.card().price(*one, TODAY) for one in (("IN", "utility"), ("IT", "service"))]
    assert prices == [0.5, 0]
    with pytest.raises(BadConfig, match="whatsapp_prices: Mars: there is no such market"):
        build_bot(settings, {"id": "b", "whatsapp_prices": {"Mars": {"service": 1}}}, {})
    with pytest.raises(ValueError, match="Mars"):
        Settings(_env_file=None, whatsapp_prices={"Mars": {"service": 1}})
