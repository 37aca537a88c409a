"""Orders that are paid inside WhatsApp: a bill goes out once, a payment that Meta reports and confirms pays
once, and what became of the order is told by the message that WhatsApp has for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from agent.ordering.rules import OrderRules
from channels.emulators.base import SendFault
from channels.emulators.meta.payments import PaymentTap
from server.clock import now_ms
from server.orders.paying import PATIENCE
from server.orders.records import OrderLine, Payment
from server.orders.reports import kept_reports
from server.store.keys import key
from tests.support.servers.front_door import front_door, settings_of
from tests.support.shop.bills import GATEWAY, LINES, PIX, BillingShop
from tests.support.stack import webhook


@pytest.fixture
async def shop(redis: Redis, tmp_path: Any) -> AsyncIterator[BillingShop]:
    yield BillingShop(redis, tmp_path, GATEWAY)


async def test_a_bill_goes_out_once_and_a_payment_pays_once(shop: BillingShop):
    order = await shop.order()
    await asyncio.gather(*(shop.cashier.ask_for_payment(shop.office.runtime) for _ in range(4)))
    await shop.goes_round()
    [bill] = shop.sent()
    assert bill["reference_id"] == order.id and bill["total_amount"] == {"value": 50100, "offset": 100}
    assert bill["order"]["items"][0] == {
        **{"retailer_id": "AU-ONE", "name": "Aurora One", "quantity": 2},
        "amount": {"value": 25050, "offset": 100},
    }
    await shop.pays(order)
    for _ in range(3):
        await shop.goes_round()
    after = await shop.now(order)
    assert [step.state for step in after.history] == ["new", "paid"] and after.history[-1].by == "payment"
    assert shop.meta.payments.looked_up == 1
    await shop.goes_round()
    assert [one["order"]["status"] for one in shop.sent()] == ["pending", "processing"]
    assert f"Order {order.number} is paid. Thank you!" in shop.office.replies(shop.customer)
    status = shop.meta.payments.pay(shop.account, PaymentTap(contact=shop.customer, reference_id=order.id))
    for _ in range(2):
        await shop.hears(status)
    await shop.goes_round()
    assert await shop.now(order) == after and await kept_reports(shop.office.redis, "default") == []


async def test_a_bill_names_things_as_the_catalogue_at_meta_does(shop: BillingShop):
    known = (*LINES, LINES[0].model_copy(update={"ref": "AU ONE B", "retailer_id": "au_one_b"}))
    await shop.order(lines=known, goods=Decimal(1002), total=Decimal(1002))
    await shop.goes_round()
    [bill] = shop.sent()
    assert bill["order"]["catalog_id"] == GATEWAY["catalogue"]
    assert [item["retailer_id"] for item in bill["order"]["items"]] == ["AU-ONE", "au_one_b"]


@pytest.mark.parametrize(
    ("tap", "why"),
    [
        ({"value": 50099}, "another sum"),
        ({"value": 501}, "another sum"),
        ({"currency": "USD"}, "another sum"),
    ],
)
async def test_another_sum_pays_nothing_and_a_person_is_told(
    shop: BillingShop, tap: dict[str, Any], why: str
):
    order = await shop.order()
    await shop.goes_round()
    await shop.pays(order, **tap)
    await shop.goes_round()
    after = await shop.now(order)
    assert after.state == "new" and after.payment and after.payment.state == "refused"
    assert why in after.payment.trouble and "WhatsApp" in after.payment.trouble
    assert why in await shop.task(order)
    await shop.pays(order)
    await shop.goes_round()
    assert (await shop.now(order)).state == "paid"


async def test_an_attempt_that_failed_leaves_the_bill_open(shop: BillingShop):
    order = await shop.order()
    await shop.goes_round()
    await shop.pays(order, status="pending", transaction="failed")
    await shop.goes_round()
    after = await shop.now(order)
    assert after.state == "new" and after.payment and not after.payment.trouble
    assert await kept_reports(shop.office.redis, "default") == []


async def test_a_payment_that_the_look_up_does_not_confirm_waits_and_then_is_for_a_person(shop: BillingShop):
    order = await shop.order()
    await shop.goes_round()
    await shop.pays(order, lookup={"status": "pending"})
    await shop.goes_round()
    assert (await shop.now(order)).state == "new"
    [(name, report)] = await kept_reports(shop.office.redis, "default")
    assert report
    late = report.model_copy(
        update={"at": (now_ms() - PATIENCE) // 1000 - 1}
    )  # it came long after the payment
    await shop.office.redis.hset(key("default", "bill_payments"), name, late.model_dump_json())
    await shop.goes_round()
    assert (await shop.now(order)).state == "new" and not await shop.task(order)
    await shop.office.redis.set(key("default", "order_looked_up", name), now_ms() - PATIENCE - 1)
    await shop.goes_round()
    after = await shop.now(order)
    assert after.state == "new" and "look-up" in await shop.task(order)
    assert await kept_reports(shop.office.redis, "default") == []


async def test_a_look_up_that_is_away_is_asked_again(shop: BillingShop):
    order = await shop.order()
    await shop.goes_round()
    await shop.pays(order)
    shop.meta.faults.append(SendFault(status=503, code=131000))
    await shop.goes_round()
    assert (await shop.now(order)).state == "new"
    await shop.goes_round()
    assert (await shop.now(order)).state == "paid"


async def test_a_payment_of_another_number_or_of_no_order_pays_nothing(shop: BillingShop):
    order = await shop.order()
    await shop.goes_round()
    tap = PaymentTap(contact=shop.customer, reference_id=order.id)
    status = shop.meta.payments.pay(shop.account, tap)
    await shop.hears(status, account="9180")
    await shop.hears({**status, "payment": {**status["payment"], "reference_id": "nobody"}})
    await shop.goes_round()
    after = await shop.now(order)
    assert after.state == "new" and "another number" in await shop.task(order)
    assert await kept_reports(shop.office.redis, "default") == []


async def test_a_second_payment_of_a_paid_order_is_shown(shop: BillingShop):
    order = await shop.order()
    await shop.goes_round()
    await shop.pays(order)
    await shop.goes_round()
    await shop.pays(order, value=99900)
    await shop.goes_round()
    after = await shop.now(order)
    assert after.payment and (after.state, after.payment.state) == ("paid", "paid")
    assert "another sum as well" in await shop.task(order)


async def test_every_state_is_told_by_its_message_where_whatsapp_has_the_step(shop: BillingShop):
    order = await shop.order()
    await shop.goes_round()
    for state in ("packed", "paid", "sent", "done"):
        await shop.book.move("default", order.id, state, "Ann")
        await shop.goes_round()
    assert [one["order"]["status"] for one in shop.sent()][1:] == ["processing", "shipped", "completed"]
    assert len(shop.office.replies(shop.customer)) == 5  # that it is paid is said in words


async def test_a_paid_order_is_cancelled_in_words(shop: BillingShop):
    order = await shop.order()
    await shop.goes_round()
    await shop.book.move("default", order.id, "paid", "Ann")
    await shop.book.move("default", order.id, "cancelled", "Ann")
    await shop.goes_round()
    assert [one["order"]["status"] for one in shop.sent()] == ["pending", "processing"]
    unpaid = await shop.order()
    await shop.goes_round()
    await shop.book.move("default", unpaid.id, "cancelled", "Ann")
    await shop.goes_round()
    assert shop.sent()[-1]["order"]["status"] == "canceled"


async def test_pix_waits_for_its_code_and_an_operator_says_what_was_paid(redis: Redis, tmp_path: Any):
    shop = BillingShop(redis, tmp_path, PIX)
    order = await shop.order(delivery=Decimal("9.9"), total=Decimal("510.9"))
    await shop.goes_round()
    assert shop.sent() == [] and await shop.task(order) == ""
    known = Payment(way="whatsapp", code="00020101021226700014br.gov.bcb.pix")
    await shop.book.revise("default", order.id, lambda one: one.model_copy(update={"payment": known}))
    await shop.goes_round()
    [bill] = shop.sent()
    assert bill["payment_settings"][0]["pix_dynamic_code"]["code"] == known.code
    assert bill["order"]["shipping"] == {"value": 990, "offset": 100}
    await shop.book.move("default", order.id, "paid", "Ann")
    await shop.goes_round()
    assert shop.sent()[-1] == {
        **{"reference_id": order.id, "order": {"status": "processing"}, "payment": {"status": "captured"}}
    }


@pytest.mark.parametrize(
    ("bill", "order", "why"),
    [
        (GATEWAY, {"currency": "USD"}, "INR, not USD"),
        (GATEWAY, {"currency": ""}, "no currency"),
        (GATEWAY, {"total": Decimal("501.001")}, "two decimals"),
        (GATEWAY, {"total": Decimal(502)}, "shipping"),
        ({**GATEWAY, "goods": "physical-goods"}, {"delivery": Decimal(1), "total": Decimal(502)}, "address"),
    ],
)
async def test_an_order_that_no_bill_can_be_of_is_for_a_person(
    redis: Redis, tmp_path: Any, bill: dict[str, Any], order: dict[str, Any], why: str
):
    shop = BillingShop(redis, tmp_path, bill)
    made = await shop.order(**order)
    await shop.goes_round()
    assert shop.sent() == [] and why in await shop.task(made)
    assert await shop.book.news("default") == []


async def test_only_numbers_of_the_bills_country_get_one(redis: Redis, tmp_path: Any):
    shop = BillingShop(redis, tmp_path, GATEWAY, country="BR")
    order = await shop.order(currency="INR")
    await shop.goes_round()
    assert shop.sent() == [] and "not of IN" in await shop.task(order)
    shop = BillingShop(redis, tmp_path, GATEWAY)
    shop.customer = "77010000079"
    order = await shop.order()
    await shop.goes_round()
    assert shop.sent() == [] and "the customer's number" in await shop.task(order)


async def test_sums_that_upi_does_not_take_go_to_the_gateways_page(redis: Redis, tmp_path: Any):
    shop = BillingShop(redis, tmp_path, GATEWAY)
    dear = (OrderLine(ref="A", name="Car", quantity=1, price=Decimal(500_001), sum=Decimal(500_001)),)
    await shop.order(lines=dear, goods=Decimal(500_001), total=Decimal(500_001))
    await shop.goes_round()
    assert shop.sent()[0]["payment_settings"][0]["payment_gateway"]["enabled_payment_options"] == ["web"]
    upi = {"country": "IN", "by": "upi", "address": "upi://pay?pa=a@b&tr={reference}", "catalogue": "1"}
    shop = BillingShop(redis, tmp_path, {**upi, "goods": "digital-goods"})
    small = await shop.order()
    dearer = await shop.order(lines=dear, goods=Decimal(500_001), total=Decimal(500_001))
    await shop.goes_round()
    [bill] = shop.sent()
    link = bill["payment_settings"][0]["upi_intent_link"]["link"]
    assert link == f"upi://pay?pa=a@b&tr={small.id}" and "UPI takes" in await shop.task(dearer)


@pytest.mark.parametrize(
    ("bill", "named"),
    [
        ({"country": "IN", "by": "pix"}, "by"),
        ({"country": "BR", "by": "gateway"}, "by"),
        ({"country": "IN", "by": "gateway", "catalogue": "1"}, "gateway"),
        ({"country": "IN", "by": "gateway", "gateway": "payu", "configuration": "c"}, "origin"),
        ({"country": "BR", "by": "pix", "merchant": "Cafe", "key": "a"}, "key_type"),
        ({"country": "BR", "by": "link", "address": "upi://pay?pa=a"}, "address"),
        ({"country": "BR", "by": "link", "address": "https://a.example/{what}"}, "braces"),
        (None, "bill"),
    ],
)
def test_settings_of_a_bill_name_what_they_lack(bill: dict[str, Any] | None, named: str):
    with pytest.raises(ValidationError) as refused:
        OrderRules.model_validate({"taking": True, "payment": {"way": "whatsapp", "bill": bill}})
    assert named in str(refused.value)


async def test_a_signed_webhook_puts_a_payment_on_record_and_another_one_nothing(redis: Redis, tmp_path: Any):
    status = {"id": "w1", "type": "payment", "status": "captured", "timestamp": "1786000000"}
    amount = {"value": 50100, "offset": 100}
    status["payment"] = {"reference_id": "A-1", "amount": amount, "currency": "INR"}
    async with front_door(settings_of(tmp_path), redis) as door:
        assert (await door.post(webhook(statuses=[status]), secret="another")).status_code == 403
        assert await kept_reports(redis, "default") == []
        for _ in range(2):
            assert (await door.post(webhook(statuses=[status]))).status_code == 200
    [(_, report)] = await kept_reports(redis, "default")
    assert report and (report.reference_id, report.amount) == ("A-1", Decimal(501))
