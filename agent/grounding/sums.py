"""Right arithmetic: totals, parts, discounts and instalments of prices that are known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import regex as re

from agent.grounding.claims import Claim
from agent.grounding.units import BASES, STOCKED, same_currency

TOLERANCE = 0.005
# A sum of more parts could be anything.
MOST_PARTS, MOST_PRICES = 4, 14
# From here on a number without a unit may be a price.
SUM_OF_MONEY = 100
MOST_PIECES, MOST_PARTS_OF_A_PRICE = 2_000, 100


_INSTALMENTS = re.compile(
    r"instal|\bemi\b|рассроч|кредит|бөліп|rat[ae]\b|rateal|cuotas|plazos|financ|mensual|किस्त|ईएमआई|kaspi|monthly|parcel|taksit|\braten", re.I
)  # fmt: skip


_WITH = re.compile(
    r"\bwith\b|includ|plus|together|install|deliver|shipping|\bvat\b|fee|вместе|включая|с (?:уч[её]том|монтаж|установ|достав)\w*|со? стандартн\w+|монтаж\w*|установк\w*|доставк\w*|"
    r"қоса|орнату\w*|жеткіз\w*|бірге|\bcon\b|compres\w|inclus\w|insieme|spedizione|montaggio|incluid\w|envío|instalaci|मिला|साथ|सहित|समेत", re.I
)  # fmt: skip
_LESS = re.compile(
    r"discount|\boff\b|\bless\b|minus|instead|bonus|trade-?in|скидк\w*|вместо|минус|жеңілдік\w*|шегер\w*|sconto|scontat\w|permuta|invece|descuento|rebaja|menos|छूट|कम\b|बोनस|घटा", re.I
)  # fmt: skip


def derived(
    claim: Claim,
    known: Sequence[Claim],
    beside: Sequence[Claim],
    asked: Sequence[Claim],
    granted: Sequence[Claim],
    counts: set[float],
) -> str:
    """How a claim follows from others, or an empty text.

    `known`: claims of the same reply that hold; `beside`: all its others; `asked`: those of the contact's last words;
    `granted`: what the business says; `counts`: numbers that stand in the reply or were asked for and are no price.
    """
    if claim.kind == "number":
        twin = next((c for c in known if c.values and c.kind != "number" and c.values[0] == claim.values[0]), None)
        if twin:
            return f"“{twin.text.strip()}” in the same reply"
    if claim.kind == "number" and claim.values[0] >= SUM_OF_MONEY:  # a price whose currency goes without saying
        claim = replace(claim, kind="money")
    if claim.kind == "percent":
        return _saving(claim, [c for c in known if c.kind == "money"])
    if claim.kind == "duration":
        return _between(claim, [c for c in (*known, *asked) if c.kind == "date"])
    if claim.kind not in ("money", "measure") or (claim.unit == "piece" and STOCKED.search(claim.sentence)):
        return ""
    mine = [
        c for c in known if c.kind == claim.kind or (claim.kind == "money" and c.kind == "number" and c.values[0] >= 20)
    ]
    mine += [c for c in (granted if claim.kind == "money" else asked) if c in asked and c.kind == claim.kind]
    listed = [c for c in granted if c.kind == claim.kind]
    mine, listed = _alike(claim, mine), _alike(claim, listed)
    if claim.unit == "piece":
        return _product(claim, counts)
    sizes = {c.values[0] for c in (*beside, *asked) if c.kind == "measure"}
    many = {n for n in counts if 2 <= n <= MOST_PIECES} | {n for n in sizes if claim.kind == "money"}
    months = {
        c.values[0]
        for c in (*granted, *known)
        if c.kind == "duration" and c.unit == "month" and _INSTALMENTS.search(c.sentence)
    }
    said = {c.values[0] for c in (*known, *asked) if c.kind == "percent"}
    percents = said & {c.values[0] for c in granted if c.kind == "percent"}
    return (
        _scaled(claim, [*mine, *listed], many, percents)
        or _part(claim, [*mine, *listed], many | months, beside)
        or _total(claim, mine, many)
        or _with_one_more(claim, mine, listed)
    )


def _between(claim: Claim, dates: Sequence[Claim]) -> str:
    """The nights or days from one date to another of the same month."""
    for a, b in itertools.permutations(dates, 2):
        days = b.values[0] - a.values[0]
        if claim.unit == "day" and 0 < days < 31 and claim.values[0] in (days, days + 1):
            return f"from {a.text} to {b.text}"
    return ""


def _product(claim: Claim, counts: set[float]) -> str:
    for a, b in itertools.combinations_with_replacement(sorted(counts), 2):
        if _is(claim, a * b):
            return f"{a:g} x {b:g}"
    return ""


def _alike(claim: Claim, others: Sequence[Claim]) -> list[Claim]:
    """What may be added to a claim: the same currency, or the same measure, brought to its unit."""
    if claim.kind == "money":
        return [c for c in others if same_currency(claim.unit, c.unit)]
    base, size = BASES.get(claim.unit, (claim.unit, 1.0))
    found = []
    for c in others:
        its_base, its_size = BASES.get(c.unit, (c.unit, 1.0))
        if its_base == base:
            found.append(replace(c, values=tuple(v * its_size / size for v in c.values), unit=claim.unit))
    return found


def _is(claim: Claim, value: float, slack: float = 0) -> bool:
    return any(abs(v - value) <= max(slack, TOLERANCE) for v in claim.values)


def _saving(claim: Claim, prices: Sequence[Claim]) -> str:
    """The percent between an old price and a new one."""
    for old, new in itertools.permutations(prices, 2):
        if old.values[0] and _is(claim, 100 * (1 - new.values[0] / old.values[0]), 0.5):
            return f"1 - {new.text.strip()} / {old.text.strip()}"
    return ""


def _scaled(claim: Claim, prices: Sequence[Claim], counts: set[float], percents: set[float]) -> str:
    """So many pieces of a price, or a discount on it."""
    for price in prices:
        value, text = price.values[0], price.text.strip()
        for n in counts:
            if _is(claim, value * n):
                return f"{n:g} x {text}"
        for d in percents:
            if _is(claim, value * (1 - d / 100), 1) or _is(claim, value * d / 100, 1):
                return f"{d:g} % of {text}"
            for n in counts:
                if _is(claim, value * n * (1 - d / 100), 1):
                    return f"{n:g} x {text} less {d:g} %"
    return ""


def _part(claim: Claim, prices: Sequence[Claim], counts: set[float], beside: Sequence[Claim]) -> str:
    """An instalment, the price of one of several, or the price of a kilogram or a litre of something."""
    if claim.kind != "money":
        return ""
    for price in prices:
        value, text = price.values[0], price.text.strip()
        for n in counts:
            if 2 <= n <= MOST_PARTS_OF_A_PRICE and _is(claim, value / n, min(1.0, max(0.01, value / n * 0.001))):
                return f"{text} / {n:g}"
        for measure in beside:
            if measure.kind == "measure" and measure.unit in BASES.keys() | {"g", "ml"}:
                size = measure.values[0] * (0.001 if measure.unit in ("g", "ml") else 1)
                if size and _is(claim, value / size):
                    return f"{text} / {measure.text.strip()}"
    return ""


def _with_one_more(claim: Claim, prices: Sequence[Claim], listed: Sequence[Claim]) -> str:
    """A price of the same reply and a fee, or less a discount, that the business names and the reply does not."""
    if claim.kind != "money":
        return ""
    for price, more in itertools.product(prices, listed):
        if _is(claim, price.values[0] + more.values[0]) and _WITH.search(claim.sentence):
            return f"{price.text.strip()} + {more.text.strip()}"
        if _is(claim, price.values[0] - more.values[0]) and _LESS.search(claim.sentence):
            return f"{price.text.strip()} - {more.text.strip()}"
    return ""


def _total(claim: Claim, prices: Sequence[Claim], counts: set[float]) -> str:
    """The sum or the difference of prices of the same reply, each perhaps times a count."""
    parts = [(p.values[0], p.text.strip()) for p in prices]
    parts += [(p.values[0] * n, f"{n:g} x {p.text.strip()}") for p in prices for n in sorted(counts)]
    for size in range(2, MOST_PARTS + 1):
        for chosen in itertools.combinations(parts[:MOST_PRICES], size):
            if _is(claim, sum(value for value, _ in chosen)):
                return " + ".join(text for _, text in chosen)
    for (a, one), (b, other) in itertools.permutations(parts[: len(prices)], 2):
        if _is(claim, a - b):
            return f"{one} - {other}"
    return ""
