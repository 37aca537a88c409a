"""What a contact taps on comes in as parts that code can use, as the emulator's phone sends it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from channels.base import Message
from channels.cloud_taps import answers_in
from channels.cloud_webhook import parse
from channels.content.inbound import Choice, ProductReference
from tests.channels.contents import CATALOGUE, EVERYTHING
from tests.channels.wires import CONTACT, Provider, Wire


async def tap(line: Wire, **what: Any) -> Message:
    """The contact taps on something; what the business hears of it."""
    line.forget()
    url = f"{line.provider}/_control/{line.account}/answers"
    answer = await line.client.post(url, json={"contact": CONTACT, **what})
    assert answer.status_code == 200, answer.text
    return await line.message()


async def sent(line: Wire, name: str) -> str:
    return await line.channel.send(line.to, EVERYTHING[name][0], "c/r:0")


@pytest.mark.parametrize(
    ("name", "id", "title", "description"),
    [
        ("buttons", "slot_1", "1 o'clock", ""),
        ("list", "sku_9", "Vase 9", "900 KZT"),
        ("list in sections", "sku_3", "Vase 3", "300 KZT"),
        ("carousel of buttons", "buy_4", "Take 4", ""),
    ],
)
async def test_a_choice_names_what_it_was_on(
    cloud_api: Provider, name: str, id: str, title: str, description: str
):
    line = cloud_api.wire()
    ours = await sent(line, name)
    message = await tap(line, bubble=ours, choice=id)
    assert message.choice == Choice(id=id, title=title, description=description)
    assert (message.kind, message.quoted_id) == ("button", ours)
    assert message.text == " - ".join(filter(None, (title, description)))


async def test_what_no_message_shows_cannot_be_tapped_unless_forged(cloud_api: Provider):
    line = cloud_api.wire()
    ours = await sent(line, "buttons")
    url = f"{line.provider}/_control/{line.account}/answers"
    asked = {"contact": CONTACT, "bubble": ours, "choice": "slot_9"}
    assert (await line.client.post(url, json=asked)).status_code == 422
    forged = await tap(line, bubble="wamid.OLD", choice="buy:gone", text="Vase 9", unasked=True)
    assert forged.choice == Choice(id="buy:gone", title="Vase 9")


async def test_a_form_answers_by_its_fields_and_never_with_its_token(cloud_api: Provider):
    line = cloud_api.wire()
    ours = await sent(line, "form")
    fields = {"name": "Dana", "sizes": ["1_S", "2_M"], "agree": True, "note": "", "extra": {"a": 1}}
    message = await tap(line, bubble=ours, fields=fields)
    assert message.answers == {"name": "Dana", "sizes": "1_S, 2_M", "agree": "yes", "extra": '{"a": 1}'}
    assert "t-1" not in message.model_dump_json()
    assert message.quoted_id == ours


async def test_an_address_comes_as_its_fields(cloud_api: Provider):
    line = cloud_api.wire()
    ours = await sent(line, "address request")
    message = await tap(line, bubble=ours, fields={"name": "Asha", "in_pin_code": "411001"})
    assert message.answers == {"name": "Asha", "in_pin_code": "411001"}


async def test_a_cart_comes_line_by_line(cloud_api: Provider):
    line = cloud_api.wire()
    lines = [
        {"product_retailer_id": "sku_9", "quantity": 2, "item_price": 900, "currency": "KZT"},
        {"product_retailer_id": "sku_1", "quantity": 1, "item_price": 100.5, "currency": "KZT"},
    ]
    message = await tap(line, order=lines, catalogue=CATALOGUE, text="by Friday")
    assert message.kind == "order" and message.order is not None
    assert (message.order.catalogue_id, message.order.note) == (CATALOGUE, "by Friday")
    assert [(i.retailer_id, i.quantity, i.price, i.currency) for i in message.order.items] == [
        ("sku_9", 2, Decimal(900), "KZT"),
        ("sku_1", 1, Decimal("100.5"), "KZT"),
    ]


async def test_a_place_and_a_product_are_known(cloud_api: Provider):
    line = cloud_api.wire()
    ours = await sent(line, "location request")
    place = await tap(line, bubble=ours, place={"latitude": 43.2, "longitude": 76.9, "address": "Abay 10"})
    assert place.place and (place.place.latitude, place.place.address) == (43.2, "Abay 10")
    asked = await tap(line, product="sku_9", catalogue=CATALOGUE, text="Is it in stock?")
    assert asked.product == ProductReference(retailer_id="sku_9", catalogue_id=CATALOGUE)
    assert asked.text == "Is it in stock?"


def one(message: dict[str, Any]) -> Message:
    value = {
        "metadata": {"phone_number_id": "42"},
        "messages": [{"from": "7701", "id": "wamid.1", **message}],
    }
    body = {"entry": [{"changes": [{"field": "messages", "value": value}]}]}
    parsed = parse(json.dumps(body).encode())
    assert parsed.quarantined == []
    return parsed.messages[0]


@pytest.mark.parametrize(
    "order",
    [
        {"product_items": [{"product_retailer_id": "a", "quantity": "many", "item_price": "NaN"}]},
        {"product_items": [{"product_retailer_id": "a", "quantity": -3, "item_price": "1e9999999"}]},
        {"product_items": [{"product_retailer_id": "a", "quantity": 1e300}]},
        {"product_items": "none"},
        {},
    ],
)
def test_an_odd_cart_loses_no_message(order: dict[str, Any]):
    message = one({"type": "order", "order": order})
    assert message.order is not None
    assert all(item.quantity >= 0 for item in message.order.items)


@pytest.mark.parametrize(
    "place",
    [{"latitude": "north"}, {"latitude": 91, "longitude": 0}, {"latitude": "43.2", "longitude": "76.9"}],
)
def test_an_odd_place_is_none_and_the_message_stays(place: dict[str, Any]):
    message = one({"type": "location", "location": place})
    assert (message.place is not None) == (place.get("latitude") == "43.2")


@pytest.mark.parametrize("response", ["", "{", "[1]", "null", '"token-1"', "[" * 9_000])
def test_a_form_that_is_no_form_has_no_answers(response: str):
    assert answers_in(response) == {}
    reply = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": response}}
    assert one({"type": "interactive", "interactive": reply}).kind == "button"


def test_a_token_deep_in_a_form_is_kept_by_nobody():
    answers = answers_in({"trip": {"stops": [{"flow_token": "hidden", "city": "Rome"}]}})
    assert "Rome" in answers["trip"] and "hidden" not in answers["trip"]
