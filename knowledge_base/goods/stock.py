"""What a file says of a stock: whether there is any."""

from __future__ import annotations

import re
from functools import cache

from knowledge_base.vocabulary import plain, vocabulary_file


@cache
def _said(kind: str) -> frozenset[str]:
    return frozenset(map(plain, vocabulary_file()["stock"][kind]))


def in_stock(written: str) -> bool | None:
    """Whether a cell says that something is there; None where it does not say: an empty one, a date."""
    said = plain(written)
    if not said:
        return None
    if said in _said("none"):
        return False
    if said in _said("some"):
        return True
    number = _number(written)
    return number > 0 if number is not None else None


def pieces_left(written: str) -> int | None:
    """How many pieces a cell says there are; None where it gives no number."""
    number = _number(written) if in_stock(written) is not None else None
    return max(0, int(number)) if number is not None else None


def _number(written: str) -> float | None:
    number = re.match(r"[^\w-]*(-?\d+(?:[.,]\d+)?)", written.strip())
    return float(number.group(1).replace(",", ".")) if number else None
