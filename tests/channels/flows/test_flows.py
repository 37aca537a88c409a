"""The Flows that are shipped keep the documented rules, the rules find what breaks them, and the sealed wire
is that of another implementation."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channels.flows import SHIPPED, shipped_flow
from channels.flows.rules import flow_problems
from channels.flows.sealed import BadFlowKey, Misshapen, NotForUs, flow_key, unseal
from tests.support.browser.flow_phone import new_key

# Made with the crypto module of Node 20; see `about` in it.
VECTOR: dict[str, Any] = json.loads((Path(__file__).parent / "vector.json").read_text("utf-8"))
REQUEST = json.dumps(VECTOR["request"]).encode()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_flows_that_are_shipped_keep_the_rules(name: str):
    assert flow_problems(json.loads(shipped_flow(name))) == []


def first(flow: dict[str, Any], kind: str) -> dict[str, Any]:
    """The first component of a kind."""
    children = [child for screen in flow["screens"] for child in screen["layout"]["children"]]
    return next(child for child in children if child["type"] == kind)


Break = Callable[[dict[str, Any]], Any]
BROKEN: list[tuple[str, Break, str]] = [
    ("leave_your_details", lambda f: f.update(version="3.0"), "version"),
    ("leave_your_details", lambda f: f["screens"][0].update(id="SUCCESS"), "not SUCCESS"),
    ("leave_your_details", lambda f: f["screens"][0].update(id="SCREEN_1"), "letters and underscores"),
    ("leave_your_details", lambda f: f["screens"][0].pop("terminal"), "none of them is terminal"),
    ("leave_your_details", lambda f: f["screens"][0]["layout"]["children"].pop(), "needs a Footer"),
    ("leave_your_details", lambda f: first(f, "TextInput").update(label="x" * 21), "label has 1 to 20"),
    ("leave_your_details", lambda f: first(f, "TextInput").update({"input-type": "colour"}), "input-type"),
    ("leave_your_details", lambda f: first(f, "TextInput").update(placeholder="x"), "has no placeholder"),
    ("leave_your_details", lambda f: first(f, "TextInput").update(name="last_name"), "two components"),
    ("leave_your_details", lambda f: first(f, "TextInput").update(type="Slider"), "no component Slider"),
    (
        "leave_your_details",
        lambda f: first(f, "Footer")["on-click-action"]["payload"].update(x="${form.age}"),
        "${form.age}",
    ),
    (
        "leave_your_details",
        lambda f: first(f, "Footer")["on-click-action"].update(name="data_exchange"),
        "without an endpoint",
    ),
    ("book_a_call", lambda f: f.pop("routing_model"), "needs one"),
    ("book_a_call", lambda f: f["routing_model"].update(TIME=["DAY"]), "only ways forward"),
    ("book_a_call", lambda f: f["routing_model"].update(DAY=["NIGHT"]), "other screens"),
    ("book_a_call", lambda f: f.update(data_api_version="2.0"), "3.0 or 4.0"),
    ("book_a_call", lambda f: f["screens"][0]["data"]["free"].pop("__example__"), "__example__"),
    ("book_a_call", lambda f: f["screens"][0]["data"]["free"].update(__example__="yes"), "is no boolean"),
    ("book_a_call", lambda f: f["screens"][0]["data"].pop("days"), "${data.days}"),
    (
        "book_a_call",
        lambda f: first(f, "Footer")["on-click-action"].update(name="complete"),
        "only a terminal",
    ),
    ("book_a_call", lambda f: first(f, "Dropdown").update({"data-source": []}), "1 to 200 options"),
]


@pytest.mark.parametrize(("name", "change", "why"), BROKEN, ids=[why for *_, why in BROKEN])
def test_what_breaks_a_rule_is_found_and_named(name: str, change: Break, why: str):
    flow: dict[str, Any] = copy.deepcopy(json.loads(shipped_flow(name)))
    change(flow)
    assert any(why in problem for problem in flow_problems(flow)), flow_problems(flow)


def test_another_implementation_is_understood_and_understands_us():
    opened = unseal(REQUEST, flow_key(VECTOR["private_key"].encode()))
    assert opened.said == VECTOR["said"]
    assert opened.sealed(VECTOR["answer"]) == VECTOR["sealed_answer"]


def changed(name: str, change: Callable[[bytes], bytes]) -> bytes:
    part = change(base64.b64decode(VECTOR["request"][name]))
    return json.dumps({**VECTOR["request"], name: base64.b64encode(part).decode()}).encode()


def flipped(at: int) -> Callable[[bytes], bytes]:
    def change(part: bytes) -> bytes:
        made = bytearray(part)
        made[at] ^= 1
        return bytes(made)

    return change


@pytest.mark.parametrize("name", ["encrypted_aes_key", "encrypted_flow_data", "initial_vector"])
@pytest.mark.parametrize("at", [0, 7, -1])
def test_what_was_tampered_with_is_not_opened(name: str, at: int):
    with pytest.raises(NotForUs):
        unseal(changed(name, flipped(at)), flow_key(VECTOR["private_key"].encode()))


def test_another_key_does_not_open_it():
    with pytest.raises(NotForUs):
        unseal(REQUEST, flow_key(new_key()[0].encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        json.dumps({**VECTOR["request"], "initial_vector": "!"}).encode(),
        changed("initial_vector", lambda part: part[:12]),
        json.dumps({"encrypted_aes_key": 1}).encode(),
    ],
)
def test_what_is_no_request_is_said_to_be_none(body: bytes):
    with pytest.raises(Misshapen):
        unseal(body, flow_key(VECTOR["private_key"].encode()))


def test_a_key_that_cannot_be_used_is_named_and_not_shown():
    with pytest.raises(BadFlowKey, match="no private key in PEM"):
        flow_key(b"not a key")
    secret = VECTOR["private_key"].splitlines()[3]
    assert secret not in repr(unseal(REQUEST, flow_key(VECTOR["private_key"].encode())))
