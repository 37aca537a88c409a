"""WhatsApp's own bill and its states against an emulated Meta that checks them by rules of its own, and the
payments that it tells of."""

from __future__ import annotations

import copy
import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from channels.base import Recipient, SendError
from channels.cloud_webhook import parse
from channels.content.anything import Content, Stored
from channels.content.payments import (
    Bill,
    BilledItem,
    BillStatus,
    ByBoleto,
    ByGateway,
    ByPaymentPage,
    ByPix,
    ByUpi,
    GoodsOrigin,
    ImporterAddress,
)
from channels.content.plain import as_text
from tests.channels.wires import Provider, Wire
from tests.support.waiting import until

_NUMBERS = itertools.count(1)
ORIGIN = GoodsOrigin(
    country_of_origin="India",
    importer_name="Chai House",
    importer_address=ImporterAddress(
        address_line1="12 MG Road", city="Delhi", zone_code="DL", postal_code="110093"
    ),
)
ITEMS = (
    BilledItem(retailer_id="TEA-1", name="Assam tea", amount=25050, quantity=2),
    BilledItem(retailer_id="CUP", name="Cup", amount=9900, quantity=1),
)
PIX = ByPix(
    code="00020101021226700014br.gov.bcb.pix", merchant_name="Cafe", key="a@b.example", key_type="EMAIL"
)
PAGE = ByPaymentPage(uri="https://pay.example/order/1")
UPI = ByUpi(link="upi://pay?pa=shop@bank&pn=Chai%20House&mc=5399&purpose=00&tr=A1")
BOLETO = ByBoleto(digitable_line="03399026944140000002628346101018898510000008848")
GATEWAY = ByGateway(gateway="razorpay", configuration="shop-pg")


def bill(settlement: Any, country: str = "IN", **changes: Any) -> Bill:
    known: dict[str, Any] = {"country": country, "reference_id": "A-1", "body": "Please pay for order 7"}
    known |= {"items": ITEMS, "total": 60000, "settlement": settlement, "goods": "digital-goods"}
    known |= {"origin": ORIGIN} if country == "IN" else {}
    return Bill(**{**known, **changes})


BILLS: dict[str, Bill] = {
    "a payment gateway": bill(GATEWAY),
    "a gateway's page alone": bill(ByGateway(gateway="payu", configuration="c", web=True)),
    "UPI": bill(UPI, total=65000, shipping=5000),
    "a page in India": bill(PAGE, catalogue_id="194836987003835", origin=None),
    "Pix": bill(PIX, "BR", goods="physical-goods"),
    "a boleto": bill(BOLETO, "BR", total=61500, shipping=1500),
    "a page in Brazil": bill(PAGE, "BR", footer="Thank you"),
}


def line_of(meta: Provider, country: str = "IN") -> tuple[Wire, Recipient]:
    """A number of a country, and a customer there."""
    prefix = {"IN": "91", "BR": "55", "KZ": "77"}[country]
    account = f"{prefix}80{next(_NUMBERS):06}"
    return Wire(meta, meta.channel(account), account), Recipient(account=account, wa_id=f"{prefix}9845012345")


async def statuses(line: Wire, sent: str, *wanted: str) -> list[int]:
    """The errors that statuses of a message name, once it has these."""

    def there() -> bool:
        return {s.status for s in line.parsed().statuses if s.id == sent} >= set(wanted)

    await until(there)
    return [s.error_code for s in line.parsed().statuses if s.id == sent and s.error_code]


@pytest.mark.parametrize("name", BILLS)
async def test_a_bill_of_every_sort_is_taken_and_shown(cloud_api: Provider, name: str):
    made = BILLS[name]
    line, to = line_of(cloud_api, made.country)
    sent = await line.channel.send(to, made, "c/r:0")
    assert await statuses(line, sent, "sent", "delivered", "read") == []
    [bubble] = line.emulator.phones.conversation(line.account, to.wa_id)
    parameters = bubble.content["interactive"]["action"]["parameters"]
    assert parameters["currency"] == made.currency
    assert parameters["total_amount"] == {"value": made.total, "offset": 100}
    stored: TypeAdapter[Content] = TypeAdapter(Stored)
    assert stored.validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(("country", "theirs"), [("KZ", "IN"), ("IN", "KZ"), ("BR", "IN")])
