"""Answers of a form: into the profile by the checks that hold for what is written, and what is said of the
rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.context import PROFILE_FIELDS, Context
from agent.language.phrases import Phrase, say
from agent.profile import CustomField, checked_facts, facts_schema
from agent.sendable.shared import SharedForm
from agent.state import FilledForm, untagged

# Forms of Meta's builder call an answer `screen_0_full_name_1`, and an option of a list `0_Red`.
_BUILT = re.compile(r"\Ascreen_[0-9]+_|_[0-9]+\Z")
_OPTION = re.compile(r"\A[0-9]{1,2}_(?=\D)")
# A date of a form was, before Flow JSON 5, a number of milliseconds.
_MILLISECONDS = re.compile(r"[0-9]{12,13}")
# Answers of the form that books a call: which slot, what about.
BOOKING = ("day", "slot", "about")
# Characters of an answer that are shown again, and of all of them for people.
SHOWN, FOR_PEOPLE = 60, 500
_ASKING: Mapping[str, Phrase] = {"name": "name", "email": "email", "phone": "phone", "company": "company"}


@dataclass(frozen=True, slots=True)
class ReadForm:
    """What a filled-in form says. `facts` are valid, by profile field; `wrong` cannot be used, by profile
    field; `missing` are required answers that are not there; `unknown` have no place in the profile."""

    name: str = ""
    facts: dict[str, str] = field(default_factory=dict[str, str])
    wrong: dict[str, str] = field(default_factory=dict[str, str])
    missing: tuple[str, ...] = ()
    unknown: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def note(self) -> str:
        """The form as a line before its answers, for whoever answers it."""
        parts = [f"not valid: {', '.join(self.wrong)}" if self.wrong else ""]
        parts.append(f"missing: {', '.join(self.missing)}" if self.missing else "")
        rest = "".join(f"; {part}" for part in parts if part)
        return f"[filled in the form “{self.name}”{rest}]\n" if self.name else ""


def form_of(answers: Mapping[str, str], forms: Sequence[SharedForm], flow_id: str) -> SharedForm | None:
    """The form that was filled in: of this Flow, else (an old phone names none) the one whose answers they
    are, where it is one alone."""
    if named := next((form for form in forms if flow_id and form.flow_id == flow_id), None):
        return named
    fitting = [form for form in forms if form.fields and set(form.fields) & set(answers)]
    return fitting[0] if len(fitting) == 1 and not flow_id else None


def read_answers(
    answers: Mapping[str, str], form: SharedForm | None, context: Context, region: str | None
) -> ReadForm:
    """Its answers, each held to what extraction holds a written one to. `region` is the contact's ISO
    country."""
    custom = {one.name: one for one in context.custom_fields}
    places = {name: _place(name, form, custom) for name in answers}
    facts, wrong, unknown = dict[str, str](), dict[str, str](), dict[str, str]()
    for name, given in answers.items():
        place = places[name]
        if place is None:
            unknown[name] = given
        elif place:
            value = _usable(place, given, custom, region)
            (facts if value else wrong)[place] = value or given
    if form is None:  # nobody has said what it should hold
        return ReadForm(facts=facts, wrong=wrong)
    missing = tuple(name for name in form.required if not answers.get(name, "").strip())
    return ReadForm(form.name, facts, wrong, missing, unknown)


def _place(name: str, form: SharedForm | None, custom: Mapping[str, CustomField]) -> str | None:
    """The profile field of an answer; empty for one that stays in the transcript, None for one that nobody
    expects."""
    if form and name in form.fields:
        return form.fields[name]
    if form and form.books and name in BOOKING:
        return ""
    own = _BUILT.sub("", name).casefold()
    return own if own in PROFILE_FIELDS or own in custom else None


def _usable(place: str, given: str, custom: Mapping[str, CustomField], region: str | None) -> str | None:
    """The value in its normal form; None for what is not one."""
    said = _OPTION.sub("", given.strip())
    if place in custom and custom[place].type == "choice":
        said = said.replace("_", " ") if said not in custom[place].choices else said
    if place in custom and custom[place].type == "date" and _MILLISECONDS.fullmatch(said):
        said = f"{datetime.fromtimestamp(int(said) / 1000, UTC):%Y-%m-%d}"
    own = (custom[place],) if place in custom else ()
    schema = facts_schema(own)
    try:
        found = checked_facts(schema.model_validate({place: said}), said, region, own)
    except ValueError:  # longer than the field takes
        return None
    return found.get(place)


def filled_form(read: Sequence[ReadForm], kept: Mapping[str, str], alone: bool) -> FilledForm | None:
    """What is to be said of forms; None where all went well. `kept` are answers that differ from what people
    at the business have entered, which stays."""
    wrong = {name: value for one in read for name, value in one.wrong.items()}
    missing = list(dict.fromkeys(name for one in read for name in one.missing))
    lines = [_line(one) for one in read]
    if kept:
        lines.append(f"differs from what was entered here, which stays: {_pairs(kept)}")
    task = "; ".join(line for line in lines if line)[:FOR_PEOPLE]
    if not (wrong or missing or task):
        return None
    return FilledForm(wrong=wrong, missing=missing, alone=alone, task=task)


def _line(read: ReadForm) -> str:
    parts = [f"not valid: {_pairs(read.wrong)}" if read.wrong else ""]
    parts.append(f"missing: {', '.join(read.missing)}" if read.missing else "")
    parts.append(f"no field for: {_pairs(read.unknown)}" if read.unknown else "")
    said = "; ".join(part for part in parts if part)
    return f"form {read.name}: {said}".replace("form :", "form:") if said else ""


def _pairs(answers: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {' '.join(value.split())[:SHOWN]}" for name, value in answers.items())


def asked_again(form: FilledForm | None, context: Context, language: str) -> str:
    """What the contact is told of answers that cannot be used or are missing; empty where there are none."""
    if form is None:
        return ""
    lines = [
        f"“{' '.join(value.split())[:SHOWN]}” – {_question(name, context, language)}"
        for name, value in form["wrong"].items()
    ]
    lines += [_question(name, context, language) for name in form["missing"]]
    return untagged("\n".join([say("form_again", language), *lines])) if lines else ""


def _question(name: str, context: Context, language: str) -> str:
    """How a field is asked for: in the owner's words, else in ours, else by its name."""
    into = {answer: place for form in context.forms for answer, place in form.fields.items()}
    place = into.get(name) or _BUILT.sub("", name)
    phrase = _ASKING.get(place)
    return context.question(place) or (say(phrase, language) if phrase else place.replace("_", " "))
