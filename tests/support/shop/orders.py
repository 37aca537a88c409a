"""Orders that are there when a test begins."""

from __future__ import annotations

import uuid
from typing import Any

from redis.asyncio import Redis

from agent.ordering.cart import Cart, cart_after
from agent.ordering.rules import OrderRules
from knowledge_base.goods.catalogue import Catalogue
from server.clock import now_ms
from server.orders.book import OrderBook, Whose
from server.orders.records import KeptCart, OrderChange, OrderLine, PlacedOrder
from tools.ordering import Wish

GOODS = Catalogue.of_rows(
    [
        {"sku": "AU-ONE", "name": "Aurora One", "price": "189000", "currency": "KZT"},
        {"sku": "GR-PEB", "name": "Pebble grinder", "price": "38000.5", "currency": "KZT"},
    ]
)


async def placed(redis: Redis, conversation_id: str, bot_id: str = "default", **more: Any) -> PlacedOrder:
    """An order of two grinders and a machine."""
    wishes = [Wish("add", "AU-ONE"), Wish("add", "GR-PEB", 2)]
    cart, _ = cart_after(Cart(), wishes, GOODS, OrderRules(taking=True))
    now = now_ms()
    known: dict[str, Any] = {"name": "=Ann", "phone": "+77010000001", "created": now, "currency": "KZT"}
    lines = tuple(OrderLine(**line.model_dump(), sum=line.sum) for line in cart.lines)
    known |= {"lines": lines, "goods": cart.goods, "total": cart.goods}
    order = PlacedOrder(
        number=0,
        id=uuid.uuid4().hex[:24],
        bot_id=bot_id,
        conversation_id=conversation_id,
        history=(OrderChange(state="new", at=now, by="customer"),),
        **{**known, **more},
    )
    book = OrderBook(redis)
    kept = await book.cart(bot_id, conversation_id)
    after: KeptCart = kept.after(Cart(), "", [])
    made = await book.place(order, kept.cart.version, after, Whose("", "UTC"))
    assert made
    return made
