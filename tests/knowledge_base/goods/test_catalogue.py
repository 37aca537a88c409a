"""The right product comes out: by article, by words however written, by size and price; and no other."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.goods.catalogue import Catalogue

BRANDS = ("Adidas", "Nike", "Puma", "Ray-Ban", "Samsung", "Bosch", "Sony")
KINDS = ("T-shirt", "jacket", "backpack", "headphones", "sunglasses", "wall tile", "tv set")
COLOURS, SIZES = ("red", "blue", "green", "white"), ("S", "M", "L", "XL", "60x60", "42", "4K")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    draw = random.Random(7)
    return [
        {
            "sku": f"SKU-{10_000 + n}",
            "name": f"{draw.choice(BRANDS)} {draw.choice(KINDS)} model {draw.choice('ABCDE')}{n % 97}",
            "colour": draw.choice(COLOURS),
            "size": draw.choice(SIZES),
            "price": str(draw.randrange(1_000, 200_000, 100)),
            "currency": "KZT",
            "stock": str(draw.randrange(80)),
        }
        for n in range(5_000)
    ]


@pytest.fixture(scope="module")
def shop(rows: list[dict[str, str]]) -> Catalogue:
    return Catalogue.of_rows(rows)


def said(row: dict[str, str]) -> str:
    return " ".join(row.values()).casefold()


def test_an_article_number_names_its_product_and_no_other(shop: Catalogue, rows: list[dict[str, str]]):
    for row in random.Random(3).sample(rows, 200):
        number = row["sku"]
        for question in (
            f"how much is {number}",
            f"есть {number.lower()}?",
            number.replace("-", " "),
            number[4:],
        ):
            assert shop.find(question).rows[0] is not None
            assert [found["sku"] for found in shop.find(question).rows] == [number]


def test_an_article_number_that_is_not_there_finds_nothing_and_says_so(shop: Catalogue):
    found = shop.find("how much is SKU-99999?")
    assert found.rows == [] and found.missing == ("sku-99999",)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Adiddas", ("adidas",)),
        ("ray ban", ("ray-ban",)),
        ("rayban sunglases", ("ray-ban", "sunglasses")),
        ("t shirt", ("t-shirt",)),
        ("tshirts from Puma", ("puma", "t-shirt")),
        ("адидас", ("adidas",)),
        ("найк", ("nike",)),
        ("самсунг 4K", ("samsung", "4k")),
        ("do you have red backpacks size L", ("red", "backpack", " l ")),
        ("XL jackets in green", ("green", "jacket", " xl ")),
        ("blue jacket in M please", ("blue", "jacket", " m ")),
        ("the 60 x 60 white tile", ("60x60", "white", "tile")),
        ("Haben Sie Sony headphones?", ("sony", "headphones")),
        ("2 red puma jackets", ("red", "puma", "jacket")),
    ],
)
def test_every_word_that_names_goods_stands_in_what_is_found(
    shop: Catalogue, question: str, words: tuple[str, ...]
):
    found = shop.find(question)
    assert len(found.rows) == 5 and not found.missing
    for row in found.rows:
        assert all(word in f" {said(row)} " for word in words)


@pytest.mark.parametrize(
    ("question", "low", "high"),
    [
        ("headphones under 50 000", 0, 50_000),
        ("headphones cheaper than 50k", 0, 50_000),
        ("наушники sony до 50 тыс", 0, 50_000),
        ("sony headphones from 20 000 to 90 000 KZT", 20_000, 90_000),
        ("jacket unter 30.000 KZT", 0, 30_000),
        ("headphones over 150000", 150_000, 200_000),
    ],
)
def test_a_question_bounds_the_price(shop: Catalogue, question: str, low: int, high: int):
    found = shop.find(question.replace("наушники ", ""))
    assert found.rows and all(low <= int(row["price"]) <= high for row in found.rows)


def test_the_cheapest_and_the_dearest_come_first_and_arguments_do_the_same(
    shop: Catalogue, rows: list[dict[str, str]]
):
    prices = sorted(int(row["price"]) for row in rows if "Sony headphones" in row["name"])
    assert [int(row["price"]) for row in shop.find("cheapest sony headphones").rows] == prices[:5]
    assert [int(row["price"]) for row in shop.find("самые дорогие sony headphones").rows] == prices[:-6:-1]
    assert int(shop.find("sony headphones", sort="dearest", max_price=90_000).rows[0]["price"]) <= 90_000
    found = shop.find("sony headphones", max_price=10)
    assert found.missing == ("price up to 10",) and found.rows


@pytest.mark.parametrize(
    "question", ["", "the", "How much is it?", "a cake for 20 people", "Do you deliver?", "бесплатно ли это"]
)
def test_a_question_about_nothing_in_the_list_finds_nothing(shop: Catalogue, question: str):
    assert shop.find(question).rows == []


def test_the_nearest_is_named_with_what_it_lacks():
    shop = Catalogue.of_rows(
        [
            {"name": "Sofa Bella", "colour": "grey", "price": "499"},
            {"name": "Lamp Sol", "colour": "grey", "price": "9"},
        ]
    )
    found = shop.find("How much is the sofa Luna?")
    assert [row["name"] for row in found.rows] == ["Sofa Bella"] and found.missing == ("luna",)
    assert shop.find("Sofa Bella").missing == ()


@given(st.text(max_size=60))
def test_any_question_is_answered_with_products_of_the_list(shop: Catalogue, question: str):
    found = shop.find(question)
    assert len(found.rows) <= min(5, max(found.matching, 0)) <= len(shop)


DRILLS = [
    {"артикул": "СВ-1.5", "название": "Сверло по металлу 1,5 мм", "цена": "120"},
    {"артикул": "СВ-15", "название": "Сверло по металлу 15 мм", "цена": "1200"},
    {"артикул": "ТРУБА-50/2", "название": "Труба тонкая", "цена": "10"},
    {"артикул": "ТРУБА-502", "название": "Труба толстая", "цена": "20"},
    {"артикул": "П-XL", "название": "Перчатки XL", "цена": "90"},
    {"артикул": "П-XXL", "название": "Перчатки XXL", "цена": "95"},
]


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("СВ-1.5", "СВ-1.5"),
        ("СВ-15", "СВ-15"),
        ("сверло 1.5", "СВ-1.5"),
        ("сверло 1,5 мм", "СВ-1.5"),
        ("ТРУБА-502", "ТРУБА-502"),
        ("труба-50/2", "ТРУБА-50/2"),
        ("П-XXL", "П-XXL"),
    ],
)
def test_an_article_that_looks_alike_is_another(question: str, article: str):
    assert [row["артикул"] for row in Catalogue.of_rows(DRILLS).find(question).rows] == [article]


def test_an_article_that_does_not_exist_is_not_another_one():
    assert Catalogue.of_rows(DRILLS).find("П-XXXL").missing == ("п-xxxl",)
    assert Catalogue.of_rows(DRILLS).find("сверло 2.5").missing == ("2.5",)
