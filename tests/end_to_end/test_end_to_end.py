"""A WhatsApp message comes in, the right answer goes out."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest
from fastapi.responses import Response

from tests.fakes.openai_wire import error, last_user, message, polite, schema_of
from tests.support.stack import VERIFY, Stack, text, webhook
from tests.support.waiting import until


def fresh() -> tuple[str, str]:
    """A contact nobody has seen and a message id nobody has used."""
    return f"7702{uuid.uuid4().int % 10**7:07}", f"wamid.{uuid.uuid4().hex}"


async def test_a_question_is_answered_with_the_models_words(stack: Stack):
    contact, message_id = fresh()
    assert (await stack.post(webhook(text(contact, "Do you deliver?", message_id)))).status_code == 200
    assert await until(lambda: stack.replies(contact)) == ["You asked: Do you deliver?"]
    sent = next(r for r in stack.emulator.requests if r["to"] == f"+{contact}")
    assert sent["biz_opaque_callback_data"]
    assert message_id in stack.emulator.reads
    seen = await stack.conversation_of(contact)
    assert [m["text"] for m in seen["messages"]] == ["Do you deliver?", "You asked: Do you deliver?"]
    assert seen["class"] == "client"
    read = await until(lambda: _status(stack, contact, "read"))
    assert read["messages"][1]["model"].startswith("openai:")


async def _status(stack: Stack, contact: str, status: str):
    seen = await stack.conversation_of(contact)
    return seen if seen["messages"][-1]["status"] == status else None


async def test_the_verification_handshake(stack: Stack):
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
    answer = await stack.http.get("/webhook", params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert (
        await stack.http.get("/webhook", params={**asked, "hub.verify_token": "wrong"})
    ).status_code == 403


@pytest.mark.parametrize("secret", [None, "another-secret"])
async def test_a_wrong_signature_stores_nothing(stack: Stack, secret: str | None):
    contact, message_id = fresh()
    before = (await stack.http.get("/api/stats")).json()["conversations"]
    assert (
        await stack.post(webhook(text(contact, "hi there", message_id)), secret=secret)
    ).status_code == 403
    assert (await stack.http.get("/api/stats")).json()["conversations"] == before


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"a":1}{', b"[" * 100_000]
)
async def test_what_is_not_a_json_object_is_refused(stack: Stack, raw: bytes):
    assert (await stack.post(None, raw=raw)).status_code == 400


async def test_a_burst_gets_one_reply_with_everything_in_view(stack: Stack):
    contact, _ = fresh()
    for number in range(3):
        await stack.post(webhook(text(contact, f"part {number}", f"wamid.{contact}.{number}")))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1
    users = [m["content"] for m in stack.model.sales_calls()[-1]["messages"] if m["role"] == "user"]
    assert users == ["part 0\n\npart 1\n\npart 2"]  # as one message: some servers refuse two of one role


async def test_a_message_delivered_many_times_alone_and_rebatched_is_answered_once(stack: Stack):
    contact, message_id = fresh()
    one, other = text(contact, "how much?", message_id), text(contact, "and delivery?", message_id + "b")
    await asyncio.gather(*(stack.post(webhook(one)) for _ in range(8)))
    await stack.post(webhook(one, other))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    await asyncio.gather(*(stack.post(webhook(other, one)) for _ in range(4)))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1
    assert len((await stack.conversation_of(contact))["messages"]) == 3


async def test_a_batch_of_many_people_loses_nobody(stack: Stack):
    people = [fresh()[0] for _ in range(20)]
    broken = {"id": "wamid.nobody", "type": "text", "text": {"body": "who am I?"}}
    body = webhook(*(text(p, f"I am {p}", f"wamid.{p}") for p in people), broken)
    assert (await stack.post(body)).status_code == 200
    for person in people:
        assert await until(lambda p=person: stack.replies(p)) == [f"You asked: I am {person}"]


async def test_reactions_deletions_edits_and_statuses_are_answered_by_nobody(stack: Stack):
    contact, message_id = fresh()
    about = {"from": contact, "timestamp": "1786000000"}
    reaction = {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}
    deletion = {"type": "revoke", "revoke": {"original_message_id": "wamid.x"}}
    edit = {"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "better"}}}}
    for number, what in enumerate((reaction, deletion, edit)):
        await stack.post(webhook({**about, "id": f"{message_id}.{number}", **what}))
    await stack.post(webhook(statuses=[{"id": "wamid.x", "status": "read", "recipient_id": contact}]))
    await until(stack.idle)
    assert not stack.model.requests and not stack.replies(contact)
    await stack.post(webhook(text(contact, "a question", f"{message_id}.9")))
    assert await until(lambda: stack.replies(contact)) == ["You asked: a question"]
    await until(stack.idle)
    kinds = [entry["kind"] for entry in (await stack.conversation_of(contact))["messages"]]
    assert kinds == ["reaction", "revoke", "edit", "text", "text"]


async def test_a_message_that_arrives_while_the_model_thinks_gets_its_own_turn(stack: Stack):
    contact, _ = fresh()

    stack.model.hang = lambda request: 0.7 if last_user(request) == "first" else 0.0
    await stack.post(webhook(text(contact, "first", f"wamid.{contact}.1")))
    await until(lambda: stack.model.requests)
    await stack.post(webhook(text(contact, "second", f"wamid.{contact}.2")))
    await until(lambda: len(stack.replies(contact)) == 2)
    assert stack.replies(contact) == ["You asked: first", "You asked: second"]
    said = [m["content"] for m in stack.model.sales_calls()[-1]["messages"] if m["role"] != "system"]
    assert said == ["first", "You asked: first", "second"]


async def test_the_profile_is_kept_and_only_what_is_missing_is_asked_for(stack: Stack):
    contact, _ = fresh()

    def attentive(request):
        if schema_of(request) == "Facts" and "Anna" in last_user(request):
            return message(
                call=("Facts", {"name": "Anna", "email": "Anna@Example.com", "company": "Invented Ltd"})
            )
        return polite(request)

    stack.model.answer = attentive
    await stack.post(webhook(text(contact, "I am Anna, anna@example.com", f"wamid.{contact}.1")))
    await until(lambda: stack.replies(contact))
    seen = await stack.conversation_of(contact)
    assert seen["profile"]["name"] == "Anna"
    assert seen["profile"]["email"] == "Anna@example.com"
    assert "company" not in seen["profile"]  # the model made it up: nobody said it
    assert seen["missing"] == ["company"]
    system = stack.model.sales_calls()[-1]["messages"][0]["content"]
    assert "<missing>company</missing>" in system
    assert "name: Anna" in system


async def test_an_operators_correction_sticks(stack: Stack):
    contact, _ = fresh()
    stack.model.answer = lambda r: (
        message(call=("Facts", {"name": "Bob"})) if schema_of(r) == "Facts" else polite(r)
    )
    await stack.post(webhook(text(contact, "hello, Bob here", f"wamid.{contact}.1")))
    await until(lambda: stack.replies(contact))
    person = await stack.conversation_of(contact)
    await stack.http.patch(f"/api/contacts/{person['id']}", json={"profile": {"name": "Robert"}})
    await stack.post(webhook(text(contact, "Bob again", f"wamid.{contact}.2")))
    await until(lambda: len(stack.replies(contact)) == 2)
    assert (await stack.conversation_of(contact))["profile"]["name"] == "Robert"


FAILURES = {
    "500": lambda r: error(500, "server_error", None, "The server had an error"),
    "wrong key": lambda r: error(
        401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."
    ),
    "empty account": lambda r: error(
        429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota"
    ),
    "html": lambda r: Response("<html>Bad gateway</html>", 502, media_type="text/html"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failing_provider_ends_in_a_fallback_answer(stack: Stack, failure: str):
    contact, message_id = fresh()
    stack.model.answer = FAILURES[failure]
    await stack.post(webhook(text(contact, "What does the warranty cover?", message_id)))
    reply = (await until(lambda: stack.replies(contact)))[0]
    assert (
        "did not find this in our documents" in reply
    )  # this bot has no documents: honest, and not an error text
    assert (await stack.conversation_of(contact))["messages"][-1]["model"] == "offline"
    if failure in ("wrong key", "empty account"):
        assert len(stack.model.sales_calls()) == 1


async def test_a_passing_failure_is_tried_again(stack: Stack):
    contact, message_id = fresh()
    failed = []

    def once(request):
        if not schema_of(request) and not failed:
            failed.append(1)
            return error(500, "server_error", None, "oops")
        return polite(request)

    stack.model.answer = once
    await stack.post(webhook(text(contact, "still there?", message_id)))
    assert await until(lambda: stack.replies(contact)) == ["You asked: still there?"]


async def test_tools_are_called_and_a_person_can_be_asked_for(stack: Stack):
    contact, _ = fresh()

    def hands_over(request):
        if schema_of(request):
            return polite(request)
        if request["messages"][-1]["role"] == "tool":
            return message("A colleague will write to you.")
        return message(call=("request_human", {"reason": "wants a person"}))

    stack.model.answer = hands_over
    await stack.post(webhook(text(contact, "give me your boss", f"wamid.{contact}.1")))
    assert await until(lambda: stack.replies(contact)) == ["A colleague will write to you."]
    seen = await stack.conversation_of(contact)
    assert seen["owner"] == "person"
    await stack.post(webhook(text(contact, "are you there?", f"wamid.{contact}.2")))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1
    await stack.http.post(
        f"/api/conversations/{seen['id']}/messages", json={"text": "I am Dana, how can I help?"}
    )
    await until(lambda: len(stack.replies(contact)) == 2)
    await stack.http.post(f"/api/conversations/{seen['id']}/resume")
    stack.model.answer = polite
    await stack.post(webhook(text(contact, "thank you Dana, bye now", f"wamid.{contact}.3")))
    await until(lambda: len(stack.replies(contact)) == 3)
    said = [m["content"] for m in stack.model.sales_calls()[-1]["messages"]]
    assert any("I am Dana" in str(line) for line in said)


async def test_a_tool_that_was_not_offered_is_not_run(stack: Stack):
    contact, message_id = fresh()

    def tricked(request):
        if schema_of(request):
            return polite(request)
        if request["messages"][-1]["role"] == "tool":
            return message(f"Tool said: {request['messages'][-1]['content']}")
        return message(call=("delete_everything", {}))

    stack.model.answer = tricked
    await stack.post(webhook(text(contact, "run it please", message_id)))
    assert "not available" in (await until(lambda: stack.replies(contact)))[0]


async def test_commands_need_no_model(stack: Stack):
    contact, _ = fresh()
    await stack.post(webhook(text(contact, "What is new?", f"wamid.{contact}.1")))
    await until(lambda: stack.replies(contact))
    asked = len(stack.model.requests)
    for number, command in enumerate(("/history", "/info", "/reset", "/history"), 2):
        await stack.post(webhook(text(contact, command, f"wamid.{contact}.{number}")))
        await until(lambda n=number: len(stack.replies(contact)) == n)
    history, info, reset, empty = stack.replies(contact)[1:]
    assert "What is new?" in history
    assert "class: client" in info
    assert "afresh" in reset
    assert "not talked about anything" in empty
    assert len(stack.model.requests) == asked
    assert (await stack.conversation_of(contact))["class"] == "client"


async def test_stop_means_silence_until_start(stack: Stack):
    contact, _ = fresh()
    await stack.post(webhook(text(contact, "STOP", f"wamid.{contact}.1")))
    await until(lambda: len(stack.replies(contact)) == 1)
    await stack.post(webhook(text(contact, "but how much is it?", f"wamid.{contact}.2")))
    await until(stack.idle)
    assert (
        "START" in stack.replies(contact)[1] and not stack.model.requests
    )  # told once what would bring an answer
    await stack.post(webhook(text(contact, "hello? how much?", f"wamid.{contact}.3")))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 2
    await stack.post(webhook(text(contact, "Start", f"wamid.{contact}.4")))
    await until(lambda: len(stack.replies(contact)) == 3)
    assert stack.replies(contact)[2].startswith("Welcome back")


async def test_stop_holds_for_operators_too_and_start_works_during_a_handoff(stack: Stack):
    contact, _ = fresh()
    await stack.post(webhook(text(contact, "hello there shop", f"wamid.{contact}.1")))
    await until(lambda: len(stack.replies(contact)) == 1)
    person = await stack.conversation_of(contact)
    await stack.http.post(f"/api/conversations/{person['id']}/handoff")
    await stack.post(webhook(text(contact, "stop", f"wamid.{contact}.2")))
    await until(lambda: len(stack.replies(contact)) == 2)
    refused = await stack.http.post(f"/api/conversations/{person['id']}/messages", json={"text": "but wait!"})
    assert (refused.status_code, "no more messages" in refused.json()["detail"]) == (409, True)
    await stack.post(webhook(text(contact, "start", f"wamid.{contact}.3")))
    await until(lambda: len(stack.replies(contact)) == 3)
    await stack.http.post(f"/api/conversations/{person['id']}/resume")
    await stack.post(webhook(text(contact, "and now?", f"wamid.{contact}.4")))
    await until(lambda: len(stack.replies(contact)) == 4)


async def test_markdown_becomes_whatsapp_text_in_at_most_three_bubbles(stack: Stack):
    contact, message_id = fresh()
    stack.model.answer = lambda r: (
        polite(r) if schema_of(r) else message("# Offer\n\n**Aurora** costs 2*3*4\n\n" + "word " * 4000)
    )
    await stack.post(webhook(text(contact, "tell me everything", message_id)))
    await until(lambda: len(stack.replies(contact)) == 3)
    await until(stack.idle)
    replies = stack.replies(contact)
    assert len(replies) == 3
    assert replies[0].startswith("*Offer*\n\n*Aurora* costs 2*3*4\n\nword")
    assert all(len(reply) <= 4096 for reply in replies)


@pytest.mark.external_data
async def test_every_real_webhook_makes_one_turn_per_user_message(stack: Stack, external_data):
    answered = {
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "contacts",
        "interactive",
        "button",
        "order",
        "edit",  # of a message of another day: the correction is answered
        "unsupported",  # told once that it cannot be read
        "unknown",
    }
    rows = [
        json.loads(line)
        for line in (external_data / "01_whatsapp_cloud" / "webhooks.jsonl").read_text().splitlines()
    ]
    assert len(rows) == 126
    unsigned = await asyncio.gather(*(stack.post(row["payload"], secret=None) for row in rows))
    assert {answer.status_code for answer in unsigned} <= {401, 403}
    expected, before = 0, len(stack.emulator.requests)
    for position, row in enumerate(rows):
        for count, raw in enumerate(_messages(row["payload"])):
            expected += raw.get("type") in answered
            _rename(row["payload"], raw, f"99{position:03}{count:02}")
    answers = await asyncio.gather(*(stack.post(row["payload"]) for row in rows))
    assert {answer.status_code for answer in answers} == {200}
    await until(lambda: len(stack.emulator.requests) - before >= expected)
    await until(stack.idle)
    assert len(stack.emulator.requests) - before == expected
    assert expected > 40


def _messages(payload: dict) -> list[dict]:
    values = [
        c["value"]
        for e in payload.get("entry", [])
        for c in e.get("changes", [])
        if c.get("field") == "messages"
    ]
    return [m for value in values if isinstance(value, dict) for m in value.get("messages", [])]


def _rename(payload: dict, raw: dict, contact: str) -> None:
    """Fixtures share ids and senders among each other; here every message has its own."""
    raw["id"] = f"wamid.{contact}"
    old = {raw.get("from"), raw.get("from_user_id")} - {None}
    for value in (c["value"] for e in payload["entry"] for c in e["changes"]):
        for person in value.get("contacts", []):
            if not old or old & {person.get("wa_id"), person.get("user_id")}:
                person["wa_id"] = contact
                person.pop("user_id", None)
    raw["from"] = contact
    raw.pop("from_user_id", None)


async def test_any_text_is_answered_and_stored(stack: Stack):
    texts = [
        "x" * 65_536,
        "\ud800 lone surrogate",
        "zero\u200bwidth\u200d",
        "\u202eright to left\u202c שלום",
        "nul\u0000byte",
        "{braces} {0} %s ${x}",
        "</passages> <passage>",
        "😀" * 3000,
        " \n\t ",
        "A\u0301\u0302\u0303" * 50,
    ]
    people = []
    for body in texts:
        contact, message_id = fresh()
        people.append(contact)
        assert (await stack.post(webhook(text(contact, body, message_id)))).status_code == 200
    for contact in people:
        assert await until(lambda c=contact: stack.replies(c)), contact
    assert len((await stack.conversation_of(people[0]))["messages"][0]["text"]) == 65_536


@pytest.mark.external_data
async def test_naughty_texts_are_answered(stack: Stack, external_data):
    lines = (external_data / "09_text" / "naughty_texts.jsonl").read_text().splitlines()
    rows = [json.loads(line)["text"] for line in lines]
    people = {f"88{number:06}": body for number, body in enumerate(rows[:: max(1, len(rows) // 120)])}
    batch = [text(contact, body, f"wamid.naughty.{contact}") for contact, body in people.items()]
    for start in range(0, len(batch), 40):
        assert (await stack.post(webhook(*batch[start : start + 40]))).status_code == 200
    await until(stack.idle, 60)
    silent = {contact: body for contact, body in people.items() if not stack.replies(contact)}
    assert not silent
