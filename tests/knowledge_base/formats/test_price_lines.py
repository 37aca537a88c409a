"""Price lists that people type as text: lines, columns of tabs and blanks, cards; and what only looks so."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_base.document import Product
from knowledge_base.reading import read_apart


def products(folder: Path, text: str) -> list[Product]:
    path = folder / "list.txt"
    path.write_text(text, encoding="utf-8")
    reading = read_apart(path)
    assert reading.coverage.share == 1.0, reading.coverage.problems
    return reading.document.products


def brief(found: list[Product]) -> list[tuple[str, str, str]]:
    return [(p.name, str(p.price), p.currency) for p in found]


def test_prices_between_prose_headings_and_remarks_are_products(tmp_path: Path):
    text = """Добро пожаловать в салон «Лилия»!
Мы работаем с 10:00 до 20:00.

Стрижки
• Мужская стрижка — 5 000 тг
• Женская стрижка — от 7 000 тг (с укладкой)
  Мастер Анна
Окрашивание
1. Мелирование - 15000 тг
2. Тонирование - 12000тг

Запись по телефону +7 701 123 45 67. Предоплата 2000 тг.
"""
    found = products(tmp_path, text)
    assert brief(found) == [
        ("Мужская стрижка", "5000", "KZT"),
        ("Женская стрижка", "7000", "KZT"),
        ("Мелирование", "15000", "KZT"),
        ("Тонирование", "12000", "KZT"),
    ]
    assert found[2].category == "Окрашивание" and "Мастер Анна" in " ".join(found[1].fields.values())


@pytest.mark.parametrize(
    "text",
    [
        "We make furniture.\n\nArticle\tName\tPrice, EUR\nT-1\tTable\t450\nT-2\tDesk\t390\n\nCall us.\n",
        "We make chairs.\n\nArticle   Name     Price, EUR\nT-1       Table    450\nT-2       Desk     390\n",
        "Article: T-1\nName: Table\nPrice: 450 EUR\n\nArticle: T-2\nName: Desk\nPrice: 390 EUR\n\nCall us.\n",
    ],
    ids=["tabs", "blanks", "cards"],
)
def test_columns_and_cards_within_a_text_are_a_table(tmp_path: Path, text: str):
    found = products(tmp_path, text)
    assert brief(found) == [("Table", "450", "EUR"), ("Desk", "390", "EUR")]
    assert [p.article for p in found] == ["T-1", "T-2"]


def test_a_price_belongs_to_the_name_above_it_and_may_stand_first(tmp_path: Path):
    text = (
        "Oak door\n\nPrice: 45 000 KZT\n\nAsh door\n\nPrice: 39 000 KZT\n\nPine door\n\nPrice: 29 000 KZT\n"
    )
    assert [p.name for p in products(tmp_path, text)] == ["Oak door", "Ash door", "Pine door"]
    first = "25 EUR - Haircut\n60 EUR - Colour\n10 EUR - Shave\n"
    assert brief(products(tmp_path, first))[0] == ("Haircut", "25", "EUR")
    assert brief(products(tmp_path, "Burger - 2500\nPizza - 3200\nTea - 500\n"))[1] == ("Pizza", "3200", "")


def test_two_prices_on_one_line_are_asked_about(tmp_path: Path):
    found = products(tmp_path, "Pizza small 1800 ₸ big 2400 ₸\nSoup 900 ₸\nSalad 1200 ₸\n")
    assert [bool(p.doubt) for p in found] == [True, False, False]
    assert found[0].name == "Pizza small"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Haircut 25 EUR\nColouring 60 EUR\n", [("Haircut", "25", "EUR"), ("Colouring", "60", "EUR")]),
        ("Our prices\n\nHaircut - 25\nColouring - 60\n", [("Haircut", "25", ""), ("Colouring", "60", "")]),
        ("Студия «Лилия»\n\nМаникюр — 5 000 тг\n", [("Маникюр", "5000", "KZT")]),
        (
            "We are a workshop in Almaty, and we mend shoes. Come in.\n\nHeels 2 500 KZT\nSoles 6 000 KZT\n",
            [("Heels", "2500", "KZT"), ("Soles", "6000", "KZT")],
        ),
    ],
    ids=["two", "two without a currency", "one", "two below prose"],
)
def test_a_short_list_is_a_list(tmp_path: Path, text: str, said: list[tuple[str, str, str]]):
    assert brief(products(tmp_path, text)) == said


def test_two_prices_that_are_no_list_are_said(tmp_path: Path):
    (tmp_path / "a.txt").write_text(
        "For 20 EUR you get a wash, and we dry it too\n\nMore is 30 EUR with wax\n\n"
        "We are a car wash since 1990, come as you are. Ask for Ben.\n\nThe hall is behind the market.\n"
    )
    reading = read_apart(tmp_path / "a.txt")
    assert (
        reading.document.products or "2 lines with prices were read as text" in reading.document.problems[0]
    )


@pytest.mark.parametrize(
    "text",
    [
        "Anna 1998\nBen 2001\nCid 2003\n",
        "Monday 10-18\nTuesday 10-18\nSunday 11-15\n",
        "Tel: 87011234567\nFax: 87011234568\nMob: 87011234569\n",
        "Delivery in town costs 1500 KZT and takes a day. Orders over 20 000 KZT are free.\nReturns too.\n",
    ],
)
def test_years_hours_and_telephones_are_no_prices(tmp_path: Path, text: str):
    assert products(tmp_path, text) == []
