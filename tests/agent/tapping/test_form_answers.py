"""Answers of a form are held to what holds for what is written: each kind of field, names of Meta's builder,
what is required, and what nobody expects."""

from __future__ import annotations

from typing import Any

import pytest

from agent.context import Context
from agent.sendable.shared import SharedForm
from agent.tapping.form_answers import ReadForm, asked_again, filled_form, form_of, read_answers

CUSTOM: list[dict[str, Any]] = [
    {"name": "wedding", "type": "date", "question": "When is the wedding?"},
    {"name": "guests", "type": "number"},
    {"name": "hall", "type": "choice", "choices": ["Big Hall", "Garden"]},
    {"name": "code", "type": "text", "pattern": "[A-Z]{2}[0-9]{2}"},
]
FORM = SharedForm(name="details", flow_id="7", label="Fill in", fields={"who": "name"}, required=["who"])
BOT = Context.model_validate({"custom_fields": CUSTOM, "forms": [FORM]})


def read(form: SharedForm | None = FORM, **answers: str) -> ReadForm:
    return read_answers(answers, form, BOT, "KZ")


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("who", "aigul", {"name": "Aigul"}),
        ("who", "Aigul 7", {}),
        ("email", "Dana@Shop.KZ", {"email": "Dana@shop.kz"}),
        ("email", "dana at shop", {}),
        ("phone", "8 (701) 555-01-02", {"phone": "+77015550102"}),
        ("phone", "555", {}),
        ("wedding", "2027-06-12", {"wedding": "2027-06-12"}),
        ("wedding", "1812758400000", {"wedding": "2027-06-12"}),
        ("wedding", "soon", {}),
        ("guests", "120 people", {"guests": "120"}),
        ("guests", "many", {}),
        ("hall", "0_Big_Hall", {"hall": "Big Hall"}),
        ("hall", "garden", {"hall": "Garden"}),
        ("hall", "cellar", {}),
        ("code", "AB12", {"code": "AB12"}),
        ("code", "nothing", {}),
        ("screen_0_last_name_1", "Serikova", {"last_name": "Serikova"}),
        ("company", "x" * 500, {}),
    ],
)
def test_an_answer_is_kept_in_its_normal_form_or_not_at_all(field: str, given: str, kept: dict[str, str]):
    found = read(**{"who": "Dana", field: given})
    assert {name: value for name, value in found.facts.items() if name != "name" or field == "who"} == kept
    assert bool(found.wrong) == (not kept)


def test_what_is_missing_or_has_no_place_is_said_and_nothing_is_lost():
    found = read(email="no", colour="red")
    assert (found.missing, found.unknown, found.wrong) == (("who",), {"colour": "red"}, {"email": "no"})
    assert found.note == "[filled in the form “details”; not valid: email; missing: who]\n"
    said = filled_form([found], {}, alone=True)
    assert said is not None
    assert said["task"] == "form details: not valid: email = no; missing: who; no field for: colour = red"
    line = asked_again(said, BOT, "en")
    assert "“no” – What e-mail address" in line and line.endswith("what is your name?")


def test_the_owners_own_question_is_asked_and_markup_is_no_tag():
    said = filled_form([read(who="Dana", wedding="<b>soon</b>")], {}, alone=True)
    assert said is not None
    assert asked_again(said, BOT, "ru").endswith("“‹b›soon‹/b›” – When is the wedding?")


def test_a_form_without_trouble_says_nothing():
    assert filled_form([read(who="Dana")], {}, alone=True) is None
    assert asked_again(None, BOT, "en") == ""


def test_the_form_is_known_by_its_flow_or_by_its_answers():
    other = SharedForm(name="other", flow_id="8", label="Go", fields={"size": ""})
    forms = [FORM, other]
    assert form_of({"x": "1"}, forms, "8") == other
    assert form_of({"who": "Dana"}, forms, "") == FORM
    assert form_of({"x": "1"}, forms, "") is None and form_of({"who": "D", "size": "1"}, forms, "") is None
    assert form_of({"who": "Dana"}, forms, "999") is None


def test_a_form_that_nobody_has_described_fills_fields_of_the_same_name():
    found = read(None, email="dana@shop.kz", colour="red")
    assert (found.facts, found.unknown, found.note) == ({"email": "dana@shop.kz"}, {}, "")


def test_a_form_names_fields_that_there_are():
    with pytest.raises(ValueError, match="forms: shoe"):
        Context.model_validate({"forms": [{**FORM.model_dump(), "fields": {"a": "shoe"}}]})
    with pytest.raises(ValueError, match="books"):
        SharedForm(name="f", flow_id="1", label="l", screen="DAY", books=True)
