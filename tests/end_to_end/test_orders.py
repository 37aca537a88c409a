"""A shop that sells to the end over HTTP: a catalogue is added, a cart sent, an order confirmed and paid."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.emulators.meta.payments import PaymentTap
from tests.fakes.serving import served
from tests.fakes.stripe_wire import KEY, SECRET, FakeStripe, signed
from tests.support.people.customers import fresh, raw
from tests.support.stack import Stack, product, webhook
from tests.support.waiting import until

pytestmark = pytest.mark.slow

PRICES = "sku,name,price,currency,stock\nAU-ONE,Aurora One,189000,KZT,2\nGR-PEB,Pebble grinder,38000,KZT,30\n"
ORDERS = {"taking": True, "currency": "KZT", "fee": "1500"}
ORDERS |= {"payment": {"way": "stripe", "return_to": "https://wa.me/77010000000"}}


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Stack, FakeStripe]]:
    stripe = FakeStripe()
    keys = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "CHAT_MODEL": "offline"}
    with served(stripe.app) as url, product(STRIPE_URL=url, **keys) as stack:
        changed = await stack.http.patch("/api/bots/default", json={"orders": ORDERS})
        assert changed.status_code == 200, changed.text
        file = {"file": ("prices.csv", PRICES.encode(), "text/csv")}
        added = await stack.http.post("/api/knowledge/documents?bot_id=default", files=file)
        assert added.status_code < 300, added.text
        await until(lambda: _known(stack))
        yield stack, stripe


async def _known(stack: Stack) -> bool:
    rows = (await stack.http.get("/api/knowledge/documents?bot_id=default")).json()["items"]
    return any(row["name"] == "prices.csv" and row["passages"] for row in rows)


async def tap(stack: Stack, contact: str, id: str) -> dict[str, Any]:
    """The last bubble after a tap."""
    before = len(stack.replies(contact))
    reply = {"type": "button_reply", "button_reply": {"id": id, "title": "tap"}}
    await stack.post(webhook(raw(contact, "interactive", reply)))
    await until(lambda: len(stack.replies(contact)) > before)
    return _last(stack, contact)


def _last(stack: Stack, contact: str) -> dict[str, Any]:
    bubbles = [b for b in stack.emulator.phones.bubbles.values() if b.contact == contact and not b.mine]
    return bubbles[-1].content


def buttons(content: dict[str, Any]) -> list[str]:
    return [one["reply"]["id"] for one in content["interactive"]["action"]["buttons"]]


async def test_from_a_phones_cart_to_a_paid_order(shop: tuple[Stack, FakeStripe]):
    stack, stripe = shop
    contact, _ = fresh()
    items = [{"product_retailer_id": "AU-ONE", "quantity": 5, "item_price": 1, "currency": "KZT"}]
    sent = raw(contact, "order", {"catalog_id": "1", "product_items": items})
    for _ in range(2):  # Meta tells twice of one message
        await stack.post(webhook(sent))
    await until(lambda: stack.replies(contact))
    said = stack.replies(contact)[0]
    assert "there are 2 left" in said and "costs 189\u00a0000 KZT, not 1 KZT" in said
    content = await tap(stack, contact, "cart:add:GR-PEB")
    assert "Total: 417\u00a0500 KZT" in content["interactive"]["body"]["text"]
    confirm = buttons(content)[0]
    await tap(stack, contact, confirm)
    await until(lambda: any("checkout.stripe.com" in text for text in stack.replies(contact)))
    [id] = stripe.sessions
    assert stripe.sessions[id]["amount_total"] == 41750000
    body = stripe.event(id)
    wrong = await stack.http.post("/webhook/stripe/default", content=body, headers=signed(body, at=1))
    assert wrong.status_code == 403
    assert (
        await stack.http.post("/webhook/stripe/demo", content=body, headers=signed(body))
    ).status_code == 404
    assert (await stack.http.post("/webhook/stripe/default", content=body)).status_code == 403
    for said in ("paid", "known"):
        answer = await stack.http.post("/webhook/stripe/default", content=body, headers=signed(body))
        assert (answer.status_code, answer.text) == (200, said)
    await until(lambda: "Order 1 is paid. Thank you!" in stack.replies(contact))
    [order] = (await stack.http.get("/api/orders")).json()["items"]
    assert (order["state"], order["total"], order["payment"]["state"]) == ("paid", "417500", "paid")
    assert await tap(stack, contact, confirm) == {} or "already" in stack.replies(contact)[-1]
    transcript = (await stack.conversation_of(contact))["messages"]
    assert any(line["content"] and line["content"]["kind"] == "buttons" for line in transcript)
    assert json.dumps(transcript).count("order 1 is placed") == 1


INDIAN, CUSTOMER = "918000000001", "919845012345"
TEA = "sku,name,price,currency,stock\nTEA-1,Assam tea,250.50,INR,4\n"
BILL = {"country": "IN", "by": "gateway", "gateway": "razorpay", "configuration": "shop-pg"}
BILL |= {"goods": "digital-goods", "catalogue": "194836987003835"}


def arrives(message: dict[str, Any]) -> dict[str, Any]:
    """A webhook of the Indian number."""
    whole = webhook(message, number=INDIAN)
    whole["entry"][0]["changes"][0]["value"]["metadata"]["display_phone_number"] = INDIAN
    return whole


async def test_an_order_is_paid_by_a_bill_inside_whatsapp():
    with product(CHAT_MODEL="offline") as stack:  # whose default bot answers on every number of the app
        rules = {"taking": True, "currency": "INR", "payment": {"way": "whatsapp", "bill": BILL}}
        changed = await stack.http.patch("/api/bots/default", json={"orders": rules})
        assert changed.status_code == 200, changed.text
        file = {"file": ("prices.csv", TEA.encode(), "text/csv")}
        await stack.http.post("/api/knowledge/documents?bot_id=default", files=file)
        await until(lambda: _known(stack))
        items = [{"product_retailer_id": "TEA-1", "quantity": 2, "item_price": 250.5, "currency": "INR"}]
        others = (f"9198{number:08}" for number in range(1000))

        async def sends_a_cart(contact: str) -> bool:
            await stack.post(arrives(raw(contact, "order", {"catalog_id": "1", "product_items": items})))
            await until(lambda: stack.replies(contact))
            return "interactive" in _last(stack, contact)

        await until(lambda: sends_a_cart(next(others)))  # the worker hears of the price list after the web
        await sends_a_cart(CUSTOMER)
        confirm = buttons(_last(stack, CUSTOMER))[0]
        reply = {"type": "button_reply", "button_reply": {"id": confirm, "title": "x"}}
        await stack.post(arrives(raw(CUSTOMER, "interactive", reply)))
        await until(lambda: stack.emulator.payments.bills)
        [(_, reference)] = stack.emulator.payments.bills
        tap = PaymentTap(contact=CUSTOMER, reference_id=reference)
        for _ in range(2):
            told = stack.emulator.payments.pay(INDIAN, tap)
            await stack.emulator.say_statuses(INDIAN, [told])
        await until(lambda: "Order 1 is paid. Thank you!" in stack.replies(CUSTOMER))
        [order] = (await stack.http.get("/api/orders")).json()["items"]
        assert (order["id"], order["state"], order["total"]) == (reference, "paid", "501")
        assert stack.emulator.payments.bills[INDIAN, reference]["state"] == "processing"
        await until(stack.idle)
        assert stack.replies(CUSTOMER).count("Order 1 is paid. Thank you!") == 1
