"""Where a quote stands in a line of evidence, and which figures stand wholly within it: they are read from
the line, never from what a verifier says of it, so that a number is not cut, nor parted from its unit."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex as re

from agent.grounding.claims import Claim, claims_in
from agent.grounding.matching import same_claim
from agent.grounding.numbered import Line, Sentence
from agent.grounding.numbers import numbers_in, with_plain_digits
from agent.grounding.units import in_store, things_in
from agent.language.locale import anywhere

# What people and models write for one another: dashes, quotes, and the brackets that evidence is shown with.
_ALIKE = str.maketrans("‹›’‘‛`´“”„«»–—‑−", "<>'''''\"\"\"\"\"----")
# Characters that nobody sees.
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
# Kinds of figures that a number without a unit can support, and be supported by.
_PLAIN_KINDS = frozenset(("money", "percent", "measure", "number", "duration"))
# Kinds of claims whose numbers count nothing.
_NO_COUNTS = frozenset(("money", "percent", "time", "date", "phone", "email", "link", "product"))


@dataclass(frozen=True, slots=True)
class BareNumber:
    """A number of a line that belongs to no figure with a unit, such as the 200 of `Table Fjord 200`."""

    start: int
    end: int
    values: tuple[float, ...]


@dataclass(frozen=True)
class ReadLine:
    """What one line of evidence says: its figures, its other numbers, and all that may be `counts` of things,
    as they are written. `flat` is the line as quotes are looked for in it, each of its characters with the
    place (`at`) where it stands in the line."""

    text: str
    claims: tuple[Claim, ...]
    numbers: tuple[BareNumber, ...]
    counts: tuple[BareNumber, ...]
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
        # the full stop of an abbreviated unit may be left out
        claims = tuple(c for c in self.claims if _within(c.start, c.start + len(c.text.rstrip(".")), spans))
        numbers, counts = (
            tuple(n for n in found if _within(n.start, n.end, spans)) for found in (self.numbers, self.counts)
        )
        return ReadLine(quote, claims, numbers, counts, wanted, ())

    def says(self, figure: Claim) -> bool:
        """Whether a figure of a reply stands here."""
        if any(
            same_claim(figure, claim) or _as_plain(figure, claim) or _by_clock(figure, claim)
            for claim in self.claims
        ):
            return True
        values = {value for number in self.numbers for value in number.values}
        return figure.kind in _PLAIN_KINDS and bool(values & set(figure.values))


def _within(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def _as_plain(figure: Claim, claim: Claim) -> bool:
    """Whether one of two figures has no unit, and both have the same value."""
    plain_one = "number" in (figure.kind, claim.kind) and {figure.kind, claim.kind} <= _PLAIN_KINDS
    return plain_one and bool(set(figure.values) & set(claim.values))


def _by_clock(figure: Claim, claim: Claim) -> bool:
    """Whether `16.30` is the time that is written 16:30 elsewhere."""
    clock = re.fullmatch(r"([01]?\d|2[0-3])\.([0-5]\d)", figure.text.strip())
    if clock is None or claim.kind != "time":
        return False
    return claim.values[0] == int(clock[1]) * 60 + int(clock[2])


@lru_cache(maxsize=2048)
def read_line(text: str) -> ReadLine:
    """A line of evidence, read."""
    claims = tuple(claims_in(text, every=True))
    numbers = tuple(_apart(text, [c for c in claims if c.kind != "number"]))
    return ReadLine(text, claims, numbers, counts_in(text, claims), *flat(text))


def counts_in(text: str, claims: Sequence[Claim]) -> tuple[BareNumber, ...]:
    """The numbers of a text with these claims that may count things."""
    return tuple(_apart(text, [claim for claim in claims if claim.kind in _NO_COUNTS]))


def _apart(text: str, claims: Sequence[Claim]) -> Iterator[BareNumber]:
    """The numbers of a text that are no part of these claims."""
    taken = [(claim.start, claim.start + len(claim.text)) for claim in claims]
    for n in numbers_in(with_plain_digits(text)):
        if not any(first < n.end and n.start < last for first, last in taken):
            yield BareNumber(n.start, n.end, n.values)


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


# Of the longer words of a sentence so many must stand in one line of evidence.
SHARE = 0.8
# Words are compared by their beginning, as their endings change; shorter ones tell little.
STEM, LONGER = 5, 4
_DENIES = re.compile(rf"(?:{anywhere('grounding.no_before')})", re.I)
_WORD = re.compile(r"[^\W\d_]+")


def unquoted(parts: Sequence[Sentence], evidence: Sequence[Line]) -> list[Sentence]:
    """The sentences on delivery, returns and other things that shops do, or on what is in stock, that no line
    of the evidence says, but the customer's."""
    lines = [line.text for line in evidence if not line.of_contact]
    return [part for part in parts if _is_policy(part.text) and not _is_quoted(part.text, lines)]


def _is_policy(sentence: str) -> bool:
    return bool(things_in(sentence) or in_store(sentence)) and not sentence.rstrip("»”\"') ").endswith(
        ("?", "؟")
    )


def _is_quoted(sentence: str, lines: Sequence[str]) -> bool:
    wanted, denied = _stems(sentence), bool(_DENIES.search(sentence))
    return any(
        bool(_DENIES.search(line)) == denied and len(wanted & _stems(line)) >= SHARE * len(wanted)
        for line in lines
    )


@lru_cache(maxsize=2048)
def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:STEM] for word in _WORD.findall(text.casefold()) if len(word) >= LONGER)
