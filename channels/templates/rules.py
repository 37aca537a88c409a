"""What Meta takes as a template, each rule with the field it is about, so that nobody waits a day to read why
one was rejected. ("Template components"; "Message templates", "Common rejection reasons"; November 2026.)"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from channels.markup import utf16_length
from channels.templates.draft import VARIABLE, TemplateButton, TemplateDraft, TemplateHeader

BODY, LINE, BUTTON, PHONE, CODE, URL = 1024, 60, 25, 20, 15, 2000
BUTTONS = 10
# How many of a sort there are at most.
MOST = {"url": 2, "phone": 1, "copy_code": 1}
_NAME, _LANGUAGE = re.compile(r"[a-z0-9_]{1,512}"), re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_NAMED = re.compile(r"[a-z][a-z0-9_]{0,49}")
_BRACES = re.compile(r"\{\{|\}\}")
_ADJACENT = re.compile(r"\}\}\s*\{\{")
_MARKUP = re.compile(r"[*_~`\n\r]")


class TemplateProblem(NamedTuple):
    """What is wrong with a field, and how to mend it."""

    field: str
    problem: str


def template_problems(draft: TemplateDraft) -> list[TemplateProblem]:
    """Everything that Meta would not take; empty for a template that can be sent to it."""
    found = [*_named(draft), *_body(draft), *_header(draft.header), *_footer(draft.footer), *_buttons(draft)]
    return list(dict.fromkeys(found))


def _named(draft: TemplateDraft) -> Iterator[TemplateProblem]:
    if not _NAME.fullmatch(draft.name):
        yield TemplateProblem(
            "name", "use 1 to 512 small letters, digits and underscores, such as order_ready"
        )
    if not _LANGUAGE.fullmatch(draft.language):
        yield TemplateProblem("language", "use Meta's code of the language, such as ru, en or pt_BR")


def _length(field: str, text: str, most: int) -> Iterator[TemplateProblem]:
    if (length := utf16_length(text)) > most:
        yield TemplateProblem(field, f"it has {length} characters, Meta takes {most}: shorten it")


def _variables(field: str, text: str) -> Iterator[TemplateProblem]:
    """What holds for the variables of any text."""
    names = VARIABLE.findall(text)
    if len(_BRACES.findall(text)) != 2 * len(names):
        yield TemplateProblem(field, "a variable is {{1}} or {{name}}, with two braces on each side")
        return
    digits = [name for name in names if name.isdecimal()]
    if bad := [name for name in names if not name.isdecimal() and not _NAMED.fullmatch(name)]:
        yield TemplateProblem(
            field, f"{{{{{bad[0]}}}}}: a variable is a number, or small letters, digits and _"
        )
    elif digits and len(digits) < len(names):
        yield TemplateProblem(field, "its variables are all numbers or all names, not both")
    elif digits and [int(name) for name in dict.fromkeys(names)] != list(range(1, len(set(names)) + 1)):
        yield TemplateProblem(field, "number its variables {{1}}, {{2}}, ... in the order of the text")


def _body(draft: TemplateDraft) -> Iterator[TemplateProblem]:
    text = draft.body
    if not text.strip():
        yield TemplateProblem("body", "write what the customer will read")
        return
    yield from _length("body", text, BODY)
    yield from _variables("body", text)
    bare = text.strip()
    if bare.startswith("{{") or re.search(r"\}\}[\s.,!?;:]*\Z", bare):
        yield TemplateProblem("body", "it may neither begin nor end with a variable: put words around it")
    if _ADJACENT.search(text):
        yield TemplateProblem("body", "two variables stand side by side: put words between them")
    if re.search(r"\n{3}", text.replace("\r", "")):
        yield TemplateProblem("body", "leave at most one empty line between two paragraphs")
    if re.search(r" {5}|\t", text):
        yield TemplateProblem("body", "it takes no tabs and at most four blanks in a row")
    wanted, given = len(draft.variables), len(draft.examples)
    if given != wanted:
        yield TemplateProblem(
            "examples",
            f"the body has {wanted} variables, and {given} examples are given: Meta asks for one each",
        )
    for number, example in enumerate(draft.examples):
        if not example.strip() or VARIABLE.search(example):
            yield TemplateProblem(f"examples.{number}", "write what a customer might read there")


def _header(header: TemplateHeader | None) -> Iterator[TemplateProblem]:
    if header is None:
        return
    if header.format != "text":
        parts = urlsplit(header.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            yield TemplateProblem("header.url", f"name the address of an example of the {header.format}")
        return
    if not header.text.strip():
        yield TemplateProblem("header.text", "write the line, or leave the header out")
    yield from _length("header.text", header.text, LINE)
    yield from _variables("header.text", header.text)
    if _MARKUP.search(VARIABLE.sub("", header.text)) or _emoji(header.text):
        yield TemplateProblem("header.text", "it takes no emoji, no markup (*_~`) and one line")
    names = VARIABLE.findall(header.text)
    if len(names) > 1:
        yield TemplateProblem("header.text", "it takes one variable")
    if bool(names) != bool(header.example.strip()):
        why = "write an example of its variable" if names else "its text has no variable"
        yield TemplateProblem("header.example", why)


def _footer(footer: str) -> Iterator[TemplateProblem]:
    yield from _length("footer", footer, LINE)
    if _BRACES.search(footer):
        yield TemplateProblem("footer", "it takes no variables")
    if "\n" in footer:
        yield TemplateProblem("footer", "it is one line")


def _buttons(draft: TemplateDraft) -> Iterator[TemplateProblem]:
    buttons = draft.buttons
    if len(buttons) > BUTTONS:
        yield TemplateProblem("buttons", f"{len(buttons)} of them, Meta takes {BUTTONS}")
    kinds = [button.type for button in buttons]
    for kind, most in MOST.items():
        if kinds.count(kind) > most:
            yield TemplateProblem("buttons", f"{kinds.count(kind)} of the type {kind}, Meta takes {most}")
    groups = [kind == "quick_reply" for kind in kinds]
    if sum(a != b for a, b in itertools.pairwise(groups)) > 1:
        yield TemplateProblem("buttons", "put all quick replies together, before or after the others")
    if "copy_code" in kinds and draft.category != "MARKETING":
        yield TemplateProblem("category", "a code to copy is for MARKETING templates")
    texts = [button.text.strip().casefold() for button in buttons if button.type != "copy_code"]
    for number, button in enumerate(buttons):
        if button.type != "copy_code" and texts.count(button.text.strip().casefold()) > 1:
            yield TemplateProblem(f"buttons.{number}.text", "another button has the same words")
        yield from _button(f"buttons.{number}", button)


def _button(at: str, button: TemplateButton) -> Iterator[TemplateProblem]:
    if button.type == "copy_code":
        if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{CODE}}}", button.example.strip()):
            yield TemplateProblem(f"{at}.example", f"write a code of 1 to {CODE} letters and digits")
        return
    if not button.text.strip():
        yield TemplateProblem(f"{at}.text", "write what stands on it")
    yield from _length(f"{at}.text", button.text, BUTTON)
    if _BRACES.search(button.text) or _MARKUP.search(button.text) or _emoji(button.text):
        yield TemplateProblem(f"{at}.text", "it takes no variables, no markup and no emoji")
    if button.type == "phone" and not re.fullmatch(r"\+?[0-9][0-9 ()-]{5,25}", button.phone.strip()):
        yield TemplateProblem(f"{at}.phone", "write a number with its country code, such as +7 701 234 56 78")
    elif button.type == "phone" and len(phone_digits(button.phone)) > PHONE:
        yield TemplateProblem(f"{at}.phone", f"it has more than {PHONE} characters")
    if button.type == "url":
        yield from _url(at, button)


def _url(at: str, button: TemplateButton) -> Iterator[TemplateProblem]:
    url, names = button.url.strip(), VARIABLE.findall(button.url)
    parts = urlsplit(VARIABLE.sub("", url))
    yield from _length(f"{at}.url", url, URL)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        yield TemplateProblem(f"{at}.url", "write an address, such as https://shop.example/orders/{{1}}")
    elif (parts.hostname or "").removeprefix("www.") in ("wa.me", "api.whatsapp.com"):
        yield TemplateProblem(f"{at}.url", "Meta takes no links to WhatsApp itself on a button")
    elif names and (names != ["1"] or not url.endswith("}}")):
        yield TemplateProblem(f"{at}.url", "it takes one variable, {{1}}, at its end")
    if bool(names) != bool(button.example.strip()):
        why = "write the end of an address as an example" if names else "its address has no variable"
        yield TemplateProblem(f"{at}.example", why)


def phone_digits(phone: str) -> str:
    """A phone number as Graph takes it: digits behind an optional plus sign."""
    return re.sub(r"[^\d+]", "", phone)


def _emoji(text: str) -> bool:
    return any(unicodedata.category(c) == "So" for c in text)
