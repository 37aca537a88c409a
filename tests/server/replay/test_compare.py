"""Two settings side by side: what is better, what is worse, what is said, and a page that shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from agent.models.chat import Models
from server.config.settings import Settings
from server.replay.compare import Comparison, Side, compared, parse_changes
from server.replay.page import page, text_difference
from server.replay.runs import KeptConversation, played
from server.replay.saved import BadConversation
from tests.fakes.openai_wire import FakeOpenAI, message, schema_of
from tests.support.browser.chromium import needs_chromium

pytestmark = pytest.mark.slow

PLAIN = Settings.model_construct()
TALK = """
  - user: Hello, do you have a showroom?
    expect: {reply: {contains: [showroom], lacks: [dear]}}
  - user: And a parking lot?
    expect: {reply: {shorter_than: 200}}
"""


def obedient(request: dict[str, Any]) -> dict[str, Any]:
    """A model that does what its prompt says: it is polite where it is told to be."""
    if schema_of(request):
        return message(call=(schema_of(request), {}))
    prompt, said = request["messages"][0]["content"], request["messages"][-1]["content"]
    told = len([m for m in request["messages"] if m["role"] == "assistant"])
    word = "my dear, " if "Say dear" in prompt else ""
    return message(
        f"Yes, {word}we have a showroom for you."
        if "showroom" in said
        else f"I said {told} things, {word}ask away."
    )


@pytest.fixture
def talk(saved: Callable[..., KeptConversation], provider: tuple[FakeOpenAI, str]) -> KeptConversation:
    provider[0].answer = obedient
    return saved(TALK)


AS_IS, DEAR = Side("as it is", {}), Side("dear", {"sell_prompt": "Say dear. {business}"})


async def test_better_worse_and_same(
    talk: KeptConversation, saved: Callable[..., KeptConversation], live: Models
):
    greeted = saved(
        "  - user: Hello, do you have a showroom?\n    expect: {reply: {contains: [dear]}}\n", "greeted"
    )
    quiet = saved("  - user: stop\n", "quiet")
    runs = await compared([talk, greeted, quiet], Comparison(AS_IS, DEAR), live, PLAIN)
    assert [(r.name, r.outcome, r.passes, r.differs) for r in runs] == [
        ("talk", "worse", (1, 0), True),
        ("greeted", "better", (0, 1), True),
        ("quiet", "same", (1, 1), False),
    ]
    assert runs[0].right[0].turns[0].problems[0].startswith("reply has 'dear'")


async def test_forced_turns_go_on_from_the_tape(
    talk: KeptConversation, live: Models, provider: tuple[FakeOpenAI, str]
):
    _, tape = await played(talk, "record", live)

    async def told(forced: bool) -> set[str]:
        """What the model was shown as said before the second turn, where it is to say dear."""
        provider[0].requests.clear()
        await compared([replace(talk, tape=tape)], Comparison(AS_IS, DEAR, forced=forced), live, PLAIN)
        asked = [
            r["messages"] for r in provider[0].sales_calls() if "Say dear" in r["messages"][0]["content"]
        ]
        return {m["content"] for messages in asked for m in messages if m["role"] == "assistant"}

    assert await told(forced=False) == {"Yes, my dear, we have a showroom for you."}
    assert await told(forced=True) == {"Yes, we have a showroom for you."}


async def test_the_left_side_may_be_the_tape(
    talk: KeptConversation, live: Models, provider: tuple[FakeOpenAI, str]
):
    _, tape = await played(talk, "record", live)
    before = len(provider[0].requests)
    how = Comparison(Side("as recorded", {}, recorded=True), AS_IS)
    runs = await compared([replace(talk, tape=tape)], how, live, PLAIN)
    assert runs[0].outcome == "same" and not runs[0].differs
    assert len(provider[0].requests) - before == before  # one side asked, not two
    with pytest.raises(BadConversation, match="talk: nothing is on tape; record it first"):
        await compared([talk], how, live, PLAIN)


async def test_a_broken_off_comparison_goes_on_where_it_was(
    talk: KeptConversation, live: Models, provider: tuple[FakeOpenAI, str], tmp_path: Path
):
    how = Comparison(AS_IS, DEAR, times=3, store=tmp_path / "compare.jsonl")
    seen: list[tuple[int, int]] = []
    runs = await compared([talk], how, live, PLAIN, lambda done, total: seen.append((done, total)))
    assert seen == [(n, 6) for n in range(1, 7)] and runs[0].passes == (3, 0)
    lines = (tmp_path / "compare.jsonl").read_text().split("\n")[1:]
    each = len(provider[0].requests) // 6
    (tmp_path / "compare.jsonl").write_text("\n".join([*lines[:4], lines[4][:50]]))
    provider[0].requests.clear()
    again = await compared([talk], how, live, PLAIN)
    assert again[0].passes == (3, 0) and len(provider[0].requests) == 2 * each
    provider[0].requests.clear()
    other = replace(how, right=Side("dear", {"sell_prompt": "Say dear, now. {business}"}))
    await compared([talk], other, live, PLAIN)
    assert len(provider[0].requests) == 3 * each  # another prompt is another comparison


async def test_a_setting_that_cannot_be_is_refused_before_anything_is_played(
    talk: KeptConversation, live: Models, provider: tuple[FakeOpenAI, str], tmp_path: Path
):
    with pytest.raises(BadConversation, match=r"sell_prompt has unknown \{compny\}"):
        await compared([talk], Comparison(AS_IS, Side("x", {"sell_prompt": "{compny}"})), live, PLAIN)
    assert provider[0].requests == []
    (tmp_path / "new.md").write_text("---\nabout: x\n---\nBe brief.\n")
    assert parse_changes(
        [f"sell_prompt=@{tmp_path}/new.md", "passages=3", "model=openai:x", "business=12"]
    ) == {
        "sell_prompt": "Be brief.",
        "passages": 3,
        "model": "openai:x",
        "business": "12",
    }
    for wrong in ("sell_prompt", "=x", "sell_prompt=@missing.md"):
        with pytest.raises(BadConversation, match="--set"):
            parse_changes([wrong])


async def test_a_setting_that_one_conversation_cannot_be_played_with_spoils_no_other(
    talk: KeptConversation, saved: Callable[..., KeptConversation], live: Models
):
    later = saved("  - user: Hello, do you have a showroom?\n  - user: Hello?\n    after: 3d\n", "later")
    following = Side(
        "following", {"outreach": {"enabled": True, "intervals": [2]}, "hours": {"holidays": "none"}}
    )
    runs = await compared([talk, later], Comparison(AS_IS, following), live, PLAIN)
    assert [(run.name, run.outcome) for run in runs] == [("talk", "same"), ("later", "worse")]
    assert "falls due before it" in runs[1].right[0].problems[0] and "falls due" in page(
        runs, Comparison(AS_IS, following)
    )


def test_words_that_differ_are_marked():
    assert text_difference("It costs 449 000 KZT.", "It costs 448 000 KZT!") == (
        [("same", "It costs "), ("gone", "449"), ("same", " 000 KZT"), ("gone", ".")],
        [("same", "It costs "), ("new", "448"), ("same", " 000 KZT"), ("new", "!")],
    )


@pytest.mark.browser
@needs_chromium
async def test_the_page_shows_both_sides(
    talk: KeptConversation,
    saved: Callable[..., KeptConversation],
    live: Models,
    tmp_path: Path,
    browser: Browser,
):
    hostile = saved('  - user: "<script>document.title=1</script> do you have a showroom?"\n', "hostile")
    how = Comparison(AS_IS, DEAR, times=2)
    runs = await compared([talk, hostile], how, live, PLAIN)
    (tmp_path / "compare.html").write_text(page(runs, how), encoding="utf-8")
    assert not re.search(r"(?:src|href)=[\"']?https?:", page(runs, how))
    for width in (1200, 390):
        shown = await browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
        await shown.goto((tmp_path / "compare.html").as_uri())
        assert await shown.title() == "as it is or dear"
        assert await shown.locator(".tile.worse b").inner_text() == "1"
        assert await shown.locator("ins").first.inner_text() == ", my dear"
        assert "reply has 'dear'" in await shown.locator("ul.bad").first.inner_text()
        assert await shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
