"""The words that give a number its meaning: currencies, percent, time, measures, counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

import babel
import regex as re

from agent.language.locale import COMMON, LOCALES, anywhere, locale_phrases, phrases_within, table
from agent.language.locale_file import Duration
from agent.language.notation import Expression, bordered, joined_phrases

CURRENCIES_LIKE = {
    "$": {"USD", "COP", "ARS", "MXN", "CLP", "PESO"},
    "PESO": {"COP", "ARS", "MXN", "CLP", "$"},
}
# (canonical unit, factor): years count as months, weeks as days.
_DURATIONS: dict[Duration, tuple[str, int]] = {
    "minutes": ("minute", 1),
    "quarters": ("minute", 15),
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


# Where a word ends: in writing without spaces wherever it does.
_WORD_END = r"(?:(?<=[\u3040-\u30ff\u3400-\u9fff])|(?!\w))"


def _compiled(phrases: Iterable[Expression], end: str = _WORD_END) -> re.Pattern[str]:
    return re.compile(f"(?:{joined_phrases(phrases)}){end}", re.I)


def _all(lists: Mapping[Any, Iterable[Expression]]) -> Iterator[Expression]:
    return itertools.chain.from_iterable(lists.values())


# A word must end where its unit ends; a sign need not.
_END = rf"(?:(?<=\W)|{_WORD_END})"
_CURRENCIES = table("units.currencies")
_CURRENCY_BY = [(_compiled(phrases, end=""), code) for code, phrases in _CURRENCIES.items()]
CURRENCY = _compiled(_all(_CURRENCIES), _END)
_MULTIPLIERS = table("units.multipliers")
MULTIPLIER = [(_compiled(phrases, _END), factor) for factor, phrases in sorted(_MULTIPLIERS.items())]
ANY_MULTIPLIER = _compiled(_all(_MULTIPLIERS), _END)
PERCENT_BEFORE = re.compile(phrases_within("units.percent_before"), re.I)
PERCENTAGE = re.compile(phrases_within("units.percent"), re.I)
_SPANS, _MEASURES = table("units.durations"), table("units.measures")
# Words of time, wherever they stand.
SPAN_WORDS = {name: re.compile(bordered(phrases), re.I) for name, phrases in _SPANS.items()}
DURATION = [(_compiled(_SPANS[name]), unit) for name, unit in _DURATIONS.items()]
MEASURE = [(_compiled(phrases), unit) for unit, phrases in _MEASURES.items()]
PIECE = re.compile(rf"(?:{phrases_within('units.pieces')}){_WORD_END}", re.I)
# Any of these: what stands behind most numbers need not be held against each.
UNIT = re.compile(
    f"{PERCENTAGE.pattern}|{CURRENCY.pattern}|{PIECE.pattern}"
    rf"|(?:{joined_phrases([*_all(_SPANS), *_all(_MEASURES)])}){_WORD_END}",
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
    for locale in (COMMON, *LOCALES.values())
    for number, spellings in locale.numbers.words.items()
    for word in spellings
}
# 15 in Kazakh is two words.
TENS = {word: int(WORDS[word]) for word in locale_phrases("numbers.tens")}


def _calendar(
    kind: Literal["months", "days"], known: dict[Any, list[Expression]]
) -> dict[int, list[Expression]]:
    """The names of months or weekdays: those of CLDR, and what the files of languages know besides."""
    found: dict[int, list[Expression]] = {}
    for code in LOCALES:
        forms: Any = getattr(babel.Locale.parse(code), kind)
        for form in ("format", "stand-alone"):
            for number, name in forms[form]["wide"].items():
                found.setdefault(number, []).append(Expression(re.escape(name.casefold())))
    return {number: [*names, *known.get(number, ())] for number, names in sorted(found.items())}


_MONTHS = _calendar("months", table("units.months"))
MONTH_WORD = joined_phrases(_all(_MONTHS))
_MONTH_BY = [(_compiled(names, end=""), number) for number, names in _MONTHS.items()]


def month_of(word: str) -> int:
    """1 to 12, 0 when it is no month."""
    return next((number for pattern, number in _MONTH_BY if pattern.fullmatch(word)), 0)


_WEEKDAYS = _calendar("days", table("units.weekdays"))
WEEKDAY = re.compile(
    rf"(?:(?<!\w)|(?=[\u3400-\u9fff]))(?:{joined_phrases(_all(_WEEKDAYS))}){_WORD_END}", re.I
)
_WEEKDAY_BY = [(_compiled(names, end=""), number) for number, names in _WEEKDAYS.items()]


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
