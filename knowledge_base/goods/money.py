"""Prices as files write them to numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from babel.numbers import get_currency_precision

from knowledge_base.vocabulary import currency_in

# A price has fewer digits; a barcode has more.
MOST_DIGITS = 12
# What stands before three decimals: a point, and in Tunisia, which writes as in France, a comma too.
_MARKS = {"TND": ",."}
_THREE = re.compile(r"\d[.,]\d{3}(?!\d)")
_AMOUNT = re.compile(r"\d[\d\s.,'’]*\d|\d")


def has_thousandths(currency: str) -> bool:
    """Whether prices in a currency have three decimals, as those in Kuwaiti dinars (ISO 4217, as CLDR has
    it)."""
    return len(currency) == 3 and currency.isalpha() and get_currency_precision(currency.upper()) == 3


def decimal_mark(texts: Iterable[str], currency: str = "") -> str:
    """The sign before the decimals in a column of prices: `,`, `.`, or empty when no price shows which.
    `currency`: the code of what they are in, where it is known."""
    votes = {",": 0, ".": 0}
    thousandths = has_thousandths(currency)
    for text in texts:
        for amount in _AMOUNT.findall(text):
            last = max(amount.rfind(","), amount.rfind("."))
            if last < 0:
                continue
            mark, decimals = amount[last], len(amount) - last - 1
            if (
                thousandths
                and decimals == 3
                and amount.count(mark) == 1
                and mark in _MARKS.get(currency, ".")
            ):
                votes[mark] += 1
                continue
            other = "." if mark == "," else ","
            if amount.count(mark) > 1:
                votes[other] += 1
            elif decimals != 3 or other in amount or amount.startswith("0"):
                votes[mark] += 1
    return "" if votes[","] == votes["."] else max(votes, key=lambda mark: votes[mark])


def amounts_in(text: str, mark: str = "") -> list[Decimal]:
    """The numbers of a text, in order. `mark` is the decimal sign of the column, where it is known; without
    it three digits after a single sign are thousands, any other count decimals."""
    if not mark and _THREE.search(text) and has_thousandths(currency := currency_in(text)):
        mark = decimal_mark([text], currency)
    found: list[Decimal] = []
    for written in _AMOUNT.findall(text):
        amount = re.sub(r"[\s'’]", "", written)
        last = max(amount.rfind(","), amount.rfind("."))
        one = last >= 0 and amount.count(amount[last]) == 1
        decimals = len(amount) - last - 1
        # one or two digits behind its last sign are decimals, whatever the rest of the column has: 5 490,00
        point = amount[last] if one and decimals in (1, 2) else mark
        if not point:
            both = "," in amount and "." in amount
            point = amount[last] if last >= 0 and one and (both or decimals != 3 or amount[0] == "0") else ""
        whole = "".join("." if sign == point else sign for sign in amount if sign.isdigit() or sign == point)
        if len(re.sub(r"\D", "", whole)) <= MOST_DIGITS:
            try:
                found.append(Decimal(whole))
            except InvalidOperation:  # two decimal signs, as in a date: no price
                continue
    return found
