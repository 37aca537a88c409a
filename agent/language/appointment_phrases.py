"""What a contact reads about an appointment, in their language; `when` is by the business's clock."""

from __future__ import annotations

from agent.language.locale import locale_texts


def confirmed(language: str, when: str) -> str:
    """It is made."""
    return locale_texts(language).appointments.confirmed.format(when=when)


def reminder(language: str, when: str) -> str:
    """It is near."""
    return locale_texts(language).appointments.reminder.format(when=when)
