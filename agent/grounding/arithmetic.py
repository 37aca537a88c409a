"""Right arithmetic: totals, parts, discounts and instalments of prices that are known, for replies that
nobody has read. All that may be made of the prices of a reply is worked out once; a claim is looked up in
it."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

import regex as re

from agent.grounding.claims import Claim, Kind
from agent.grounding.units import BASES, in_store, same_currency
from agent.language.locale import anywhere

TOLERANCE = 0.005
# A sum of more parts could be anything.
MOST_PARTS, MOST_PRICES = 4, 14
# Prices, counts, parts and discounts that are reckoned with; a conversation holds fewer.
MOST_KNOWN, MOST_COUNTS, MOST_DISCOUNTS = 80, 40, 6
MOST_PIECES, MOST_PARTS_OF_A_PRICE = 2_000, 100
# From here on a number without a unit may be a price; from here on one of a reply may be part of one.
SUM_OF_MONEY, PART_OF_A_SUM = 100, 20
# A discount may be rounded by so much, an instalment by a thousandth of it.
ROUNDED = 1.0
_INSTALMENTS = re.compile(anywhere("grounding.instalments"), re.I)
_WITH = re.compile(anywhere("grounding.together_with"), re.I)
_LESS = re.compile(anywhere("grounding.less"), re.I)

# A value and what it is.
Row = tuple[float, str]
# A value that is made of others, by how much it may be off, and how it is made.
Made = tuple[float, float, str]


@dataclass
class Books:
    """What the claims of a reply may be reckoned from. `known`: those of them that hold; `beside`: all of
    them; `asked`: those of the contact's last words; `granted`: what the business says; `counts`: numbers
    that stand in the reply or were asked for and are no price."""

    known: Sequence[Claim]
    beside: Sequence[Claim]
    asked: Sequence[Claim]
    granted: Sequence[Claim]
    counts: Set[float]

    def __post_init__(self) -> None:
        self._made: dict[tuple[Kind, str, bool, bool], list[Made]] = {}

    def derived(self, claim: Claim) -> str:
        """How a claim follows from others, or an empty text."""
        if claim.kind == "number":
            twins = [c for c in self.known if c.values[:1] == claim.values[:1] and c.kind != "number"]
            if twins:
                return f"“{twins[0].text.strip()}” in the same reply"
            if claim.values[0] < SUM_OF_MONEY:
                return ""
            claim = replace(claim, kind="money")  # a price whose currency goes without saying
        if claim.kind not in ("money", "measure", "percent", "duration"):
            return ""
        if claim.unit == "piece" and in_store(claim.sentence):
            return ""
        adds, takes = bool(_WITH.search(claim.sentence)), bool(_LESS.search(claim.sentence))
        key = (claim.kind, claim.unit, claim.kind == "money" and adds, claim.kind == "money" and takes)
        if key not in self._made:
            self._made[key] = sorted(self._all(*key))
        return _looked_up(claim.values, self._made[key])

    def _all(self, kind: Kind, unit: str, adds: bool, takes: bool) -> Iterator[Made]:
        """All that a claim of a kind and unit may be."""
        if kind == "percent":
            yield from self._savings()
        elif kind == "duration":
            yield from self._between() if unit == "day" else ()
        elif unit == "piece":
            counts = sorted(self.counts)[:MOST_COUNTS]
            yield from ((a * b, TOLERANCE, f"{a:g} x {b:g}") for a in counts for b in counts)
        else:
            yield from self._prices(kind, unit, adds, takes)

    def _savings(self) -> Iterator[Made]:
        """The percent between an old price and a new one."""
        paid = [_row(c) for c in self.known if c.kind == "money"][:MOST_KNOWN]
        for (old, what), (new, other) in itertools.permutations(paid, 2):
            if old:
                yield 100 - 100 * new / old, 0.5, f"1 - {other} / {what}"

    def _between(self) -> Iterator[Made]:
        """The nights or days from one date to another of the same month."""
        dates = {c.values[0]: c.text for c in (*self.known, *self.asked) if c.kind == "date"}
        for (first, what), (last, other) in itertools.permutations(list(dates.items())[:MOST_COUNTS], 2):
            if 0 < (days := last - first) < 31:
                yield from ((n, 0, f"from {what} to {other}") for n in (days, days + 1))

    def _prices(self, kind: Kind, unit: str, adds: bool, takes: bool) -> Iterator[Made]:
        """What a price, or a measure, may be made of: others of the same reply (`said`), and those that the
        business names."""
        money, repeated = kind == "money", set(self.asked)
        said = [
            c
            for c in self.known
            if c.kind == kind or (money and c.kind == "number" and c.values[0] >= PART_OF_A_SUM)
        ]
        said += [c for c in (self.granted if money else self.asked) if c.kind == kind and c in repeated]
        listed = [c for c in self.granted if c.kind == kind]
        some, fees = _alike(kind, unit, said)[:MOST_KNOWN], _alike(kind, unit, listed)[:MOST_KNOWN]
        every = dict((*reversed(fees), *reversed(some)))
        many = sorted(self._many(money))[:MOST_COUNTS]
        yield from _times(every.items(), many, TOLERANCE)
        for d, (value, what) in itertools.product(self._discounts, every.items()):
            yield value * d / 100, ROUNDED, f"{d:g} % of {what}"
            yield from _times([(value * (1 - d / 100), f"{what} less {d:g} %")], (1, *many), ROUNDED)
        yield from _sums(some, many)
        if not money:
            return
        for value, what in every.items():
            for n in {n for n in {*many, *self._months} if 2 <= n <= MOST_PARTS_OF_A_PRICE}:
                yield value / n, min(ROUNDED, max(0.01, value / n * 0.000999)), f"{what} / {n:g}"
            yield from ((value / size, TOLERANCE, f"{what} / {thing}") for size, thing in self._sizes)
        for (value, what), (fee, other) in itertools.product(some, fees):
            if adds:
                yield value + fee, TOLERANCE, f"{what} + {other}"
            if takes:
                yield value - fee, TOLERANCE, f"{what} - {other}"

    def _many(self, money: bool) -> set[float]:
        """How many of a thing there may be."""
        sizes = {c.values[0] for c in (*self.beside, *self.asked) if c.kind == "measure" and money}
        return {n for n in self.counts if 2 <= n <= MOST_PIECES} | sizes

    @cached_property
    def _months(self) -> set[float]:
        """How long somebody may pay in instalments."""
        spans = [c for c in (*self.granted, *self.known) if c.kind == "duration" and c.unit == "month"]
        return {c.values[0] for c in spans if _INSTALMENTS.search(c.sentence)}

    @cached_property
    def _discounts(self) -> list[float]:
        said = {c.values[0] for c in (*self.known, *self.asked) if c.kind == "percent"}
        return sorted(said & {c.values[0] for c in self.granted if c.kind == "percent"})[:MOST_DISCOUNTS]

    @cached_property
    def _sizes(self) -> list[Row]:
        """The weights and lengths in the reply, in the units that prices are for."""
        measures = [c for c in self.beside if c.kind == "measure" and c.unit in BASES.keys() | {"g", "ml"}]
        sizes = [(c.values[0] * (0.001 if c.unit in ("g", "ml") else 1), c.text.strip()) for c in measures]
        return [row for row in sizes if row[0]][:MOST_COUNTS]


def _looked_up(values: Iterable[float], made: Sequence[Made]) -> str:
    for value in values:
        first = bisect.bisect_left(made, (value - ROUNDED - TOLERANCE,))
        for other, slack, how in made[first : bisect.bisect(made, (value + ROUNDED + TOLERANCE,))]:
            if abs(other - value) <= slack + abs(value) * 1e-9:
                return how
    return ""


def _times(rows: Iterable[Row], counts: Iterable[float], slack: float) -> Iterator[Made]:
    """So many pieces of a price."""
    for (value, what), n in itertools.product(rows, counts):
        yield value * n, slack, what if n == 1 else f"{n:g} x {what}"


def _sums(said: Sequence[Row], many: Sequence[float]) -> Iterator[Made]:
    """Sums of prices of the same reply, each perhaps times a count, and differences of two of them."""
    times = [(value, what) for value, _, what in _times(said, many, 0)]
    for size in range(2, MOST_PARTS + 1):
        for parts in itertools.combinations([*said, *times][:MOST_PRICES], size):
            yield sum(value for value, _ in parts), TOLERANCE, " + ".join(what for _, what in parts)
    for (value, what), (other, less) in itertools.permutations(said, 2):
        yield value - other, TOLERANCE, f"{what} - {less}"


def _row(claim: Claim) -> Row:
    return claim.values[0], claim.text.strip()


def _alike(kind: Kind, unit: str, others: Sequence[Claim]) -> list[Row]:
    """What may be added to a claim: the same currency, or the same measure, brought to its unit."""
    if kind == "money":
        return [_row(c) for c in others if same_currency(unit, c.unit)]
    base, size = BASES.get(unit, (unit, 1.0))
    found: list[Row] = []
    for c in others:
        its_base, its_size = BASES.get(c.unit, (c.unit, 1.0))
        if its_base == base:
            found.append((c.values[0] * its_size / size, c.text.strip()))
    return found
