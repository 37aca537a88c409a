"""Carts in saved conversations: worked out anew whenever they are played, priced from the tape, and noticed
when they come out otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from server.replay.runs import KeptConversation, played, read_kept
from server.replay.saved import BadConversation, parse_conversation
from server.replay.tape import as_file

FOLDER = Path(__file__).parents[3] / "conversations"


def kept(name: str) -> KeptConversation:
    return read_kept(FOLDER / f"{name}.yaml")


async def test_an_order_is_placed_once_and_the_same_way_every_time():
    went, tape = await played(kept("cart_sent_ru"))
    assert went.passed, went.shown()
    tasks = [turn.task for turn in went.turns if turn.task]
    assert len(tasks) == 1 and tasks[0].startswith("order 1: 460")
    assert as_file(tape) == as_file((await played(kept("cart_sent_ru")))[1])


async def test_another_price_on_the_tape_changes_the_sums_and_is_noticed():
    conversation = kept("cart_en")
    [card] = conversation.tape.cards["GR-PEB"]
    cards = {**conversation.tape.cards, "GR-PEB": [{**card, "price": "39000"}]}
    went, _ = await played(replace(conversation, tape=replace(conversation.tape, cards=cards)))
    assert not went.passed
    assert "answers otherwise than when it was recorded" in went.shown()
    assert "Total: 50300 KZT" in went.turns[0].cart


async def test_a_product_that_is_not_on_the_tape_is_asked_of_nobody():
    conversation = kept("cart_sent_ru")
    cards = {name: rows for name, rows in conversation.tape.cards.items() if name != "AU-DUO"}
    went, _ = await played(replace(conversation, tape=replace(conversation.tape, cards=cards)))
    assert not went.passed and "nothing recorded for cards of AU-DUO" in went.shown()


def test_a_cart_that_nobody_could_send_is_refused():
    text = 'about: x\nturns: [{user: {order: "%s"}}]'
    assert parse_conversation(text % "2 x A-1; 3 x Blue vase", "a").turns
    with pytest.raises(BadConversation, match="order: write"):
        parse_conversation(text % "some vases", "a")
