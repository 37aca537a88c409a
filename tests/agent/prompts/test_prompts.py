"""Prompts are files that say what they are for; a linter finds what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from agent.context import Context
from agent.prompts import (
    HERE,
    names,
    placeholders,
    prompt,
    prompt_text,
    split_front_matter,
    version,
    with_text,
)
from agent.prompts.lint import LONGEST, prompt_problems
from agent.studio import graph
from server.bots.bot import build_bot
from server.config.settings import Settings
from tests.support.shop.chatting import call

USED = [field.removesuffix("_prompt") for field in Context.model_fields if field.endswith("_prompt")]


def test_ours_are_without_fault():
    assert prompt_problems(graph.nodes, USED) == []
    assert sorted(USED) == names()


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        (
            "sell",
            lambda t: t.replace("{facts}", "{fact}"),
            "holds {fact}, which its front matter does not name",
        ),
        ("sell", lambda t: t.replace("{facts}", "facts"), "names {facts}, which it does not hold"),
        ("sell", lambda t: t + "x" * LONGEST, "every turn pays for them"),
        ("price", lambda t: t.replace("node: sell", "node: sel"), "the graph has no node sel; it has"),
        (
            "price",
            lambda t: t.replace("---\n", "", 1),
            "its front matter must give about, node and placeholders",
        ),
        ("price", lambda t: t + "open {", "write {{ and }} for braces that stay"),
        ("price", lambda t: split_front_matter(t)[0].join(("---\n", "\n---\n")), "price.md: it is empty"),
        ("price", lambda t: t.replace(".\n", ".  \n"), "blanks at the end of a line"),
        ("greeting", lambda t: t, "greeting.md: no node reads it"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, change, problem: str):
    for path in HERE.glob("*.md"):
        (tmp_path / path.name).write_text(path.read_text())
    source = HERE / f"{name if name in USED else 'price'}.md"
    (tmp_path / f"{name}.md").write_text(change(source.read_text()))
    found = prompt_problems(graph.nodes, USED, tmp_path)
    assert [line for line in found if problem in line and line.startswith(f"{name}.md: ")], found


def test_a_prompt_that_a_node_reads_must_be_there(tmp_path: Path):
    assert len(prompt_problems(graph.nodes, USED, tmp_path)) == len(USED)


def test_front_matter_stays_when_the_text_changes():
    file = (HERE / "price.md").read_text()
    changed = with_text(file, "Say it plainly.\n")
    assert split_front_matter(changed) == (split_front_matter(file)[0], "Say it plainly.")
    assert with_text("no front matter", "x") == "x\n"


def test_a_set_of_prompts_may_have_front_matter_too(tmp_path: Path):
    (tmp_path / "bakery").mkdir()
    (tmp_path / "bakery" / "price.md").write_text(with_text((HERE / "price.md").read_text(), "Bread first."))
    settings = Settings(_env_file=None, data_dir=tmp_path, prompt_sets=tmp_path)  # pyright: ignore[reportCallIssue]
    assert build_bot(settings, {"id": "a", "prompt_set": "bakery"}, {}).context.price_prompt == "Bread first."


def test_studio_is_told_what_a_prompt_is_for():
    field = Context.model_json_schema()["properties"]["price_prompt"]
    assert prompt("price").about in field["description"]
    assert (field["langgraph_nodes"], field["langgraph_type"]) == (["sell"], "prompt")
    assert all(placeholders(prompt_text(name)) == set(prompt(name).placeholders) for name in names())


async def test_a_turn_says_which_prompts_it_used(scripted):
    def script(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
        if offered == ["Verdict"]:
            return call("Verdict", {"contact_class": "client"})
        if offered == ["Facts"]:
            return call("Facts", {"topic": "price"})
        return (
            call("find_product", {"query": "blue vase"})
            if messages[-1].type == "human"
            else AIMessage("900 KZT")
        )

    chat, _ = scripted(script, price_prompt="Price first.")
    await chat.says("how much is the blue vase?")
    used = (await chat.state())["prompts"]
    named = [name.split("@")[0] for name in used]
    assert sorted(named) == ["extract", "moderate", "price", "sell", "situation", "turn"]
    assert f"price@{version('Price first.')}" in used and f"sell@{version(prompt_text('sell'))}" in used
    await chat.says("/info")
    assert (await chat.state())["prompts"] == []
