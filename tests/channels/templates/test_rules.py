"""What Meta would not take of a template is said beforehand, at its field; the emulator of Graph, written
apart from it, takes what keeps the rules and refuses what does not."""

from __future__ import annotations

from typing import Any

import pytest

from channels.emulators.meta.templates import EmulatedTemplates, Refusal
from channels.templates.draft import TemplateDraft, with_examples
from channels.templates.graph import listed_template, request_of
from channels.templates.rules import template_problems
from tests.channels.templates.drafts import CODE, GOOD, PHONE, QUICK, URL


def draft(**changes: Any) -> TemplateDraft:
    return TemplateDraft.model_validate({**GOOD, **changes})


FINE: dict[str, dict[str, Any]] = {
    "all parts": {},
    "no parts": {"header": None, "body": "We are open again.", "examples": [], "footer": "", "buttons": []},
    "names": {"header": None, "body": "Hello {{name}}, see you on {{day}} at ours.", "examples": ["D", "M"]},
    "ten quick replies": {"buttons": [{**QUICK, "text": f"Option {n}"} for n in range(10)]},
    "a code": {"category": "MARKETING", "buttons": [CODE, URL]},
    "the longest": {
        "header": {"format": "text", "text": "h" * 60},
        "body": "b" * 1024,
        "examples": [],
        "footer": "f" * 60,
        "buttons": [{**QUICK, "text": "q" * 25}],
    },
}


@pytest.mark.parametrize("name", FINE)
def test_what_keeps_the_rules_is_taken_by_meta_and_listed_as_it_was_written(name: str):
    made = draft(**FINE[name])
    assert template_problems(made) == []
    rows: list[dict[str, Any]] = []
    EmulatedTemplates(lambda: rows).make(request_of(made))
    kept = listed_template(rows[0])
    assert TemplateDraft.model_validate({n: kept[n] for n in TemplateDraft.model_fields}).model_dump(
        exclude={"buttons"}
    ) == made.model_dump(exclude={"buttons"})
    assert [b["type"] for b in kept["buttons"]] == [b.type for b in made.buttons]
    assert with_examples(made) == with_examples(TemplateDraft.model_validate({**GOOD, **FINE[name]}))


# What is wrong -> (the field that is named, part of why).
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "Order Ready"}, "name", "small letters"),
    ({"language": "english"}, "language", "pt_BR"),
    ({"body": "  ", "examples": []}, "body", "what the customer will read"),
    ({"body": "x" * 1025, "examples": []}, "body", "1025"),
    ({"body": "{{1}}, hello", "examples": ["D"]}, "body", "begin nor end"),
    ({"body": "Hello {{1}}.", "examples": ["D"]}, "body", "begin nor end"),
    ({"body": "Hello {{1}} {{2}} there"}, "body", "side by side"),
    ({"body": "Hello {{2}} and {{3}} there"}, "body", "{{1}}, {{2}}"),
    ({"body": "Hello {{1}} and {{name}} there"}, "body", "not both"),
    ({"body": "Hello {1} and {{2} there", "examples": []}, "body", "two braces"),
    ({"body": "Hello {{Name}} there", "examples": ["D"]}, "body", "small letters"),
    ({"body": "one\n\n\n\ntwo", "examples": []}, "body", "empty line"),
    ({"body": "one      two", "examples": []}, "body", "four blanks"),
    ({"examples": ["Dana"]}, "examples", "2 variables"),
    ({"examples": ["Dana", " "]}, "examples.1", "might read"),
    ({"header": {"format": "text", "text": "x" * 61}}, "header.text", "61"),
    ({"header": {"format": "text", "text": "*Sale*"}}, "header.text", "markup"),
    ({"header": {"format": "text", "text": "Sale \N{SPARKLES}"}}, "header.text", "emoji"),
    ({"header": {"format": "text", "text": "For {{1}}"}}, "header.example", "example"),
    ({"header": {"format": "text", "text": "{{1}} {{2}}", "example": "a"}}, "header.text", "one variable"),
    ({"header": {"format": "image"}}, "header.url", "example of the image"),
    ({"footer": "x" * 61}, "footer", "61"),
    ({"footer": "Hello {{1}}"}, "footer", "no variables"),
    ({"buttons": [{**QUICK, "text": f"O {n}"} for n in range(11)]}, "buttons", "11"),
    ({"buttons": [URL, {**URL, "text": "b"}, {**URL, "text": "c"}]}, "buttons", "3 of the type url"),
    ({"buttons": [PHONE, {**PHONE, "text": "b"}]}, "buttons", "2 of the type phone"),
    ({"buttons": [QUICK, URL, {**QUICK, "text": "No"}]}, "buttons", "together"),
    ({"buttons": [CODE]}, "category", "MARKETING"),
    ({"category": "MARKETING", "buttons": [{**CODE, "example": "x" * 16}]}, "buttons.0.example", "15"),
    ({"buttons": [{**QUICK, "text": "x" * 26}]}, "buttons.0.text", "26"),
    ({"buttons": [QUICK, QUICK]}, "buttons.1.text", "same words"),
    ({"buttons": [{**URL, "url": "shop.example"}]}, "buttons.0.url", "address"),
    ({"buttons": [{**URL, "url": "https://shop.example/{{1}}/x"}]}, "buttons.0.url", "at its end"),
    ({"buttons": [{**URL, "url": "https://wa.me/7701", "example": ""}]}, "buttons.0.url", "WhatsApp itself"),
    ({"buttons": [{**URL, "example": ""}]}, "buttons.0.example", "example"),
    ({"buttons": [{**PHONE, "phone": "call me"}]}, "buttons.0.phone", "country code"),
]
# What Meta finds out later than we do, or tells people and not programs.
ONLY_OURS = {
    "small letters",
    "empty line",
    "four blanks",
    "markup",
    "emoji",
    "same words",
    "WhatsApp itself",
    "MARKETING",
    "might read",
    "not both",
}


@pytest.mark.parametrize(("change", "field", "why"), WRONG, ids=[f"{f} {w}" for _, f, w in WRONG])
def test_what_breaks_a_rule_is_named_at_its_field(change: dict[str, Any], field: str, why: str):
    made = draft(**change)
    found = template_problems(made)
    assert any(one.field == field and why in one.problem for one in found), found
    if why not in ONLY_OURS or field == "name":
        with pytest.raises(Refusal):
            EmulatedTemplates(list).make(request_of(made))
