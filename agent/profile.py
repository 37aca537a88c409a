"""What a contact may say of themselves, and the checks every such fact must pass before it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, Self

import phonenumbers
import regex
from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from agent.grounding.claims import claims_in
from agent.grounding.numbers import numbers_in, with_plain_digits
from agent.language.locale import locale_phrases, phrases_within
from agent.memory.notes import NewNote

PROFILE_FIELDS = ("name", "last_name", "company", "email", "phone")
FieldType = Literal["text", "number", "date", "email", "phone", "choice"]

# A business's own pattern may not hold up a turn.
PATTERN_SECONDS = 0.2

# What stands before the @ has at most 64 characters (RFC 5321) and is read a little further, but not without
# end: a long word without an @ is not read again from each of its letters.
EMAIL = re.compile(r"[\w.+%'-]{1,80}+@[\w-]++(?:\.[\w-]++)+")
LONGEST_EMAIL = 254
# Figures of a message that are tried to be read as a phone number; each costs a tenth of a millisecond.
MOST_NUMBERS = 100


# Of a pattern's language what no limit of time holds: recursion, which takes memory without bound, and
# approximate matching.
_COSTLY = re.compile(r"\(\?(?:R|&|P>|[0-9])|\{[^}]*[a-z][^}]*\}")


class CustomField(BaseModel):
    """A profile field of a business's own, such as the size of a flat or the date of a wedding."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$", description="Its key in the profile.")
    type: FieldType = "text"
    question: str = Field("", max_length=300, description="How the agent may ask for it.")
    pattern: str = Field(
        "", max_length=300, description="A regular expression that the whole value must match."
    )
    choices: tuple[str, ...] = Field((), description="What a `choice` may be.")

    @field_validator("name")
    @classmethod
    def _not_ours(cls, name: str) -> str:
        if name in (*PROFILE_FIELDS, "language", "class", "stage", "topic", "consent", "decision"):
            raise ValueError(f"{name} is a field of every profile already; choose another name")
        return name

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.type == "choice" and not self.choices:
            raise ValueError(f"{self.name}: a choice needs choices")
        try:
            re.compile(self.pattern)
            regex.compile(self.pattern)
        except (re.error, regex.error, RecursionError, OverflowError) as error:
            raise ValueError(f"{self.name}: pattern is no regular expression: {error}") from None
        if _COSTLY.search(self.pattern):
            raise ValueError(
                f"{self.name}: pattern calls itself or matches about; write it without (?R), (?&name) "
                f"and {{e}}"
            )
        return self


class Facts(BaseModel):
    """What the customer newly states about themselves. Everything not stated stays empty."""

    name: str | None = Field(None, description="first name", max_length=80)
    last_name: str | None = Field(None, description="family name", max_length=80)
    company: str | None = Field(None, description="the customer's company", max_length=120)
    email: str | None = Field(None, description="e-mail address", max_length=254)
    phone: str | None = Field(None, description="phone number as written", max_length=40)
    decision: Literal["yes", "no", "uncertain"] | None = Field(
        None, description="definitive answer to an offer"
    )
    quote: str | None = Field(None, max_length=300, description="the words of that answer, as written")
    stage: Literal["situation", "problem", "implication", "need_payoff", "closing"] | None = Field(
        None, description="SPIN stage the customer has reached"
    )
    topic: Literal["price", "comparison", "objection", "next_step", "other"] | None = Field(
        None, description="what the last messages are about"
    )
    notes: list[NewNote] = Field(
        default=[], max_length=8, description="what must not be forgotten later; usually none"
    )


@lru_cache(maxsize=256)
def facts_schema(custom: tuple[CustomField, ...]) -> type[Facts]:
    """`Facts` with the fields of a business's own; every value arrives as text and is checked by
    `checked_facts`."""
    if not custom:
        return Facts
    extra: dict[str, Any] = {
        field.name: (str | None, Field(None, max_length=300, description=_described(field)))
        for field in custom
    }
    return create_model("Facts", __base__=Facts, __doc__=Facts.__doc__, **extra)


