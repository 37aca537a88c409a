"""Edits and revocations name the message they change, on every wire, and are not taken for it coming
again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels import cloud_webhook, waha_webhook, wappi_webhook
from channels.base import Message

WRITER = "77015550101"


def wappi(**fields: Any) -> Message:
    row = {
        **{
            "wh_type": "incoming_message",
            "profile_id": "p1",
            "id": "AAAA",
            "type": "chat",
            "body": "I need 5 cups",
        },
        **{"from": f"{WRITER}@c.us", "chatId": f"{WRITER}@c.us", "time": 1790000000, "is_edited": False},
    }
    return wappi_webhook.parse(json.dumps({"messages": [{**row, **fields}]}).encode()).messages[0]


def waha(event: str, **fields: Any) -> Message:
    payload = {
        "id": f"false_{WRITER}@c.us_AAAA",
        "from": f"{WRITER}@c.us",
        "fromMe": False,
        "timestamp": 1790000000,
    }
    payload = fields if event == "message.revoked" else {**payload, "body": "I need 5 cups", **fields}
    found = waha_webhook.parse(json.dumps({"event": event, "session": "s1", "payload": payload}).encode())
    assert not found.quarantined
    return found.messages[0]


BEFORE = {
    "id": f"false_{WRITER}@c.us_AAAA",
    "from": f"{WRITER}@c.us",
    "fromMe": False,
    "body": "I need 5 cups",
}
AFTER = {**BEFORE, "id": f"false_{WRITER}@c.us_CCCC", "body": ""}
MESSAGES = {
    "wappi": (wappi(), wappi(is_edited=True, body="I need 7 cups"), wappi(is_deleted=True, body="")),
    "waha: an id of its own": (
        waha("message"),
        waha("message.edited", id=f"false_{WRITER}@c.us_BBBB", body="I need 7 cups", editedMessageId="AAAA"),
        waha("message.revoked", before=BEFORE, after=AFTER, revokedMessageId="AAAA"),
    ),
    "waha: the same id": (
        waha("message"),
        waha("message.edited", body="I need 7 cups"),
        waha("message.revoked", before=None, after=BEFORE),
    ),
    "waha: null where it was": (
        waha("message"),
        waha("message.edited", body="I need 7 cups", editedMessageId="AAAA"),
        waha("message.revoked", before=BEFORE, after={**AFTER, "from": None}, revokedMessageId="AAAA"),
    ),
    "waha: nothing left": (
        waha("message"),
        waha("message.edited", body="I need 7 cups", editedMessageId=f"false_{WRITER}@c.us_AAAA"),
        waha("message.revoked", before=BEFORE, after=None, revokedMessageId="AAAA"),
    ),
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_what_is_changed_is_named_and_each_change_is_a_message_of_its_own(kind: str):
    said, edited, revoked = MESSAGES[kind]
    assert (said.kind, edited.kind, revoked.kind) == ("text", "edit", "revoke")
    assert edited.amends == revoked.amends == said.id and said.amends == ""
    assert edited.text == "I need 7 cups"
    assert len({said.id, edited.id, revoked.id}) == 3
    assert {m.wa_id for m in (said, edited, revoked)} == {WRITER}


def test_an_edit_that_comes_twice_is_one_and_another_edit_is_another():
    first, again, second = (wappi(is_edited=True, body=body) for body in ("7 cups", "7 cups", "8 cups"))
    assert first.id == again.id != second.id
    first, again, second = (waha("message.edited", body=body) for body in ("7 cups", "7 cups", "8 cups"))
    assert first.id == again.id != second.id


def test_what_the_business_changes_in_its_own_words_amends_nothing_of_the_contacts():
    assert wappi(is_edited=True, is_me=True).amends == ""
    assert waha("message.edited", fromMe=True, to=f"{WRITER}@c.us").amends == ""


def test_a_cloud_api_edit_is_the_same():
    change = {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "7 cups"}}}
    row = {"from": WRITER, "id": "wamid.2", "timestamp": "1790000000", "type": "edit", "edit": change}
    value = {"metadata": {"phone_number_id": "42"}, "messages": [row]}
    body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
    edited = cloud_webhook.parse(body).messages[0]
    assert (edited.kind, edited.amends, edited.id) == ("edit", "wamid.1", "wamid.2")
