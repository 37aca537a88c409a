"""What may support a reply: the claims of passages, tool answers, facts of the bot and the conversation,
looked up by value."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex as re

from agent.grounding import product_names
from agent.grounding.claims import Claim, Kind, claims_in
from agent.grounding.matching import (
    ABOUT,
    CLOSE,
    TOLERANCE,
    approximate,
    looked_for,
    places,
    same_claim,
    same_duration,
)
from agent.grounding.records import cells_in, records_in
from agent.grounding.units import things_in
from agent.language.locale import anywhere

# How many values on either side of one are looked at, where those that are about the same will do.
MOST_NEAR = 200
_DAILY = re.compile(anywhere("grounding.daily"), re.I)
_PART_END, _LONGER_WORD = re.compile(r"[,;.]\s"), re.compile(r"[^\W\d_]{4,}")
NAME_WORD, _HYPHEN = re.compile(r"[^\W_][\w’'+-]*"), re.compile(r"[-’'+]")


@dataclass(frozen=True, slots=True)
class EvidenceText:
    """A text that may support a claim. `of_contact`: the contact said it, which grants no price."""

    name: str
    text: str
    of_contact: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A claim of a source; the first where several say the same."""

    claim: Claim
    source: EvidenceText


@dataclass
class Evidence:
    """The claims of all sources, read when the first is asked for. `asked`: the contact's last words, whose
    numbers a sum may use."""

    sources: Sequence[EvidenceText]
    asked: str = ""

    @cached_property
    def claims(self) -> list[tuple[Claim, EvidenceText]]:
        """Every claim with where it stands."""
        return [(claim, source) for source in self.sources for claim in _claims_of(source.text)]

    @cached_property
    def _standing(self) -> list[Standing]:
        found: dict[Hashable, Standing] = {}
        for claim, source in self.claims:
            # whether a price is the contact's own to spend is told by its sentence
            told = claim.sentence if source.of_contact and claim.kind == "money" else ""
            same = (claim.kind, claim.values, claim.unit, claim.key, source.of_contact, told)
            found.setdefault(same, Standing(claim, source))
        return list(found.values())

    @cached_property
    def _places(self) -> dict[Hashable, list[int]]:
        found: dict[Hashable, list[int]] = {}
        for i, standing in enumerate(self._standing):
            for place in places(standing.claim):
                found.setdefault(place, []).append(i)
        return found

    @cached_property
    def _figures(self) -> dict[Kind, tuple[list[float], list[int]]]:
        """Kind -> its values in order, and the place of each in `_standing`."""
        found: dict[Kind, list[tuple[float, int]]] = {}
        for i, standing in enumerate(self._standing):
            if standing.claim.kind in CLOSE:
                found.setdefault(standing.claim.kind, []).extend(
                    (value, i) for value in standing.claim.values
                )
        return {
            kind: ([v for v, _ in sorted(rows)], [i for _, i in sorted(rows)]) for kind, rows in found.items()
        }

    def saying(self, claim: Claim) -> Iterator[Standing]:
        """What says the same as a claim, in the order of the sources."""
        found = {i for place in looked_for(claim) for i in self._places.get(place, ())}
        slack = ABOUT * 1.1 if claim.kind == "money" and approximate(claim.sentence) else 0
        for kind in CLOSE.get(claim.kind, ()):
            values, at = self._figures.get(kind, ([], []))
            for value in claim.values:
                reach, middle = 2 * TOLERANCE + value * slack, bisect.bisect_left(values, value)
                first = max(bisect.bisect_left(values, value - reach), middle - MOST_NEAR)
                found.update(at[first : min(bisect.bisect_right(values, value + reach), middle + MOST_NEAR)])
        return (self._standing[i] for i in sorted(found) if same_claim(claim, self._standing[i].claim))

    def granted(self, asked: Sequence[Claim]) -> list[Claim]:
        """What may be reckoned with: all that somebody other than the contact said, and what the contact
        repeats of it."""
        theirs = [claim for claim, source in self.claims if not source.of_contact]
        repeated = (c for c in asked if any(not standing.source.of_contact for standing in self.saying(c)))
        return [*theirs, *repeated]

    @cached_property
    def words(self) -> EvidenceWords:
        """All words that stand anywhere."""
        return _vocabulary(tuple(source.text for source in self.sources))

    def naming(self, words: str) -> str:
        """Which source has these words one after the other in a name, the contact's own aside; empty where
        none has."""
        said = words.casefold()
        found = (s.name for s in self.sources if said and not s.of_contact and said in s.text.casefold())
        return next((f"“{words}” in {name}" for name in found), "")

    @cached_property
    def cells(self) -> list[tuple[str, str]]:
        """What the rows of price lists say, in small letters, each with its source."""
        said = ((c, s.name) for s in self.sources if not s.of_contact for c in cells_in(s.text))
        return list(dict.fromkeys((cell.casefold(), name) for cell, name in said))

    @cached_property
    def contacts(self) -> tuple[set[float], set[float]]:
        """The values the contact said, and those of them without a unit."""
        theirs = [claim for claim, source in self.claims if source.of_contact]
        return {v for c in theirs for v in c.values}, {
            v for c in theirs if c.kind == "number" for v in c.values
        }

    @cached_property
    def promised(self) -> list[Promise]:
        """What is said to be free, by somebody other than the contact."""
        found: dict[tuple[str, str], Promise] = {}
        for claim, source in self.claims:
            if claim.kind != "free" or source.of_contact or (claim.sentence, claim.text) in found:
                continue
            said = {word[:5] for word in _LONGER_WORD.findall(part_of(claim.sentence, claim.text).casefold())}
            theirs = things(claim.sentence, claim.text)
            found[claim.sentence, claim.text] = Promise(claim.sentence, source.name, said, theirs)
        return list(found.values())

    @cached_property
    def every_day(self) -> bool:
        """Whether some source says so."""
        return any(_DAILY.search(source.text) for source in self.sources)

    @cached_property
    def open_days(self) -> dict[float, str]:
        """Weekday -> the range of days, such as Mon-Sat, that it lies in."""
        found: dict[float, str] = {}
        for _, group in itertools.groupby(
            (row for row in self.claims if row[0].kind == "weekday"),
            lambda row: row[1].name + row[0].sentence,
        ):
            for first, last in itertools.pairwise([claim for claim, _ in group]):
                if 0 < last.start - first.start - len(first.text) < 8:
                    for day in range(int(first.values[0]), int(last.values[0]) + 1):
                        found.setdefault(float(day), f"within “{first.text}-{last.text}”")
        return found

    @cached_property
    def next_day(self) -> str:
        """Where it is said that something takes a day."""
        day = Claim("duration", "", 0, (24.0,), "hour")
        rows = (row for row in self.claims if row[0].kind == "duration" and same_duration(row[0], day))
        return next((f"“{claim.text}” in {source.name}" for claim, source in rows), "")


