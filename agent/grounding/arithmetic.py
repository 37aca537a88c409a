"""Right arithmetic: totals, parts, discounts and instalments of prices that are known.

Nothing is tried out against everything else: what could be a part of a claim is looked up by its value, in a
table that is made once for all claims of a reply."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import regex as re

from agent.grounding.claims import Claim, Kind
from agent.grounding.units import BASES, in_store, same_currency
from agent.language.locale import anywhere

TOLERANCE = 0.005
# A sum of more parts could be anything.
MOST_PARTS, MOST_PRICES = 4, 14
# Prices, counts and discounts that are reckoned with; a conversation holds fewer.
MOST_KNOWN, MOST_COUNTS, MOST_DISCOUNTS = 200, 100, 12
# From here on a number without a unit may be a price.
SUM_OF_MONEY = 100
MOST_PIECES, MOST_PARTS_OF_A_PRICE = 2_000, 100
_INSTALMENTS = re.compile(anywhere("grounding.instalments"), re.I)
_WITH = re.compile(anywhere("grounding.together_with"), re.I)
_LESS = re.compile(anywhere("grounding.less"), re.I)

# A value and what it is.
Row = tuple[float, str]


class Table:
    """Rows to be found by what their values make of a claim, without trying each."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = sorted((value, place, what) for place, (value, what) in enumerate(rows))
        self._values = [value for value, _, _ in self._rows]

    def find(
        self, claim: Claim, times: float = 1.0, plus: float = 0.0, slack: float = 0.0, but: int = -1
    ) -> str:
        """What the first row is, in the order they came in, whose value `times` so much and `plus` so much is
        the claim's; empty when there is none. `but`: the place of a row that does not count."""
        if not times:
            return self._rows[0][2] if self._rows and _is(claim, plus, slack) else ""
        found: list[tuple[int, str]] = []
        for wanted in claim.values:
            middle = (wanted - plus) / times
            reach = max(slack, TOLERANCE) / abs(times) + abs(middle) * 1e-9
            low, high = (
                bisect.bisect_left(self._values, middle - reach),
                bisect.bisect_right(self._values, middle + reach),
            )
            found += [
                (place, what)
                for value, place, what in self._rows[low:high]
                if place != but and _is(claim, value * times + plus, slack)
            ]
        return min(found)[1] if found else ""


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
        self._prices: dict[tuple[Kind, str], Prices] = {}

    def derived(self, claim: Claim) -> str:
        """How a claim follows from others, or an empty text."""
        if claim.kind == "number":
            if twin := self._twins.get(claim.values[0]):
                return f"“{twin}” in the same reply"
            if claim.values[0] >= SUM_OF_MONEY:  # a price whose currency goes without saying
                claim = replace(claim, kind="money")
        if claim.kind == "percent":
            return self._saving(claim)
        if claim.kind == "duration":
            return self._between(claim)
        if claim.kind not in ("money", "measure") or (claim.unit == "piece" and in_store(claim.sentence)):
            return ""
        if claim.unit == "piece":
            return self._product(claim)
        prices = self._priced(claim.kind, claim.unit)
        if claim.kind == "measure":
            return prices.scaled(claim) or prices.total(claim)
        return (
            prices.scaled(claim) or prices.part(claim) or prices.total(claim) or prices.with_one_more(claim)
        )

    @cached_property
    def _twins(self) -> dict[float, str]:
        """Values of the reply that hold -> how they stand there."""
        valued = [c for c in self.known if c.values and c.kind != "number"]
        return {c.values[0]: c.text.strip() for c in reversed(valued)}

    @cached_property
    def _paid(self) -> list[Row]:
        return [_row(c) for c in self.known if c.kind == "money"][:MOST_KNOWN]

    @cached_property
    def _by_price(self) -> Table:
        return Table(self._paid)

    def _saving(self, claim: Claim) -> str:
        """The percent between an old price and a new one."""
        for place, (old, what) in enumerate(self._paid):
            new = self._by_price.find(claim, times=-100 / old, plus=100, slack=0.5, but=place) if old else ""
            if new:
                return f"1 - {new} / {what}"
        return ""

    @cached_property
    def _days(self) -> dict[float, str]:
        dates = [c for c in (*self.known, *self.asked) if c.kind == "date"]
        return {c.values[0]: c.text for c in reversed(dates)}

    def _between(self, claim: Claim) -> str:
        """The nights or days from one date to another of the same month."""
        for first, what in self._days.items() if claim.unit == "day" else ():
            for days in (claim.values[0], claim.values[0] - 1):
                if 0 < days < 31 and first + days in self._days:
                    return f"from {what} to {self._days[first + days]}"
        return ""

    @cached_property
    def _counted(self) -> Table:
        return Table((n, f"{n:g}") for n in sorted(self.counts)[:MOST_COUNTS])

    def _product(self, claim: Claim) -> str:
        for n in sorted(self.counts)[:MOST_COUNTS]:
            if other := self._counted.find(claim, times=n):
                return f"{n:g} x {other}"
        return ""

    def _priced(self, kind: Kind, unit: str) -> Prices:
        """What may make up a claim of a kind and unit, worked out for the first of them."""
        if (kind, unit) not in self._prices:
            self._prices[kind, unit] = self._prices_of(kind, unit)
        return self._prices[kind, unit]

    def _prices_of(self, kind: Kind, unit: str) -> Prices:
        repeated, money = set(self.asked), kind == "money"
        said = [
            c for c in self.known if c.kind == kind or (money and c.kind == "number" and c.values[0] >= 20)
        ]
        said += [c for c in (self.granted if money else self.asked) if c.kind == kind and c in repeated]
        many = {n for n in self.counts if 2 <= n <= MOST_PIECES}
        if money:
            many |= {c.values[0] for c in (*self.beside, *self.asked) if c.kind == "measure"}
        return Prices(
            said=_alike(kind, unit, said)[:MOST_KNOWN],
            listed=_once(_alike(kind, unit, [c for c in self.granted if c.kind == kind]))[:MOST_KNOWN],
            counts=sorted(many)[:MOST_COUNTS],
            parts=sorted(n for n in many | self._months if 2 <= n <= MOST_PARTS_OF_A_PRICE),
            sizes=self._sizes,
            discounts=self._discounts,
        )

    @cached_property
    def _months(self) -> set[float]:
        """How long somebody may pay in instalments."""
        spans = [c for c in (*self.granted, *self.known) if c.kind == "duration" and c.unit == "month"]
        return {c.values[0] for c in spans if _by_instalments(c.sentence)}

    @cached_property
    def _discounts(self) -> list[float]:
        said = {c.values[0] for c in (*self.known, *self.asked) if c.kind == "percent"}
        return sorted(said & {c.values[0] for c in self.granted if c.kind == "percent"})[:MOST_DISCOUNTS]

    @cached_property
    def _sizes(self) -> list[Row]:
        """The weights and lengths in the reply, in the units that prices are for."""
        measures = [c for c in self.beside if c.kind == "measure" and c.unit in BASES.keys() | {"g", "ml"}]
        sizes = [(c.values[0] * (0.001 if c.unit in ("g", "ml") else 1), c.text.strip()) for c in measures]
        return _once([row for row in sizes if row[0]])[:MOST_COUNTS]


