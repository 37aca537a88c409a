"""Holds a verifier to what it cites. A model reads whether a sentence follows from the evidence; this code
knows no word of any language and checks what can be checked without reading: that quotes stand where they
are said to stand, that every figure of a sentence stands in its quotes or is a sum of figures that do, that
offers are still valid, and that stock and free times come from a tool of this turn. What fails is
unsupported, whatever the verifier says."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, cast

import regex as re
from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent.grounding.citations import ReadLine, flat, read_line
from agent.grounding.claims import Claim, claims_in
from agent.grounding.numbered import Line, Sentence
from agent.grounding.numbers import numbers_in, with_plain_digits
from agent.grounding.spans import is_between, is_shifted
from agent.grounding.sums import SMALL_COUNT, proves, worked_out
from agent.grounding.units import in_store
from agent.language.locale import phrases_within

# The claims that are figures; days and names are left to whoever reads.
FIGURES = ("money", "percent", "duration", "time", "date", "measure", "number", "phone", "email", "link")
# A date belongs to a weekday so many characters before it, and to the next of its name within so many days.
NEAR_WEEKDAY, SOON = 8, 14
# Spans of a quote that a date is reckoned from, in days, and what else than days they may be in.
LONGEST_SPAN, HOURS = 60, {"hour": 24}
# Minutes in which nobody promises anything: `I will check, one minute`.
A_MOMENT = 5
# Judgements of one sentence that are looked at: more than one is a mistake, of which the strictest counts.
MOST_JUDGED = 3
_VALID_UNTIL = re.compile(r"valid_(?:until|to)\W{1,6}(\d{4})-(\d{1,2})-(\d{1,2})", re.I)
_VALID_FROM = re.compile(r"valid_from\W{1,6}(\d{4})-(\d{1,2})-(\d{1,2})", re.I)
# A number with something in it that nobody sees.
_SPLIT = re.compile(r"\S*\p{N}[\u00ad\u200b-\u200f\u2060\ufeff]+\p{N}\S*")
# Cyrillic letters that look like Latin ones: a model is written either way.
_CYRILLIC: tuple[int, ...] = (
    0x430,
    0x432,
    0x435,
    0x43A,
    0x43C,
    0x43D,
    0x43E,
    0x440,
    0x441,
    0x442,
    0x443,
    0x445,
)
_LOOK_ALIKE: dict[int, str] = dict(zip(_CYRILLIC, "abekmhopctyx", strict=True))
# What may stand around a number without being part of it.
_TOKEN, _AROUND = re.compile(r"\S*\p{N}\S*"), "_*~`.,:;!?()[]{}<>«»“”\"'…"

Status = Literal["no_claim", "supported", "contradicted", "not_stated"]


class Citation(BaseModel):
    """A place in the evidence, with the exact words that stand there."""

    model_config = ConfigDict(frozen=True)

    id: str = ""
    quote: str = ""


class Judged(BaseModel):
    """What a verifier says of one sentence. `sums`: how a figure was worked out, such as `3*38`; `differs`:
    what does not match; `live`: whether it says what is in stock or which time is free now."""

    model_config = ConfigDict(frozen=True)

    n: int
    status: Status
    cite: list[Citation] = Field(default_factory=list[Citation])
    sum: str = ""
    differs: str = ""
    live: bool = False

    @field_validator("sum", "differs", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if isinstance(value, list):
            return "; ".join(map(str, cast(list[object], value)))
        return "" if value is None else str(value)

    @field_validator("cite", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [] if value is None else [cast(object, value)] if isinstance(value, dict) else value

    @field_validator("live", mode="before")
    @classmethod
    def _said(cls, value: object) -> object:
        return bool(value)


class Verified(BaseModel):
    """The judgement of every numbered sentence of a reply."""

    sentences: list[Judged]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A sentence that must not be sent: why, and what the evidence says instead, where that is known."""

    sentence: Sentence
    why: str
    quote: str = ""


def doubts(
    parts: Sequence[Sentence],
    evidence: Sequence[Line],
    judged: Sequence[Judged],
    *,
    today: str = "",
    vetoed: Collection[str] = (),
) -> list[Doubt]:
    """The sentences that are not supported. `today` is a date (YYYY-MM-DD) that offers must reach; `vetoed`
    are figures that the code finds nowhere but in the contact's mouth, which proves no price."""
    held = _Notary(evidence, today, vetoed)
    found: list[Doubt] = []
    for part in parts:
        mine = [one for one in judged if one.n == part.n][:MOST_JUDGED]
        why = [held.doubt(part, one) for one in mine] or [Doubt(part, "it was not judged")]
        found.extend([doubt for doubt in why if doubt][:1])
    return found


