"""What a question about goods is told: of numbers that are nobody's, words that no product has together, in
either script, under the shop's own names, of one group, of what is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge_base.goods.catalogue import Catalogue
from tools.find_product import answer_of

ROWS = [
    {"article": "К-101", "name": "Кружка синяя", "category": "Посуда", "price": "900", "stock": "4"},
    {"article": "K-202", "name": "Luna chair blue", "category": "Furniture", "price": "120", "stock": "0"},
    {
        "article": "K-303",
        "name": "Sol chair red",
        "category": "Furniture",
        "price": "90",
        "stock": "sold out",
    },
    {"article": "C-1", "name": "Crocs clogs", "category": "Shoes", "price": "40", "stock": "in stock"},
]


@pytest.fixture(scope="module")
def shop() -> Catalogue:
    return Catalogue.of_rows(ROWS)


@pytest.mark.parametrize("question", ["К-101", "K-101", "k101", "к101 есть?", "K 101"])
def test_an_article_is_found_in_letters_that_look_the_same(shop: Catalogue, question: str):
    assert [row["article"] for row in shop.find(question).rows] == ["К-101"]
    other = question.replace("101", "202")
    assert [row["article"] for row in shop.find(other).rows] == ["K-202"]


def test_a_model_number_in_a_name_is_found_in_letters_that_look_the_same():
    shop = Catalogue.of_rows([{"name": "Чехол А52 чёрный", "price": "5"}, {"name": "Case B12", "price": "5"}])
    assert shop.find("чехол A52").rows[0]["name"] == "Чехол А52 чёрный"
    assert shop.find("case В12").rows[0]["name"] == "Case B12"


async def asked(shop: Catalogue, query: str, **bounds: Any) -> Any:
    said = answer_of(shop.find(query, **bounds))
    return json.loads(said) if said[0] in "[{" else said


async def test_a_number_that_is_nobodys_is_named_beside_one_that_is_somebodys(shop: Catalogue):
    found = await asked(shop, query="how much are K-202 and K-999?")
    assert [row["article"] for row in found["found"]] == ["K-202"]
    assert found["not found"] == "no product has the number k-999"
    assert await asked(shop, query="2 pcs of K-202, 20kg") == [ROWS[1]]


async def test_what_another_product_has_is_not_said_to_be_missing(shop: Catalogue):
    found = shop.find("red luna chair")
    assert found.missing == () and found.apart and found.rows
    said = await asked(shop, query="red luna chair")
    assert said["not found"].startswith("no product has all of this together")
    assert shop.find("luna chair plastic").missing == ("plastic",)


def test_only_what_is_there_and_only_one_group_when_asked(shop: Catalogue):
    assert [row["article"] for row in shop.find("chair", category="furniture").rows] == ["K-202", "K-303"]
    assert shop.find("chair", in_stock=True).missing == ("in stock",)
    assert [row["article"] for row in shop.find("", in_stock=True).rows] == ["К-101", "C-1"]
    assert [row["article"] for row in shop.find("", category="посуда").rows] == ["К-101"]
    assert shop.find("chair", category="boats").missing == ("category boats",)


@pytest.mark.parametrize("question", ["крокс", "есть кроксы?", "КРОКСЫ"])
def test_the_shops_own_names_find_its_goods(question: str):
    shop = Catalogue(Catalogue.of_rows(ROWS).products, {"крокс": "Crocs", "мебель для сидения": "chair"})
    assert [row["article"] for row in shop.find(question).rows] == ["C-1"]
    assert len(shop.find("мебель для сидения").rows) == 2


@pytest.mark.parametrize(
    "asked",
    ["Avez-vous des tasses bleues ?", "Les tasses bleues, c'est combien ?", "Prix de la tasse bleue ?"],
)
def test_little_words_that_a_sign_joins_name_no_goods(asked: str):
    catalogue = Catalogue.of_rows([{"nom": "Tasse bleue", "prix": "8", "devise": "EUR"}])
    found = catalogue.find(asked, 5)
    assert [row["nom"] for row in found.rows] == ["Tasse bleue"] and not found.missing and not found.apart
