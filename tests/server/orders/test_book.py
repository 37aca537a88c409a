"""Carts and orders in Redis: fenced, numbered without gaps, of one person after two records became one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from agent.checkpointer import LeaseLost
from agent.ordering.cart import Cart, CartLine
from channels.base import Message
from server.orders.book import OrderBook
from server.orders.records import KeptCart
from server.pipeline.merging import Merging
from server.store.keys import key
from tests.support.office import NUMBER, Office
from tests.support.shop.orders import placed

PHONE, USER = "77010000091", "KZ.91"


def cart(name: str) -> Cart:
    line = CartLine.model_validate({"ref": name, "name": name, "quantity": 2, "price": "5"})
    return Cart(lines=(line,), currency="KZT")


def person(number: str = "", user: str = "") -> Message:
    return Message(id="m", account=NUMBER, kind="text", wa_id=number, user_id=user)


async def test_a_worker_that_lost_the_conversation_changes_nothing(redis: Redis):
    book = OrderBook(redis)
    await redis.hset(key("default", "box", "c"), "fence", "7")
    kept = KeptCart().after(cart("Vase"), "k", [])
    with pytest.raises(LeaseLost):
        await book.keep("default", "c", 0, kept, "6")
    assert (await book.cart("default", "c")).cart.lines == ()
    assert await book.keep("default", "c", 0, kept, "7")
    assert not await book.keep("default", "c", 0, kept, "7")  # somebody was faster
    assert (await book.cart("default", "c")).cart.version == 1


async def test_a_cart_that_cannot_be_read_goes_on_at_its_version(redis: Redis):
    await redis.hset(key("default", "cart", "c"), mapping={"version": "41", "row": "not as it was written"})
    found = await OrderBook(redis).cart("default", "c")
    assert (found.cart.version, found.cart.lines) == (41, ())


async def test_numbers_have_no_gaps_however_many_order_at_once(redis: Redis):
    orders = await asyncio.gather(*(placed(redis, f"c{n}") for n in range(20)))
    assert sorted(order.number for order in orders) == list(range(1, 21))


async def test_orders_and_cart_go_with_the_record_that_another_becomes(redis: Redis, tmp_path: Any):
    office, book = Office(redis, tmp_path), OrderBook(redis)
    conversations = office.runtime.conversations
    mine = await conversations.identify(person(PHONE))
    theirs = await conversations.identify(person(user=USER))
    one, other = await placed(redis, mine), await placed(redis, theirs)
    for conversation, name in ((mine, "Vase"), (theirs, "Bowl")):
        kept = await book.cart("default", conversation)
        assert await book.keep("default", conversation, 1, kept.after(cart(name), "k", []), "")
    assert await conversations.identify(person(PHONE, USER)) == mine
    assert await Merging(office.settings, redis).catch_up(office.runtime) == 1
    assert {order.id for order in await book.orders_of("default", mine)} == {one.id, other.id}
    assert {order.conversation_id for order in await book.orders_of("default", mine)} == {mine}
    assert [line.name for line in (await book.cart("default", mine)).cart.lines] == ["Vase"]
    assert "cart: 2 x Bowl" in (await conversations.transcript(mine))[-1].text
    assert not [name async for name in redis.scan_iter(match=f"*{theirs}*")]
