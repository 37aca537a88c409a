"""Whatever Meta, a gateway or a stranger puts into a webhook: every message is found, nothing breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import ANSWERED
from channels.cloud_webhook import clean_text, parse, signature, signed_by

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "entry",
                    "changes",
                    "value",
                    "messages",
                    "statuses",
                    "contacts",
                    "metadata",
                    "from",
                    "id",
                    "type",
                    "text",
                    "body",
                    "field",
                    "errors",
                    "image",
                    "interactive",
                    "profile",
                    "wa_id",
                    "context",
                    "timestamp",
                    "status",
                    "pricing",
                    "category",
                    "conversation",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=40,
)


def body(*messages: Any, contacts: Any = None, **value: Any) -> bytes:
    inner = {"metadata": {"phone_number_id": "42"}, "messages": list(messages), "contacts": contacts, **value}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": inner}]}]}).encode()


def said(**fields: Any) -> dict[str, Any]:
    return {
        "from": "77015550101",
        "id": "wamid.1",
        "timestamp": "1786000000",
        "type": "text",
        "text": {"body": "hi"},
        **fields,
    }


@given(st.dictionaries(st.sampled_from(["entry", "object"]), anything))
def test_no_json_object_breaks_the_parser(payload: dict[str, Any]):
    parsed = parse(json.dumps(payload).encode())
    for message in parsed.messages:
        assert message.id and (message.wa_id or message.user_id)


@given(anything)
def test_a_broken_message_never_takes_its_neighbours_with_it(junk: Any):
    parsed = parse(body(said(id="wamid.a"), junk, said(id="wamid.b")))
    assert {"wamid.a", "wamid.b"} <= {message.id for message in parsed.messages}


@given(st.binary(max_size=200))
def test_bytes_that_are_no_json_object_are_a_value_error(raw: bytes):
    try:
        assert isinstance(json.loads(raw), dict)
    except ValueError:
        with pytest.raises(ValueError):
            parse(raw)
    except AssertionError:
        with pytest.raises(ValueError):
            parse(raw)


@given(st.text(alphabet=st.characters(), max_size=50))
def test_clean_text_goes_into_any_store(text: str):
    clean_text(text).encode("utf-8")
    assert "\x00" not in clean_text(text)


@pytest.mark.parametrize(
    ("raw", "wa_id", "user_id"),
    [
        ({"from": "77015550101"}, "77015550101", ""),
        ({"from": "77015550101", "from_user_id": "KZ.1"}, "77015550101", "KZ.1"),
        ({"from": None, "from_user_id": "KZ.1"}, "", "KZ.1"),
        ({"from": "US.1234"}, "", "US.1234"),
        ({"from": "+77015550101"}, "77015550101", ""),
    ],
)
def test_a_sender_may_have_a_number_a_user_id_or_both(raw: dict, wa_id: str, user_id: str):
    message = parse(body(said(**raw))).messages[0]
    assert (message.wa_id, message.user_id) == (wa_id, user_id)


def test_a_sender_named_only_among_the_contacts_is_found():
    message = parse(
        body(said(**{"from": None}), contacts=[{"wa_id": "7999", "profile": {"name": "Aigul"}}])
    ).messages[0]
    assert (message.wa_id, message.name) == ("7999", "Aigul")


def test_contacts_are_matched_by_id_and_not_by_place():
    contacts = [{"wa_id": "2", "profile": {"name": "Two"}}, {"wa_id": "1", "profile": {"name": "One"}}]
    parsed = parse(body(said(**{"from": "1"}), said(**{"from": "2", "id": "wamid.2"}), contacts=contacts))
    assert [m.name for m in parsed.messages] == ["One", "Two"]


def test_a_message_of_nobody_is_quarantined():
    parsed = parse(body(said(**{"from": None}), said(id="wamid.ok")))
    assert [m.id for m in parsed.messages] == ["wamid.ok"]
    assert parsed.quarantined[0].reason == "message without a sender"


KINDS = [
    ({"type": "image", "image": {"id": "1", "caption": "this one?"}}, "image", "this one?"),
    ({"type": "audio", "audio": {"id": "1", "voice": True}}, "audio", ""),
    (
        {"type": "location", "location": {"latitude": 43.2, "longitude": 76.8, "name": "Office"}},
        "location",
        "Office (43.2, 76.8)",
    ),
    ({"type": "contacts", "contacts": [{"phones": [{"phone": "+1"}]}]}, "contacts", "+1"),
    (
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "s", "title": "10:00"}},
        },
        "button",
        "10:00",
    ),
    (
        {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"title": "Vase"}}},
        "button",
        "Vase",
    ),
    (
        {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "[1]"}}},
        "button",
        "[1]",
    ),
    ({"type": "button", "button": {"payload": "STOP"}}, "button", "STOP"),
    (
        {
            "type": "order",
            "order": {
                "product_items": [
                    {"product_retailer_id": "a", "quantity": 2, "item_price": 9, "currency": "KZT"}
                ]
            },
        },
        "order",
        "2 x a at 9 KZT",
    ),
    ({"type": "reaction", "reaction": {"message_id": "x", "emoji": "👍"}}, "reaction", "👍"),
    ({"type": "reaction", "reaction": {"message_id": "x"}}, "reaction", ""),
    ({"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "new"}}}}, "edit", "new"),
    ({"type": "revoke", "revoke": {}}, "revoke", ""),
    ({"type": "system", "system": {"body": "changed number"}}, "system", "changed number"),
    ({"type": "unsupported", "errors": [{"code": 131051}]}, "unsupported", ""),
    ({"type": "hologram", "hologram": {}}, "unsupported", ""),
    ({"type": None}, "unsupported", ""),
]


@pytest.mark.parametrize(("raw", "kind", "text"), KINDS)
def test_every_kind_of_message(raw: dict, kind: str, text: str):
    message = parse(body(said(**raw))).messages[0]
    assert (message.kind, message.text) == (kind, text)


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"flow_token": "hidden", "city": "Astana"}, "city: Astana"),
        ('{"flow_token": "hidden"}', "Sent"),
        ('[{"flow_token": "hidden", "size": 2}]', "size 2"),
        ('"flow_token: hidden"', "Sent"),
        ("{broken flow_token: hidden", "Sent"),
        ('{"a": {"b": [{"token": "hidden", "c": false}]}}', "a: b c no"),
        ("[" * 5_000, "Sent"),
    ],
    ids=range(7),
)
def test_no_form_shows_its_token_and_none_loses_its_fields(response: object, text: str):
    reply = {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": response}}
    assert parse(body(said(type="interactive", interactive=reply))).messages[0].text == text


@pytest.mark.parametrize("stamp", ["1786000000", 1786000000, 1786000000000, "1786000000.5"])
def test_timestamps_of_any_form(stamp: object):
    assert parse(body(said(timestamp=stamp))).messages[0].timestamp == 1786000000
    assert parse(body(said(timestamp="soon"))).messages[0].timestamp == 0


def test_statuses_with_and_without_everything():
    statuses = [
        {"id": "w1", "status": "read", "biz_opaque_callback_data": "c/r"},
        {"id": "w2", "status": "failed", "errors": [{"code": 131047, "title": "Re-engagement"}]},
        {"id": "w3", "status": "played"},
        {"id": "w4", "status": "deleted"},
        {"status": "sent"},
    ]
    parsed = parse(body(statuses=statuses))
    assert [(s.id, s.status) for s in parsed.statuses] == [("w1", "read"), ("w2", "failed"), ("w3", "read")]
    assert (parsed.statuses[0].callback, parsed.statuses[1].error_code) == ("c/r", 131047)


def test_what_the_owner_writes_on_the_phone_is_an_echo_to_the_contact():
    value = {
        "metadata": {"phone_number_id": "42"},
        "message_echoes": [{"to": "7701", "id": "e1", "type": "text", "text": {"body": "I am on it"}}],
    }
    payload = {"entry": [{"changes": [{"field": "smb_message_echoes", "value": value}]}]}
    message = parse(json.dumps(payload).encode()).messages[0]
    assert (message.kind, message.wa_id, message.text) == ("echo", "7701", "I am on it")
    assert message.kind not in ANSWERED


def test_a_lone_surrogate_in_any_field_can_be_stored():
    odd = [
        {"type": "location", "location": {"latitude": "\ud800", "longitude": 1}},
        {"type": "order", "order": {"product_items": [{"quantity": "\ud800", "item_price": "\udfff"}]}},
    ]
    for raw in odd:
        parse(body(said(**raw))).messages[0].model_dump_json()


@given(st.binary(max_size=100), st.text(max_size=20))
def test_only_the_right_signature_of_the_raw_bytes_counts(raw: bytes, wrong: str):
    assert signed_by("secret", raw, signature("secret", raw))
    assert not signed_by("secret", raw + b" ", signature("secret", raw))
    assert not signed_by("secret", raw, wrong)
    assert not signed_by("secret", raw, None)


@pytest.mark.external_data
def test_real_webhooks(external_data):
    rows = [
        json.loads(line)
        for line in (external_data / "01_whatsapp_cloud" / "webhooks.jsonl").read_text().splitlines()
    ]
    for row in rows:
        parsed = parse(json.dumps(row["payload"]).encode())
        assert not parsed.quarantined, row["id"]
        wanted = sum(
            len(c["value"].get("messages", []))
            for e in row["payload"].get("entry", [])
            for c in e.get("changes", [])
            if c.get("field") == "messages"
        )
        assert sum(m.kind != "echo" for m in parsed.messages) == wanted, row["id"]


@pytest.mark.external_data
def test_a_real_body_with_a_stray_brace(external_data):
    for line in (external_data / "01_whatsapp_cloud" / "raw_malformed.jsonl").read_text().splitlines():
        with pytest.raises(ValueError):
            parse(json.loads(line)["raw"].encode())


@pytest.mark.parametrize(
    ("told", "number", "user_id"),
    [
        ({"wa_id": "+77010000099"}, "77010000099", ""),
        ({"wa_id": "abc def"}, "", ""),
        ({"user_id": "BR.Abc1"}, "", "BR.Abc1"),
        ({"wa_id": "12", "user_id": "nobody"}, "", ""),
    ],
)
def test_nobody_moves_to_what_is_no_number(told: dict[str, str], number: str, user_id: str):
    moved = said(type="system", system={"type": "user_changed_number", **told})
    assert parse(body(moved)).messages[0].moved_to == (number, user_id)


def test_a_row_without_a_title_says_its_description():
    row = {"type": "list_reply", "list_reply": {"id": "r1", "title": "", "description": "Tuesday at ten"}}
    assert parse(body(said(type="interactive", interactive=row))).messages[0].text == "Tuesday at ten"
