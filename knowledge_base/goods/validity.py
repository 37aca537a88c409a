"""Until when, and from when, what a file says holds: read from its own words, compared with a day later. A
date without a year is none, because nobody knows of which."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, cast

from babel import Locale
from babel.core import UnknownLocaleError

from knowledge_base.vocabulary import any_of, column_kinds, plain, vocabulary_file

# Characters of a line that are looked at, and between a word such as `until` and its date.
LOOKED_AT, NEAR = 2_000, 14
# Characters of a line that says until when a whole list holds.
LONGEST_STATEMENT = 250
# Words of a sentence that says nothing but when the prices beside it hold: `Valid until 31.12.2026.`
SHORT = 7
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[^\W\d])")
# How a text that is not in force says so, to whoever answers from it; the model is told in English, as by
# every tool. A verifier knows the date by its name (`agent.grounding.notary`).
EXPIRED, NOT_YET = "EXPIRED, do not state it as current", "NOT VALID YET, do not state it as current"


@dataclass(frozen=True, slots=True)
class Validity:
    """The first and the last day on which something holds; None where none is said."""

    first: date | None = None
    last: date | None = None

    def __bool__(self) -> bool:
        return self.first is not None or self.last is not None

    @classmethod
    def of(cls, first_day: str, last_day: str) -> Validity:
        """Of days as YYYY-MM-DD, empty for none."""
        days = [date.fromisoformat(day) if day else None for day in (first_day, last_day)]
        return cls(*days)

    def said(self) -> str:
        """The days by their names, such as `valid_until: 2026-12-31`."""
        named = (("valid_from", self.first), ("valid_until", self.last))
        return ", ".join(f"{name}: {day.isoformat()}" for name, day in named if day)

    def lapse(self, today: date) -> str:
        """What is wrong with it on a day; empty while it holds."""
        if self.last and self.last < today:
            return EXPIRED
        return NOT_YET if self.first and self.first > today else ""

    def apart(self, other: Validity) -> bool:
        """Whether there is no day on which both hold."""
        return bool(
            (self.last and other.first and self.last < other.first)
            or (other.last and self.first and other.last < self.first)
        )


@cache
def _months() -> dict[str, int]:
    """Names of months, as `plain` writes them, in the languages of `words.yaml`."""
    found: dict[str, int] = {}
    for code in vocabulary_file()["validity"]["languages"]:
        with suppress(UnknownLocaleError):
            months = cast(Any, Locale(code)).months
            for context in ("format", "stand-alone"):
                for width in ("wide", "abbreviated"):
                    for number, name in months[context][width].items():
                        if len(spelt := plain(str(name))) > 2 and not spelt.isdigit():
                            found.setdefault(spelt, int(number))
    return found


@cache
def _date() -> re.Pattern[str]:
    months = "|".join(sorted(map(re.escape, _months()), key=len, reverse=True))
    words = vocabulary_file()["dates"]
    nth, of, of_year = (any_of(words[key]) for key in ("ordinals", "before_month", "before_year"))
    return re.compile(
        r"(?<!\d)(?:(?P<y>20\d\d)[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})(?:[T ]\d\d:\d\d(?::\d\d)?)?"
        r"|(?P<d2>\d{1,2})[-./](?P<m2>\d{1,2})[-./](?P<y2>20\d\d|\d\d)"
        rf"|(?P<d3>\d{{1,2}})(?:{nth}|\.)?\s(?:{of}\s)?(?P<n3>{months})\.?,?\s(?:{of_year}\s)?(?P<y3>20\d\d)"
        rf"|(?P<n4>{months})\.?\s(?P<d4>\d{{1,2}}){nth}?,?\s(?P<y4>20\d\d))(?!\d)",
        re.I,
    )


def _day(match: re.Match[str]) -> date | None:
    """The day that is written; the day stands before the month, unless only the other way is one."""
    said = {name[0]: value for name, value in match.groupdict().items() if value}
    year = int(said["y"]) + (2000 if len(said["y"]) == 2 else 0)
    month, day = _months()[plain(said["n"])] if "n" in said else int(said["m"]), int(said["d"])
    for one, other in ((month, day), (day, month)):
        with suppress(ValueError):
            return date(year, one, other)
    return None


def _listed(kind: str) -> str:
    phrases = sorted(map(str, vocabulary_file()["validity"][kind]), key=len, reverse=True)
    return "|".join(re.escape(phrase).replace(r"\ ", r"\s") for phrase in phrases)


@cache
def _before(kind: str) -> re.Pattern[str]:
    """A word such as `until` before a date."""
    return re.compile(rf"(?<![^\W_])(?:{_listed(kind)})(?![^\W\d_])[^\w\n]*(?:\w{{1,8}}[^\w\n]+)?$", re.I)


@cache
def _behind() -> re.Pattern[str]:
    """A word such as `until` behind a date, as Turkish and Kazakh have it."""
    return re.compile(
        rf"^[^\w\n]{{0,3}}(?:[^\W\d_]{{1,10}}\s)?(?:{_listed('until_behind')})(?![^\W\d_])", re.I
    )


@cache
def _context(*kinds: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(_listed, kinds))})", re.I)


def validity_in(text: str, *, column: bool = False) -> Validity:
    """What a line says of when it holds. `column`: it is the header and the cell of a column of such dates,
    so that a date without a word is the last day."""
    text = text[:LOOKED_AT]
    first, last, previous = None, None, None
    before = 0
    for match in _date().finditer(text):
        day = _day(match)
        if day is None:
            continue
        start = text[max(before, match.start() - 2 * NEAR) : match.start()]
        between = text[before : match.start()].strip() if before else " "
        if _before("until").search(start) or _behind().search(text[match.end() : match.end() + 3 * NEAR]):
            last = min(last or day, day)
        elif _before("from").search(start):
            first = max(first or day, day)
        elif (
            before
            and between in ("-", "–", "—")
            and (column or first or _context("prices", "offers").search(text))
        ):
            first, last = first or previous, day
        elif column and not first:
            last = day
        before, previous = match.end(), day
    return Validity(first if not (first and last) or first <= last else None, last)


def stated(lines: Iterable[str]) -> dict[str, Validity]:
    """The lines of a text that say when its prices hold, each with what it says. An offer of so many percent
    holds for itself alone."""
    found: dict[str, Validity] = {}
    for line in lines:
        line = line.strip()
        if len(line) > LONGEST_STATEMENT or "%" in line or not _context("prices").search(line):
            continue
        for sentence in _SENTENCES.split(line):
            short = len(sentence.split()) <= SHORT and _context("offers").search(sentence)
            if (short or _context("prices").search(sentence)) and (said := validity_in(sentence)):
                found[line] = said
    return found


def of_columns(pairs: Iterable[tuple[str, str]]) -> Validity:
    """What the columns of dates of a row say, of headers and cells."""
    first: date | None = None
    last: date | None = None
    for header, cell in pairs:
        if next(iter(column_kinds(header)), "") == "valid":
            said = validity_in(f"{header} {cell}", column=True)
            first, last = first or said.first, last or said.last
    return Validity(first, last)


_MARK = re.compile(r" \[((?:valid_from|valid_until): [^\]]{10,60})\]")
_NAMED = re.compile(r"(valid_from|valid_until): (\d{4}-\d\d-\d\d)")


def with_days(heading: str, text: str) -> str:
    """The text of a passage, each line with the days between which it holds, where it or its heading says
    so."""
    above = validity_in(heading)
    found: list[str] = []
    for line in text.split("\n"):
        pairs = [pair.split(": ", 1) for pair in line.split("; ") if ": " in pair]
        said = of_columns((name, value) for name, value in pairs) or validity_in(line) or above
        found.append(f"{line} [{said.said()}]" if said else line)
    return "\n".join(found)


def on_day(text: str, today: str) -> str:
    """A text of `with_days` as it is to be read on a day (YYYY-MM-DD; empty: nobody knows): what is not in
    force is marked."""
    try:
        day = date.fromisoformat(today)
    except ValueError:
        return _MARK.sub("", text)

    def marked(match: re.Match[str]) -> str:
        days = dict(_NAMED.findall(match.group(1)))
        validity = Validity.of(days.get("valid_from", ""), days.get("valid_until", ""))
        lapse = validity.lapse(day)
        return f" ({lapse}; {validity.said()})" if lapse else ""

    return _MARK.sub(marked, text)


def is_lapsed(text: str) -> bool:
    """Whether a text says of itself that it is not in force."""
    return EXPIRED in text or NOT_YET in text
