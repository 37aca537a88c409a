"""A call that nobody took is noticed, answered with one line, and known to the agent."""

from __future__ import annotations

from tests.support import meta_notices as meta
from tests.support.people.customers import fresh, quiet
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until


async def test_a_missed_call_is_a_task_and_answered_with_one_line(stack: Stack):
    contact, call_id = fresh()
    connect = meta.call(contact, call_id, "connect")
    missed = meta.call(contact, call_id)
    for body in (connect, missed, missed, connect, missed):
        assert (await stack.post(body)).status_code == 200
    (line,) = await quiet(stack, contact, 1)
    assert line.startswith("Извините, мы пропустили ваш звонок")  # nobody has written yet: by the number
    shown = await stack.conversation_of(contact)
    assert [(row["author"], row["kind"]) for row in shown["messages"]] == [
        ("contact", "call"),
        ("bot", "text"),
    ]
    known = (await stack.http.get(f"/api/contacts/{shown['id']}")).json()
    assert "missed call" in known["task"] and known["heard_at"]
    await stack.http.delete(f"/api/conversations/{shown['id']}/task")
    await stack.post(missed)
    assert (await stack.http.get(f"/api/contacts/{shown['id']}")).json()["task"] == ""
    spoken = meta.call(contact, f"{call_id}2", status="COMPLETED", duration=33)
    ours = meta.call(contact, f"{call_id}3", direction="BUSINESS_INITIATED")
    await stack.post(spoken)
    await stack.post(ours)
    await stack.post(webhook(text(contact, "what does delivery cost?", f"{call_id}.w")))
    await quiet(stack, contact, 2)
    assert len((await stack.conversation_of(contact))["messages"]) == 4
    assert any("пропустили ваш звонок" in str(r) for r in stack.model.sales_calls())


async def test_who_wants_no_messages_is_not_answered_when_they_ring(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "STOP", message_id)))
    await quiet(stack, contact, 1)
    await stack.post(meta.call(contact, message_id))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1
    shown = await stack.conversation_of(contact)
    assert "missed call" in (await stack.http.get(f"/api/contacts/{shown['id']}")).json()["task"]