@dataclass
class Prices:
    """What a price, or a measure, may be made of. `said`: others of the same reply; `listed`: those of the
    business; `counts`: how many of a thing; `parts`: in how many parts something is paid; `sizes`: of things
    in the reply; `discounts`: in percent."""

    said: list[Row]
    listed: list[Row]
    counts: list[float]
    parts: list[float]
    sizes: list[Row]
    discounts: list[float]

    @cached_property
    def _all(self) -> list[Row]:
        return _once([*self.said, *self.listed])

    @cached_property
    def _single(self) -> Table:
        return Table(self._all)

    @cached_property
    def _less(self) -> Table:
        return Table(
            (value * (1 - d / 100), f"{what} less {d:g} %")
            for value, what in self._all
            for d in self.discounts
        )

    @cached_property
    def _share(self) -> Table:
        return Table(
            (value * d / 100, f"{d:g} % of {what}") for value, what in self._all for d in self.discounts
        )

    @cached_property
    def _sums(self) -> Table:
        """Sums of prices of the same reply, each perhaps times a count."""
        times = ((value * n, f"{n:g} x {what}") for value, what in self.said for n in self.counts)
        parts = list(itertools.islice(itertools.chain(self.said, times), MOST_PRICES))
        chosen = (c for size in range(2, MOST_PARTS + 1) for c in itertools.combinations(parts, size))
        return Table((sum(value for value, _ in c), " + ".join(what for _, what in c)) for c in chosen)

    @cached_property
    def _by_price(self) -> Table:
        return Table(self.said)

    @cached_property
    def _by_list(self) -> Table:
        return Table(self.listed)

    def scaled(self, claim: Claim) -> str:
        """So many pieces of a price, or a discount on it."""
        for n in self.counts:
            if what := self._single.find(claim, times=n):
                return f"{n:g} x {what}"
        if what := self._less.find(claim, slack=1) or self._share.find(claim, slack=1):
            return what
        for n in self.counts if self.discounts else ():
            if what := self._less.find(claim, times=n, slack=1):
                return f"{n:g} x {what}"
        return ""

    def part(self, claim: Claim) -> str:
        """An instalment, the price of one of several, or the price of a kilogram or a litre of something."""
        for (
            value
        ) in claim.values:  # what may be rounded off is a thousandth of it, and each reading has its own
            reading, slack = replace(claim, values=(value,)), min(1.0, max(0.01, value * 0.000999))
            for n in self.parts:
                if what := self._single.find(reading, times=1 / n, slack=slack):
                    return f"{what} / {n:g}"
        for size, thing in self.sizes:
            if what := self._single.find(claim, times=1 / size):
                return f"{what} / {thing}"
        return ""

    def total(self, claim: Claim) -> str:
        """The sum or the difference of prices of the same reply."""
        if what := self._sums.find(claim):
            return what
        for place, (value, what) in enumerate(self.said):
            if other := self._by_price.find(claim, times=-1, plus=value, but=place):
                return f"{what} - {other}"
        return ""

    def with_one_more(self, claim: Claim) -> str:
        """A price of the same reply and a fee, or less a discount, that the business names and the reply does
        not."""
        adds, takes = _WITH.search(claim.sentence), _LESS.search(claim.sentence)
        for value, what in self.said:
            if adds and (more := self._by_list.find(claim, plus=value)):
                return f"{what} + {more}"
            if takes and (less := self._by_list.find(claim, times=-1, plus=value)):
                return f"{what} - {less}"
        return ""


def _row(claim: Claim) -> Row:
    return claim.values[0], claim.text.strip()


def _once(rows: Iterable[Row]) -> list[Row]:
    """The rows with a value that none before them has."""
    found: dict[float, str] = {}
    for value, what in rows:
        found.setdefault(value, what)
    return list(found.items())


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


@lru_cache(maxsize=1024)
def _by_instalments(sentence: str) -> bool:
    return bool(_INSTALMENTS.search(sentence))


def _is(claim: Claim, value: float, slack: float = 0) -> bool:
    return any(abs(v - value) <= max(slack, TOLERANCE) for v in claim.values)
