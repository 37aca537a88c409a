"""What is changed while a bill is made, or once it is out: one bill goes out, of what held then, and pays its
order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from server.orders.payment.contract import PaymentLink
from server.orders.payment.whatsapp_bill import WhatsAppBill
from server.orders.records import Payment, PlacedOrder
from tests.support.shop.bills import GATEWAY, PIX, BillingShop


@pytest.fixture
async def shop(redis: Redis, tmp_path: Any) -> AsyncIterator[BillingShop]:
    yield BillingShop(redis, tmp_path, GATEWAY)


async def test_a_code_that_is_changed_while_its_bill_is_made_is_the_one_that_goes_out(
    redis: Redis, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    shop, made = BillingShop(redis, tmp_path, PIX), WhatsAppBill.create
    order = await shop.order(payment=Payment(way="whatsapp", code="the first code"))
    answers: list[int] = []

    async def made_slowly(self: WhatsAppBill, order: PlacedOrder) -> PaymentLink:
        link = await made(self, order)
        if not answers:  # a program of the shop gives another one just now
            answers.append(1)
            other = Payment(way="whatsapp", code="the second code")
            await shop.book.revise("default", order.id, lambda one: one.model_copy(update={"payment": other}))
        return link

    monkeypatch.setattr(WhatsAppBill, "create", made_slowly)
    for _ in range(3):
        await shop.goes_round()
    [bill] = shop.sent()
    assert bill["payment_settings"][0]["pix_dynamic_code"]["code"] == "the second code"
    after = await shop.now(order)
    assert after.payment and (after.payment.code, after.payment.reference) == ("the second code", order.id)


@pytest.mark.parametrize(
    "payment",
    [
        {"way": "whatsapp", "bill": {**GATEWAY, "configuration": "shop-new"}},
        {
            "way": "whatsapp",
            "bill": {"country": "IN", "by": "upi", "address": "upi://pay?pa=a@b", "catalogue": "1"},
        },
        {"way": "link", "link": "https://pay.example/{number}"},
        {"way": "none"},
    ],
)
async def test_a_bill_that_is_out_is_paid_as_it_was_whatever_is_set_later(
    shop: BillingShop, payment: dict[str, Any]
):
    order = await shop.order()
    await shop.goes_round()
    shop.sets(payment)
    await shop.dies_before_it_notes_that_the_customer_is_told(order)
    await shop.goes_round()
    assert len(shop.sent()) == 1 and len(shop.office.replies(shop.customer)) == 1
    await shop.pays(order, value=1)
    await shop.goes_round()
    assert (await shop.now(order)).state == "new" and "another sum" in await shop.task(order)
    await shop.pays(order)
    await shop.goes_round()
    assert (await shop.now(order)).state == "paid" and shop.meta.payments.looked_up == 2
    await shop.goes_round()
    assert shop.sent()[-1]["order"]["status"] == "processing"


async def test_an_order_of_before_another_way_was_set_is_paid_that_way(redis: Redis, tmp_path: Any):
    shop = BillingShop(redis, tmp_path, PIX)
    order = await shop.order(payment=Payment(way="link", code="a Pix code"))
    await shop.goes_round()
    [bill] = shop.sent()
    after = await shop.now(order)
    assert bill["reference_id"] == order.id and after.payment and after.payment.way == "whatsapp"


async def test_an_order_that_is_cancelled_while_its_bill_is_made_gets_none(
    shop: BillingShop, monkeypatch: pytest.MonkeyPatch
):
    order, made = await shop.order(), WhatsAppBill.create

    async def made_slowly(self: WhatsAppBill, order: PlacedOrder) -> PaymentLink:
        await shop.book.move("default", order.id, "cancelled", "Ann")
        return await made(self, order)

    monkeypatch.setattr(WhatsAppBill, "create", made_slowly)
    for _ in range(2):
        await shop.goes_round()
    assert shop.sent() == [] and await shop.book.news("default") == []
    assert (await shop.now(order)).state == "cancelled"
