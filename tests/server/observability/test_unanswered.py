"""Questions that the documents did not answer are kept for the owner, and go with whoever asked them."""

from __future__ import annotations

import pytest

from channels.base import Message
from server.observability.turn_traces import Trace, TracePassage, Used
from server.observability.unanswered import lately, note_unanswered
from server.store.client import Redis

WEAK = TracePassage(document="a.md", page=1, text="Parking.", strong=False)
STRONG = TracePassage(document="a.md", page=1, text="Dogs are welcome.", strong=True)
NOTHING = Used(tool="find_product", arguments="{}", answer="nothing found: no boat")
BOAT = Used(tool="find_product", arguments="{}", answer='[{"name": "Boat"}]')


def asked(text: str) -> list[Message]:
    return [Message(id="m", account="a", kind="text", wa_id="1", text=text)]


@pytest.mark.parametrize(
    ("bot", "text", "passages", "tools", "kept"),
    [
        ("u1", "Do you sell boats?", [WEAK], [NOTHING], True),
        ("u2", "Есть лодки？", [], [], True),
        ("u3", "Can I bring my dog?", [STRONG], [], False),
        ("u4", "How much is the boat?", [WEAK], [BOAT], False),
        ("u5", "Thanks", [], [], False),
    ],
)
async def test_a_question_is_kept_when_nothing_was_found_for_it(
    redis: Redis, bot: str, text: str, passages: list[TracePassage], tools: list[Used], kept: bool
):
    trace = Trace(turn_id="t", at=1, ms=1, verdict="answer", passages=passages, tools=tools, model="m")
    for _ in range(2):
        await note_unanswered(redis, bot, "c1", trace, asked(text))
    found = await lately(redis, bot)
    assert [(row.text, row.conversation_id) for row in found] == ([(text, "c1")] if kept else [])
