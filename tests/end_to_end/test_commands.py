"""Commands, stop and start on the running product."""

from __future__ import annotations

from tests.support.people.customers import fresh
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until


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
