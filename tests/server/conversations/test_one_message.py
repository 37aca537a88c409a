"""Where each message is paid for, a turn says what it has to say in one, as far as one holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.context import Context
from agent.state import State
from channels.content.media import Document, Image
from server.bots.bot import build_bot
from server.config.settings import Settings
from server.conversations.outbox import pairs_of
from server.store.records import Reply
from tools.runtime import Shown

FILES = [{"name": f"{name}.pdf", "url": f"https://shop.example/{name}.pdf"} for name in "ab"]


def replies(said: list[str], *shown: Shown, together: bool = True) -> list[Reply]:
    context = Context.model_validate({"files": FILES})
    values: Any = State(messages=[], replies=said, presented=list(shown))
    return [reply for reply, _ in pairs_of("t", values, [], {}, context, together)]


def test_several_replies_become_one():
    [one] = replies(["Good morning!", "  ", "**Vases** are 10 EUR."])
    assert one.text == "Good morning!\n\n*Vases* are 10 EUR."
    assert [reply.text for reply in replies(["a", "b"], together=False)] == ["a", "b"]
    assert replies([]) == []


def test_what_one_message_does_not_hold_goes_out_in_several():
    found = replies(["a " * 1500, "b " * 1500])
    assert len(found) == 2 and "".join(reply.text for reply in found).count("b") == 1500


def test_a_document_takes_the_words_as_its_caption():
    [one] = replies(["Our prices:"], Shown(sort="file", file="a.pdf"))
    assert isinstance(one.content, Document) and one.content.caption == "Our prices:"
    assert one.text == "Our prices:\nhttps://shop.example/a.pdf"  # for a channel that shows no files
    two = replies(["Both:"], Shown(sort="file", file="a.pdf"), Shown(sort="file", file="b.pdf"))
    captions = [reply.content.caption for reply in two if isinstance(reply.content, Document)]
    assert captions == ["Both:", ""]
    apart = replies(["Our prices:"], Shown(sort="file", file="a.pdf"), together=False)
    assert [reply.content and reply.content.kind for reply in apart] == [None, "document"]


def test_a_caption_has_its_length():
    long = "a " * 600
    assert [
        reply.content and reply.content.kind for reply in replies([long], Shown(sort="file", file="a.pdf"))
    ] == [
        None,
        "document",
    ]
    said = replies(["Hello.", long], Shown(sort="file", file="a.pdf"))
    assert len(said) == 3 and not isinstance(said[0].content, Image)


@pytest.mark.parametrize(
    ("given", "account", "at_once"),
    [
        ("auto", "4242", True),
        ("auto", "sim-b", True),  # as it would be on the real wire
        ("auto", "simwaha-b", False),
        ("off", "4242", False),
        ("on", "simwaha-b", True),
    ],
)
def test_it_is_so_where_whatsapp_charges_unless_a_bot_says_otherwise(
    tmp_path: Path, given: str, account: str, at_once: bool
):
    settings = Settings(_env_file=None, data_dir=tmp_path)
    assert build_bot(settings, {"id": "b", "one_message": given}, {}).says_at_once(account) == at_once
    other = Settings.model_validate({"data_dir": tmp_path, "one_message": given})
    assert build_bot(other, {"id": "b"}, {}).says_at_once(account) == at_once
