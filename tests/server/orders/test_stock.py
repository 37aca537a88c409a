"""What is sold is what there is: orders take their pieces off the stock of the price list, two customers
never get the same one, and a cancelled order gives its pieces back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from agent.models.chat import Models
from agent.models.offline import offline_model
from agent.ordering.rules import OrderRules
from channels.content.inbound import Choice, Order, OrderedItem
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.products import products_of_rows
from server import clock
from server.clock import now_ms
from server.orders.book import OrderBook
from server.orders.desk import ContactDesk
from server.store.keys import key
from server.store.mailbox import Mailbox
from tests.support.office import Office
from tests.support.shop.chatting import Shelf
from tests.support.waiting import until
from tools.find_product import answer_of
from tools.ordering import ShownCart, Wish

ROWS = [
    {"sku": "CUP", "name": "Blue cup", "price": "4500", "currency": "KZT", "stock": "3", "size": "S, L"},
    {"sku": "POT", "name": "Tea pot", "price": "9000", "currency": "KZT", "stock": "in stock"},
    {"sku": "JUG", "name": "Milk jug", "price": "7000", "currency": "KZT", "stock": "5"},
]
RULES = {"orders": OrderRules.model_validate({"taking": True, "currency": "KZT"})}


def listed(counted: int = 0, rows: list[dict[str, str]] = ROWS) -> Catalogue:
    """The price list, as it was read then."""
    return Catalogue([p.model_copy(update={"counted": counted}) for p in products_of_rows(rows)])


class Counter:
    """A shop with customers who each have a cart."""

    def __init__(self, redis: Redis, tmp_path: Any) -> None:
        self.office, self.book, self.goods = (
            Office(redis, tmp_path, context=RULES),
            OrderBook(redis),
            listed(),
        )

    async def desk(self, number: int) -> ContactDesk:
        conversation = await self.office.writes(f"7701000{number:04}", "hello")
        contact = await self.office.runtime.conversations.contact(conversation)
        assert contact
        return ContactDesk(self.book, self.office.runtime.bot, contact, "")

    async def wants(self, number: int, ref: str, pieces: int, variant: str = "") -> ShownCart:
        wish = Wish("set", ref, pieces, variant)
        return await (await self.desk(number)).change(
            [wish], self.goods, f"w{number}:{ref}:{pieces}:{variant}"
        )

    async def confirms(self, number: int, cart: ShownCart) -> ShownCart:
        return await (await self.desk(number)).confirm(
            cart["version"], self.goods, f"c{number}:{cart['version']}"
        )

    async def orders(self, number: int, ref: str, pieces: int, variant: str = "") -> ShownCart:
        return await self.confirms(number, await self.wants(number, ref, pieces, variant))


@pytest.fixture
def counter(redis: Redis, tmp_path: Any) -> Counter:
    return Counter(redis, tmp_path)


def notes(cart: ShownCart) -> list[tuple[str, str]]:
    return [(note["kind"], note["n"]) for note in cart["notes"]]


async def test_an_order_takes_its_pieces_off_what_others_can_have(counter: Counter):
    assert (await counter.orders(1, "CUP", 2, "S"))["order"] == 1
    later = await counter.wants(2, "CUP", 2, "L")
    assert notes(later) == [("fewer", "1")] and later["lines"][0]["quantity"] == 1
    assert (await counter.confirms(2, later))["order"] == 2
    assert notes(await counter.wants(3, "CUP", 1, "S")) == [("sold_out", "")]
    assert notes(await counter.wants(3, "POT", 40)) == []  # nobody counts them


@pytest.mark.parametrize("pieces", [1, 2])
async def test_many_who_confirm_at_once_do_not_get_more_than_there_is(counter: Counter, pieces: int):
    carts = [await counter.wants(number, "JUG", pieces) for number in range(9)]
    placed = await asyncio.gather(*(counter.confirms(number, cart) for number, cart in enumerate(carts)))
    ordered = [cart for cart in placed if cart["order"]]
    assert len(ordered) == 5 // pieces
    assert sum(line["quantity"] for cart in ordered for line in cart["lines"]) <= 5
    short = [cart for cart in placed if not cart["order"]]
    assert all(notes(cart) in ([("sold_out", "")], [("fewer", "1")]) for cart in short)


async def test_a_cart_that_was_shown_is_held_against_what_others_ordered_since(counter: Counter):
    mine = await counter.wants(1, "CUP", 3, "S")
    await counter.orders(2, "CUP", 1, "L")
    shown = await counter.confirms(1, mine)
    assert shown["order"] == 0 and notes(shown) == [("fewer", "2")]
    assert (await counter.confirms(1, shown))["order"] == 2


async def test_a_cancelled_order_gives_its_pieces_back_once(counter: Counter):
    await counter.orders(1, "CUP", 3, "S")
    [order] = await counter.book.page("default", 9, lambda one: True)
    for _ in range(2):
        await counter.book.move("default", order.id, "cancelled", "Ann")
    assert await counter.book.taken("default", ["CUP"]) == {}
    assert (await counter.orders(2, "CUP", 3, "L"))["order"] == 2
    assert notes(await counter.wants(3, "CUP", 1, "L")) == [("sold_out", "")]


async def test_an_order_that_is_confirmed_again_takes_nothing_twice(counter: Counter):
    cart = await counter.wants(1, "CUP", 2, "S")
    desk = await counter.desk(1)
    again = await asyncio.gather(*(desk.confirm(cart["version"], counter.goods, f"k{n}") for n in range(4)))
    assert {one["order"] for one in again} == {1}
    [taken] = (await counter.book.taken("default", ["CUP"]))["CUP"]
    assert taken.pieces == 2


async def test_a_list_that_is_read_anew_says_what_there_is(counter: Counter):
    await counter.orders(1, "CUP", 3, "S")
    assert notes(await counter.wants(2, "CUP", 1, "S")) == [("sold_out", "")]
    counter.goods = listed(counted=now_ms() + 1_000)
    assert (await counter.orders(2, "CUP", 3, "L"))["order"] == 2


async def test_a_line_has_the_id_of_the_commerce_catalogue_where_that_shows_the_same_price(counter: Counter):
    alike, dearer, absent = listed().products
    counter.goods = Catalogue(
        [
            alike.model_copy(update={"retailer_id": "cup_01", "shown_alike": True}),
            dearer.model_copy(update={"retailer_id": "pot_01", "shown_alike": False}),
            absent,
        ]
    )
    for ref, variant in (("CUP", "S"), ("POT", ""), ("JUG", "")):
        await counter.orders(1, ref, 1, variant)
    orders = await counter.book.page("default", 9, lambda one: True)
    found = {line.ref: line.retailer_id for order in orders for line in order.lines}
    assert found == {"CUP": "cup_01", "POT": "", "JUG": ""}


async def test_what_orders_took_long_before_the_list_was_read_is_forgotten(counter: Counter):
    await counter.orders(1, "CUP", 3, "S")
    clock.move_to(31 * 86_400_000)  # until then a count that was entered by hand may be taken back
    counter.goods = listed(counted=now_ms())
    await counter.orders(2, "CUP", 1, "L")
    assert [one.pieces for one in (await counter.book.taken("default", ["CUP"]))["CUP"]] == [1]
    clock.move_to(0)


async def test_the_agent_is_told_what_is_left_of_what_it_finds(counter: Counter):
    await counter.orders(1, "CUP", 2, "S")
    desk = await counter.desk(2)
    found = counter.goods.find("cup pot jug", 5)
    rows = [row for row in ROWS if row["sku"] in ("CUP", "POT", "JUG")]
    left = await desk.left(rows, counter.goods)
    assert left == [{"name": "Blue cup", "stock": "1"}]
    assert json.loads(answer_of(found, left))["left after orders"] == left
    assert json.loads(answer_of(counter.goods.find("CUP"), left))["found"][0]["sku"] == "CUP"
    assert json.loads(answer_of(counter.goods.find("CUP")))[0]["sku"] == "CUP"


async def test_a_record_that_cannot_be_read_stops_no_order(counter: Counter, redis: Redis):
    await redis.hset(key("default", "order_taken"), "POT", "not as it was written")
    assert (await counter.orders(1, "POT", 1))["order"] == 1


@pytest.mark.slow
async def test_a_turn_that_dies_after_it_ordered_takes_the_pieces_once(
    redis: Redis, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    commit, failed = Mailbox.commit, []

    async def dies_once(self: Mailbox, *given: Any, **more: Any) -> int:
        if await OrderBook(redis).taken("default", ["JUG"]) and not failed:
            failed.append(1)
            raise RuntimeError("killed")
        return await commit(self, *given, **more)

    async def price_list(bot_id: str) -> Catalogue:
        return listed()

    monkeypatch.setattr(Mailbox, "commit", dies_once)
    office, contact = Office(redis, tmp_path, context=RULES, debounce_seconds=0), "77010000071"
    shelf: Any = Shelf()
    shelf.price_list = price_list
    items = (OrderedItem.model_validate({"retailer_id": "JUG", "quantity": 4, "price": "7000"}),)
    async with office.working(Models(offline_model(), "offline"), shelf):
        await office.writes(contact, "", kind="order", order=Order(catalogue_id="c", items=items))
        await until(lambda: office.replies(contact))
        await office.writes(contact, "tap", kind="button", choice=Choice(id="cart:confirm:1"))
        await until(lambda: failed)
        await until(lambda: any("order 1 is placed" in text for text in office.replies(contact)), 60)
        await until(office.idle)
    [taken] = (await OrderBook(redis).taken("default", ["JUG"]))["JUG"]
    assert taken.pieces == 4 and len(await OrderBook(redis).page("default", 9, lambda one: True)) == 1
