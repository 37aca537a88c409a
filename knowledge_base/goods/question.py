"""What a question asks of a price list: its words, its bounds and order of prices, the shop's own names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from knowledge_base.goods.money import amounts_in
from knowledge_base.goods.wording import folded, is_unspaced, units
from knowledge_base.vocabulary import any_of, currency_in, function_words, vocabulary_file

Sort = Literal["", "cheapest", "dearest"]

# Words and characters of a question that are looked for: a question about goods has fewer.
MOST_WORDS, MOST_CHARACTERS = 40, 1_000
# An alias of so many letters is meant with an ending of so many more too: `крокс` by `кроксы`.
LEAST_ALIAS, LONGEST_ENDING = 4, 3


@dataclass(frozen=True, slots=True)
class Question:
    """A question's words, those written in capitals, and how it bounds and orders prices."""

    words: list[str]
    capitals: frozenset[str]
    low: float | None
    high: float | None
    sort: Sort


@cache
def _phrases(kind: str) -> re.Pattern[str]:
    listed = sorted((folded(phrase) for phrase in vocabulary_file()["bounds"][kind]), key=len, reverse=True)
    spaceless = [phrase for phrase in listed if is_unspaced(phrase)]
    spaced = "|".join(re.escape(phrase) for phrase in listed if phrase not in spaceless)
    alone = [rf"(?<![^\W_])(?:{spaced})(?![^\W_])"] if spaced else []
    return re.compile(f"(?:{'|'.join([*alone, *map(re.escape, spaceless)])})")


_NUMBER = rf"(\d(?:[\d .,]{{0,14}}\d)?)\s*({any_of(vocabulary_file()['thousands'])}(?!\w))?\s*"
# What a sign joins to a word, as in `AB-100`, is a name, whatever the word is in another language.
_AMOUNT = rf"(?![-./_+]\d)\s*[^\w\s]?\s*{_NUMBER}"
_UNIT = r"([^\W\d_]+|[^\w\s]?)"


@cache
def _bounds() -> dict[str, re.Pattern[str]]:
    """A range of prices, a lower bound, an upper one, each with the word or sign behind it."""
    over, under, upto = (_phrases(kind).pattern for kind in ("over", "under", "upto"))
    behind = {kind: _phrases(f"{kind}_behind").pattern for kind in ("over", "under")}
    alone = r"(?<![^\W_\u3040-\u30ff\u3400-\u9fff])(?<!-)"
    unit = r"([^\W\d_]{1,12}?|[^\w\s]?)['’]?\s*"
    return {
        "range": re.compile(rf"{over}{_AMOUNT}[^\W\d_]{{0,3}}\s*{upto}{_AMOUNT}{_UNIT}"),
        "over": re.compile(f"{over}{_AMOUNT}{_UNIT}|{alone}{_NUMBER}{unit}{behind['over']}"),
        "under": re.compile(f"{under}{_AMOUNT}{_UNIT}|{alone}{_NUMBER}{unit}{behind['under']}"),
    }


def _money_first(unit: str) -> tuple[str, str]:
    """What stands behind a number, and what behind that: writing without spaces parts no currency from what
    follows it."""
    length = next((n for n in range(3, 0, -1) if currency_in(unit[:n])), 0) if is_unspaced(unit) else 0
    return (unit[:length], unit[length:]) if length else (unit, "")


def _is_part(match: re.Match[str], kind: str, text: str) -> bool:
    """Whether a bound is the end of a longer one that says the contrary: `more than 5` of `not more than
    5`."""
    other = {"over": "under", "under": "over"}.get(kind)
    return other is not None and any(
        found.start() < match.start() < found.end() for found in _bounds()[other].finditer(text)
    )


def _price(written: str, kilo: str | None) -> list[float]:
    return [float(amount) * (1000 if kilo else 1) for amount in amounts_in(written)[:1]]


def read_question(query: str, aliases: Mapping[str, str] | None = None) -> Question:
    """Read a question: what bounds prices is no word of it any more."""
    text = _unaliased(folded(query[:MOST_CHARACTERS]), aliases or {})
    bounds: dict[str, float] = {}
    for kind, pattern in _bounds().items():
        for match in pattern.finditer(text):
            if _is_part(match, kind, text):
                continue
            said = match.groups()
            # of an alternative that did not match, nothing is said
            *amounts, unit = said if kind == "range" else (said[:3] if said[0] else said[3:])
            prices = [
                price
                for written, kilo in zip(amounts[::2], amounts[1::2], strict=True)
                for price in _price(written, kilo)
            ]
            unit, behind = _money_first(unit)
            if unit.isalpha() and not currency_in(unit) and unit not in function_words():
                continue  # a number of something else: `over 100 ml`
            bounds |= dict(zip(("over", "under") if kind == "range" else (kind,), prices, strict=False))
            text = text.replace(match.group(0), f" {behind if currency_in(unit) else unit} ", 1)
    sort: Sort = (
        "cheapest"
        if _phrases("cheapest").search(text)
        else "dearest"
        if _phrases("dearest").search(text)
        else ""
    )
    text = _phrases("dearest").sub(" ", _phrases("cheapest").sub(" ", text))
    capitals = frozenset(folded(word) for word in re.findall(r"[^\W_]+", query) if word.isupper())
    return Question(telling(text), capitals, bounds.get("over"), bounds.get("under"), sort)


def telling(text: str) -> list[str]:
    """The words of a question that can name goods, in order, each once."""
    text = _small_unspaced().sub(" ", folded(text))
    said = (word for word in units(text)[: 3 * MOST_WORDS] if len(word) <= 2 or not _is_small(word))
    return list(dict.fromkeys(said))


@cache
def _small_unspaced() -> re.Pattern[str]:
    """What names no goods in writing without spaces, wherever it stands; the longest first."""
    listed = sorted((w for code in ("zh", "ja") for w in vocabulary_file()["function_words"][code]), key=len)
    return re.compile("|".join(re.escape(folded(word)) for word in reversed(listed)))


def _is_small(word: str) -> bool:
    """Whether a word names no goods, nor does any part of it: `have`, or French words that a sign joins."""
    small = function_words()
    parts = re.findall(r"[^\W_]+", word)
    joined = len(parts) > 1 and any(len(part) > 1 for part in parts)
    return word in small or (joined and all(p in small or (len(p) == 1 and p.isalpha()) for p in parts))


def _unaliased(text: str, aliases: Mapping[str, str]) -> str:
    """The question with what the shop calls things in place of what its customers do."""
    for alias, meant in aliases.items():
        ending = rf"[^\W\d_]{{0,{LONGEST_ENDING}}}" if len(alias) >= LEAST_ALIAS else ""
        text = re.sub(rf"(?<![^\W_]){re.escape(folded(alias))}{ending}(?![^\W_])", folded(meant), text)
    return text
