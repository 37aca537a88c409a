"""What people enter into a contact's profile, by hand or from a file, is held to the same rules as what the
agent finds."""

from __future__ import annotations

from collections.abc import Mapping

from email_validator import EmailNotValidError, validate_email

from agent.context import STAGES
from agent.phone_numbers import phone_number
from agent.profile import PROFILE_FIELDS, CustomField, valid

CLASSES = ("client", "non_client", "unknown")
LONGEST = 120


class BadField(ValueError):
    """A value that cannot be what its field holds; the message says why, `field` which one it is."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def entered(name: str, value: str, custom: Mapping[str, CustomField], region: str | None) -> str:
    """A value as it is kept. `region` (ISO country) is for phone numbers without a country code. Raises
    BadField."""
    text = value.strip()
    if name == "email":
        try:
            return validate_email(text, check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise BadField(name, f"{text[:100]}: {error}") from None
    if name == "phone":
        if number := phone_number(text, region):
            return f"+{number}"
        raise BadField(
            name, f"{text[:100]} is no valid number; write it with its country code, such as +7 701 234 56 78"
        )
    if name == "language":
        if not (len(text) == 2 and text.isascii() and text.isalpha()):
            raise BadField(name, f"{text[:100]}: use two letters, such as ru")
        return text.lower()
    for field, known in (("class", CLASSES), ("stage", STAGES)):
        if name == field and text not in known:
            raise BadField(name, f"{text[:100]}: use {', '.join(known[:-1])} or {known[-1]}")
    if name in custom:
        found = valid(custom[name], text, text, region)
        if found is None:
            raise BadField(name, f"{text[:100]} is no {custom[name].type}")
        return found
    if name in PROFILE_FIELDS and not any(c.isalnum() for c in text):
        raise BadField(name, "write letters or digits, or null to forget it")
    return text[:LONGEST] if name in PROFILE_FIELDS else text
