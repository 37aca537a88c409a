"""What model calls cost: calls, tokens and money of a turn, and how much a turn may spend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from langchain_core.messages import AIMessage

# `full`: the model the bot is set to; `cheaper`: the cheaper one; `offline`: no paid call any more today.
Allowance = Literal["full", "cheaper", "offline"]

PRICES = Path(__file__).with_name("prices.json")
PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One model call. `cost` in US dollars; 0 for one without a price, which `priced` tells: `assumed` is
    then what it would have cost with the dearest model there is, and counts for the budget, so that no name
    goes around it."""

    purpose: str
    model: str
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0
    priced: bool = True
    assumed: float = 0


# Prices of a deployment's own (MODEL_PRICES).
_own: dict[str, dict[str, float]] = {}


@dataclass(frozen=True, slots=True)
class Meter:
    """What one turn may spend, and the calls it has made so far."""

    allowance: Allowance = "full"
    calls: list[Call] = field(default_factory=list[Call])

    def count(self, purpose: str, model: str, answer: AIMessage) -> None:
        """Put a call on the bill, by the `usage_metadata` of its answer."""
        read = written = cached = 0
        if usage := answer.usage_metadata:
            read, written = usage["input_tokens"], usage["output_tokens"]
            cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
        self.add(purpose, model, read, written, cached)

    def add(self, purpose: str, model: str, read: int, written: int, cached: int = 0) -> None:
        """Put a call of so many tokens on the bill; the offline model has no bill."""
        if model == "offline":
            return
        price = price_of(model)
        cost = _cost(price or {}, (read, written), cached)
        assumed = 0 if price is not None else _cost(_dearest(), (read, written), 0)
        self.calls.append(Call(purpose, model, read, cached, written, cost, price is not None, assumed))


def _cost(price: dict[str, float], tokens: tuple[int, int], cached: int) -> float:
    fresh = max(0, tokens[0] - cached) * price.get("input", 0) + cached * price.get(
        "cached", price.get("input", 0)
    )
    return (fresh + tokens[1] * price.get("output", 0)) / PER


def price_of(model: str) -> dict[str, float] | None:
    """US dollars per million tokens: `input`, `cached`, `output`. None for a model without a price. A dated
    name such as `gpt-4.1-mini-2025-04-14` has the price of the model it is a version of."""
    table = {**prices(), **_own}
    known = sorted((name for name in table if model == name or model.startswith(f"{name}-20")), key=len)
    return table[known[-1]] if known else None


def set_prices(own: Mapping[str, dict[str, float]]) -> None:
    """From now on these models have these prices, whatever the table says."""
    _own.clear()
    _own.update(own)


def _dearest() -> dict[str, float]:
    return {kind: max(row.get(kind, 0) for row in prices().values()) for kind in ("input", "output")}


@cache
def prices(path: Path = PRICES) -> dict[str, dict[str, float]]:
    """The price table."""
    return json.loads(path.read_text(encoding="utf-8"))["models"]
