"""From a conversation on the running product to a failing test, in one command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.server.stack import Stack, text, webhook
from tests.waiting import until


def cli(stack: Stack, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server", "replay", *args]
    return subprocess.run(command, env=stack.env, cwd=stack.data_dir, capture_output=True, text=True, timeout=60)


async def test_this_reply_was_bad(stack: Stack, tmp_path: Path):
    contact = "77017654321"
    await stack.post(webhook(text(contact, "Hello, it is Viktor, viktor@mail.ru: is it cheap?", "wamid.save1")))
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
    again = cli(stack, "new", "once-more", "--simulator", "--folder", folder)
    assert again.returncode == 0 and (tmp_path / "conversations" / "once-more.yaml").exists()
    missing = cli(stack, "export", "nobody", "nothing", "--folder", folder)
    assert missing.returncode == 2 and "there is no conversation nobody" in missing.stderr
