"""Another number, another size, another branch is another thing; and one word in many forms is one word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.document import Product
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.wording import singulars
from tools.find_product import answer_of

NAMES = (
    "iPhone 15",
    "iPhone 14",
    "2-комнатная квартира",
    "1-комнатная квартира",
    "Шина 205/55 R16",
    "Шина 195/65 R15",
    "Корм 500 г",
    "Валик 20 мм",
    "Vase blue",
    "Knife",
    "Kitchen knives, set",
    "Luz exterior",
    "Papel",
    "Couleur",
    "绿茶",
    "普洱茶",
    "قميص قطني",
)
SHOP = Catalogue.of_rows([{"name": name, "floor": str(n), "price": "5"} for n, name in enumerate(NAMES)])


def found(question: str, shop: Catalogue = SHOP) -> list[str]:
    """The names that are given for an answer, not those that are only near."""
    said = answer_of(shop.find(question))
    rows: list[dict[str, Any]] = json.loads(said) if said[0] == "[" else []
    return [row["name"] for row in rows]


@pytest.mark.parametrize("question", ["iphone 16?", "5-комнатная есть?", "шина 205/65 R16", "有北京烤鸭吗？"])
def test_another_number_is_not_given_for_an_answer(question: str):
    assert not found(question)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("iphone 15 price", ["iPhone 15"]),
        ("2-комнатную", ["2-комнатная квартира"]),
        ("205/55R16", ["Шина 205/55 R16"]),
        ("205 55 16", ["Шина 205/55 R16"]),
        ("шины 195/65 r15", ["Шина 195/65 R15"]),
        ("корм 500г", ["Корм 500 г"]),
        ("2 vases", ["Vase blue"]),
        ("валик 2 шт", ["Валик 20 мм"]),
        ("knives", ["Knife", "Kitchen knives, set"]),
        ("luces", ["Luz exterior"]),
        ("papéis", ["Papel"]),
        ("couleur, combien ?", ["Couleur"]),
        ("绿茶多少钱？", ["绿茶"]),
        ("كم سعر القميص القطني؟", ["قميص قطني"]),
    ],
)
def test_what_is_meant_is_found(question: str, names: list[str]):
    assert found(question) == names


def test_a_size_that_is_not_made_is_not_given_for_an_answer():
    rows = [
        {"name": "Rain jacket", "size": size, "colour": "green", "price": price}
        for size, price in (("L", "79"), ("XL", "82"))
    ]
    shop = Catalogue.of_rows(rows)
    assert shop.find("rain jacket S?").missing == ("s",)
    assert [row["size"] for row in shop.find("rain jacket L").rows] == ["L"]
    shirts = Catalogue.of_rows([{"model": "Polo", "S": "9.90", "XL": "11.90"}, {"model": "Tee", "S": "7.90"}])
    assert shirts.find("polo XL").missing == ()


def test_what_stands_above_a_list_tells_branches_apart_but_names_no_goods():
    shop = Catalogue(
        [
            Product(
                name="Coupe homme", title=town, row=n, fields={"Prestation": "Coupe homme", "Tarif": price}
            )
            for n, (town, price) in enumerate([("Paris", "24 €"), ("Genève", "48 CHF")], 1)
        ]
    )
    assert [row["Tarif"] for row in shop.find("coupe homme à Genève").rows] == ["48 CHF"]
    assert not shop.find("Paris").rows


def test_a_long_polite_question_still_says_what_is_near():
    shop = Catalogue.of_rows(
        [{"name": "Messer, feststehend", "price": "17"}, {"name": "Hammer", "price": "9"}]
    )
    said = shop.find(
        "Meine Tante aus Wien wollte unbedingt wissen, wie lange solche Messer eigentlich halten"
    )
    assert [row["name"] for row in said.rows] == ["Messer, feststehend"] and said.missing


@pytest.mark.parametrize(
    ("question", "name"),
    [
        (
            "Guten Tag, ich wollte mal nachfragen, ob Sie auch Messer verkaufen und was die kosten würden?",
            "Messer",
        ),
        ("Здравствуйте! Подскажите, пожалуйста, сколько примерно обойдётся ремень ГРМ?", "Замена ремня ГРМ"),
        ("Buenas tardes, ¿podrían decirme si tenéis cactus?", "Cactus pequeño"),
        ("Good evening, I was wondering if you are selling any scarves?", "Wool scarf"),
    ],
)
def test_polite_words_name_no_goods(question: str, name: str):
    names = ("Messer", "Замена ремня ГРМ", "Cactus pequeño", "Wool scarf", "Hammer")
    shop = Catalogue.of_rows([{"name": each, "price": "5"} for each in names])
    assert found(question, shop) == [name]


@given(st.text(max_size=30))
def test_a_word_is_never_its_own_plural(word: str):
    assert word not in singulars(word) or not word
