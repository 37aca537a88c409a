"""The shop's Commerce catalogue beside its price list: one product each, with the id that WhatsApp knows, and
a question where the prices differ."""

from __future__ import annotations

from typing import Any

from knowledge_base.document import Product
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.commerce import COMMERCE
from knowledge_base.goods.corrections import Answer, Corrected, Corrections, Edit, corrected, product_key
from knowledge_base.goods.products import products_of_rows

HEADER = ("Article", "Name", "Price", "Currency")


def goods(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> list[Product]:
    return products_of_rows([dict(zip(header, row, strict=True)) for row in rows])


LISTED = goods(
    ("A 100", "Blue vase", "9000", "KZT", "piece"),
    ("A-200", "Red bowl", "4500", "KZT", "piece"),
    header=(*HEADER, "Unit"),
)


def beside(*rows: tuple[str, ...], listed: list[Product] = LISTED, **said: Any) -> Corrected:
    return corrected({COMMERCE: goods(*rows), "price-list.csv": listed}, Corrections.model_validate(said))


def test_what_both_have_is_one_product_with_the_id_that_whatsapp_knows():
    found = beside(("a-100", "Vase, blue", "9000.00", "KZT"), ("X-1", "Green jug", "700", "KZT"))
    assert [(p.name, p.retailer_id) for p in found.products] == [
        ("Blue vase", "a-100"),
        ("Red bowl", ""),
        ("Green jug", "X-1"),
    ]
    assert found.questions == []
    catalogue = Catalogue(found.products)
    [card] = catalogue.cards("a-100")
    assert (card["ref"], card["price"], card["retailer_id"]) == ("A 100", "9000", "a-100")
    assert [card["name"] for card in catalogue.cards("X-1")] == ["Green jug"]
    assert catalogue.cards("A 100") == [card] and catalogue.cards("Red bowl")[0]["retailer_id"] == ""


def test_prices_that_differ_are_a_question_and_neither_is_stated():
    row = ("a-100", "Vase, blue", "9500", "KZT")
    found = beside(row)
    [question] = found.questions
    assert {option.value for option in question.options} == {"9000 KZT", "9500 KZT"}
    assert any(COMMERCE in option.source for option in question.options)
    [card] = Catalogue(found.products).cards("a-100")
    assert (card["name"], card["price"], card["retailer_id"]) == ("Blue vase", "", "")
    for value, shown in (("9000 KZT", ""), ("9500 KZT", "a-100")):
        of = tuple(option.value for option in question.options)
        settled = beside(row, answers={question.product: Answer(value=value, of=of)})
        [card] = Catalogue(settled.products).cards("a-100")
        assert settled.questions == [] and f"{card['price']} KZT" == value and card["name"] == "Blue vase"
        assert card["retailer_id"] == shown  # WhatsApp would show its own price


def test_a_price_by_hand_and_one_in_another_currency_are_not_shown_as_whatsapp_has_them():
    row = ("a-100", "Vase, blue", "9000", "KZT")
    edit = {product_key(LISTED[0]): {"price": Edit(value="8500 KZT", was="9000 KZT")}}
    [card] = Catalogue(beside(row, edits=edit).products).cards("a-100")
    assert (card["price"], card["retailer_id"]) == ("8500", "")
    dollars = beside(("a-100", "Vase, blue", "20", "USD"))
    [card] = Catalogue(dollars.products).cards("a-100")
    assert (card["price"], card["currency"], card["retailer_id"]) == ("9000", "KZT", "")


def test_two_ids_that_differ_in_signs_alone_belong_to_nobody():
    found = beside(("A100", "Vase", "9000", "KZT"), ("A-100", "Vase", "9000", "KZT"))
    assert [p.retailer_id for p in found.products if p.name == "Blue vase"] == [""]
    assert len([p for p in found.products if p.article.startswith("A") and p.name == "Vase"]) == 0


def test_an_id_that_several_products_of_the_list_may_have_is_the_one_that_writes_it_so():
    listed = goods(("AB-1", "Red vase", "10", "EUR"), ("A-B1", "Blue lamp", "10", "EUR"))
    found = beside(("AB-1", "Vase", "10", "EUR"), listed=listed)
    assert {p.name: p.retailer_id for p in found.products} == {"Red vase": "AB-1", "Blue lamp": ""}
    found = beside(("ab 1", "Vase", "10", "EUR"), listed=listed)
    assert {p.name: p.retailer_id for p in found.products} == {"Red vase": "", "Blue lamp": ""}


def test_of_two_that_are_one_by_name_the_row_of_the_price_list_stays():
    listed = goods(("", "Red vase", "12", "EUR"), ("", "Bowl", "3", "EUR"))
    found = beside(("fb_77", "Red vase", "10", "EUR"), listed=listed)
    [vase] = [p for p in found.products if p.name == "Red vase"]
    assert vase.document == "price-list.csv" and found.questions


def test_a_currency_that_prices_are_never_written_with_is_known_by_its_code():
    [rice] = goods(("1", "Rice", "500", "PHP"))
    assert (str(rice.price), rice.currency) == ("500", "PHP")
    [tea] = goods(("1", "Tea", "5", "each"))
    assert tea.currency == ""
