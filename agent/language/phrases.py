"""Fixed texts in the contact's language, for what is said without a model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, get_args

from babel.dates import format_skeleton, get_day_names
from langchain_core.messages import AIMessage, AnyMessage

from agent.language.locale import SPOKEN, locale_texts
from agent.opening import Opening

Phrase = Literal[
    "greeting",
    "unknown",
    "apology",
    "refusal",
    "not_client",
    "handed_over",
    "still_waiting",
    "missed_call",
    "back_at",
    "stopped",
    "started",
    "reset",
    "no_history",
    "media",
    "unheard",
    "too_large",
    "unreadable",
    "write_start",
    "order_noted",
    "checking",
    "thanks",
    "more",
    "noted",
    "who",
    "goodbye",
    "sorry",
    "unknown_again",
    "no_discount",
    "open_now",
    "closed_now",
    "hours",
    "closed_days",
    "clock",
    "in_stock",
    "out_of_stock",
    "nearest",
    "perhaps",
    "quoted",
    "name",
    "email",
    "company",
    "phone",
    "agree",
    "decline",
    "choose",
    "choices",
    "gone",
    "form_again",
    "form_old",
    "slot_taken",
    "no_slots",
]
PHRASES: tuple[Phrase, ...] = get_args(Phrase)


def say(phrase: Phrase, language: str, business: str = "") -> str:
    """The phrase in a language we speak, else in English. `business` is the part before any comma or
    colon."""
    name = business.split(",")[0].split(":")[0].strip() or business
    return _said(language, phrase).replace("{business}", name)


def fixed_texts(language: str) -> str:
    """Everything we say in a language without a model: it promises nothing that has to be supported."""
    return "\n".join(_said(language, phrase) for phrase in PHRASES)


def with_return(text: str, language: str, back_at: str) -> str:
    """A text with when people are there again (`YYYY-MM-DD HH:MM` by the business's clock); as it is where
    they are there now."""
    if not back_at:
        return text
    when = datetime.fromisoformat(back_at)
    day = format_skeleton("MMMMd", when, locale=language if language in SPOKEN else "en")
    return f"{text} {say('back_at', language).replace('{when}', f'{day}, {when:%H:%M}')}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def opening_lines(opening: Opening, language: str) -> list[str]:
    """When the business is open, in a language: whether it is now and until when, the days with their hours,
    the days without."""
    locale = language if language in SPOKEN else "en"
    names = get_day_names("wide", context="stand-alone", locale=locale)
    spans = [[_DAYS.index(day) for day in part.split("-")] for part in opening["days"].split(",")]
    days = ", ".join("–".join(names[day] for day in span) for span in spans)
    open_days = {day for span in spans for day in range(span[0], span[-1] + 1)}
    closed = ", ".join(names[day] for day in range(7) if day not in open_days)
    until = datetime.fromisoformat(opening["until"]) if opening["until"] else None
    when = (f"{until:%H:%M}" if opening["open"] else moment(until, language)) if until else ""
    now = say("open_now" if opening["open"] else "closed_now", language).replace("{when}", when)
    hours = say("hours", language)
    for name, value in (("days", days), ("from", opening["start"]), ("to", opening["end"])):
        hours = hours.replace(f"{{{name}}}", value)
    lines = [now, hours, say("closed_days", language).replace("{days}", closed) if closed else ""]
    return [line for line in lines if line and (when or line != now)]


def moment_of(now: str) -> datetime | None:
    """The moment that a turn's `now` says, `Tuesday 1 December 2026, 12:00`; None for any other text."""
    try:
        return datetime.strptime(now.partition(" (")[0], "%A %d %B %Y, %H:%M")
    except ValueError:
        return None


def clock_line(now: datetime, language: str) -> str:
    """What time it is at the business."""
    return say("clock", language).replace("{when}", moment(now, language))


def moment(at: datetime, language: str) -> str:
    """A weekday, a date and a time of the clock in a language: `Tuesday, December 1, 10:00`."""
    return f"{_day(at.date(), language if language in SPOKEN else 'en')}, {at:%H:%M}"


@lru_cache(maxsize=64)  # CLDR's patterns are searched anew each time
def _day(day: date, locale: str) -> str:
    return format_skeleton("MMMMEEEEd", datetime(day.year, day.month, day.day), locale=locale)


def was_said(phrase: Phrase, messages: Sequence[AnyMessage]) -> bool:
    """Whether the contact was told this, in any language, as far as the messages go back."""
    said = {_said(language, phrase) for language in SPOKEN}
    return any(isinstance(message, AIMessage) and message.text in said for message in messages)


def _said(language: str, phrase: Phrase) -> str:
    return getattr(locale_texts(language).says, phrase)
