"""From a conversation on the running product to a failing test, in one command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.people.customers import write
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def cli(stack: Stack, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server", "replay", *args]
    return subprocess.run(
        command, env=stack.env, cwd=stack.data_dir, capture_output=True, text=True, timeout=60
    )


async def test_this_reply_was_bad(stack: Stack, tmp_path: Path):
    contact = "77017654321"
    await stack.post(
        webhook(text(contact, "Hello, it is Viktor, viktor@mail.ru: is it cheap?", "wamid.save1"))
    )
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    folder = str(tmp_path / "conversations")
    said = (await stack.conversation_of(contact))["messages"][-1]
    assert any(name.startswith("sell@") for name in said["prompts"])
    done = cli(stack, "export", "last", "bad-reply", "--folder", folder, "--bad", "cheap", "--mask", "Viktor")
    assert done.returncode == 0, done.stderr
    assert "email: viktor@mail.ru -> someone1@example.com" in done.stderr and "differs" not in done.stderr
    file = (tmp_path / "conversations" / "bad-reply.yaml").read_text()
    assert "iktor" not in file and contact not in file and "someone1@example.com" in file
    ran = cli(stack, "run", "--folder", folder)
    assert ran.returncode == 1 and "reply has 'cheap'" in ran.stderr
    assert (
        "would be no failing test"
        in cli(stack, "export", "last", "fine", "--folder", folder, "--bad", "zzz").stderr
    )
    assert not (tmp_path / "conversations" / "fine.yaml").exists()
    missing = cli(stack, "export", "nobody", "nothing", "--folder", folder)
    assert missing.returncode == 2 and "there is no conversation nobody" in missing.stderr


async def test_what_was_just_said_in_the_simulator(stack: Stack, tmp_path: Path):
    await write(f"{stack.url}/simulator/cloud-api", "sim-demo", "77000001234", "what about the Duo?")
    await until(stack.idle)
    await stack.post(webhook(text("77017654322", "and this is a customer's", "wamid.save2")))
    await until(lambda: stack.replies("77017654322"))
    await until(stack.idle)
    made = cli(stack, "new", "from-phone", "--simulator", "--folder", str(tmp_path))
    assert made.returncode == 0, made.stderr
    file = (tmp_path / "from-phone.yaml").read_text()
    assert "what about the Duo?" in file and "customer's" not in file and "Aurora Coffee" in file
    assert cli(stack, "run", "--folder", str(tmp_path)).returncode == 0