def _described(field: CustomField) -> str:
    about = field.question or field.name.replace("_", " ")
    return f"{about} One of: {', '.join(field.choices)}" if field.choices else f"{about} ({field.type})"


def checked_facts(
    facts: Facts, said: str, region: str | None, custom: Sequence[CustomField] = ()
) -> dict[str, str]:
    """The facts that are valid and really stand in what was `said`, normalised. `region` is an ISO country
    code."""
    found: dict[str, str | None] = {
        "name": _name(facts.name, said),
        "last_name": _name(facts.last_name, said),
        "company": _stated(facts.company, said),
        "email": email(facts.email, said),
        "phone": phone(facts.phone, said, region),
        **{field.name: valid(field, getattr(facts, field.name, None), said, region) for field in custom},
    }
    return {field: value for field, value in found.items() if value}


def valid(field: CustomField, value: str | None, said: str, region: str | None) -> str | None:
    """A value of a custom field in its normal form, None when it is not one or was not said: numbers without
    separators, dates as YYYY-MM-DD or MM-DD, e-mails and phones as ours, a choice as it is spelt in the
    settings."""
    kind = {"number": _number, "date": _date, "email": email}.get(field.type, _stated)
    if field.type == "choice":
        found = next((c for c in field.choices if value and c.casefold() == value.strip().casefold()), None)
    elif field.type == "phone":
        found = phone(value, said, region)
    else:
        found = kind(value, said)
    if not found or not field.pattern:
        return found
    try:
        return found if regex.fullmatch(field.pattern, found, timeout=PATTERN_SECONDS) else None
    except TimeoutError:
        return None


def _number(value: str | None, said: str) -> str | None:
    wanted = numbers_in(with_plain_digits(value or ""))
    return f"{wanted[0].value:g}" if len(wanted) == 1 and wanted[0].value in _numbers(said) else None


@lru_cache(maxsize=64)
def _numbers(said: str) -> frozenset[float]:
    return frozenset(value for number in numbers_in(with_plain_digits(said)) for value in number.values)


def _date(value: str | None, said: str) -> str | None:
    def dates(text: str) -> list[tuple[float, str]]:
        return [(claim.values[0], claim.key) for claim in claims_in(text) if claim.kind == "date"]

    wanted = dates(value or "")
    if len(wanted) != 1 or wanted[0][0] not in {day for day, _ in dates(said)}:
        return None
    month, day = divmod(int(wanted[0][0]), 100)
    return f"{'20' + wanted[0][1] + '-' if wanted[0][1] else ''}{month:02}-{day:02}"


def _stated(value: str | None, said: str) -> str | None:
    value = " ".join((value or "").split()).strip(" .,;:!?\"'«»“”")
    return value if value and value.casefold() in " ".join(said.split()).casefold() else None


def _name(value: str | None, said: str) -> str | None:
    value = _stated(value, said)
    if not value or len(value) > 60 or len(value.split()) > 4 or re.search(r"[\d@/<>{}]", value):
        return None
    return value if any(c.isupper() for c in value) else value.title()


