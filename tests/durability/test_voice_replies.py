"""A worker is killed while a reply is spoken, and while its voice message is sent: the customer hears it
once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from channels.emulators.base import SendFault
from tests.support.people.customers import fresh
from tests.support.stack import Stack, product, text, webhook
from tests.support.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product, whose bot speaks every reply."""
    bot = tmp_path_factory.mktemp("bot") / "bot.json"
    bot.write_text(json.dumps({"speech": {"when": "always"}}))
    with product(BOT_FILE=str(bot), SPEECH_MODEL="openai:gpt-4o-mini-tts") as stack:
        yield stack


def voices(stack: Stack, contact: str) -> int:
    """How many voice messages a contact has."""
    bubbles = list(stack.emulator.phones.bubbles.values())
    return sum(b.contact == contact and not b.mine and b.content.get("type") == "audio" for b in bubbles)


async def test_killed_while_it_is_spoken(speaking: Stack):
    contact, id = fresh()
    speaking.model.spoken.clear()
    speaking.model.hang = lambda body: 2.0 if "voice" in body else 0.0
    await speaking.post(webhook(text(contact, "do you deliver?", id)))
    await until(lambda: speaking.model.spoken)
    speaking.kill("worker")
    await until(lambda: voices(speaking, contact))
    await until(speaking.idle)
    speaking.model.hang = 0.0
    assert voices(speaking, contact) == len(speaking.replies(contact)) == 1
    assert len(speaking.model.spoken) == 2  # the first was asked for by a process that is gone


async def test_killed_while_it_is_sent(speaking: Stack):
    contact, id = fresh()
    speaking.model.spoken.clear()
    speaking.emulator.faults.append(SendFault(seconds=3, deliver=True, status=200))
    sent = len(speaking.emulator.requests)
    await speaking.post(webhook(text(contact, "do you deliver?", id)))
    await until(lambda: len(speaking.emulator.requests) > sent)
    speaking.kill("worker")
    await until(lambda: voices(speaking, contact))
    await until(speaking.idle)
    assert voices(speaking, contact) == len(speaking.replies(contact)) == 1
    assert len(speaking.model.spoken) == 1
