"""What is learnt of a contact: kept with its message, checked, never made up, never asked twice."""

from __future__ import annotations

import pytest

from agent.nodes.extract import fact_sources
from agent.profile import CustomField, Facts, checked_facts, valid
from tests.agent.saying import sales_prompts, saying

ROOMS = CustomField(name="rooms", type="number", question="How many rooms?")


async def test_a_field_of_the_business_is_asked_for_and_kept_with_its_message(scripted):
    chat, model = scripted(
        saying("Here you are.", facts={"rooms": "3"}), custom_fields=[ROOMS], profile_fields=["name"]
    )
    await chat.says("I am looking for vases", "for 3 rooms")
    assert "How many rooms?" not in sales_prompts(model)[0]  # the name comes first
    state = await chat.state()
    assert state["profile"]["rooms"] == "3" and state["said_in"]["rooms"] == "m1.1"
    assert chat.context.missing({"name": "Anna"}) == ["rooms"]


@pytest.mark.parametrize(
    ("field", "value", "said", "keeps"),
    [
        (ROOMS, "three", "we have three", "3"),
        (ROOMS, "4", "we have three", None),
        (CustomField(name="day", type="date"), "3 March 2027", "on 3 March 2027", "2027-03-03"),
        (CustomField(name="day", type="date"), "4 March", "on 3 March", None),
        (CustomField(name="size", type="choice", choices=("S", "M")), "m", "medium", "M"),
        (CustomField(name="size", type="choice", choices=("S", "M")), "XL", "XL", None),
        (CustomField(name="code", pattern=r"[A-Z]{2}\d{3}"), "AB123", "it is AB123", "AB123"),
        (CustomField(name="code", pattern=r"[A-Z]{2}\d{3}"), "AB12", "it is AB12", None),
        (CustomField(name="second", type="phone"), "8 701 123 45 67", "8 701 123 45 67", "+77011234567"),
    ],
)
def test_a_value_of_ones_own_field_is_checked(field: CustomField, value: str, said: str, keeps: str | None):
    assert valid(field, value, said, "KZ") == keeps


def test_silence_never_erases_and_nothing_is_made_up():
    assert checked_facts(Facts(name="Anna", email="x@y.example"), "hello there", None) == {}


def test_a_fact_names_the_message_it_stands_in(scripted):
    from langchain_core.messages import HumanMessage

    burst = [
        HumanMessage("I am Anna", id="a"),
        HumanMessage("8 701 123 45 67", id="b"),
        HumanMessage("ok", id="c"),
    ]
    assert fact_sources({"name": "Anna", "phone": "+77011234567"}, burst) == {"name": "a", "phone": "b"}
