"""A WhatsApp message comes in, the right answer goes out."""

from __future__ import annotations

import json

import pytest
from fastapi.responses import Response

from tests.fakes.openai_wire import error, last_user, message, polite, schema_of
from tests.support.people.customers import fresh
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until


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


async def test_a_burst_gets_one_reply_with_everything_in_view(stack: Stack):
    contact, _ = fresh()
    for number in range(3):
        await stack.post(webhook(text(contact, f"part {number}", f"wamid.{contact}.{number}")))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1
    users = [m["content"] for m in stack.model.sales_calls()[-1]["messages"] if m["role"] == "user"]
    assert users == ["part 0\n\npart 1\n\npart 2"]  # as one message: some servers refuse two of one role


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
    system = str(stack.model.sales_calls()[-1]["messages"])
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
