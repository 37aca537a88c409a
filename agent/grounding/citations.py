"""Where a quote stands in a line of evidence, and which figures stand wholly within it: they are read from
the line, never from what a verifier says of it, so that a number is not cut, nor parted from its unit."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex as re

from agent.grounding.claims import Claim, claims_in
from agent.grounding.matching import same
from agent.grounding.numbers import numbers_in, plain

# What people and models write for one another: dashes, quotes, and the brackets that evidence is shown with.
_ALIKE = str.maketrans("‹›’‘‛`´“”„«»–—‑−", "<>'''''\"\"\"\"\"----")
# Characters that nobody sees.
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
# Kinds of figures that a number without a unit can support, and be supported by.
_PLAIN_KINDS = frozenset(("money", "percent", "measure", "number", "duration"))


@dataclass(frozen=True, slots=True)
class BareNumber:
    """A number of a line that belongs to no figure with a unit, such as the 200 of `Table Fjord 200`."""

    start: int
    end: int
    values: tuple[float, ...]


@dataclass(frozen=True)
class ReadLine:
    """What one line of evidence says: its figures, and its other numbers. `flat` is the line as quotes are
    looked for in it, each of its characters with the place (`at`) where it stands in the line."""

    text: str
    claims: tuple[Claim, ...]
    numbers: tuple[BareNumber, ...]
    flat: str
    at: tuple[int, ...]

    def quoted(self, quote: str) -> ReadLine | None:
        """What a quote of the line says; None where it does not stand there."""
        wanted = flat(quote)[0]
        if not wanted:
            return None
        spans = list[tuple[int, int]]()
        start = self.flat.find(wanted)
        while start >= 0 and len(spans) < 20:
            spans.append((self.at[start], self.at[start + len(wanted) - 1] + 1))
            start = self.flat.find(wanted, start + 1)
        if not spans:
            return None
        claims = tuple(c for c in self.claims if _within(c.start, c.start + len(c.text), spans))
        numbers = tuple(n for n in self.numbers if _within(n.start, n.end, spans))
        return ReadLine(quote, claims, numbers, wanted, ())

    def says(self, figure: Claim) -> bool:
        """Whether a figure of a reply stands here."""
        if any(same(figure, claim) or _as_plain(figure, claim) for claim in self.claims):
            return True
        values = {value for number in self.numbers for value in number.values}
        return figure.kind in _PLAIN_KINDS and bool(values & set(figure.values))


def _within(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def _as_plain(figure: Claim, claim: Claim) -> bool:
    """Whether one of two figures has no unit, and both have the same value."""
    plain_one = "number" in (figure.kind, claim.kind) and {figure.kind, claim.kind} <= _PLAIN_KINDS
    return plain_one and bool(set(figure.values) & set(claim.values))


@lru_cache(maxsize=2048)
def read_line(text: str) -> ReadLine:
    """A line of evidence, read."""
    claims = tuple(claims_in(text, every=True))
    taken = [(c.start, c.start + len(c.text)) for c in claims if c.kind != "number"]
    numbers = tuple(
        BareNumber(n.start, n.end, n.values)
        for n in numbers_in(plain(text))
        if not any(first < n.end and n.start < last for first, last in taken)
    )
    return ReadLine(text, claims, numbers, *flat(text))


def flat(text: str) -> tuple[str, tuple[int, ...]]:
    """A text in small letters, plain width, plain quotes and dashes and single spaces, and where each of its
    characters stood. A digit that is set high (a footnote) stays apart from the digits before it."""
    letters, places = list[str](), list[int]()
    for place, letter in enumerate(text):
        if _UNSEEN.match(letter):
            continue
        high = letter.isnumeric() and not letter.isdecimal()
        shown = letter if high else unicodedata.normalize("NFKC", letter.translate(_ALIKE)).casefold()
        shown = " " if shown.isspace() else shown
        if shown == " " and (not letters or letters[-1] == " "):
            continue
        letters.extend(shown)
        places.extend([place] * len(shown))
    while letters and letters[-1] == " ":
        letters.pop()
        places.pop()
    return "".join(letters), tuple(places)
