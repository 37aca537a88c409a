"""The file people write: forgiving where YAML bites, strict where a typo would hide a failing test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from server.replay.expect import failures
from server.replay.heard import PlayedTurn
from server.replay.runs import KeptConversation, played
from server.replay.saved import BadConversation, Expect, load_conversation, parse_conversation


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("about: x\nturns: []", "turns: List should have at least 1 item"),
        ("about: x\nturns:\n  - user: hi\n    expekt: {}", "turns.0.expekt: there is no such field"),
        (
            "about: x\nturns:\n  - user: hi\n    expect: {reply: {contain: [x]}}",
            "contain: there is no such field",
        ),
        (
            "about: x\nturns:\n  - user: hi\n    silence: 2h",
            "say exactly one of user, silence, operator and hand_back",
        ),
        ("about: x\nturns:\n  - user: {voice: a, image: b}", "say exactly one of text, voice"),
        ("about: x\nturns:\n  - silence: soon", "turns.0.silence"),
        ("about: x\nturns: [", "t.yaml: no YAML"),
        ("- 1", "valid dictionary"),
        ("about: x\nturns: [{user: hi, expect: {silent: true}, expect: {}}]", "expect stands twice"),
        ("about: x\nturns: [{user: hi, expect: {reply: {matches: 'a (b'}}}]", "is no regular expression"),
    ],
)
def test_a_mistake_is_named(text: str, problem: str):
    with pytest.raises(BadConversation, match=problem.replace("(", r"\(")):
        parse_conversation(text, "t.yaml")


def test_what_customers_say_is_text():
    saved = parse_conversation(
        "about: x\nturns: [{user: no}, {user: 2}, {user: [yes, {button: ok}]}, {silence: 1.5h}]", "t.yaml"
    )
    said = [[(each.kind, each.words) for each in turn.user or []] for turn in saved.turns]
    assert said == [[("text", "no")], [("text", "2")], [("text", "yes"), ("button", "ok")], []]
    assert saved.turns[3].silence == 90


@pytest.mark.parametrize(
    "words",
    ["10:30", "007", "+77012345678", "1_000", "1.50", "1e3", "0x1f", "-5", "3", "~x", "2026-03-02", "on"],
)
def test_numbers_are_what_was_written(words: str):
    (said,) = parse_conversation(f"about: x\nturns: [{{user: {words}}}]", "t.yaml").turns[0].user or []
    assert said.words == words


def test_numbers_of_tools_are_numbers():
    turns = (
        "[{user: hi, expect: {tools: [{t: {most: 5, share: 0.5, on: true}}]}, model: {sell: [{t: {most: "
        "5}}]}}]"
    )
    saved = parse_conversation(f"about: x\nturns: {turns}", "t.yaml")
    assert saved.turns[0].expect.tools == [{"t": {"most": 5, "share": 0.5, "on": True}}]
    assert saved.turns[0].model == {"sell": [{"t": {"most": 5}}]}


def test_a_rubric_may_be_a_file(tmp_path: Path):
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "talk.yaml").write_text(
        "about: x\nturns: [{user: hi, expect: {reply: {judge: rubrics/kind.md}}}]"
    )
    with pytest.raises(BadConversation, match="cannot be read"):
        load_conversation(tmp_path / "talk.yaml")
    (tmp_path / "rubrics" / "kind.md").write_text("Is kind.\n")
    reply = load_conversation(tmp_path / "talk.yaml").turns[0].expect.reply
    assert reply and reply.judge == "Is kind."


async def test_a_touch_that_is_jumped_over_is_named(saved: Callable[..., KeptConversation]):
    head = "bot: {business: x, outreach: {enabled: true, intervals: [2]}, hours: {holidays: none}}\n"
    with pytest.raises(
        BadConversation, match="turn 2: touch 1 falls due before it; put a turn with `silence`"
    ):
        await played(saved("  - user: Do you deliver?\n  - user: Hello\n    after: 5h\n", head=head))


async def test_time_never_runs_backwards(saved: Callable[..., KeptConversation]):
    head = "bot: {business: x, outreach: {enabled: true, intervals: [2]}, hours: {holidays: none}}\n"
    turns = (
        "  - user: Do you deliver?\n  - operator: Yes, I will call.\n    after: 5h\n  - hand_back: true\n  - "
        "silence: 1h\n"
    )
    went, _ = await played(saved(turns, head=head))
    assert [turn.at for turn in went.turns] == sorted(turn.at for turn in went.turns)


async def test_a_call_that_was_booked_stays_booked(saved: Callable[..., KeptConversation]):
    turns = """
  - user: Call me
    model:
      moderate: [{Verdict: {contact_class: client}}]
      extract: [{Facts: {}}]
      sell: [{book_call: {action: book, start: 2026-03-03 11:00, about: x}}, "Done."]
  - user: When was it?
    model:
      extract: [{Facts: {}}]
      sell: [{book_call: {action: free}}, "At eleven."]
"""
    first = saved(turns)
    _, tape = await played(first, "accept")
    _, again = await played(KeptConversation(first.path, first.saved, tape), "accept")
    assert "Booked already: 2026-03-03 11:00" in again.tools["2/tool:book_call/1"]["answer"]


async def test_a_setting_that_no_bot_has_is_named(saved: Callable[..., KeptConversation]):
    with pytest.raises(BadConversation, match=r"talk\.yaml: bot: sell_promt: there is no such field"):
        await played(saved("  - user: hi\n", head="bot: {sell_promt: x}\n"))
    with pytest.raises(BadConversation, match="there is no folder papers beside it"):
        await played(saved("  - user: hi\n", head="documents: papers\n"))


GOT = PlayedTurn(
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
        "reply": {
            "contains": ["449"],
            "lacks": ["discount"],
            "matches": "KZT",
            "shorter_than": 40,
            "language": "en",
        },
    }
    assert failures(Expect.model_validate(want), GOT) == []
