"""The prompt engineer's day, with the commands: edit, see it fail, compare, accept, green."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from agent.prompts import split_front_matter, with_text
from tests.fakes.openai_wire import FakeOpenAI, last_user, message, schema_of

pytestmark = pytest.mark.slow

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_from_an_edited_prompt_to_green(command: Command, provider: tuple[FakeOpenAI, str], tmp_path: Path):
    home = tmp_path / "project"
    assert command("replay", "run", "price").returncode == 0
    prompt = home / "agent" / "prompts" / "price.md"
    text = split_front_matter(prompt.read_text())[1]
    prompt.write_text(with_text(prompt.read_text(), f"{text} End with a friendly line."))

    failed = command("replay", "run", "price")
    assert failed.returncode == 1 and "0 of 1 as expected" in failed.stderr
    assert "prompts changed since this was recorded: 1/sell/1" in failed.stderr
    assert "+The conversation stands at:" in failed.stderr and "End with a friendly line." in failed.stderr

    fake, url = provider
    fake.answer = lambda request: (
        message(call=(schema_of(request), {"topic": "price"} if schema_of(request) == "Facts" else {}))
        if schema_of(request)
        else message(
            f"449 000 KZT. {'Have a lovely day!' if 'friendly line' in str(request['messages']) else ''}"
        )
        if "Duo" in last_user(request)
        else message("Nice to meet you, Ana!")
    )
    key = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": url}
    unasked = command("replay", "compare", "price", "--recorded", **key)
    assert unasked.returncode == 1 and "say --yes to spend it" in unasked.stderr and fake.requests == []
    compared = command("replay", "compare", "price", "--recorded", "--yes", **key)
    assert compared.returncode == 0 and "1 of 1 say something else: compare.html" in compared.stderr
    assert (
        "Have a lovely day!" in (home / "compare.html").read_text() and not (home / "compare.jsonl").exists()
    )

    accepted = command("replay", "accept", "price")
    assert accepted.returncode == 0 and "price: 2 prompts noted" in accepted.stderr
    assert command("replay", "run", "price").returncode == 0
    assert "unchanged" in command("replay", "accept", "price").stderr


def test_a_conversation_is_made_recorded_and_played(
    command: Command, provider: tuple[FakeOpenAI, str], tmp_path: Path
):
    home, folder = tmp_path / "project", tmp_path / "project" / "tests" / "conversations"
    made = command("replay", "new", "coffee", given="What does delivery in Almaty cost?\nThanks!\n\n")
    assert made.returncode == 0, made.stderr
    saved = yaml.safe_load((folder / "coffee.yaml").read_text())
    assert [turn["user"] for turn in saved["turns"]] == ["What does delivery in Almaty cost?", "Thanks!"]
    assert "1,500" in made.stdout and command("replay", "run", "coffee").returncode == 0
    assert "there is" in command("replay", "new", "coffee").stderr
    assert "use small letters" in command("replay", "new", "../coffee").stderr

    fake, url = provider
    key = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": url}
    refused = command("replay", "record", "coffee", **key)
    assert (
        refused.returncode == 1 and "openai:gpt-4.1-mini: about $0.0" in refused.stderr and not fake.requests
    )
    recorded = command("replay", "record", "coffee", "--yes", **key)
    assert "coffee: 5 calls, $0.0" in recorded.stderr
    asked = len(fake.requests)
    went = command("replay", "run", "coffee", **key)
    assert len(fake.requests) == asked and went.returncode == recorded.returncode
    assert (
        "left as it is, its answers stand in the file" in command("replay", "record", "price", "--yes").stderr
    )

    bad = folder / "bad.yaml"
    bad.write_text("about: x\nturns: [{usr: hi}]\n")
    named = command("replay", "run")
    assert named.returncode == 2 and "bad.yaml: turns.0.usr: there is no such field" in named.stderr
    assert "Traceback" not in named.stderr
    bad.write_text("about: x\nturns: [{user: hi, expect: {reply: {judge: Kind.}}}]\n")
    unjudged = command("replay", "record", "bad", "--yes", **key)
    assert unjudged.returncode == 2 and "was never measured as a judge" in unjudged.stderr
    compared = command("replay", "compare", "bad", "--yes", **key)
    assert compared.returncode == 2 and "was never measured as a judge" in compared.stderr
    assert command("replay", "run", "nothing-like-it").returncode == 2
    assert home.exists()


def test_a_simulated_customer_from_the_command_line(command: Command, tmp_path: Path):
    made = command("simulate", "--persona", "hurried", "--turns", "2")
    assert made.returncode == 0 and "2 turns" in made.stderr, made.stderr
    assert command("replay", "run", "--folder", "conversations").returncode == 0
    assert "there is no nobody" in command("simulate", "--persona", "nobody").stderr


def test_a_comparison_without_a_key_says_what_it_compares(command: Command, tmp_path: Path):
    recorded = command("replay", "compare", "--recorded", "--yes")
    assert (
        recorded.returncode == 2
        and "no key is set" in recorded.stderr
        and "--set model=offline" in recorded.stderr
    )
