"""From a card to an order by taps alone, with the model that needs no network: the mailbox, the graph and the
emulated WhatsApp are real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from agent.models.chat import Models
from agent.models.offline import offline_model
from agent.ordering.rules import OrderRules
from channels.content.inbound import Choice, Order, OrderedItem
from knowledge_base.goods.catalogue import Catalogue
from server.orders.book import OrderBook
from server.store.mailbox import Mailbox
from tests.support.office import Office
from tests.support.shop.chatting import Shelf
from tests.support.waiting import until

ROWS = [
    {"sku": "AU-ONE", "name": "Aurora One", "price": "189000", "currency": "KZT", "stock": "3"},
    {"sku": "GR-PEB", "name": "Pebble grinder", "price": "38000.50", "currency": "KZT", "stock": "30"},
    {"sku": "T-1", "name": "Shirt", "price": "9000", "currency": "KZT", "size": "S, M, L"},
    {"sku": "US-1", "name": "Tamper", "price": "20", "currency": "USD"},
]
RULES = {"taking": True, "currency": "KZT", "fee": "1500", "free_from": "300000"}
CONTACT = "77010000077"


class Shop(Office):
    """An office that takes orders, and whose price list can be changed."""

    rows: list[dict[str, str]] = ROWS

    async def price_list(self, bot_id: str) -> Catalogue:
        return Catalogue.of_rows(self.rows)

    @property
    def shelf(self) -> Any:
        shelf: Any = Shelf()
        shelf.price_list = self.price_list
        return shelf

    async def taps(self, id: str, title: str = "tap", message: str = "") -> str:
        """The reply to a tap."""
        more = {"id": message} if message else {}
        return await self.hears(title, kind="button", choice=Choice(id=id, title=title), **more)

    async def hears(self, text: str, **more: Any) -> str:
        """What the contact's phone shows next."""
        before = len(self.replies(CONTACT))
        await self.writes(CONTACT, text, **more)
        await until(lambda: len(self.replies(CONTACT)) > before)
        await until(self.idle)
        return "\n".join(self.replies(CONTACT)[before:])

    @property
    def buttons(self) -> dict[str, str]:
        """Id -> words of what can be tapped on the last bubble."""
        last = [b for b in self.emulator.phones.bubbles.values() if not b.mine][-1]
        action = last.content.get("interactive", {}).get("action", {})
        rows = [row for section in action.get("sections", ()) for row in section["rows"]]
        shown = [button["reply"] for button in action.get("buttons", ())] + rows
        return {one["id"]: one["title"] for one in shown}

    def button(self, begins: str) -> str:
        return next(id for id in self.buttons if id.startswith(begins))

    async def orders(self) -> list[Any]:
        return await OrderBook(self.redis).page("default", 100, lambda order: True)


@pytest.fixture
async def shop(redis: Redis, tmp_path: Any) -> AsyncIterator[Shop]:
    made = Shop(redis, tmp_path, context={"orders": OrderRules.model_validate(RULES)}, debounce_seconds=0)
    async with made.working(Models(offline_model(), "offline"), made.shelf):
        yield made


async def test_a_card_becomes_an_order_by_taps_alone(shop: Shop):
    said = await shop.hears("how much is the Pebble grinder?")
    assert "38" in said
    card = shop.button("cart:add:")
    assert shop.buttons[card] == "Add to cart"
    said = await shop.taps(card)
    assert "Pebble grinder: 1 × 38\u00a0000.50 KZT" in said
    assert "Delivery: 1\u00a0500 KZT" in said and "Total: 39\u00a0500.50 KZT" in said
    said = await shop.taps(shop.button("cart:confirm:"))
    assert "Your order 1 is placed. Total: 39\u00a0500.50 KZT." in said
    [order] = await shop.orders()
    assert (order.number, order.state, str(order.total)) == (1, "new", "39500.5")
    contact = await shop.runtime.conversations.contact(order.conversation_id)
    assert contact and "order 1" in contact.task


async def test_a_button_older_than_the_cart_places_nothing(shop: Shop):
    await shop.taps("cart:add:GR-PEB")
    old = shop.button("cart:confirm:")
    await shop.taps("cart:add:AU-ONE")
    said = await shop.taps(old)
    assert "has changed since" in said and "Total: 228\u00a0500.50 KZT" in said
    assert await shop.orders() == []
    said = await shop.taps(shop.button("cart:confirm:"))
    assert "order 1 is placed" in said


