"""The words that give a number its meaning: currencies, percent, time, measures, counts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import babel
import regex as re

from agent.language.locale import LOCALES, anywhere, table, within, words
from agent.language.locale_file import Duration
from agent.language.notation import bordered, joined

CURRENCIES_LIKE = {
    "$": {"USD", "COP", "ARS", "MXN", "CLP", "PESO"},
    "PESO": {"COP", "ARS", "MXN", "CLP", "$"},
}
# (canonical unit, factor): years count as months, weeks as days.
_DURATIONS: dict[Duration, tuple[str, int]] = {
    "minutes": ("minute", 1),
    "hours": ("hour", 1),
    "days": ("day", 1),
    "weeks": ("day", 7),
    "months": ("month", 1),
    "years": ("month", 12),
}
# Canonical measures in terms of a base, so that 1.8 kg is 1800 g.
BASES = {
    "kg": ("g", 1000.0),
    "l": ("ml", 1000.0),
    "km": ("mm", 1e6),
    "m": ("mm", 1000.0),
    "cm": ("mm", 10.0),
    "kw": ("w", 1000.0),
}


def _any(*patterns: str) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def _words(key: str) -> dict[Any, str]:
    return {name: f"(?:{joined(phrases)})" for name, phrases in table(key).items()}


# A word must end where its unit ends; a sign need not.
_END = r"(?:(?<=\W)|(?!\w))"
_CURRENCIES = _words("units.currencies")
_CURRENCY_BY = [(re.compile(pattern, re.I), code) for code, pattern in _CURRENCIES.items()]
CURRENCY = re.compile(f"(?:{_any(*_CURRENCIES.values())}){_END}", re.I)
PERCENTAGE = re.compile(within("units.percent"), re.I)
MULTIPLIER = [
    (re.compile(pattern + _END, re.I), factor)
    for factor, pattern in sorted(_words("units.multipliers").items())
]
_SPANS = _words("units.durations")
DURATION = [(re.compile(rf"{_SPANS[name]}(?!\w)", re.I), unit) for name, unit in _DURATIONS.items()]
MEASURE = [
    (re.compile(rf"{pattern}(?!\w)", re.I), unit) for unit, pattern in _words("units.measures").items()
]
PIECE = re.compile(rf"(?:{within('units.pieces')})(?!\w)", re.I)
# Any of these: what stands behind most numbers need not be held against each.
UNIT = re.compile(
    _any(
        *(
            p.pattern
            for p in (PERCENTAGE, CURRENCY, PIECE, *(p for p, _ in DURATION), *(p for p, _ in MEASURE))
        )
    ),
    re.I,
)


@lru_cache(maxsize=4096)
def currency_of(word: str) -> str:
    """The canonical currency a word or sign stands for."""
    return next((code for pattern, code in _CURRENCY_BY if pattern.fullmatch(word)), "")


def same_currency(one: str, other: str) -> bool:
    """Whether two canonical currencies may be the same; none at all may be any."""
    return (
        not one
        or not other
        or one == other
        or other in CURRENCIES_LIKE.get(one, ())
        or one in CURRENCIES_LIKE.get(other, ())
    )


# Words for numbers; they count only before a unit, so that "one question" is no claim.
WORDS: dict[str, float] = {
    word: number
    for locale in LOCALES.values()
    for number, spellings in locale.numbers.words.items()
    for word in spellings
}
# 15 in Kazakh is two words.
TENS = {word: int(WORDS[word]) for word in words("numbers.tens")}


def _calendar(kind: Literal["months", "days"], known: dict[Any, str]) -> dict[int, str]:
    """The names of months or weekdays: those of CLDR, and what the files of languages know besides."""
    found: dict[int, dict[str, None]] = {}
    for code in LOCALES:
        forms: Any = getattr(babel.Locale.parse(code), kind)
        for form in ("format", "stand-alone"):
            for number, name in forms[form]["wide"].items():
                found.setdefault(number, {})[re.escape(name.casefold())] = None
    return {
        number: _any(*names, *filter(None, [known.get(number)])) for number, names in sorted(found.items())
    }


_MONTHS = _calendar("months", _words("units.months"))
MONTH_WORD = "|".join(_MONTHS.values())
_MONTH_BY = [(re.compile(pattern, re.I), number) for number, pattern in _MONTHS.items()]


def month_of(word: str) -> int:
    """1 to 12, 0 when it is no month."""
    return next((number for pattern, number in _MONTH_BY if pattern.fullmatch(word)), 0)


_WEEKDAYS = _calendar("days", _words("units.weekdays"))
WEEKDAY = re.compile(rf"(?<!\w)(?:{'|'.join(_WEEKDAYS.values())})(?!\w)", re.I)
_WEEKDAY_BY = [(re.compile(pattern, re.I), number) for number, pattern in _WEEKDAYS.items()]


def weekday_of(word: str) -> int:
    """0 (Monday) to 6."""
    return next((number for pattern, number in _WEEKDAY_BY if pattern.fullmatch(word)), -1)


# What shops give for nothing, so that a free return in one supports no free delivery in another.
THINGS = {thing: re.compile(bordered(phrases), re.I) for thing, phrases in table("units.things").items()}
# Words of what is in store: a count beside them is a promise.
_STOCKED = re.compile(anywhere("units.stocked"), re.I)


@lru_cache(maxsize=1024)
def in_store(sentence: str) -> bool:
    """Whether a sentence speaks of what is in store."""
    return bool(_STOCKED.search(sentence))


@lru_cache(maxsize=1024)
def things_in(sentence: str) -> frozenset[str]:
    """What of the things that shops give for nothing a sentence names."""
    return frozenset(thing for thing, pattern in THINGS.items() if pattern.search(sentence))