async def test_nobody_of_another_country_gets_a_bill(cloud_api: Provider, country: str, theirs: str):
    line, _ = line_of(cloud_api, country)
    _, to = line_of(cloud_api, theirs)
    sent = await line.channel.send(to.model_copy(update={"account": line.account}), bill(GATEWAY), "c/r:0")
    assert await statuses(line, sent, "failed") == [2040]


async def test_one_reference_is_of_one_bill(cloud_api: Provider):
    line, to = line_of(cloud_api)
    await line.channel.send(to, bill(GATEWAY), "c/r:0")
    with pytest.raises(SendError) as refused:
        await line.channel.send(to, bill(UPI), "c/r:1")
    assert refused.value.kind == "change" and "reference_id" in str(refused.value)
    with pytest.raises(SendError):
        state = BillStatus(reference_id="A-2", body="It is on its way", status="shipped")
        await line.channel.send(to, state, "c/r:2")


# A part of a request -> what is put there (None: nothing). Each is refused by the emulator's own table.
P = "interactive.action.parameters."
BROKEN: list[tuple[str, Any]] = [
    (P + "reference_id", ""),
    (P + "reference_id", "A" * 36),
    (P + "reference_id", "A 1"),
    (P + "reference_id", None),
    (P + "type", "services"),
    (P + "currency", "USD"),
    (P + "payment_type", "br"),
    (P + "payment_settings", []),
    (P + "payment_settings", None),
    (P + "payment_settings.0.type", "boleto"),
    (P + "payment_settings.0.payment_gateway.type", "stripe"),
    (P + "payment_settings.0.payment_gateway.configuration_name", "x" * 61),
    (P + "total_amount.value", 60001),
    (P + "total_amount.value", 60000.5),
    (P + "total_amount.value", "60000"),
    (P + "total_amount.offset", 1000),
    (P + "total_amount.offset", None),
    (P + "order", None),
    (P + "order.status", "processing"),
    (P + "order.tax", None),
    (P + "order.subtotal.value", 59999),
    (P + "order.items", []),
    (P + "order.items.0.quantity", 3),
    (P + "order.items.0.quantity", 0),
    (P + "order.items.0.amount.value", -1),
    (P + "order.items.0.amount.offset", 10),
    (P + "order.items.0.name", "x" * 61),
    (P + "order.items.1.country_of_origin", None),
    (P + "order.items.1.importer_address", None),
    (P + "order.items.0.importer_address.postal_code", "11"),
    (P + "order.items.0.sale_amount", {"value": 25050, "offset": 100}),
    (P + "order.shipping", {"value": 100, "offset": 100}),
    (P + "total", 1),
    ("interactive.action.name", "review_order"),
    ("interactive.body.text", "x" * 1025),
    ("interactive.body", None),
    ("interactive.header", {"type": "text", "text": "Bill"}),
]


@pytest.mark.parametrize(("path", "value"), BROKEN)
async def test_the_emulator_refuses_what_metas_page_does_not_have(cloud_api: Provider, path: str, value: Any):
    line, to = line_of(cloud_api)
    await line.channel.send(to, bill(GATEWAY, reference_id="A-whole"), "c/r:0")
    whole = copy.deepcopy(line.emulator.requests[-1])
    whole["interactive"]["action"]["parameters"]["reference_id"] = "A-broken"
    part: Any = whole
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        part = part[step]
    if value is None:
        del part[last]
    else:
        part[last] = value
    url = f"{line.provider}/v25.0/{line.account}/messages"
    headers = {"Authorization": "Bearer a-secret"}
    answer = await line.client.post(url, json=whole, headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]["code"] in (131008, 131009), answer.text


async def test_what_became_of_an_order_follows_the_steps_that_meta_allows(cloud_api: Provider):
    line, to = line_of(cloud_api)
    await line.channel.send(to, bill(GATEWAY), "c/r:0")
    steps = [
        ("processing", []),
        ("shipped", []),
        ("completed", []),
        ("canceled", [2046]),
        ("shipped", [2046]),
    ]
    for number, (status, errors) in enumerate(steps):
        state: Any = {"reference_id": "A-1", "body": "News of order 7", "status": status}
        sent = await line.channel.send(to, BillStatus(**state, description="So it is"), f"c/r:{number + 1}")
        assert await statuses(line, sent, "failed" if errors else "read") == errors


async def test_a_bill_that_is_paid_cannot_be_cancelled(cloud_api: Provider):
    line, to = line_of(cloud_api, "BR")
    await line.channel.send(to, bill(PIX, "BR"), "c/r:0")
    paid = BillStatus(reference_id="A-1", body="Order 7 is paid", status="processing", paid=True)
    await statuses(line, await line.channel.send(to, paid, "c/r:1"), "read")
    gone = BillStatus(reference_id="A-1", body="Order 7 is cancelled", status="canceled")
    assert await statuses(line, await line.channel.send(to, gone, "c/r:2"), "failed") == [2047]


