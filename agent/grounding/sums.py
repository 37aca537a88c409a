"""Right arithmetic: totals, parts, discounts and instalments of prices that are known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from agent.grounding.claims import Claim
from agent.grounding.units import same_currency

TOLERANCE = 0.005
# A sum of more parts could be anything.
MOST_PARTS, MOST_PRICES = 4, 14


def derived(
    claim: Claim,
    known: Sequence[Claim],
    beside: Sequence[Claim],
    asked: Sequence[Claim],
    granted: Sequence[Claim],
    spelled: set[float],
) -> str:
    """How a claim follows from others, or an empty text.

    `known`: claims of the same reply that hold; `beside`: all its others; `asked`: those of the contact's last words, with
    the counts `spelled` there; `granted`: what the business says.
    """
    if claim.kind == "number":
        twin = next((c for c in known if c.values and c.kind != "number" and c.values[0] == claim.values[0]), None)
        if twin:
            return f"“{twin.text.strip()}” in the same reply"
    if claim.kind not in ("money", "percent"):
        return ""
    mine = [c for c in known if c.kind == "money" or (c.kind == "number" and c.values[0] >= 20)]
    mine += [c for c in granted if c in asked and c.kind == "money"]
    if claim.kind == "percent":
        return _saving(claim, mine)
    listed = [c for c in granted if c.kind == "money"]
    counts = {
        c.values[0]
        for c in (*beside, *asked)
        if c.kind in ("number", "measure", "duration") and 2 <= c.values[0] <= 10_000
    } | spelled
    said = {c.values[0] for c in (*known, *asked) if c.kind == "percent"}
    percents = said & {c.values[0] for c in granted if c.kind == "percent"}
    return _scaled(
        claim, [*_alike(claim, mine), *_alike(claim, listed)], len(_alike(claim, mine)), counts, percents
    ) or _total(claim, _alike(claim, mine), counts)


def _alike(claim: Claim, prices: Sequence[Claim]) -> list[Claim]:
    return [p for p in prices if same_currency(claim.unit, p.unit)]


def _is(claim: Claim, value: float, slack: float = 0) -> bool:
    return any(abs(v - value) <= max(slack, TOLERANCE) for v in claim.values)


def _saving(claim: Claim, prices: Sequence[Claim]) -> str:
    """The percent between an old price and a new one."""
    for old, new in itertools.permutations(prices, 2):
        if old.values[0] and _is(claim, 100 * (1 - new.values[0] / old.values[0]), 0.5):
            return f"1 - {new.text.strip()} / {old.text.strip()}"
    return ""


def _scaled(claim: Claim, prices: Sequence[Claim], mine: int, counts: set[float], percents: set[float]) -> str:
    """So many pieces of a price, an instalment of it, or a discount on it. The first `mine` stand in the reply."""
    for place, price in enumerate(prices):
        value, text = price.values[0], price.text.strip()
        for n in counts:
            if _is(claim, value * n):
                return f"{n:g} x {text}"
            if _is(claim, value / n, max(1.0, value * 0.001)) and (place < mine or value / n >= 20):
                return f"{text} / {n:g}"
        for d in percents:
            if _is(claim, value * (1 - d / 100), 1) or _is(claim, value * d / 100, 1):
                return f"{d:g} % of {text}"
            for n in counts:
                if _is(claim, value * n * (1 - d / 100), 1):
                    return f"{n:g} x {text} less {d:g} %"
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
