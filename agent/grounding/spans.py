"""Times and dates that a reply reckons: the nights between two dates, the hour before closing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date

from agent.grounding.citations import ReadLine
from agent.grounding.claims import Claim

# The year that dates without one are counted in; it has a 29 February.
LEAP = 2024
# A time is moved by so many minutes at most.
LONGEST_SHIFT = 12 * 60
MINUTES = {"minute": 1, "hour": 60}
# A time and a span in hours and minutes, or in minutes.
_MOVED = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)\s?([+-])\s?(?:(\d{1,2}):)?(\d{1,3})(?!\d)")


def is_between(figure: Claim, line: ReadLine) -> bool:
    """Whether a span is as long as it is from one date of a line to the next: five nights from the 15th to
    the 20th, which are six days."""
    if figure.kind != "duration" or figure.unit != "day":
        return False
    return bool({spans + more for spans in days_between(line) for more in (0, 1)} & set(figure.values))


def days_between(line: ReadLine) -> set[int]:
    """The days from each date of a line to the next."""
    days = [_day(claim) for claim in line.claims if claim.kind == "date"]
    return {(b - a).days for a, b in itertools.pairwise(days) if a and b and b > a}


def _day(claim: Claim) -> date | None:
    month, day = divmod(int(claim.values[0]), 100)
    try:
        return date(LEAP, month, day)
    except ValueError:
        return None


def is_shifted(figure: Claim, sums: str, quotes: Sequence[ReadLine]) -> bool:
    """Whether a time is one of the quotes, moved by a span of the quotes, as a verifier has worked it out:
    `23:00-0:30` is half an hour before closing."""
    if figure.kind != "time":
        return False
    claims = [claim for quote in quotes for claim in quote.claims]
    times = {claim.values[0] for claim in claims if claim.kind == "time"}
    spans = {v * MINUTES[claim.unit] for claim in claims if claim.unit in MINUTES for v in claim.values}
    for hour, minute, sign, hours, minutes in _MOVED.findall(sums):
        at, span = int(hour) * 60 + int(minute), int(hours or 0) * 60 + int(minutes)
        moved = at + span if sign == "+" else at - span
        if at in times and span in spans and span <= LONGEST_SHIFT and moved in figure.values:
            return True
    return False
