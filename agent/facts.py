"""What a contact may say of themselves, and the checks every such fact must pass before it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, Field

EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")


class Facts(BaseModel):
    """What the customer newly states about themselves. Everything not stated stays empty."""

    name: str | None = Field(None, description="first name", max_length=80)
    last_name: str | None = Field(None, description="family name", max_length=80)
    company: str | None = Field(None, description="the customer's company", max_length=120)
    email: str | None = Field(None, description="e-mail address", max_length=254)
    phone: str | None = Field(None, description="phone number as written", max_length=40)
    decision: Literal["yes", "no", "uncertain"] | None = Field(None, description="definitive answer to an offer")


def kept(facts: Facts, said: str, region: str | None) -> dict[str, str]:
    """The facts that are valid and really stand in what was `said`, normalised. `region` is an ISO country code."""
    found: dict[str, str | None] = {
        "name": _name(facts.name, said),
        "last_name": _name(facts.last_name, said),
        "company": _stated(facts.company, said),
        "email": email(facts.email, said),
        "phone": phone(facts.phone, said, region),
    }
    return {field: value for field, value in found.items() if value}


def _stated(value: str | None, said: str) -> str | None:
    value = " ".join((value or "").split()).strip(" .,;:!?\"'«»“”")
    return value if value and value.casefold() in " ".join(said.split()).casefold() else None


def _name(value: str | None, said: str) -> str | None:
    value = _stated(value, said)
    if not value or len(value) > 60 or len(value.split()) > 4 or re.search(r"[\d@/<>{}]", value):
        return None
    return value if any(c.isupper() for c in value) else value.title()


def email(value: str | None, said: str) -> str | None:
    """A deliverable-looking address that was really written, in lower-case domain."""
    value = (value or "").strip(" .,;<>")
    if not value or value.casefold() not in said.casefold():
        return None
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def phone(value: str | None, said: str, region: str | None) -> str | None:
    """A valid number in E.164 whose digits were really written."""
    digits = re.sub(r"\D", "", value or "")
    if len(digits) < 7 or digits not in re.sub(r"\D", "", said):
        return None
    for candidate in (str(value), f"+{digits}"):
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


# How people say what they are called, in the languages we speak; the name follows.
_NAME_LEADS = (
    r"my name is",
    r"call me",
    r"this is",
    r"меня зовут",
    r"мо[её] имя",
    r"менің атым",
    r"есімім",
    r"mi chiamo",
    r"il mio nome è",
    r"me llamo",
    r"mi nombre es",
    r"me chamo",
    r"(?:o )?meu nome é",
    r"ich hei(?:ß|ss)e",
    r"mein name ist",
    r"je m['’]appelle",
    r"mon nom est",
    r"ad[ıi]m",
    r"benim ad[ıi]m",
    r"मेरा नाम",
    r"اسمي",
)
_NAME = re.compile(
    rf"(?<!\w)(?i:{'|'.join(_NAME_LEADS)})[\s:]+([^\W\d_][\w'’-]*(?:[ ]+[^\W\d_a-zа-яёәғқңөұүһі][\w'’-]*)?)"
)
# "I am John" and nothing else; in a longer sentence the same words say anything.
_ALONE = re.compile(
    r"(?:I am|I'm|I’m|Я|Sono|Soy|Sou|Ich bin|Je suis)[ ]+([A-ZА-ЯЁ][\w'’-]+(?:[ ]+[A-ZА-ЯЁ][\w'’-]+)?)[.!]?"
)
_COMPANY = re.compile(
    r"(?:(?i:my company is called|my company is|i work (?:at|for)|from the company|company|компани[яи]|фирма|azienda|ditta|empresa|firma|société|şirket)[\s:]+|(?=\b(?:ООО|ТОО|ИП|АО)\s))"
    r"([«\"“]?[^\W\d_a-zа-яё][\w&.'’-]*(?:[ ]+[«\"“]?[^\W_a-zа-яё][\w&.'’»\"”-]*){0,3}[»\"”]?)"
)


def written(said: str, region: str | None) -> Iterator[tuple[str, str]]:
    """(field, value) pairs that patterns find, for the model that works without a network."""
    said = " ".join(said[:2_000].split())
    for match in EMAIL.finditer(said):
        yield "email", match.group()
    for match in phonenumbers.PhoneNumberMatcher(said, region):
        yield "phone", match.raw_string
    match = _NAME.search(said) or _ALONE.fullmatch(said.strip())
    if match:
        first, _, last = match.group(1).partition(" ")
        yield "name", first
        if last:
            yield "last_name", last
    if match := _COMPANY.search(said):
        yield "company", match.group(1)
