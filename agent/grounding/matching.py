"""When a claim of a source says the same as a claim of a reply, and where in many claims it is looked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache

import regex as re

from agent.grounding.claims import Claim, Kind
from agent.grounding.units import BASES, same_currency
from agent.language.locale import anywhere, locale_phrases

TOLERANCE = 0.005
ABOUT = 0.01
GROWN_UP = 14 * 12
# A link supports another that is a beginning of it with so many parts at most.
MOST_PARTS = 8
_NO_AGE = re.compile(anywhere("grounding.no_age"), re.I)
_ABOUT = re.compile(anywhere("grounding.about"), re.I)
# What a span of time ends with that may be a time of the day: 10, 10h.
_BY_CLOCK = "0123456789" + "".join(locale_phrases("claims.hour_sign"))

# The kinds that a claim of a kind is compared with by value: what `_same` says of them, found without trying
# each.
CLOSE: dict[Kind, tuple[Kind, ...]] = {
    "money": ("money", "number"),
    "percent": ("percent",),
    "measure": ("measure", "number"),
    "number": ("number", "measure", "money"),
}


@lru_cache(maxsize=1024)
def approximate(sentence: str) -> bool:
    return bool(_ABOUT.search(sentence))


@lru_cache(maxsize=1024)
def no_age(sentence: str) -> bool:
    return bool(_NO_AGE.search(sentence))


def places(claim: Claim) -> Iterator[Hashable]:
    """Where a claim of a source is found by what is compared otherwise than by a value near its own."""
    value = claim.values[0] if claim.values else 0.0
    if claim.kind in ("email", "soon"):
        yield claim.kind, claim.key
    elif claim.kind == "link":
        parts = claim.key.split("/", MOST_PARTS)
        yield from {("link", "/".join(parts[:end])) for end in range(1, len(parts))} | {("link", claim.key)}
    elif claim.kind == "phone":
        yield "phone", claim.key.lstrip("0")[-7:]
    elif claim.kind == "weekday":
        yield "weekday", claim.values
    elif claim.kind == "date":
        yield "date", claim.values
        yield "day", value % 100
    elif claim.kind == "time":
        yield "clock", value % 720
        yield "minutes", value
    elif claim.kind == "duration":
        yield from (("duration", *span) for span in spans(claim))
        if claim.unit == "hour":
            yield "hours", value * 60
    elif claim.kind == "number":
        yield "hours", value * 60
        yield "years", value * 12
        if value >= 1e6:
            yield "digits", str(int(value))


def looked_for(claim: Claim) -> Iterator[Hashable]:
    """The places where what may support a claim of a reply stands."""
    value = claim.values[0] if claim.values else 0.0
    if claim.kind in ("email", "soon"):
        yield claim.kind, claim.key
    elif claim.kind == "link":
        yield "link", claim.key
    elif claim.kind == "phone":
        yield "phone", claim.key.lstrip("0")[-7:]
        yield "digits", claim.key
    elif claim.kind == "weekday":
        yield "weekday", claim.values
    elif claim.kind == "date":
        yield "date", claim.values
    elif claim.kind == "time":
        yield "clock", value % 720
        yield "hours", value
    elif claim.kind == "duration":
        yield from (("duration", *span) for span in spans(claim))
        yield "years", value
        yield "minutes", value * 60
    elif claim.kind == "number":
        yield "minutes", value * 60
        yield "day", value


def same_claim(claim: Claim, other: Claim) -> bool:
    """Whether a claim of a source (`other`) says what a claim of a reply says."""
    if claim.kind not in _BY_KEY and not (claim.values and other.values):
        return False
    return _SAYS.get(claim.kind, _says_number)(claim, other)


def _says_key(claim: Claim, other: Claim) -> bool:
    return other.kind == claim.kind and claim.key == other.key


def _says_link(claim: Claim, other: Claim) -> bool:
    return other.kind == "link" and (claim.key == other.key or other.key.startswith(claim.key + "/"))


def _says_phone(claim: Claim, other: Claim) -> bool:
    if other.kind == "number":
        return claim.key == str(int(other.values[0]))
    return other.kind == "phone" and _same_phone(claim.key, other.key)


def _says_date(claim: Claim, other: Claim) -> bool:
    if other.kind != "date" or claim.values != other.values:
        return False
    return not claim.key or not other.key or claim.key == other.key


def _says_weekday(claim: Claim, other: Claim) -> bool:
    return other.kind == "weekday" and claim.values == other.values


def _says_duration(claim: Claim, other: Claim) -> bool:
    value = claim.values[0]
    if other.kind == "number":  # an age
        grown_up = claim.unit == "month" and value >= GROWN_UP and not no_age(claim.sentence)
        return grown_up and value == 12 * other.values[0]
    if other.kind == "time":
        by_clock = claim.unit == "hour" and claim.text.rstrip(".")[-1:] in _BY_CLOCK
        return by_clock and value * 60 == other.values[0]
    return other.kind == "duration" and same_duration(claim, other)


def _says_time(claim: Claim, other: Claim) -> bool:
    if other.kind == "time":
        return _same_time(claim, other)
    hours = other.kind == "number" or (other.kind == "duration" and other.unit == "hour")
    return hours and claim.values[0] == other.values[0] * 60


def _says_money(claim: Claim, other: Claim) -> bool:
    if other.kind == "number":
        return other.values[0] >= 10 and _close(claim, other)
    return other.kind == "money" and same_currency(claim.unit, other.unit) and _close(claim, other)


def _says_percent(claim: Claim, other: Claim) -> bool:
    return other.kind == "percent" and _close(claim, other)


def _says_measure(claim: Claim, other: Claim) -> bool:
    if other.kind == "number":
        return claim.unit == "piece" and _close(claim, other)
    if other.kind != "measure":
        return False
    (base, size), (other_base, other_size) = (BASES.get(c.unit, (c.unit, 1.0)) for c in (claim, other))
    return base == other_base and any(
        abs(a * size - b * other_size) <= TOLERANCE for a in claim.values for b in other.values
    )


def _says_number(claim: Claim, other: Claim) -> bool:
    value = claim.values[0]
    if other.kind == "time":
        return value * 60 == other.values[0]
    if other.kind == "date":
        return value == other.values[0] % 100
    priced = value >= 20 or value != int(value)
    kinds = ("number", "measure", "money") if priced else ("number", "measure")
    return other.kind in kinds and _close(claim, other)


# What is compared by what is written, without a value.
_BY_KEY = ("email", "soon", "link", "phone", "date")
_SAYS: dict[Kind, Callable[[Claim, Claim], bool]] = {
    "email": _says_key,
    "soon": _says_key,
    "link": _says_link,
    "phone": _says_phone,
    "date": _says_date,
    "weekday": _says_weekday,
    "duration": _says_duration,
    "time": _says_time,
    "money": _says_money,
    "percent": _says_percent,
    "measure": _says_measure,
}


def _close(claim: Claim, other: Claim) -> bool:
    about = ABOUT if claim.kind == "money" and approximate(claim.sentence) else 0
    return any(abs(a - b) <= max(TOLERANCE, about * b) for a in claim.values for b in other.values)


def _same_phone(one: str, other: str) -> bool:
    """Whether two numbers end alike once trunk and country prefixes are off."""
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    if short == long or not short:
        return short == long
    bare = short[1:] if short[0] in "78" and len(short) == 11 else short
    return len(bare) >= 7 and long.endswith(bare) and len(long) - len(bare) <= 4


def _same_time(one: Claim, other: Claim) -> bool:
    """By the clock; `6:30` without a part of the day meets `6:30 pm`."""
    a, b = one.values[0] % 1440, other.values[0] % 1440
    return a == b or (abs(a - b) == 720 and (one.key == "said") != (other.key == "said"))


def same_duration(claim: Claim, other: Claim) -> bool:
    """24 hours are a day; months and days do not mix."""

    if claim.key and other.key and claim.unit == other.unit and claim.key != other.key:
        return False  # 2 of `2-3 days` is not the 2 of `1-2 days`
    return bool(spans(claim) & spans(other))


def spans(claim: Claim) -> set[tuple[str, float]]:
    """All readings of a duration: in hours, or in months."""
    size = {"life": 1e9, "minute": 1 / 60, "hour": 1.0, "day": 24.0}.get(claim.unit)
    return (
        {("time", round(v * size, 3)) for v in claim.values} if size else {("month", v) for v in claim.values}
    )
