"""A card says what its row says, and a reference names one product and no other."""

from __future__ import annotations

import json

import pytest

from knowledge_base.document import Product
from knowledge_base.goods.catalogue import Catalogue

ROWS = [
    {"sku": "AB-1", "name": "Vase", "price": "12.50", "currency": "EUR", "stock": "3", "picture": "no"},
    {"sku": "AB-2", "name": "Vase", "price": "14", "currency": "EUR", "stock": "0"},
    {"sku": "", "name": "Bowl №1", "price": "9", "currency": "EUR", "stock": "soon"},
    {"sku": "AB-2", "name": "Lid", "price": "2", "currency": "EUR", "stock": ""},
]


def test_a_row_that_went_through_json_finds_its_card():
    goods = Catalogue.of_rows(ROWS)
    found = goods.find("vase").rows
    cards = [goods.card_of(json.loads(json.dumps(row))) for row in found]
    assert [card and (card["ref"], card["price"], card["stock"]) for card in cards] == [
        ("AB-1", "12.5", "yes"),
        (":1:2", "14", "no"),
    ]
    assert goods.card_of({**found[0], "price": "1"}) is None
    assert goods.card_of({}) is None


def test_every_reference_leads_back_to_its_card_alone():
    goods = Catalogue.of_rows(ROWS)
    cards = [goods.card_of(row) for row in goods.rows]
    refs = [card["ref"] for card in cards if card]
    assert refs == ["AB-1", ":1:2", "Bowl №1", "Lid"]
    assert [goods.cards(ref) for ref in refs] == [[card] for card in cards]
    assert len(goods.cards("vase")) == len(goods.cards("ab-2")) == 2
    assert goods.cards("") == goods.cards("vas") == goods.cards("Vase AB") == []


@pytest.mark.parametrize(
    ("cell", "picture"),
    [
        ("https://shop.example/a.jpg, https://shop.example/b.jpg", "https://shop.example/a.jpg"),
        ("javascript:alert(1)", ""),
        ("a.jpg", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_a_picture_is_an_address_that_can_be_fetched(cell: str, picture: str):
    [card] = Catalogue([Product(name="Vase", picture=cell)]).cards("Vase")
    assert card["picture"] == picture


def test_a_price_in_doubt_is_not_on_a_card():
    product = Product(name="Vase", price="9", currency="EUR", doubt="which price holds?")  # pyright: ignore
    [card] = Catalogue([product]).cards("Vase")
    assert (card["price"], card["currency"]) == ("", "")