class _Notary:
    """The evidence of one reply, read once."""

    def __init__(self, evidence: Sequence[Line], today: str, vetoed: Collection[str]) -> None:
        self.lines = {line.id: line for line in evidence}
        self.today, self.vetoed = today, vetoed
        self.theirs = [read_line(line.text) for line in evidence if line.of_contact]
        self.ours = [read_line(line.text) for line in evidence if not line.of_contact]
        self.valid = [read_line(line.text) for line in evidence if not _not_in_force(line.text, today)]
        self.tokens = {token for line in evidence for token in _tokens(line.text)}

    def doubt(self, part: Sentence, judged: Judged) -> Doubt | None:
        cited = [(self.lines.get(cite.id.strip("[] ")), cite.quote) for cite in judged.cite]
        standing = [
            (line, quoted, quote)
            for line, quote in cited
            if line and (quoted := read_line(line.text).quoted(quote)) is not None
        ]
        said = standing[0][2] if standing else ""
        if judged.status in ("contradicted", "not_stated"):
            return Doubt(part, judged.differs or judged.status.replace("_", " "), said)
        if unread := self._unread(part.text):
            return Doubt(part, f"“{unread}” cannot be read", said)
        figures = [claim for claim in claims_in(part.text) if claim.kind in FIGURES]
        if judged.status == "no_claim":
            return self._unclaimed(part, figures)
        if not standing or len(standing) < len(cited):
            return Doubt(part, "what it cites does not stand there", said)
        if any(_not_in_force(line.text, self.today) for line, _, _ in standing) or any(
            _is_over(line.text, part.text, self.today) for line, _, _ in standing
        ):
            return Doubt(part, "what it cites is not valid any more", said)
        if judged.live and not any(line.of_tool for line, _, _ in standing):
            return Doubt(part, "no tool has said in this turn what is there now", said)
        ours = [quoted for line, quoted, _ in standing if not line.of_contact]
        quotes = [quoted for _, quoted, _ in standing]
        for figure in figures:
            if self._is_vetoed(figure) and not _rests(figure, _Given(judged.sum, ours, [], part.text)):
                return Doubt(part, "only the customer has said so", said)
            rests = _rests(figure, _Given(judged.sum, quotes, self.theirs, part.text))
            if not rests and not _is_day_of(figure, part.text, quotes, self.today):
                return Doubt(part, f"“{figure.text.strip()}” does not stand in what it cites", said)
        return None

    def _is_vetoed(self, figure: Claim) -> bool:
        theirs = figure.kind in ("money", "percent") and figure.text.strip() in self.vetoed
        return theirs and any(read.says(figure) for read in self.theirs)

    def _unclaimed(self, part: Sentence, figures: Sequence[Claim]) -> Doubt | None:
        """What is wrong with a sentence that is said to assert nothing: its figures must stand somewhere, and
        a price may only be asked about."""
        for figure in figures:
            if _is_small(figure) or (figure.unit == "minute" and figure.values[0] <= A_MOMENT):
                continue
            if not any(read.says(figure) for read in self.valid) or self._is_vetoed(figure):
                return Doubt(part, f"“{figure.text.strip()}” stands nowhere")
            denied = not any(read.says(figure) for read in self.ours)  # it is theirs, and not granted
            if figure.kind in ("money", "percent") and not denied and not any(m in part.text for m in "?؟"):
                return Doubt(part, f"“{figure.text.strip()}” is a claim, and nothing is cited for it")
        return None

    def _unread(self, text: str) -> str:
        """A number of a sentence that is read as none, and is written so nowhere in the evidence: `_999 €_`,
        `①②`."""
        if split := _SPLIT.search(text):
            return split.group()
        spans = [
            (claim.start, claim.start + len(claim.text)) for claim in claims_in(text) if claim.kind in FIGURES
        ]
        spans += [
            (number.start, number.end) for number in numbers_in(with_plain_digits(text)) if not number.word
        ]
        for match in _TOKEN.finditer(text):
            digits = [match.start() + n for n, letter in enumerate(match.group()) if letter.isnumeric()]
            if all(any(first <= at < last for first, last in spans) for at in digits):
                continue
            if match.start() == 0 and re.fullmatch(r"\d{1,2}[.)]", match.group()):  # of a list
                continue
            if not _tokens(match.group()) <= self.tokens:
                return match.group()
        return ""


@dataclass(frozen=True)
class _Given:
    """What the figures of a sentence may rest on: the sums that a verifier gives, what it quotes, what the
    contact said, and the sentence itself."""

    sums: str
    quotes: Sequence[ReadLine]
    theirs: Sequence[ReadLine]
    sentence: str


