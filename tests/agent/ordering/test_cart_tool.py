"""The cart by words: what the model may do with it, and which sums its reply may say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from redis.asyncio import Redis

from agent.ordering.rules import OrderRules
from agent.turn_services import TurnServices
from knowledge_base.goods.catalogue import Catalogue
from server.orders.book import OrderBook
from server.orders.desk import ContactDesk
from tests.support.office import Office
from tests.support.shop.chatting import Chat, call, script
from tools.ordering import Wish

ROWS = [
    {"sku": "AU-ONE", "name": "Aurora One", "price": "189000", "currency": "KZT", "stock": "3"},
    {"sku": "GR-PEB", "name": "Pebble grinder", "price": "38000", "currency": "KZT"},
]
RULES = OrderRules.model_validate({"taking": True, "currency": "KZT", "fee": "1500"})


@pytest.fixture
async def desk(redis: Redis, tmp_path: Any) -> ContactDesk:
    office = Office(redis, tmp_path, context={"orders": RULES})
    contact = await office.runtime.conversations.contact(await office.writes("77010000055", "hello"))
    assert contact
    return ContactDesk(OrderBook(redis), office.runtime.bot, contact, "")


@pytest.fixture
def selling(scripted: Any, desk: ContactDesk) -> Callable[..., tuple[Chat, Any]]:
    """A chat whose model says these things, in a shop that takes orders."""

    def made(*answers: AIMessage | str) -> tuple[Chat, Any]:
        chat, model = scripted(script(*answers), orders=RULES)

        async def price_list(bot_id: str) -> Catalogue:
            return Catalogue.of_rows(ROWS)

        chat.shelf.price_list = price_list
        chat.services = TurnServices(desk=desk)
        return chat, model

    return made


async def carts(chat: Chat) -> list[Any]:
    return [one.get("cart") for one in (await chat.state()).get("presented", []) if one.get("sort") == "cart"]


async def test_a_cart_is_filled_and_ordered_by_words(selling: Any):
    add = call("cart", {"action": "add", "product": "Pebble grinder", "quantity": 2})
    order = call("cart", {"action": "order"})
    chat, model = selling(add, "Two grinders are in your cart.", order, "Your order 1 is placed.")
    assert await chat.says("two pebble grinders please") == ["Two grinders are in your cart."]
    [cart] = await carts(chat)
    assert (cart["total"], cart["lines"][0]["quantity"]) == ("77500", 2)
    assert await chat.says("go ahead with it, that is right") == ["Your order 1 is placed."]
    [cart] = await carts(chat)
    assert cart["order"] == 1 and "order 1" in (await chat.state())["task"]
    assert "cart" in {name for _, names in model.asked for name in names}


async def test_nothing_is_ordered_that_the_customer_has_not_been_shown(selling: Any):
    add, order = call("cart", {"action": "add", "product": "AU-ONE"}), call("cart", {"action": "order"})
    chat, model = selling(add, order, "Please confirm.")
    await chat.says("one aurora one, and order it at once")
    cart = (await carts(chat))[-1]
    assert cart["order"] == 0 and cart["lines"]
    assert any("has to confirm" in m.text for m in model.asked[-1][0] if m.type == "tool")


@pytest.mark.parametrize(
    "lie",
    [
        "Two grinders are in your cart. Total: 76 000 KZT.",  # right but for the delivery that code added
        "Two grinders are in your cart, 70 000 KZT altogether.",
        "They are in your cart. The total is 189 000 KZT.",  # a price, but not of the cart
    ],
)
async def test_a_sum_that_is_not_the_carts_does_not_go_out(selling: Any, lie: str):
    add = call("cart", {"action": "add", "product": "GR-PEB", "quantity": 2})
    chat, model = selling(add, lie, "Two grinders are in your cart, 77 500 KZT in all.")
    assert await chat.says("two pebble grinders") == ["Two grinders are in your cart, 77 500 KZT in all."]
    assert "of the cart: state" in "\n".join(m.text for m in model.asked[-1][0] if m.type == "system")
    chat, _ = selling(add, lie, lie)
    assert await chat.says("two pebble grinders more") == ["Your cart:"]
    assert (await carts(chat))[-1]["total"] == "153500"


async def test_the_sum_of_an_earlier_cart_proves_nothing(selling: Any):
    add = call("cart", {"action": "add", "product": "GR-PEB", "quantity": 2})
    chat, _ = selling(add, "Both are in your cart.", "Your total is 77 501 KZT.", "Shall I show your cart?")
    await chat.says("two pebble grinders")
    assert await chat.says("what was the total?") == ["Shall I show your cart?"]


async def test_a_bot_that_takes_no_orders_offers_no_cart(scripted: Any):
    chat, model = scripted(script("Hello."))
    await chat.says("hello, what do you sell?")
    assert "cart" not in {name for _, names in model.asked for name in names}


async def test_a_call_that_is_made_again_after_a_crash_adds_once(desk: ContactDesk):
    goods = Catalogue.of_rows(ROWS)
    for _ in range(3):
        found = await desk.change([Wish("add", "GR-PEB", 2)], goods, "the same call")
    assert found["lines"][0]["quantity"] == 2 and found["version"] == 1
    found = await desk.change([Wish("add", "GR-PEB", 2)], goods, "another call")
    assert found["lines"][0]["quantity"] == 4