async def test_a_payment_is_told_and_can_be_looked_up(cloud_api: Provider):
    line, to = line_of(cloud_api)
    await line.channel.send(to, bill(GATEWAY), "c/r:0")
    tap = {"contact": to.wa_id, "reference_id": "A-1"}
    control = f"{line.provider}/_control/{line.account}/payments"
    assert (await line.client.post(control, json={**tap, "reference_id": "B"})).status_code == 422
    await line.client.post(control, json=tap)

    def reports() -> list[Any]:
        return [report for body, _ in line.hooks for report in parse(body).payments]

    await until(reports)
    [report] = reports()
    assert (report.reference_id, report.status, report.transaction_status) == ("A-1", "captured", "success")
    assert (report.amount, report.currency, report.contact) == (Decimal(600), "INR", to.wa_id)
    assert (report.account, report.at > 1_700_000_000) == (line.account, True)
    said = await line.channel.ask("GET", f"{line.account}/payments/shop-pg/A-1")
    assert said["payments"][0]["status"] == "captured"
    with pytest.raises(SendError):
        await line.channel.ask("GET", f"{line.account}/payments/other/A-1")


def told(**changes: Any) -> Any:
    """What is read of one status of a payment."""
    payment = {"reference_id": "A-1", "amount": {"value": 1050, "offset": 100}, "currency": "INR"}
    status = {"id": "w1", "type": "payment", "status": "captured", "timestamp": "1786000000"}
    status |= {"payment": payment, **changes}
    value = {"metadata": {"phone_number_id": "42"}, "statuses": [status]}
    return parse(json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode())


def test_a_payment_that_failed_is_no_message_that_failed():
    read = told(status="failed")
    assert read.statuses == [] and read.payments[0].status == "failed"


@pytest.mark.parametrize(
    "payment",
    [
        {},
        None,
        [],
        {"reference_id": "A-1"},
        {"reference_id": "A-1", "amount": {"value": "much"}},
        {"reference_id": "A-1", "amount": {"value": 5, "offset": 0}},
        {"reference_id": "A-1", "amount": {"value": "NaN", "offset": 100}},
        {"amount": {"value": 5, "offset": 100}},
    ],
)
def test_a_payment_that_cannot_be_read_is_kept_for_a_person(payment: Any):
    read = told(payment=payment)
    assert read.payments == [] and len(read.quarantined) == 1


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["reference_id", "amount", "value", "offset", "transaction", "status", "id"]),
                x,
            )
        ),
        max_leaves=12,
    )
)
def test_a_payment_of_anything_breaks_nothing(payment: Any):
    read = told(payment=payment)
    assert len(read.payments) + len(read.quarantined) == 1 and read.statuses == []


REFUSED: dict[str, tuple[Any, str]] = {
    "a sum that does not add up": (lambda: bill(GATEWAY, total=60001), "total"),
    "shipping that is not counted": (lambda: bill(GATEWAY, shipping=1), "shipping"),
    "Pix in India": (lambda: bill(PIX), "settlement"),
    "UPI in Brazil": (lambda: bill(UPI, "BR"), "settlement"),
    "no origin in India": (lambda: bill(GATEWAY, origin=None), "catalogue"),
    "a long reference": (lambda: bill(GATEWAY, reference_id="x" * 36), "reference_id"),
    "no items": (lambda: bill(GATEWAY, items=(), total=1, shipping=1), "items"),
    "a long name": (lambda: BilledItem(retailer_id="a", name="x" * 61, amount=1, quantity=1), "60"),
    "no state": (lambda: BillStatus(reference_id="A", body="b"), "status"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bill_that_meta_would_refuse_is_not_made(name: str):
    made, named = REFUSED[name]
    with pytest.raises(ValidationError) as refused:
        made()
    assert named in str(refused.value)


@pytest.mark.parametrize("name", BILLS)
def test_in_words_a_bill_says_where_to_pay(name: str):
    words, how = as_text(BILLS[name]), BILLS[name].settlement
    assert words.startswith("Please pay for order 7")
    there = getattr(how, "link", "") or getattr(how, "uri", "") or getattr(how, "code", "")
    assert there in words and getattr(how, "digitable_line", "") in words
