"""What customers are told of their orders: once, in words or by a template, or by a person."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from agent.ordering.rules import OrderRules
from server.clock import now_ms
from server.orders.announcing import announce
from server.orders.book import NotAllowed, OrderBook
from server.store.keys import key
from tests.support.office import Office
from tests.support.shop.orders import placed

CONTACT = "77010000078"
TWO_DAYS = 2 * 86_400_000


async def test_each_step_is_told_once_however_many_workers_look(redis: Redis, tmp_path: Any):
    office, book = Office(redis, tmp_path), OrderBook(redis)
    order = await placed(redis, await office.writes(CONTACT, "hello"))
    await book.move("default", order.id, "packed", "Ann")
    await asyncio.gather(*(announce(book, office.runtime) for _ in range(5)))
    assert await book.news("default") == [(order.id, "new")]
    assert await announce(book, office.runtime) == 0
    lines = await office.runtime.conversations.transcript(order.conversation_id)
    assert [line.text for line in lines if line.author == "bot"] == [f"Order {order.number} is packed."]


async def test_outside_the_window_a_template_tells_of_it(redis: Redis, tmp_path: Any):
    rules = OrderRules(taking=True, template="order_news:en")
    office, book = Office(redis, tmp_path, context={"orders": rules}), OrderBook(redis)
    order = await placed(redis, await office.writes(CONTACT, "hello"))
    await redis.hset(key("default", "contact", order.conversation_id), "heard_at", now_ms() - TWO_DAYS)
    await book.move("default", order.id, "sent", "Ann")
    await announce(book, office.runtime)
    [line] = [
        line
        for line in await office.runtime.conversations.transcript(order.conversation_id)
        if line.author == "bot"
    ]
    assert line.template == "order_news:en"
    assert line.variables == (str(order.number), f"Order {order.number} is on its way.")


async def test_without_a_template_a_person_is_asked_to_tell_them(redis: Redis, tmp_path: Any):
    office, book = Office(redis, tmp_path), OrderBook(redis)
    order = await placed(redis, await office.writes(CONTACT, "hello"))
    await redis.hset(key("default", "contact", order.conversation_id), "heard_at", now_ms() - TWO_DAYS)
    await book.move("default", order.id, "done", "Ann")
    await announce(book, office.runtime)
    contact = await office.runtime.conversations.contact(order.conversation_id)
    assert contact and f"tell the customer about order {order.number}" in contact.task
    assert "orders.template" in contact.task


async def test_two_people_who_move_an_order_at_once_do_not_lose_a_step(redis: Redis, tmp_path: Any):
    office, book = Office(redis, tmp_path), OrderBook(redis)
    order = await placed(redis, await office.writes(CONTACT, "hello"))
    found = await asyncio.gather(
        *(book.move("default", order.id, state, "Ann") for state in ("packed", "paid")),
        return_exceptions=True,
    )
    assert not any(isinstance(one, Exception) for one in found)
    after = await book.order("default", order.id)
    assert after and sorted(step.state for step in after.history) == ["new", "packed", "paid"]
    with pytest.raises(NotAllowed, match="can become"):
        await book.move("default", order.id, "packed" if after.state == "paid" else "paid", "Ann")


async def test_whoever_asked_is_told_of_an_order_and_its_steps(redis: Redis, tmp_path: Any):
    office, book = Office(redis, tmp_path), OrderBook(redis)
    conversation = await office.writes(CONTACT, "hello")
    await redis.hset(key("default", "hooks"), "h", "{}")
    order = await placed(redis, conversation)
    await book.move("default", order.id, "paid", "Ann")
    await book.move("default", order.id, "paid", "Ann")
    rows = [json.loads(row) for row in await redis.lrange(key("default", "happened"), 0, -1)]
    assert [(row["event"], row["data"].get("state")) for row in rows] == [
        ("order_created", "new"),
        ("order_changed", "paid"),
        ("purchased", None),
    ]
    assert rows[2]["data"] == {"id": order.id, "value": "265001", "currency": "KZT"}
    assert rows[0]["data"]["total"] == "265001" and rows[0]["data"]["number"] == order.number
    assert rows[0]["id"] != rows[1]["id"]
