"""The rows of price lists and of tools' answers as claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import regex as re

from agent.grounding.claims import Claim
from agent.grounding.numbers import numbers_in, with_plain_digits
from agent.grounding.units import CURRENCY, currency_of
from agent.language.locale import anywhere

_PRICE_HEADER = re.compile(anywhere("grounding.price_header"), re.I)
_STOCK_HEADER = re.compile(anywhere("grounding.stock_header"), re.I)

# Characters of a value that is known again where it is quoted, and a letter in it.
LEAST_CELL, _WORDED = 4, re.compile(r"\p{L}")
# Rows within rows of a tool's answer: no shop's list goes deeper.
DEEPEST_ROW = 20


def records_in(text: str) -> list[Claim]:
    """Claims of a text that is a price list: JSON rows, or `header: value; header: value` lines. The currency
    of a row is that of its prices, wherever in the row it stands; its counts are pieces."""
    return [claim for row in _rows_of(text) for claim in _row(row)]


def cells_in(text: str) -> Iterator[str]:
    """What rows of a price list say, as somebody quotes it: `Pack: 200`, and values with words, such as
    names."""
    for row in _rows_of(text):
        for inner in (row, *(each for value in row.values() for each in _within(value))):
            for header, value in inner.items():
                said = str(value).strip()
                if said and not isinstance(value, (dict, list)):
                    yield f"{header.strip()}: {said}"
                    if len(said) >= LEAST_CELL and _WORDED.search(said):
                        yield said


def _within(value: Any) -> list[dict[str, Any]]:
    rows = cast(list[Any], value) if isinstance(value, list) else [value]
    return [cast(dict[str, Any], row) for row in rows if isinstance(row, dict)]


def _rows_of(text: str) -> list[dict[str, Any]]:
    rows: list[Any] = []
    try:
        data = json.loads(text)
        rows = cast(list[Any], data) if isinstance(data, list) else [data]
    except (ValueError, RecursionError):  # no JSON, or thousands of brackets within each other
        pass
    table = [cast(dict[str, Any], row) for row in rows if isinstance(row, dict)]
    table += [
        dict(pair.split(":", 1) for pair in line.split(";") if ":" in pair)
        for line in text.splitlines()
        if line.count(";") >= 1 and line.count(":") >= 2 and not rows
    ]
    return table


def _row(row: dict[str, Any], depth: int = 0) -> Iterator[Claim]:
    flat = {str(k).strip(): str(v).strip() for k, v in row.items() if not isinstance(v, (dict, list))}
    currencies = {
        c
        for text in (*flat.values(), *flat)
        for m in CURRENCY.finditer(text)
        if (c := currency_of(m.group()))
    }
    currency = next(iter(currencies)) if len(currencies) == 1 else ""
    for header, value in flat.items():
        priced = bool(_PRICE_HEADER.search(header))
        if not priced and not _STOCK_HEADER.search(header):
            continue
        for number in numbers_in(with_plain_digits(value)):
            if priced:
                yield Claim("money", value, 0, number.values, currency)
            else:
                yield Claim("measure", value, 0, number.values, "piece")
    if depth < DEEPEST_ROW:
        for nested in row.values():
            for inner in cast(list[Any], nested) if isinstance(nested, list) else [nested]:
                if isinstance(inner, dict):
                    yield from _row(cast(dict[str, Any], inner), depth + 1)