def _rests(figure: Claim, given: _Given) -> bool:
    """Whether a figure stands in a quote or is a sum of what stands there. Money in letters must stand in the
    same letters, a share in letters or as a percentage; a small count without a unit is a word like any
    other, and left to whoever reads."""
    if figure.kind in ("money", "percent") and _in_letters(figure):
        return any(flat(figure.text)[0] in quote.flat or _has_share(quote, figure) for quote in given.quotes)
    if _is_small(figure):
        return True
    if any(quote.says(figure) for quote in given.quotes):
        return True
    for sum in worked_out(given.sums, given.quotes, given.theirs, given.sentence):
        written = {value for number in numbers_in(with_plain_digits(figure.text)) for value in number.values}
        counted = bool(set(sum.operands) & (written | set(figure.values))) and (
            figure.kind == "number"
            or (figure.unit == "piece" and not in_store(given.sentence))
            # `three nights`, as the contact asked for so many
            or (figure.kind in ("duration", "measure") and any(read.says(figure) for read in given.theirs))
        )
        if counted or proves(sum, figure, [*given.quotes, *given.theirs]):
            return True
    lines = [*given.quotes, *given.theirs]
    return any(is_between(figure, line) for line in lines) or is_shifted(figure, given.sums, given.quotes)


def _in_letters(figure: Claim) -> bool:
    return not any(letter.isnumeric() for letter in figure.text)


def _has_share(quote: ReadLine, figure: Claim) -> bool:
    """Whether a share in letters, such as half the price or ten per cent, stands there with another ending,
    or in digits."""
    return any(
        claim.kind == figure.kind == "percent" and claim.values == figure.values for claim in quote.claims
    )


def _is_day_of(figure: Claim, sentence: str, quotes: Sequence[ReadLine], today: str) -> bool:
    """Whether a date is that of a day that is cited otherwise: of the next Saturday, where `Saturday 18` is
    said and a quote has the Saturday, or of so many days of a quote from now on. The weekday before it must
    fit."""
    if figure.kind not in ("date", "number") or not today:
        return False
    start, cited = date.fromisoformat(today), [claim for quote in quotes for claim in quote.claims]
    named = {
        claim.values[0]
        for claim in claims_in(sentence)
        if claim.kind == "weekday" and 0 <= figure.start - claim.start - len(claim.text) <= NEAR_WEEKDAY
    }
    known = named & {claim.values[0] for claim in cited if claim.kind == "weekday"}
    days = {day for ahead in range(SOON) if (day := start + timedelta(ahead)).weekday() in known}
    spans = {claim.values[0] / HOURS.get(claim.unit, 1) for claim in cited if claim.unit in ("day", *HOURS)}
    days |= {day for span in spans if span <= LONGEST_SPAN for day in _days_after(start, int(span))}
    return any(
        (not named or day.weekday() in named)
        and (figure.values[0] == 100 * day.month + day.day or (bool(named) and figure.values[0] == day.day))
        for day in days
    )


def _days_after(start: date, span: int) -> Iterator[date]:
    """The days that come after so many days, or working days of five or six a week, from today or
    tomorrow."""
    for first, week in itertools.product((start, start + timedelta(1)), (5, 6, 7)):
        day, left = first, span
        while left > 0:
            day += timedelta(1)
            left -= day.weekday() < week
        yield day


def _is_small(figure: Claim) -> bool:
    return figure.kind == "number" and all(v == int(v) and 0 <= v <= SMALL_COUNT for v in figure.values)


@lru_cache(maxsize=1024)  # the evidence of a conversation changes little from turn to turn
def _tokens(text: str) -> frozenset[str]:
    """The words of a text that hold a digit, as they are written but for what stands around them."""
    return frozenset(_each_token(text))


def _each_token(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(flat(text)[0]):
        yield match.group().strip(_AROUND).translate(_LOOK_ALIKE)


def _not_in_force(text: str, today: str) -> bool:
    """Whether a line says that it holds no more, or not yet."""
    ends, begins = (
        [f"{year}-{month:0>2}-{day:0>2}" for year, month, day in pattern.findall(text)]
        for pattern in (_VALID_UNTIL, _VALID_FROM)
    )
    return bool(today and ((ends and min(ends) < today) or (begins and max(begins) > today)))


# What stands between a word such as `until` and the date it belongs to.
_NEAR_DATE = 16
_UNTIL = re.compile(rf"(?<!\w)(?:{phrases_within('claims.till')})\W[^.;!?]*$", re.I)


def _is_over(text: str, sentence: str, today: str) -> bool:
    """Whether a line speaks of an offer that ended on a day before today, year included, and the sentence
    does not name that day."""
    dates = [claim for claim in claims_in(text) if claim.kind == "date" and claim.key]
    ends = [claim for claim in dates if _UNTIL.search(text[max(0, claim.start - _NEAR_DATE) : claim.start])]
    if not ends or not today:
        return False
    last = max(ends, key=_day)
    named = any(claim.kind == "date" and claim.values == last.values for claim in claims_in(sentence))
    return _day(last) < today and not named


def _day(claim: Claim) -> str:
    """A date with its year as YYYY-MM-DD; years have two digits in a claim."""
    month, day = divmod(int(claim.values[0]), 100)
    return f"20{claim.key}-{month:02}-{day:02}"