def email(value: str | None, said: str) -> str | None:
    """A deliverable-looking address that was really written, in lower-case domain; the quoted forms of RFC
    5321, which no shop's mailer takes, are none."""
    value = (value or "").strip(" ,;").rstrip(".")
    if not value or len(value) > LONGEST_EMAIL or value.casefold() not in said.casefold():
        return None
    try:
        return validate_email(value, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        return None


def phone(value: str | None, said: str, region: str | None) -> str | None:
    """A valid number in E.164 whose digits were really written."""
    digits = re.sub(r"\D", "", value or "")
    if len(digits) < 7 or digits not in re.sub(r"\D", "", said):
        return None
    for candidate in (str(value), f"+{digits.removeprefix('00')}"):
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def region_of(number: str) -> str | None:
    """The country of a phone number in E.164, for numbers written without a country code."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(f"+{number.lstrip('+')}"))
    except phonenumbers.NumberParseException:
        return None


# A capital or a small letter of the alphabets that names are told by.
_CAPITAL = r"A-Z\u0410-\u042f\u0401"
_SMALL = r"a-z\u00e0-\u00ff\u0430-\u044f\u0451\u0456\u0493\u049b\u04a3\u04af\u04b1\u04bb\u04d9\u04e9"
_I_AM = "|".join(map(re.escape, locale_phrases("names.i_am")))
_NAME = re.compile(
    rf"(?<!\w)(?:(?i:{phrases_within('names.my_name_is')})[\s:]+|(?i:{phrases_within('names.maybe_name')})[\s:]+(?![{_SMALL}]))"
    rf"([^\W\d_][\w'’-]*(?:[ ]+[^\W\d_{_SMALL}][\w'’-]*)?)"
)
# "John Doe is my name", and "I'm John Doe" where two names follow; a word has at most 40 letters there,
# because a name may begin behind any apostrophe or hyphen.
_BEHIND = re.compile(
    r"(?<!\w)([A-Z][\w'’-]{1,40}+(?: [A-Z][\w'’-]{1,40}+)?)"
    rf",? (?:{phrases_within('names.is_my_name')})(?!\w)"
    rf"|(?<!\w)([A-Z][\w'’-]{{1,40}}+ [A-Z][\w'’-]{{1,40}}+) (?:{phrases_within('names.here')})(?!\w)"
    rf"|(?:^|(?i:{phrases_within('names.hello')})[,!.]? |[.!?] )(?i:{_I_AM})"
    r"[ ]+([A-Z\u00c0-\u00dd][\w'’-]+ [A-Z\u00c0-\u00dd][\w'’-]+)(?![\w'’-])"
)
_LAST_NAME = re.compile(rf"(?i:{phrases_within('names.last_name_is')})[ ]+([^\W\d_][\w'’-]+)")
# "I am John" and nothing else; in a longer sentence the same words say anything.
_ALONE = re.compile(
    rf"(?:{'|'.join(re.escape(lead[0].upper() + lead[1:]) for lead in locale_phrases('names.i_am'))})"
    rf"[ ]+([{_CAPITAL}][\w'’-]+(?:[ ]+[{_CAPITAL}][\w'’-]+)?)[.!]?"
)
# Whose company it is must be said: news, too, speak of companies.
_COMPANY = re.compile(
    rf"(?:(?<!\w)(?i:{phrases_within('names.my_company_is')})[\s:]+|(?=\b(?:{phrases_within('names.legal_forms')})\s))"
    r"([«\"“]?[^\W\d_a-z\u0430-\u044f\u0451][\w&.'’-]*"
    r"(?:[ ]+[«\"“]?[^\W_a-z\u0430-\u044f\u0451][\w&.'’»\"”-]*){0,3}[»\"”]?)"
)


@lru_cache(maxsize=256)
def facts_by_pattern(said: str, region: str | None) -> tuple[tuple[str, str], ...]:
    """(field, value) pairs that patterns find, for the model that works without a network."""
    return tuple(_facts_by_pattern(said, region))


def _facts_by_pattern(said: str, region: str | None) -> Iterator[tuple[str, str]]:
    said = " ".join(said[:2_000].split())
    for match in EMAIL.finditer(said):
        yield "email", match.group()
    for match in phonenumbers.PhoneNumberMatcher(said, region, max_tries=MOST_NUMBERS):
        yield "phone", match.raw_string
    match = _NAME.search(said) or _ALONE.fullmatch(said.strip()) or _BEHIND.search(said)
    if match:
        first, _, last = next(group for group in match.groups() if group).partition(" ")
        yield "name", first
        if last:
            yield "last_name", last
    if match := _LAST_NAME.search(said):
        yield "last_name", match.group(1)
    if match := _COMPANY.search(said):
        yield "company", match.group(1)
