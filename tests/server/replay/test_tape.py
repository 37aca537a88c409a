"""A tape serves what was answered, by place; what is missing, unused or changed fails, and nothing can hide
it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agent.models.chat import Models
from server.config.settings import Settings
from server.replay.runs import KeptConversation, accepted, played, recorded
from server.replay.saved import BadConversation, tape_of
from server.replay.tape import Recorded, _pieces, prompt_as_text, read_tape, write_tape
from tests.fakes.openai_wire import FakeOpenAI, error, message, schema_of

PLAIN = Settings.model_construct()
HELLO = """
  - user: What does delivery in Almaty cost?
    model:
      moderate: [{Verdict: {contact_class: client}}]
      extract: [{Facts: {}}]
      sell: ["Delivery in Almaty costs 1,500 ₸."]
"""
LIVE = "  - user: What does delivery in Almaty cost?\n  - user: And in Astana?\n"


async def taped(conversation: KeptConversation) -> KeptConversation:
    """The same with the tape that accepting it makes."""
    went, tape = await played(conversation, "accept")
    assert went.passed, went.shown()
    return replace(conversation, tape=tape)


async def test_a_changed_prompt_fails_with_a_diff(saved: Callable[..., KeptConversation]):
    was = await taped(saved(HELLO))
    now = replace(
        was,
        saved=was.saved.model_copy(update={"bot": {**was.saved.bot, "business": "Borealis Tea, teapots"}}),
    )
    went, _ = await played(now)
    assert not went.passed and [turn.reply for turn in went.turns] == ["Delivery in Almaty costs 1,500 ₸."]
    (problem,) = went.problems
    assert "prompts changed since this was recorded: 1/extract/1, 1/moderate/1, 1/sell/1" in problem
    assert "-[system] Write down what the customer of Aurora Coffee, machines" in problem
    assert "+[system] Write down what the customer of Borealis Tea, teapots" in problem
    accepted, tape = await played(now, "accept")
    assert accepted.passed and (await played(replace(now, tape=tape)))[0].passed


async def test_a_changed_tool_fails_with_a_diff(
    saved: Callable[..., KeptConversation], monkeypatch: pytest.MonkeyPatch
):
    import tools

    was = await taped(saved(HELLO))
    monkeypatch.setattr(tools.installed()["find_product"], "description", "Looks into the till.")
    went, _ = await played(was)
    assert "+[tool find_product] Looks into the till." in went.problems[0]


async def test_a_missing_answer_is_named_whatever_the_graph_makes_of_it(
    saved: Callable[..., KeptConversation],
):
    """Retries, the fallback and the offline model answer for a model that fails: none of them hides this."""
    went, _ = await played(saved(HELLO.replace("      extract: [{Facts: {}}]\n", "")))
    assert went.turns[0].reply == "Delivery in Almaty costs 1,500 ₸."
    assert went.problems == ("talk: nothing recorded for 1/extract/1",)


async def test_an_answer_that_nobody_asked_for_fails(saved: Callable[..., KeptConversation]):
    twice = saved(HELLO.replace('1,500 ₸."]', '1,500 ₸.", "Anything else?"]'))
    went, _ = await played(twice)
    assert went.turns[0].problems == ("the file has 2 answers for sell, and 1 were asked for",)
    was = await taped(saved(HELLO))
    more = Recorded(was.tape.model, "", {**was.tape.calls, "1/sell/2": {"text": "x"}}, {}, was.tape.passages)
    went, _ = await played(replace(was, tape=more))
    assert went.problems == ("talk: recorded, but never asked for: 1/sell/2",)


async def test_a_live_call_is_impossible_while_a_tape_plays(
    saved: Callable[..., KeptConversation], live: Models, provider: tuple[FakeOpenAI, str]
):
    for conversation in (saved(HELLO), saved(LIVE), await taped(saved(HELLO))):
        await played(conversation, "replay", live)
        await played(conversation, "accept", live)
    assert provider[0].requests == []


async def test_what_a_live_model_said_is_played_back(
    saved: Callable[..., KeptConversation], live: Models, provider: tuple[FakeOpenAI, str]
):
    def answer(request):
        if schema_of(request) or request["messages"][-1]["role"] == "tool":
            return (
                message("It is 449,000 KZT.")
                if not schema_of(request)
                else message(call=(schema_of(request), {}))
            )
        return message(call=("find_product", {"query": "Aurora Duo"}))

    provider[0].answer = answer
    conversation = saved("  - user: How much is the Aurora Duo?\n")
    went, tape = await played(conversation, "record", live)
    assert went.passed and went.turns[0].tools == ({"find_product": {"query": "Aurora Duo"}},)
    assert went.turns[0].calls == 4 and went.turns[0].tokens == (416, 64) and went.cost > 0
    assert tape.model == "openai:gpt-4.1-mini" and "449000" in tape.tools["1/tool:find_product/1"]["answer"]
    asked = len(provider[0].requests)
    again, _ = await played(replace(conversation, tape=tape), "replay", live)
    assert again.outcome() == went.outcome() and len(provider[0].requests) == asked


async def test_an_outage_is_played_back_with_its_retries(
    saved: Callable[..., KeptConversation], live: Models, provider: tuple[FakeOpenAI, str]
):
    live.attempts = 2
    provider[0].answer = lambda request: error(500, "server_error", None, "try again in 0s")
    went, tape = await played(saved(LIVE), "record", live)
    assert [tape.calls[f"1/sell/{n}"].get("error") for n in (1, 2, 3)] == ["down", "down", None]
    assert "1,500" in went.turns[0].reply
    live.attempts = 3
    again, _ = await played(replace(saved(LIVE), tape=tape), "replay", live)
    assert again.outcome() == went.outcome()


async def test_a_search_for_something_else_is_named(saved: Callable[..., KeptConversation]):
    was = await taped(saved(HELLO))
    asked = was.saved.turns[0].model_copy(
        update={"user": [was.saved.turns[0].user[0].model_copy(update={"text": "Hm?"})]}
    )  # pyright: ignore[reportOptionalSubscript]
    went, _ = await played(replace(was, saved=was.saved.model_copy(update={"turns": [asked]})))
    assert "another question than the one recorded for 1/retrieve/1" in "\n".join(went.problems)


async def test_a_mistake_of_ours_is_not_taken_for_an_outage(
    saved: Callable[..., KeptConversation], monkeypatch: pytest.MonkeyPatch
):
    def broken(*args: object) -> str:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("server.replay.boundary.prompt_as_text", broken)
    went, _ = await played(saved(HELLO))
    assert any("ZeroDivisionError" in problem for problem in went.problems)


async def test_a_tape_is_read_as_it_was_written(saved: Callable[..., KeptConversation], tmp_path: Path):
    was = await taped(saved(HELLO))
    path = tmp_path / "talk.tape.yaml"
    write_tape(path, was.tape)
    found = read_tape(path)
    assert (found.model, dict(found.calls), dict(found.passages)) == (
        was.tape.model,
        dict(was.tape.calls),
        dict(was.tape.passages),
    )
    assert path.read_text().count("You are the sales assistant of") == 1
    assert not list(tmp_path.glob(".*new"))
    path.write_text("calls: {1/sell/1: {prompt: missing}}")
    with pytest.raises(BadConversation, match="is no tape"):
        read_tape(path)


@given(st.text(alphabet="ab \n[<", max_size=60))
def test_pieces_of_a_prompt_are_the_prompt(text: str):
    assert "\n".join(_pieces(text)) == text


def test_a_prompt_is_text_that_people_read():
    messages = [
        SystemMessage("Be kind. "),
        HumanMessage(
            [
                {"type": "text", "text": "this one"},
                {"type": "image", "base64": "xx", "mime_type": "image/png"},
            ]
        ),
        AIMessage("", tool_calls=[{"name": "find_product", "args": {"query": "x"}, "id": "1"}], id="secret"),
    ]
    assert prompt_as_text(messages, []).splitlines() == [
        "[system] Be kind.",
        "[human] this one (image)",
        "[ai]",
        '  -> find_product {"query": "x"}',
    ]


async def test_recorded_answers_are_not_lost_by_accepting(
    saved: Callable[..., KeptConversation], live: Models, provider: tuple[FakeOpenAI, str], tmp_path: Path
):
    conversation = saved(LIVE)
    async for _, went in recorded([conversation], live, PLAIN):
        assert went.passed
    path = tape_of(conversation.path)
    before = path.read_bytes()
    other = conversation.saved.model_copy(update={"bot": {"model": "openai:gpt-5-mini"}})
    async for _, went, _ in accepted([KeptConversation(conversation.path, other, read_tape(path))]):
        assert "recorded, but never asked for: 1/extract/1" in "\n".join(went.problems)
    assert path.read_bytes() == before


@pytest.mark.parametrize("status", [401, 500])
async def test_a_provider_that_fails_spoils_no_tape(
    saved: Callable[..., KeptConversation], live: Models, provider: tuple[FakeOpenAI, str], status: int
):
    conversation = saved(LIVE)
    async for _, went in recorded([conversation], live, PLAIN):
        assert went.passed
    path = tape_of(conversation.path)
    before, live.attempts = path.read_bytes(), 1
    provider[0].answer = lambda request: error(status, "invalid_request_error", None, "try again in 0s")
    async for _, went in recorded(
        [KeptConversation(conversation.path, conversation.saved, read_tape(path))], live, PLAIN
    ):
        assert "openai:gpt-4.1-mini did not answer at" in went.problems[0] and not went.passed
    assert path.read_bytes() == before


async def test_what_took_too_long_is_on_tape(
    saved: Callable[..., KeptConversation], live: Models, provider: tuple[FakeOpenAI, str]
):
    live.access = replace(live.access, timeout=0.5)
    provider[0].hang = lambda request: 2.0 if schema_of(request) == "Verdict" else 0.0
    conversation = saved("  - user: Do you deliver?\n")
    went, tape = await played(conversation, "record", live)
    assert (
        tape.calls["1/moderate/1"]["error"] == "timeout" and tape.calls["1/moderate/2"]["model"] == "offline"
    )
    provider[0].hang = 0.0
    again, _ = await played(replace(conversation, tape=tape), "replay", live)
    assert again.outcome() == went.outcome()


async def test_a_call_that_no_tape_has_is_named(saved: Callable[..., KeptConversation]):
    was = await taped(saved(HELLO))
    less = {place: row for place, row in was.tape.calls.items() if place != "1/sell/1"}
    went, _ = await played(replace(was, tape=replace(was.tape, calls=less)))
    assert went.problems == ("talk: not on tape: 1/sell/1; accept it",)


async def test_a_tape_may_hold_nothing_and_is_one_all_the_same(saved: Callable[..., KeptConversation]):
    stopped = await taped(saved("  - user: stop\n"))
    assert stopped.tape and not stopped.tape.calls
    write_tape(tape_of(stopped.path), stopped.tape)
    asks = saved("  - user: What does delivery cost?\n", tape=read_tape(tape_of(stopped.path)))
    went, _ = await played(asks)
    assert "no search recorded for 1/retrieve/1" in "\n".join(went.problems)
    assert any("nothing recorded for 1/sell/1" in problem for problem in went.problems)


def test_a_name_with_a_dot_has_a_tape_of_its_own():
    assert tape_of(Path("a/price.v2.yaml")) == Path("a/price.v2.tape.yaml")


@given(st.text(max_size=40))
def test_any_text_comes_back_from_a_tape(text: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.tape.yaml"
        row = {"model": "m", "text": text, "prompt": text}
        try:
            text.encode()
        except UnicodeEncodeError:
            return
        write_tape(path, Recorded("m", "", {"1/sell/1": row}))
        assert read_tape(path).calls["1/sell/1"] == row
