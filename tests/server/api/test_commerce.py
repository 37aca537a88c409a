"""A bot's Commerce catalogue on the running product: read by the API and by itself, asked about where it
disagrees with the price list, and shown with the ids that WhatsApp knows."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.openai_wire import message, polite, schema_of
from tests.support.people.customers import fresh, raw
from tests.support.shop.bots import name
from tests.support.stack import TOKEN, Stack, text, webhook
from tests.support.waiting import until

PRICES = "Article,Name,Price,Currency,Stock\nA 100,Blue vase,9000,KZT,4\nA-200,Red bowl,4500,KZT,7\n"


def listed(id: str, called: str, price: str, **more: str) -> dict[str, str]:
    known = {"retailer_id": id, "name": called, "price": f"KZT{price}", "currency": "KZT"}
    return {**known, "availability": "in stock", "url": f"https://shop.example/{id}", **more}


class Shop:
    """A bot with a number and a catalogue of its own, and a price list."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.bot = stack, name()
        self.number, self.catalogue = f"1{uuid.uuid4().int % 10**14:014}", f"7{uuid.uuid4().int % 10**9:09}"
        self.rows = [listed("a-100", "Vase", "9,000.00"), listed("A200", "Bowl", "5,000.00")]
        stack.emulator.catalogues.kept[self.catalogue] = self.rows

    async def opens(self) -> None:
        channel = {"type": "cloud_api", "phone_number_id": self.number, "access_token": TOKEN}
        bot = {"id": self.bot, "channel": channel, "catalogue_id": self.catalogue, "orders": {"taking": True}}
        answer = await self.stack.http.put("/api/bots", json=bot)
        assert answer.status_code == 200, answer.text
        file = {"file": ("prices.csv", PRICES.encode())}
        added = await self.stack.http.post("/api/knowledge/documents", files=file, data={"bot_id": self.bot})
        assert added.status_code < 300, added.text

    async def asks(self, path: str, method: str = "GET", **more: Any) -> Any:
        return await self.stack.http.request(
            method, f"/api/knowledge/{path}", params={"bot_id": self.bot}, **more
        )

    def shown(self, contact: str) -> list[dict[str, Any]]:
        bubbles = [b for b in list(self.stack.emulator.phones.bubbles.values()) if b.contact == contact]
        return [b.content["interactive"] for b in bubbles if not b.mine and "interactive" in b.content]


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    one = Shop(stack)
    await one.opens()
    yield one
    await stack.http.delete(f"/api/bots/{one.bot}")


async def test_it_is_read_by_itself_and_when_asked_and_gone_when_it_is_set_no_more(shop: Shop):
    async def read() -> bool:
        return bool((await shop.asks("catalogue")).json()["products"])

    if not await read():
        first = await shop.asks("catalogue/read", "POST")
        assert first.status_code in (200, 409), first.text  # 409: it is being read by itself just now
    await until(read)
    shop.rows.append(listed("N-1", "Green jug", "700.00"))
    done = (await shop.asks("catalogue/read", "POST")).json()
    assert (done["catalogue_id"], done["products"], done["listed"], done["problem"]) == (
        shop.catalogue,
        3,
        3,
        "",
    )
    products = {p["name"]: p for p in (await shop.asks("products")).json()["items"]}
    assert set(products) == {"Blue vase", "Red bowl", "Green jug"}
    assert products["Green jug"]["document"] == "whatsapp-catalogue.csv"
    assert products["Green jug"]["price"] == "700.00" and products["Green jug"]["stock"] == "in stock"
    shop.stack.emulator.catalogues.kept.pop(shop.catalogue)
    done = (await shop.asks("catalogue/read", "POST")).json()
    assert "does not exist" in done["problem"] and done["products"] == 3
    assert len((await shop.asks("products")).json()["items"]) == 3
    await shop.stack.http.patch(f"/api/bots/{shop.bot}", json={"catalogue_id": ""})
    assert (await shop.asks("catalogue")).status_code == 404
    assert (await shop.asks("catalogue/read", "POST")).status_code == 409


async def test_a_price_that_differs_is_asked_about_and_what_agrees_is_sold_as_whatsapp_knows_it(shop: Shop):
    await until(lambda: _read(shop))
    [question] = (await shop.asks("questions")).json()["items"]
    assert question["name"] == "Red bowl"
    assert {option["value"] for option in question["options"]} == {"4500 KZT", "5000 KZT"}
    contact, message_id = fresh()

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if schema_of(request):
            return polite(request)
        if request["messages"][-1]["role"] == "tool":
            return message("Here it is.")
        return message(call=("show_products", {"products": ["A 100"]}))

    shop.stack.model.answer = answer
    await shop.stack.post(webhook(text(contact, "Show me the vase", message_id), number=shop.number))
    await until(lambda: shop.shown(contact))
    [product] = shop.shown(contact)
    assert product["type"] == "product"
    assert product["action"] == {"catalog_id": shop.catalogue, "product_retailer_id": "a-100"}
    item = {"product_retailer_id": "a-100", "quantity": 2, "item_price": 9000, "currency": "KZT"}
    order = {"catalog_id": shop.catalogue, "product_items": [item]}
    await shop.stack.post(webhook(raw(contact, "order", order), number=shop.number))
    await until(lambda: any("Blue vase" in said for said in shop.stack.replies(contact)))
    cart = next(said for said in shop.stack.replies(contact) if "Blue vase" in said)
    assert "2" in cart and "18" in cart
    answered = await shop.asks(f"questions/{question['product']}", "PUT", json={"value": "5000 KZT"})
    assert answered.status_code == 204, answered.text
    products = {p["name"]: p["price"] for p in (await shop.asks("products")).json()["items"]}
    assert products == {"Blue vase": "9000", "Red bowl": "5000"}


async def _read(shop: Shop) -> bool:
    found = (await shop.asks("catalogue")).json()
    if not found["products"]:
        await shop.asks("catalogue/read", "POST")
    return found["products"] == 2