@dataclass(frozen=True)
class Promise:
    """A sentence that says of something that it is free: its words, and the things in it that we know the
    word for."""

    sentence: str
    source: str
    words: set[str]
    things: frozenset[str]


def _claims_of(text: str) -> list[Claim]:
    """What a source says, the rows of a price list first."""
    rows = records_in(text)
    listed = text.lstrip()[:1] in "[{"  # in JSON a header such as `free` says nothing
    said = claims_in(text, every=True)
    return [
        *rows,
        *(c for c in said if not (rows and c.kind == "number") and not (listed and c.kind == "free")),
    ]


class EvidenceWords:
    """The words of some texts, as they are written and as they sound."""

    def __init__(self, texts: Sequence[str]) -> None:
        whole = {word for text in texts for word in NAME_WORD.findall(text.casefold())}
        self._said = whole | {part for word in whole for part in _HYPHEN.split(word)}
        self._codes = {word.replace("-", "") for word in self._said}
        self._sounds = {product_names.latin(word) for word in self._said}
        self._by_length: dict[int, list[str]] = {}
        for sound in sorted(self._sounds):
            self._by_length.setdefault(len(sound), []).append(sound)

    def heard(self, word: str) -> bool:
        """Whether a word stands there, perhaps in another script or case."""
        folded = word.casefold()
        if folded in self._said or product_names.latin(folded) in self._sounds:
            return True
        if any(c.isdigit() for c in folded):
            return folded.replace("-", "") in self._codes
        stem = product_names.latin(folded)[: max(4, len(folded) - 2)]
        return len(folded) > 4 and any(
            self._begins(stem, length) for length in range(len(folded) - 3, len(folded) + 4)
        )

    def _begins(self, stem: str, length: int) -> bool:
        """Whether a word of a length sounds like the stem at its beginning."""
        sounds = self._by_length.get(length, [])
        at = bisect.bisect_left(sounds, stem)
        return at < len(sounds) and sounds[at].startswith(stem)


@lru_cache(maxsize=16)
def _vocabulary(texts: tuple[str, ...]) -> EvidenceWords:
    return EvidenceWords(texts)


def things(sentence: str, free: str) -> frozenset[str]:
    """What a sentence says is free, as far as we know the word in its language: in the part where it says so,
    else anywhere in it."""
    return things_in(part_of(sentence, free)) or things_in(sentence)


def part_of(sentence: str, free: str) -> str:
    """The part of a sentence where some words stand."""
    return next((part for part in _PART_END.split(sentence) if free in part), sentence)
