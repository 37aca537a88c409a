"""What a cart comes to, whatever is put into it: no sum but that of its lines, no more of a thing than there
is, no price but that of its row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from pydantic import ValidationError

from agent.language.locale import SPOKEN
from agent.language.order_phrases import order_text
from agent.ordering.cart import MOST_LINES, Cart, as_priced, as_shown, cart_after
from agent.ordering.rules import OrderRules
from agent.ordering.taps import as_tapped, cart_tap
from agent.ordering.wording import cart_lines, note_lines
from knowledge_base.goods.catalogue import Catalogue
from tools.ordering import Wish, told_of

ROWS = [
    {"sku": "A-1", "name": "Vase", "price": "12.50", "currency": "EUR", "stock": "7"},
    {"sku": "B-1", "name": "Bowl", "price": "0.10", "currency": "EUR"},
    {"sku": "C-1", "name": "Cup", "price": "1990", "currency": "EUR", "stock": "0"},
    {"sku": "D-1", "name": "Dish", "price": "3", "currency": "USD"},
    {"sku": "E-1", "name": "Ewer", "price": "on request", "currency": "EUR"},
    {"sku": "F-1", "name": "Frame", "price": "5", "currency": "EUR", "size": "S, M"},
]
GOODS = Catalogue.of_rows(ROWS)
RULES = OrderRules.model_validate({"taking": True, "currency": "EUR", "fee": "4.90", "free_from": "100"})
FREE = OrderRules(taking=True)

wishes = st.builds(
    Wish,
    action=st.sampled_from(["add", "set", "remove", "clear", "area"]),
    product=st.sampled_from(["A-1", "bowl", "C-1", "Dish", "E-1", "F-1", "nothing", "", "🦄", "x" * 500]),
    quantity=st.one_of(st.integers(-5, 30), st.sampled_from([0, 9_999, 10_000, 10**15])),
    variant=st.sampled_from(["", "S", "m", "2", "9", "XXL"]),
    price=st.one_of(st.none(), st.decimals(0, 10**9, allow_nan=False, places=2)),
    currency=st.sampled_from(["", "EUR", "USD"]),
)


@given(st.lists(wishes, max_size=25))
def test_a_cart_is_the_sum_of_its_lines_and_nothing_else(asked: list[Wish]):
    cart, _ = cart_after(Cart(), asked, GOODS, RULES)
    prices = {"A-1": Decimal("12.50"), "B-1": Decimal("0.10"), "D-1": Decimal(3), "F-1": Decimal(5)}
    assert all(line.price == prices[line.ref] for line in cart.lines)
    assert all(1 <= line.quantity <= 9_999 for line in cart.lines)
    assert sum(line.quantity for line in cart.lines if line.ref == "A-1") <= 7
    assert len({"USD" if line.ref == "D-1" else "EUR" for line in cart.lines}) <= 1
    assert len({(line.ref, line.variant) for line in cart.lines}) == len(cart.lines)
    goods = sum((prices[line.ref] * line.quantity for line in cart.lines), Decimal(0))
    seen = as_shown(cart, RULES)
    fee = Decimal(seen["delivery"] or 0)
    assert Decimal(seen["goods"]) == goods and Decimal(seen["total"]) == goods + fee
    if cart.lines and cart.currency == "EUR":
        assert fee == (0 if goods >= 100 else Decimal("4.90"))
    assert seen["delivery_open"] == (cart.currency == "USD" and bool(cart.lines))


@given(st.lists(wishes, max_size=12))
def test_a_cart_that_is_looked_at_again_stays_as_it_is(asked: list[Wish]):
    cart, _ = cart_after(Cart(), asked, GOODS, RULES)
    assert as_priced(cart, GOODS, RULES) == (cart, [])
    kept = Cart.model_validate_json(cart.model_dump_json())
    assert kept == cart and as_shown(kept, RULES) == as_shown(cart, RULES)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_adding_in_parts_is_adding_at_once(parts: list[int]):
    apart, _ = cart_after(Cart(), [Wish("add", "B-1", n) for n in parts], GOODS, FREE)
    at_once, _ = cart_after(Cart(), [Wish("add", "bowl", sum(parts))], GOODS, FREE)
    assert apart == at_once


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (Wish("add", "nothing"), "unknown"),
        (Wish("add", "C-1"), "sold_out"),
        (Wish("add", "D-1"), "other_currency"),
        (Wish("add", "E-1"), "price_unsure"),
        (Wish("add", "F-1"), "which"),
        (Wish("add", "A-1", 8), "fewer"),
        (Wish("add", "A-1", 0), "bad_quantity"),
        (Wish("set", "A-1", 1, price=Decimal("12.4"), currency="EUR"), "other_price"),
        (Wish("set", "A-1", 1, price=Decimal("12.50"), currency="USD"), "other_price"),
        (Wish("remove", "A-1"), "not_in_cart"),
        (Wish("area", "Mars"), "unknown_area"),
    ],
)
@pytest.mark.parametrize("language", SPOKEN)
def test_what_cannot_be_done_as_asked_is_a_clear_line(wish: Wish, kind: str, language: str):
    cart, _ = cart_after(Cart(), [Wish("add", "B-1")], GOODS, RULES)
    after, notes = cart_after(cart, [wish], GOODS, RULES)
    assert [note["kind"] for note in notes] == [kind]
    [line] = note_lines(as_shown(after, RULES, notes), language)
    assert line and "{" not in line
    assert "{" not in told_of(as_shown(after, RULES, notes))


def test_the_same_price_written_otherwise_is_no_other_price():
    wish = Wish("set", "A-1", 2, price=Decimal("12.5"), currency="EUR")
    assert cart_after(Cart(), [wish], GOODS, RULES)[1] == []


def test_what_left_the_list_leaves_the_cart_and_says_so():
    cart, _ = cart_after(Cart(), [Wish("add", "A-1", 5), Wish("add", "B-1")], GOODS, RULES)
    now = Catalogue.of_rows([{**ROWS[0], "price": "13", "stock": "2"}])
    after, notes = as_priced(cart, now, RULES)
    assert [(line.ref, line.quantity, line.price) for line in after.lines] == [("A-1", 2, Decimal(13))]
    assert [note["kind"] for note in notes] == ["new_price", "fewer", "gone"]


def test_a_cart_holds_so_many_things():
    goods = Catalogue.of_rows([{"sku": f"N-{n}", "name": f"Thing {n}", "price": "1"} for n in range(60)])
    cart, notes = cart_after(Cart(), [Wish("add", f"N-{n}") for n in range(60)], goods, FREE)
    assert len(cart.lines) == MOST_LINES and {note["kind"] for note in notes} == {"too_many"}


@pytest.mark.parametrize("language", SPOKEN)
def test_a_cart_reads_in_every_language(language: str):
    cart, _ = cart_after(Cart(), [Wish("add", "A-1", 2)], GOODS, RULES)
    lines = cart_lines(as_shown(cart, RULES), language)
    assert "2 × 12.50 EUR = 25 EUR" in lines[1] and "29.90 EUR" in lines[-1]
    assert order_text("placed", language, number="7", sum="1 EUR").count("7") == 1
    assert not any("{" in line or "  " in line for line in lines)


def tapped(id: str, order: Any = None) -> Any:
    return cart_tap(as_tapped(HumanMessage("words"), id, order), 0)


def test_an_odd_tap_breaks_nothing():
    for id in (
        "cart:",
        "cart:add:",
        "cart:pick::",
        "cart:confirm:x",
        "cart:confirm:²",
        "cart:confirm:" + "9" * 99,
    ):
        assert tapped(id) is not None
    assert tapped("product:A-1") is None and tapped("") is None
    assert tapped("", {"items": []}) is None
    odd = {"items": [1, {"retailer_id": "A-1", "quantity": "2", "price": "NaN"}, {"quantity": 1}]}
    [wish] = tapped("", odd).wishes
    assert (wish.product, wish.quantity, wish.price) == ("A-1", -1, None)


def test_lines_of_one_product_are_one_wish():
    items = [{"retailer_id": "A-1", "quantity": n, "price": "12.5", "currency": "EUR"} for n in (1, 2)]
    [wish] = tapped("", {"items": items}).wishes
    assert (wish.action, wish.quantity) == ("set", 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fee": "5"},
        {"currency": "EUR", "fee": "5", "areas": [{"name": "City"}]},
        {"currency": "EUR", "areas": [{"name": "City"}, {"name": "city"}]},
        {"fee": "-1", "currency": "EUR"},
        {"payment": {"way": "link"}},
        {"payment": {"way": "link", "link": "https://pay.example/{x}"}},
    ],
)
def test_rules_that_contradict_themselves_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        OrderRules.model_validate(wrong)
