"""Flows on the running product: a phone books a call screen by screen, once however often it sends; what is
old, tampered with or unsigned is refused; answers go into the profile, and what cannot be used is said."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from channels.content.interactive import Form
from channels.emulators.meta.flow_wire import sealed_call, signed_token
from server.conversations.form_tokens import FormToken, token_for
from tests.fakes.openai_wire import message, polite, schema_of
from tests.support.browser.flow_phone import FlowPhone, new_key
from tests.support.people.customers import raw, talk
from tests.support.stack import NUMBER, SECRET, Stack, product, redis_of, text, webhook
from tests.support.waiting import until

pytestmark = pytest.mark.slow

FORMS: list[dict[str, Any]] = [
    {"name": "book_a_call", "flow_id": "77", "label": "Book a call", "books": True},
    {
        "name": "details",
        "flow_id": "78",
        "label": "Your details",
        "screen": "DETAILS",
        "fields": {"full_name": "name", "size": "flat_size", "colour": ""},
        "required": ["full_name", "email"],
    },
]
PEM, PUBLIC = new_key()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product with a key for Flows, whose bot may send two forms."""
    bot = tmp_path_factory.mktemp("bot") / "bot.json"
    custom = [{"name": "flat_size", "type": "number"}]
    bot.write_text(json.dumps({"forms": FORMS, "custom_fields": custom}))
    key, days = PEM.replace("\n", "\\n"), "Mon-Sun"
    with product(WHATSAPP_FLOWS_KEY=key, WORKING_DAYS=days, HOLIDAYS="none", BOT_FILE=str(bot)) as stack:
        yield stack


def phone_of(stack: Stack, secret: str = SECRET) -> FlowPhone:
    return FlowPhone(stack.http, "/flows/default", secret, PUBLIC)


