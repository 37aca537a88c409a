"""What a file says of when its prices hold is applied: a price that is over is not offered as current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.offline.quoting import Quotes, holds
from agent.offline.quoting import ShownPassage as Shown
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.corrections import Corrections, corrected
from knowledge_base.goods.validity import on_day, stated, validity_in, with_days
from knowledge_base.reading import Reading, read_apart
from tools.find_product import answer_of


def reading(folder: Path, text: str, name: str = "a.csv") -> Reading:
    (folder / name).write_text(text, encoding="utf-8")
    return read_apart(folder / name)


@pytest.mark.parametrize(
    ("line", "first", "last"),
    [
        ("Prices valid until 31.12.2026", None, "2026-12-31"),
        ("Price list valid from 1 March 2027", "2027-03-01", None),
        ("Прайс-лист действителен с 01.01.2026 по 31.03.2026", "2026-01-01", "2026-03-31"),
        ("Цены действуют до 15 декабря 2026 г.", None, "2026-12-15"),
        ("Preisliste gültig ab 01.02.2027", "2027-02-01", None),
        ("Aktion: 01.10.2026 – 31.10.2026", "2026-10-01", "2026-10-31"),
        ("Listino valido fino al 30 giugno 2026", None, "2026-06-30"),
        ("Precios válidos hasta el 5 de enero de 2027", None, "2027-01-05"),
        ("Fiyatlar 31.12.2026 tarihine kadar geçerlidir", None, "2026-12-31"),
        ("Бағалар 31.12.2026 дейін күшінде", None, "2026-12-31"),
        ("Offer ends Dec 24, 2026", None, "2026-12-24"),
    ],
)
def test_a_line_says_when_prices_hold(line: str, first: str | None, last: str | None):
    found = validity_in(line)
    assert (found.first and found.first.isoformat(), found.last and found.last.isoformat()) == (first, last)
    assert bool(stated([line])) == (
        "Aktion" not in line and "Offer" not in line
    )  # of a list, not of an offer


@pytest.mark.parametrize(
    "line",
    [
        "Prices valid until 31 December",
        "Printed on 12.05.2026",
        "Call us until 18:00",
        "From 1.5 to 2.5 l",
        "Prices from 900 to 1200 KZT",
        "Open since 1998",
    ],
)
def test_what_names_no_day_says_nothing(line: str):
    assert not validity_in(line)


LIST = """Name;Price;Valid from;Valid until
Vase;900 KZT;2026-01-01;2026-10-31
Vase;950 KZT;2026-11-01;
Bowl;500 KZT;2027-01-01;
Cup;300 KZT;;2026-10-31
"""


def test_a_price_that_is_over_or_not_yet_there_says_so(tmp_path: Path):
    found = corrected({"a.csv": reading(tmp_path, LIST).document.products}, Corrections())
    assert found.questions == []
    goods = Catalogue(found.products)
    assert [row["Price"] for row in goods.find("vase", today="2026-11-30").rows] == ["950 KZT"]
    assert [row["Price"] for row in goods.find("vase", today="2026-10-31").rows] == ["900 KZT"]
    cup = json.loads(answer_of(goods.find("cup", today="2026-11-30")))[0]
    assert cup["Price"].startswith("EXPIRED") and cup["valid_until"] == "2026-10-31" and not holds(cup)
    bowl = goods.find("bowl", today="2026-11-30").rows[0]
    assert bowl["Price"].startswith("NOT VALID YET") and bowl["valid_from"] == "2027-01-01"
    assert goods.find("bowl", today="2027-01-01").rows[0]["Price"] == "500 KZT"
    assert goods.find("cup").rows[0]["Price"] == "300 KZT"


@pytest.mark.parametrize(
    "text",
    [
        "Price list, valid until 31.10.2026\n\nName\tPrice, EUR\nVase\t9\nBowl\t5\n",
        "Vase - 9 EUR\nBowl - 5 EUR\nCup - 3 EUR\n\nPrices are valid until 31 October 2026.\n",
    ],
    ids=["above", "below"],
)
def test_the_days_of_a_document_hold_for_its_products_and_passages(tmp_path: Path, text: str):
    found = reading(tmp_path, text, "a.txt")
    assert {product.last_day for product in found.document.products} == {"2026-10-31"}
    row = next(passage for passage in found.passages if "Vase" in passage.text)
    shown = with_days(row.heading, row.text)
    assert "EXPIRED" in on_day(shown, "2026-11-01") and "valid_until: 2026-10-31" in on_day(
        shown, "2026-11-01"
    )
    assert on_day(shown, "2026-10-31") == on_day(shown, "") == row.text


def test_each_section_has_its_own_days(tmp_path: Path):
    text = (
        "Winter sale, prices valid until 31.01.2026\n\nBoots - 90 EUR\nGloves - 15 EUR\nHats - 12 EUR\n\n"
        "Spring prices valid from 01.03.2026\n\nShoes - 70 EUR\nShirts - 25 EUR\nCaps - 10 EUR\n"
    )
    found = {p.name: (p.first_day, p.last_day) for p in reading(tmp_path, text, "a.txt").document.products}
    assert found["Boots"] == ("", "2026-01-31") and found["Shoes"] == ("2026-03-01", "")


def test_what_is_over_is_not_quoted_without_a_model():
    text = on_day(with_days("", "Delivery is free until 31.10.2026.\nDelivery costs 9 EUR."), "2026-11-30")
    quotes = Quotes(lambda _: 0, [Shown("en", True, text)], "en")
    assert quotes.about("delivery") == "Delivery costs 9 EUR."
