"""The file people write: forgiving where YAML bites, strict where a typo would hide a failing test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server.replay.expect import failures
from server.replay.heard import Heard
from server.replay.runs import Kept, played
from server.replay.saved import BadConversation, Expect, parsed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("about: x\nturns: []", "turns: List should have at least 1 item"),
        ("about: x\nturns:\n  - user: hi\n    expekt: {}", "turns.0.expekt: there is no such field"),
        ("about: x\nturns:\n  - user: hi\n    expect: {reply: {contain: [x]}}", "contain: there is no such field"),
        ("about: x\nturns:\n  - user: hi\n    silence: 2h", "say exactly one of user, silence, operator and hand_back"),
        ("about: x\nturns:\n  - user: {voice: a, image: b}", "say exactly one of text, voice"),
        ("about: x\nturns:\n  - silence: soon", "turns.0.silence"),
        ("about: x\nturns: [", "t.yaml: no YAML"),
        ("- 1", "valid dictionary"),
    ],
)
def test_a_mistake_is_named(text: str, problem: str):
    with pytest.raises(BadConversation, match=problem.replace("(", r"\(")):
        parsed(text, "t.yaml")


def test_what_customers_say_is_text():
    saved = parsed("about: x\nturns: [{user: no}, {user: 2}, {user: [yes, {button: ok}]}, {silence: 1.5h}]", "t.yaml")
    said = [[(each.kind, each.words) for each in turn.user or []] for turn in saved.turns]
    assert said == [[("text", "no")], [("text", "2")], [("text", "yes"), ("button", "ok")], []]
    assert saved.turns[3].silence == 90


async def test_a_setting_that_no_bot_has_is_named(saved: Callable[..., Kept]):
    with pytest.raises(BadConversation, match=r"talk\.yaml: bot: sell_promt: there is no such field"):
        await played(saved("  - user: hi\n", head="bot: {sell_promt: x}\n"))
    with pytest.raises(BadConversation, match="there is no folder papers beside it"):
        await played(saved("  - user: hi\n", head="documents: papers\n"))


GOT = Heard(
    turn=1,
    replies=("It costs *449 000* KZT.", "Anything else?"),
    route=("commands", "sell"),
    verdict="answer",
    profile={"name": "Ana", "class": "client"},
    tools=({"find_product": {"query": "Duo", "most": 5}},),
    prompts=("sell@1", "price@2"),
    task="call back",
    touch=2,
    due="2026-03-05T10:00+05:00",
)


@pytest.mark.parametrize(
    ("want", "problem"),
    [
        ({"route": ["commands"]}, "route was commands > sell, not commands"),
        ({"verdict": "refuse"}, "verdict was answer, not refuse"),
        ({"class": "unknown"}, "class was client, not unknown"),
        ({"owner": "person"}, "owner was bot, not person"),
        ({"profile": {"name": None}}, "profile.name is 'Ana', not None"),
        ({"profile": {"email": "a@example.com"}}, "profile.email is None"),
        ({"tools": []}, "tools were find_product{'query': 'Duo', 'most': 5}, not none"),
        ({"tools": [{"find_product": {"query": "One"}}]}, "tools were"),
        ({"tools": ["request_human"]}, "tools were"),
        ({"prompts": ["closing"]}, "prompts closing were not used, but price, sell"),
        ({"task": "refund"}, "task was 'call back', without 'refund'"),
        ({"silent": True}, "the contact hears 'It costs"),
        ({"follow_up": {"touch": 1}}, "the follow-up is touch 2 on 2026-03-05T10:00+05:00, not touch 1"),
        ({"follow_up": {"day": "2026-03-06"}}, "not on 2026-03-06"),
        ({"follow_up": {"ended": "said no"}}, "not ended with 'said no'"),
        ({"reply": {"is": "no"}}, "not 'no'"),
        ({"reply": {"contains": ["discount"]}}, "reply lacks 'discount'"),
        ({"reply": {"lacks": ["kzt"]}}, "reply has 'kzt'"),
        ({"reply": {"matches": "^Sure"}}, "reply does not match /^Sure/"),
        ({"reply": {"shorter_than": 10}}, "reply has 39 characters, not under 10"),
        ({"reply": {"language": "it"}}, "reply is in en, not it"),
    ],
)
def test_what_is_not_as_expected_is_said(want: dict, problem: str):
    (found,) = failures(Expect.model_validate(want), GOT)
    assert problem in found


def test_what_is_as_expected_is_not():
    want = {
        "route": ["commands", "sell"],
        "verdict": "answer",
        "class": "client",
        "profile": {"name": "Ana", "phone": None},
        "tools": [{"find_product": {"query": "Duo"}}],
        "prompts": ["price"],
        "task": "CALL",
        "silent": False,
        "follow_up": {"touch": 2, "day": "2026-03-05"},
        "reply": {"contains": ["449"], "lacks": ["discount"], "matches": "KZT", "shorter_than": 40, "language": "en"},
    }
    assert failures(Expect.model_validate(want), GOT) == []
