"""A shop without a model: what customers ask in many languages is answered, or honestly not."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from agent.language.locale import SPOKEN
from agent.language.phrases import PHRASES, say
from tests.support.people.manners import Desk, faults, questions

pytestmark = pytest.mark.slow

# Of the questions that were written first, and of those that were asked afterwards.
RIGHT = {"questions": 0.9, "fresh": 0.85}
# Texts that are a word or a mark stand in sentences of any language.
LONG = 15


def foreign_texts(reply: str, language: str, business: str) -> list[str]:
    """Fixed texts of another language in a reply."""
    own = {say(phrase, language, business) for phrase in PHRASES}
    others = {say(phrase, code, business) for code in SPOKEN for phrase in PHRASES} - own
    return [text for text in others if len(text) > LONG and "{" not in text and text in reply]


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("name", RIGHT)
async def test_customers_are_answered_without_a_model(desk: Desk, name: str):
    asked = questions(name)
    replies = [await desk.ask(question) for question in asked]
    wrong = {q["id"]: found for q, got in zip(asked, replies, strict=True) if (found := faults(q, got))}
    assert len(wrong) <= len(asked) * (1 - RIGHT[name]), wrong
    assert not {q["id"] for q, got in zip(asked, replies, strict=True) if turned_away(desk, q, got)}
    assert not {q["id"] for q, got in zip(asked, replies, strict=True) if says_nothing_twice(q, got)}
    other = {q["id"]: f for q, got in zip(asked, replies, strict=True) if (f := in_other_words(desk, q, got))}
    assert other == {}


def turned_away(desk: Desk, question: dict[str, Any], replies: list[str]) -> bool:
    """Whether somebody was told that this chat is not for them, or met silence."""
    business = desk.bots[question["bot"]].context.business
    refusals = {say("not_client", code, business) for code in SPOKEN}
    return any(reply in refusals or reply == "(silence)" for reply in replies)


def says_nothing_twice(question: dict[str, Any], replies: list[str]) -> bool:
    """Whether two replies in a row say in the same words that something is not known."""
    texts = [say("unknown", code) for code in SPOKEN]
    known = [any(text in reply for text in texts) for reply in replies]
    return any(a and b for a, b in itertools.pairwise(known))


def in_other_words(desk: Desk, question: dict[str, Any], replies: list[str]) -> list[str]:
    if question["language"] not in SPOKEN:
        return []
    business = desk.bots[question["bot"]].context.business
    return foreign_texts(replies[-1], question["language"], business)


async def test_a_question_that_is_not_known_twice_is_passed_on(desk: Desk):
    """The second time a person gets a task: the contact need not ask for one."""
    replies, state = await desk.talk("bikes", ["Do you rent out tandems?", "What about scooters?"])
    assert "just write “person”" in replies[0]
    assert "passed your question to a colleague" in replies[1]
    assert state["task"] == "could not be answered: What about scooters?"


async def test_a_complaint_is_a_task_and_no_quotation(desk: Desk):
    replies, state = await desk.talk("bikes", ["The bike you sold me is broken, this is a disgrace"])
    assert replies[0].startswith("I am sorry about this.")
    assert state["task"].startswith("complains: The bike you sold me is broken")


async def test_hours_of_the_documents_stand_over_other_hours_of_the_settings(desk: Desk):
    """Working hours that say when the business writes by itself are not what its documents promise."""
    replies, _ = await desk.talk("garage", ["What are your opening hours?"], hours={"start": "11:00"})
    assert "с 9:00 до 20:00" in replies[0] and "11:00" not in replies[0]


async def test_default_hours_are_told_to_nobody(desk: Desk):
    replies, _ = await desk.talk("bikes", ["What are your opening hours?"], hours={"start": None})
    assert "10:00" not in replies[0]