async def form_for(stack: Stack, name: str) -> tuple[str, str, dict[str, Any]]:
    """(number, conversation, the form on the phone) of a contact to whom the agent has sent a form."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if schema_of(request) or request["messages"][-1]["role"] == "tool":
            return polite(request) if schema_of(request) else message("Here it is.")
        return message(call=("send_form", {"name": name}))

    stack.model.answer = answer
    contact, conversation = await talk(stack, "I would like a form")
    stack.model.answer = polite
    await until(lambda: forms_on(stack, contact))
    return contact, conversation, forms_on(stack, contact)[-1]


def forms_on(stack: Stack, contact: str) -> list[dict[str, Any]]:
    bubbles = [b for b in list(stack.emulator.phones.bubbles.values()) if b.contact == contact and not b.mine]
    found = [(b.id, b.content["interactive"]) for b in bubbles if "interactive" in b.content]
    return [{"id": id, **part["action"]["parameters"]} for id, part in found if part["type"] == "flow"]


async def calls_of(stack: Stack, conversation: str) -> list[dict[str, Any]]:
    rows = (await stack.http.get("/api/calls")).json()["items"]
    return [row for row in rows if row["conversation_id"] == conversation]


async def test_a_call_is_booked_once_however_often_the_form_is_sent(shop: Stack):
    contact, conversation, form = await form_for(shop, "book_a_call")
    assert form["flow_action"] == "data_exchange" and "flow_action_payload" not in form
    token, phone = form["flow_token"], phone_of(shop)
    first = await phone.asks("INIT", token=token)
    assert first["screen"] == "DAY" and first["data"]["free"] and len(first["data"]["days"]) >= 13
    day = first["data"]["days"][1]["id"]
    second = await phone.asks("data_exchange", "DAY", token, day=day)
    assert second["screen"] == "TIME" and second["data"]["name"] == "Test"
    slots = [slot["id"] for slot in second["data"]["slots"]]
    assert all(slot.startswith(day) for slot in slots)
    chosen = {"slot": slots[0], "name": "Dana", "about": "an espresso machine"}
    for _ in range(3):
        done = await phone.asks("data_exchange", "TIME", token, **chosen)
        assert done["screen"] == "SUCCESS"
        assert done["data"]["extension_message_response"]["params"]["flow_token"] == token
    [call] = await calls_of(shop, conversation)
    assert (call["name"], call["about"]) == ("Dana", "an espresso machine")
    await until(shop.idle)
    confirmed = [said for said in shop.replies(contact) if "call.ics" in said]
    assert len(confirmed) == 1
    assert (await phone.asks("data_exchange", "TIME", token, **{**chosen, "slot": slots[2]}))[
        "screen"
    ] == "SUCCESS"
    [moved] = await calls_of(shop, conversation)
    assert moved["start"] > call["start"]
    profile = (await shop.conversation_of(contact))["profile"]
    assert profile["name"] == "Dana"


async def test_a_slot_that_was_taken_meanwhile_is_said_to_be(shop: Stack):
    _, _, mine = await form_for(shop, "book_a_call")
    _, conversation, theirs = await form_for(shop, "book_a_call")
    phone = phone_of(shop)
    day = (await phone.asks("INIT", token=mine["flow_token"]))["data"]["days"][3]["id"]
    slots = (await phone.asks("data_exchange", "DAY", mine["flow_token"], day=day))["data"]["slots"]
    await phone.asks("data_exchange", "TIME", mine["flow_token"], slot=slots[0]["id"], name="A")
    late = await phone.asks("data_exchange", "TIME", theirs["flow_token"], slot=slots[0]["id"], name="B")
    assert late["screen"] == "TIME" and "taken" in late["data"]["error_message"]
    assert slots[0]["id"] not in {slot["id"] for slot in late["data"]["slots"]}
    assert await calls_of(shop, conversation) == []
    strange = await phone.asks("data_exchange", "TIME", theirs["flow_token"], slot="tomorrow")
    assert strange["screen"] == "TIME" and phone.status == 200


async def test_it_is_alive_and_takes_note_of_errors(shop: Stack):
    phone = phone_of(shop)
    assert await phone.asks("ping") == {"data": {"status": "active"}}
    error = {"error": "invalid-screen-transition", "error_message": "not allowed"}
    assert await phone.asks("data_exchange", "DAY", "any", **error) == {"data": {"acknowledged": True}}


async def test_both_versions_of_the_data_api_are_answered_alike(shop: Stack):
    _, _, form = await form_for(shop, "book_a_call")
    phone, token = phone_of(shop), form["flow_token"]
    before = await phone.asks("INIT", token=token)
    phone.more = {"version": "4.0"}
    assert await phone.asks("ping") == {"data": {"status": "active"}}
    assert await phone.asks("INIT", token=token) == before  # Meta sends no signature with every call
    phone.more["flow_token_signature"] = signed_token(token, SECRET)
    assert await phone.asks("INIT", token=token) == before and before["screen"] == "DAY"


async def test_a_token_that_meta_has_not_signed_for_this_form_is_refused(shop: Stack):
    _, _, mine = await form_for(shop, "book_a_call")
    _, _, theirs = await form_for(shop, "book_a_call")
    phone, token = phone_of(shop), mine["flow_token"]
    header, payload, signed = signed_token(token, SECRET).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    wrongs: tuple[Any, ...] = (
        signed_token(theirs["flow_token"], SECRET),
        signed_token(token, "another-secret"),
        signed_token(token, ""),
        f"{header}.{payload}.{signed[:-4]}AAAA",
        f"{none}.{payload}.",
        f"{header}.{payload}",
        f"{header}.e30.{signed}",
        "a.b.c",
        "..",
        "",
        5,
        [],
        {},
    )
    for wrong in wrongs:
        phone.more = {"version": "4.0", "flow_token_signature": wrong}
        assert await phone.asks("INIT", token=token) == {} and phone.status == 432, wrong
    assert token not in shop.log.read_text()


async def test_an_old_or_forged_token_is_told_so(shop: Stack):
    _, conversation, form = await form_for(shop, "book_a_call")
    token, phone = form["flow_token"], phone_of(shop)
    other = token.replace(conversation[:8], "00000000")
    async with redis_of(shop) as redis:
        of_nobody = await token_for(
            redis, "default", FormToken("11111111-1111-1111-1111-111111111111", "book_a_call", "t:0")
        )
        no_such_form = await token_for(redis, "default", FormToken(conversation, "gone", "t:0"))
    forged = token[:-1] + ("1" if token.endswith("0") else "0")
    for bad in ("", "unused", other, forged, of_nobody, no_such_form):
        told = await phone.asks("INIT", token=bad)
        assert phone.status == 427 and "no longer valid" in told["error_msg"], bad


async def test_what_is_not_from_meta_or_not_for_us_is_refused(shop: Stack):
    phone = phone_of(shop)
    body = sealed_call({"action": "ping"}, PUBLIC).body
    assert (await phone.posts(body)).status_code == 200
    assert (await phone.posts(body, "another-secret")).status_code == 432
    assert (await shop.http.post("/flows/default", content=body)).status_code == 432
    assert (await shop.http.get("/flows/default")).status_code in (404, 405)
    nobody = FlowPhone(shop.http, "/flows/nobody", SECRET, PUBLIC)
    assert (await nobody.posts(body)).status_code == 432
    foreign = sealed_call({"action": "ping"}, new_key()[1]).body
    assert (await phone.posts(foreign)).status_code == 421
    assert (await phone.posts(b"{}")).status_code == 400
    assert PEM.splitlines()[2] not in shop.log.read_text()
    assert PEM.splitlines()[2] not in (await shop.http.get("/api/bots/default")).text


async def answers(stack: Stack, contact: str, form_id: str, fields: dict[str, Any]) -> str:
    """A filled-in form comes in; the id of its message."""
    said = {"name": "flow", "body": "Sent", "response_json": json.dumps({"flow_token": "x", **fields})}
    written = raw(contact, "interactive", {"type": "nfm_reply", "nfm_reply": said})
    written["context"] = {"from": NUMBER, "id": form_id}
    before = len(stack.replies(contact))
    await stack.post(webhook(written))
    await until(lambda: len(stack.replies(contact)) > before)
    await until(stack.idle)
    return written["id"]


async def test_answers_go_into_the_profile_with_their_message(shop: Stack):
    contact, conversation, form = await form_for(shop, "details")
    assert form["flow_action_payload"] == {"screen": "DETAILS"} and form["flow_token"].startswith(
        conversation
    )
    id = await answers(
        shop,
        contact,
        form["id"],
        {
            "full_name": "aigul",
            "email": "Aigul@Example.KZ",
            "phone": "8 701 555 01 02",
            "size": "70 m2",
            "colour": "red",
        },
    )
    seen = await shop.conversation_of(contact)
    expected = {"name": "Aigul", "email": "Aigul@example.kz", "phone": "+77015550102", "flat_size": "70"}
    assert {field: seen["profile"].get(field) for field in expected} == expected
    assert {seen["sources"][field] for field in expected} == {id}
    assert not seen["task"]
    assert "[filled in the form “details”]" in shop.model.sales_calls()[-1]["messages"][-1]["content"]


async def test_what_cannot_be_used_is_asked_for_and_nothing_is_lost(shop: Stack):
    contact, conversation, form = await form_for(shop, "details")
    calls = len(shop.model.sales_calls())
    await answers(shop, contact, form["id"], {"email": "nonsense", "phone": "12", "shoe_size": "43"})
    line = shop.replies(contact)[-1]
    assert "could not be used" in line and "“nonsense”" in line and "“12”" in line and "your name" in line
    assert len(shop.model.sales_calls()) == calls  # the one clear line needs no model
    seen = await shop.conversation_of(contact)
    assert "email" not in seen["profile"]
    for part in ("nonsense", "12", "full_name", "shoe_size = 43"):
        assert part in seen["task"], part
    kept = next(m for m in seen["messages"] if m["answers"])
    assert kept["answers"] == {"email": "nonsense", "phone": "12", "shoe_size": "43"}
    await shop.post(webhook(text(contact, "dana@example.kz", f"wamid.{conversation}")))
    await until(lambda: len(shop.model.sales_calls()) > calls)


async def test_what_an_operator_entered_stays_and_they_are_told(shop: Stack):
    contact, conversation, form = await form_for(shop, "details")
    entered = await shop.http.patch(f"/api/contacts/{conversation}", json={"profile": {"email": "a@shop.kz"}})
    assert entered.status_code == 200, entered.text
    await answers(shop, contact, form["id"], {"full_name": "Dana", "email": "b@shop.kz"})
    seen = await shop.conversation_of(contact)
    assert seen["profile"]["email"] == "a@shop.kz" and "b@shop.kz" in seen["task"]


def test_a_form_that_books_has_no_first_screen():
    with pytest.raises(ValueError, match="screen"):
        Form(body="b", label="l", flow_id="1", screen="DAY", exchange=True)