async def test_a_confirmation_counts_once_however_often_it_comes(shop: Shop):
    await shop.taps("cart:add:GR-PEB")
    button = shop.button("cart:confirm:")
    await shop.taps(button, message="wamid.once")
    said = await shop.taps(button)
    assert said == "This order is placed already. Its number is 1."
    await shop.writes(CONTACT, "tap", id="wamid.once", kind="button", choice=Choice(id=button))
    await until(shop.idle)
    assert len(await shop.orders()) == 1


async def test_a_yes_to_the_cart_that_was_shown_orders_it(shop: Shop):
    await shop.taps("cart:add:GR-PEB")
    assert "order 1 is placed" in await shop.hears("yes")
    assert "placed" not in await shop.hears("yes")
    assert len(await shop.orders()) == 1


async def test_what_a_phone_ordered_is_held_against_the_price_list(shop: Shop):
    def item(ref: str, quantity: int, price: str, currency: str = "KZT") -> OrderedItem:
        return OrderedItem.model_validate(
            {"retailer_id": ref, "quantity": quantity, "price": price, "currency": currency}
        )

    items = (
        item("AU-ONE", 9, "189000"),
        item("GR-PEB", 1, "1"),
        item("GONE", 1, "5"),
        item("US-1", 1, "20", "USD"),
        item("T-1", 1, "9000"),
    )
    said = await shop.hears("", kind="order", order=Order(catalogue_id="c", items=items))
    assert "Of “Aurora One” there are 3 left" in said
    assert "“Pebble grinder” costs 38\u00a0000.50 KZT, not 1 KZT; our price holds." in said
    assert "We have no “GONE” in our list." in said
    assert "“Tamper” is priced in USD and the cart in KZT" in said
    assert "Total: 605\u00a0000.50 KZT" in said and "Delivery: free" in said
    assert set(shop.buttons.values()) == {"S", "M", "L"}
    said = await shop.taps("cart:pick:2:T-1")
    assert "Shirt (M): 1 × 9\u00a0000 KZT" in said


async def test_a_price_that_changes_before_the_tap_is_said_and_nothing_is_ordered(shop: Shop):
    await shop.taps("cart:add:GR-PEB")
    button = shop.button("cart:confirm:")
    shop.rows = [{**row, "price": "40000"} if row["sku"] == "GR-PEB" else row for row in ROWS]
    said = await shop.taps(button)
    assert "“Pebble grinder” now costs 40\u00a0000 KZT." in said and await shop.orders() == []
    shop.rows = [row for row in ROWS if row["sku"] != "GR-PEB"]
    said = await shop.taps(shop.button("cart:confirm:"))
    assert "no longer in our list" in said and "Your cart is empty." in said
    assert await shop.orders() == []


@pytest.mark.slow
async def test_a_step_that_runs_again_after_a_crash_is_made_once(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    commit, failed = Mailbox.commit, []

    async def dies_once(self: Mailbox, *given: Any, **more: Any) -> int:
        if not failed:
            failed.append(1)
            raise RuntimeError("killed")
        return await commit(self, *given, **more)

    monkeypatch.setattr(Mailbox, "commit", dies_once)
    await shop.writes(CONTACT, "tap", kind="button", choice=Choice(id="cart:add:GR-PEB"))
    await until(lambda: failed)
    await until(lambda: shop.replies(CONTACT), 60)
    assert "Pebble grinder: 1 ×" in shop.replies(CONTACT)[0]


async def test_where_to_deliver_is_chosen_before_the_order(redis: Redis, tmp_path: Any):
    areas = [{"name": "City", "fee": "1000"}, {"name": "Pick-up", "fee": "0"}]
    rules = OrderRules.model_validate({"taking": True, "currency": "KZT", "areas": areas})
    shop = Shop(redis, tmp_path, context={"orders": rules}, debounce_seconds=0)
    async with shop.working(Models(offline_model(), "offline"), shop.shelf):
        said = await shop.taps("cart:add:GR-PEB")
        assert "Where shall we deliver?" in said and set(shop.buttons.values()) == {"City", "Pick-up"}
        said = await shop.taps("cart:area:1")
        assert "Delivery (City): 1\u00a0000 KZT" in said
        said = await shop.taps(shop.button("cart:confirm:"))
        assert "order 1 is placed" in said
        assert [order.area for order in await shop.orders()] == ["City"]


async def test_a_cart_is_emptied_by_its_button(shop: Shop):
    await shop.taps("cart:add:GR-PEB")
    assert await shop.taps(shop.button("cart:clear:")) == "Your cart is empty."
    assert await shop.taps("cart:confirm:1") == "Your cart is empty."
