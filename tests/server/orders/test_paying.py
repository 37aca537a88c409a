"""How an order comes to be paid at Stripe or by a link of the business's own: a link made once, sums and
signatures checked, nothing paid that is not the order."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import PIL.Image
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from redis.asyncio import Redis

from agent.ordering.rules import OrderRules
from channels.content.interactive import LinkButton
from channels.content.media import Image
from channels.content.plain import simplified
from channels.content.qr import png_of
from server.orders.announcing import announce
from server.orders.book import OrderBook
from server.orders.paying import Cashier, stripe_of
from server.orders.payment.contract import NotCharged, NotGenuine, PaymentNotice
from server.orders.payment.stripe import (
    THREE,
    TOLERANCE,
    WHOLE,
    ZERO,
    StripeCheckout,
    from_minor_units,
    in_minor_units,
)
from server.orders.records import Payment, PlacedOrder
from server.store.keys import key
from tests.fakes.stripe_wire import KEY, SECRET, FakeStripe, signed
from tests.support.office import Office
from tests.support.shop.orders import placed

CONTACT = "77010000079"
STRIPE = {"taking": True, "payment": {"way": "stripe", "return_to": "https://wa.me/77010000000"}}
LINK = {"taking": True, "payment": {"way": "link", "link": "https://pay.example/?n={number}&s={total}"}}


class Till:
    """A shop whose orders are paid at an emulated Stripe."""

    def __init__(self, redis: Redis, tmp_path: Any, rules: dict[str, Any], **settings: Any) -> None:
        known = {"stripe_secret_key": KEY, "stripe_webhook_secret": SECRET, **settings}
        context = {"orders": OrderRules.model_validate(rules)}
        self.office = Office(redis, tmp_path, context=context, **known)
        self.stripe, self.book = FakeStripe(), OrderBook(redis)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.stripe.app))
        router = self.office.router
        self.cashier = Cashier(self.office.settings, redis, self.http, self.book, router)

    async def order(self, way: str = "stripe", **more: Any) -> PlacedOrder:
        conversation = await self.office.writes(CONTACT, "hello")
        return await placed(self.office.redis, conversation, payment=Payment(way=way), **more)

    async def asks(self) -> None:
        await announce(self.book, self.office.runtime)
        await self.cashier.ask_for_payment(self.office.runtime)

    async def told(self) -> list[str]:
        conversation = await self.office.writes(CONTACT, "and?")
        lines = await self.office.runtime.conversations.transcript(conversation)
        return [line.text for line in lines if line.author == "bot"]

    async def hears(self, body: bytes, headers: dict[str, str] | None = None) -> str:
        """What becomes of an event."""
        way = stripe_of(self.office.settings, self.http, "default")
        given = {name.lower(): value for name, value in (headers or signed(body)).items()}
        notice = way.verify(body, given, time.time())
        return await self.cashier.settle(self.office.runtime, notice) if notice else "ignored"

    async def now(self, order: PlacedOrder) -> PlacedOrder:
        found = await self.book.order("default", order.id)
        assert found
        return found


@pytest.fixture
async def till(redis: Redis, tmp_path: Any) -> AsyncIterator[Till]:
    yield Till(redis, tmp_path, STRIPE)


async def test_a_customer_gets_one_link_and_a_payment_pays_once(till: Till):
    order = await till.order()
    await asyncio.gather(*(till.asks() for _ in range(4)))
    await till.asks()
    [id] = till.stripe.sessions
    assert till.stripe.sessions[id]["amount_total"] == 26500100
    assert await till.told() == [
        f"Please pay 265\u00a0001 KZT for order {order.number}: https://checkout.stripe.com/c/pay/{id}"
    ]
    body = till.stripe.event(id)
    assert [await till.hears(body), await till.hears(body)] == ["paid", "known"]
    after = await till.now(order)
    assert (after.state, after.payment and after.payment.state) == ("paid", "paid")
    assert [step.state for step in after.history] == ["new", "paid"] and after.history[-1].by == "payment"
    await till.asks()
    assert (await till.told())[1:] == [f"Order {order.number} is paid. Thank you!"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount_total": 26500099}, "another sum"),
        ({"amount_total": 265001}, "another sum"),
        ({"currency": "usd"}, "another sum"),
        ({"amount_total": None}, "another sum"),
        ({"id": "cs_test_other"}, "not its own"),
    ],
)
async def test_another_sum_or_page_pays_nothing_and_a_person_is_told(
    till: Till, changes: dict[str, Any], why: str
):
    order = await till.order()
    await till.asks()
    [id] = till.stripe.sessions
    assert await till.hears(till.stripe.event(id, **changes)) == "refused"
    after = await till.now(order)
    assert after.state == "new" and after.payment and after.payment.state == "refused"
    assert why in after.payment.trouble
    contact = await till.office.runtime.conversations.contact(order.conversation_id)
    assert contact and why in contact.task
    assert await till.hears(till.stripe.event(id)) == "paid"


@pytest.mark.parametrize("now", [LINK, {"taking": True}, {**STRIPE, "payment": {"way": "stripe"}}])
async def test_a_page_that_is_out_is_paid_whatever_is_set_later(till: Till, now: dict[str, Any]):
    order = await till.order()
    await till.asks()
    [id] = till.stripe.sessions
    bot = till.office.runtime.bot
    context = bot.context.model_copy(update={"orders": OrderRules.model_validate(now)})
    till.office.runtime = replace(till.office.runtime, bot=replace(bot, context=context))
    # the worker died before it noted that the customer was asked
    await till.office.redis.sadd(key("default", "order_news"), f"{order.id} new")
    await till.office.redis.delete(key("default", "order_paying", order.id))
    await till.asks()
    assert len(await till.told()) == 1 and list(till.stripe.sessions) == [id]
    assert await till.hears(till.stripe.event(id)) == "paid"


async def test_a_payment_of_a_cancelled_order_is_for_a_person(till: Till):
    order = await till.order()
    await till.asks()
    [id] = till.stripe.sessions
    await till.book.move("default", order.id, "cancelled", "Ann")
    assert await till.hears(till.stripe.event(id)) == "refused"
    after = await till.now(order)
    assert after.state == "cancelled" and after.payment and "is cancelled" in after.payment.trouble


async def test_a_payment_that_takes_its_time_counts_when_it_is_there(till: Till):
    order = await till.order()
    await till.asks()
    [id] = till.stripe.sessions
    assert await till.hears(till.stripe.event(id, payment_status="unpaid")) == "noted"
    assert (await till.now(order)).state == "new"
    assert await till.hears(till.stripe.event(id, "checkout.session.async_payment_failed")) == "refused"
    assert await till.hears(till.stripe.event(id, "checkout.session.async_payment_succeeded")) == "paid"


async def test_what_is_not_signed_now_by_stripe_is_refused(till: Till):
    await till.order()
    await till.asks()
    [id] = till.stripe.sessions
    body, now = till.stripe.event(id), time.time()
    wrong = [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "t=1,v1=" + "0" * 64},
        signed(body, secret="whsec_other"),
        signed(body + b" "),
        signed(body, at=now - TOLERANCE - 5),
        signed(body, at=now + TOLERANCE + 60),
        {"Stripe-Signature": signed(body)["Stripe-Signature"].replace("v1=", "v2=")},
        {"Stripe-Signature": f"t=9,{signed(body)['Stripe-Signature']}"},
    ]
    for headers in wrong:
        with pytest.raises(NotGenuine):
            await till.hears(body, headers or {"x": ""})
    rotated = signed(body, before=f"v1={'a' * 64},")  # two secrets while one is changed
    assert await till.hears(body, rotated) == "paid"


async def test_a_bot_with_an_account_of_its_own_is_paid_there_and_nowhere_else(redis: Redis, tmp_path: Any):
    own = {"secret_key": KEY, "webhook_secret": "whsec_own"}
    others = {"stripe_secret_key": "sk_of_all", "stripe_webhook_secret": SECRET}
    till = Till(redis, tmp_path, STRIPE, stripe_accounts={"default": own}, **others)
    await till.order()
    await till.asks()
    [id] = till.stripe.sessions  # made with its own key: the other one is refused
    body = till.stripe.event(id)
    with pytest.raises(NotGenuine):
        await till.hears(body, signed(body))
    assert await till.hears(body, signed(body, secret="whsec_own")) == "paid"
    assert till.office.settings.stripe_account("demo") == ("sk_of_all", SECRET)
    with pytest.raises(ValidationError):
        Till(redis, tmp_path, STRIPE, stripe_accounts={"default": {"secret_key": KEY}})


async def test_stripe_that_is_away_is_asked_again_with_the_same_key(till: Till):
    order = await till.order()
    till.stripe.failures = [500]
    await till.asks()
    assert await till.told() == [] and await till.book.news("default") == [(order.id, "new")]
    await till.office.redis.delete(key("default", "order_paying", order.id))
    await till.asks()
    assert len(till.stripe.sessions) == 1 and len(await till.told()) == 1
    # a worker that died after the page was made, and before anybody knew
    await till.office.redis.sadd(key("default", "order_news"), f"{order.id} new")
    await till.office.redis.delete(key("default", "order_paying", order.id))
    await till.asks()
    assert len(till.stripe.sessions) == 1 and len(await till.told()) == 1


@pytest.mark.parametrize(
    ("settings", "order", "why"),
    [
        ({"stripe_secret_key": None}, {}, "STRIPE_SECRET_KEY"),
        ({"stripe_secret_key": "sk_wrong"}, {}, "Invalid API Key"),
        ({}, {"currency": ""}, "no currency"),
        ({}, {"currency": "JPY"}, ""),
        ({}, {"currency": "UGX"}, "UGX"),
    ],
)
async def test_a_link_that_cannot_be_made_is_for_a_person(
    redis: Redis, tmp_path: Any, settings: dict[str, Any], order: dict[str, Any], why: str
):
    till = Till(redis, tmp_path, STRIPE, **settings)
    made = await till.order(**order)
    await till.asks()
    contact = await till.office.runtime.conversations.contact(made.conversation_id)
    if order.get("currency") == "JPY":  # 265 001 of them are a sum
        assert next(iter(till.stripe.sessions.values()))["amount_total"] == 265001
    else:
        assert contact and why in contact.task and till.stripe.sessions == {}
    assert await till.book.news("default") == []


async def test_a_link_of_ones_own_is_filled_in_and_an_operator_says_what_was_paid(
    redis: Redis, tmp_path: Any
):
    till = Till(redis, tmp_path, LINK)
    order = await till.order("link")
    await till.asks()
    [told] = await till.told()
    assert told.endswith(f"https://pay.example/?n={order.number}&s=265001")
    await till.book.move("default", order.id, "paid", "Ann")
    after = await till.now(order)
    assert after.payment and after.payment.state == "paid"


async def test_a_link_goes_out_as_a_qr_code_too(redis: Redis, tmp_path: Any):
    till = Till(redis, tmp_path, {**LINK, "payment": {**LINK["payment"], "picture": True}})
    order = await till.order("link")
    await till.asks()
    await till.office.send()
    emulator = till.office.emulator
    [bubble] = [b for b in emulator.phones.bubbles.values() if b.contact == CONTACT and not b.mine]
    shown = bubble.content["interactive"]
    url = f"https://pay.example/?n={order.number}&s=265001"
    assert shown["type"] == "cta_url" and shown["action"]["parameters"] == {"display_text": "Pay", "url": url}
    assert shown["body"]["text"] == f"Please pay 265\u00a0001 KZT for order {order.number}"
    picture = PIL.Image.open(io.BytesIO(emulator.files.kept[shown["header"]["image"]["id"]].data))
    assert drawn(picture.convert("L")) == [list(row) for row in segno.make(url, error="m").matrix]
    [line] = [text for text in await till.told()]
    assert url in line
    await till.book.move("default", order.id, "paid", "Ann")
    assert (await till.now(order)).state == "paid"


def test_where_there_are_no_buttons_the_code_is_a_picture_with_the_words_below():
    url = "https://pay.example/?n=1"
    code = Image(mime_type="image/png", data=png_of(url))
    asked = LinkButton(body="Please pay", label="Pay", url=url, header=code)
    assert simplified(asked, frozenset({"text", "image"})) == code.model_copy(
        update={"caption": f"Please pay\nPay: {url}"}
    )


def drawn(picture: Any) -> list[list[int]]:
    """The dots of a QR code, as a phone sees them: 6 pixels each, within a border of 3 dots."""
    size = picture.width // 6 - 6
    dots = range(size)
    return [[int(picture.getpixel(((x + 3) * 6 + 3, (y + 3) * 6 + 3)) < 128) for x in dots] for y in dots]


sums = st.decimals(min_value=Decimal("0.001"), max_value=Decimal(10) ** 9, places=3, allow_nan=False)


@given(sums, st.sampled_from(["EUR", "KZT", "JPY", "KRW", "KWD", "TND", "ISK", "XOF", "HUF"]))
def test_a_sum_is_charged_exactly_or_not_at_all(amount: Decimal, currency: str):
    try:
        minor = in_minor_units(amount, currency)
    except NotCharged:
        places = 0 if currency in ZERO | WHOLE else 2
        assert amount != round(amount, places) or amount <= 0
        return
    assert from_minor_units(minor, currency) == amount
    assert minor % 10 == 0 or currency not in THREE


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("10", "USD", 1000),
        ("500", "JPY", 500),
        ("5.12", "KWD", 5120),
        ("40", "ISK", 4000),
        ("0.50", "EUR", 50),
    ],
)
def test_sums_as_stripe_writes_them(amount: str, currency: str, minor: int):
    assert in_minor_units(Decimal(amount), currency) == minor


def checkout() -> StripeCheckout:
    return StripeCheckout(httpx.AsyncClient(), "http://stripe", KEY, SECRET, "https://x.example")


@given(st.binary(max_size=300) | st.sampled_from([b"[]", b"{}", b'{"type":"checkout.session.completed"}']))
def test_a_signed_body_of_anything_breaks_nothing(body: bytes):
    headers = {name.lower(): value for name, value in signed(body).items()}
    found = checkout().verify(body, headers, time.time())
    assert found is None or isinstance(found, PaymentNotice)
