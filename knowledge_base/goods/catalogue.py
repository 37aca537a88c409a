"""The products of a bot, found by article, words, sizes and price: built once a version of its documents,
asked in milliseconds."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge_base.document import Product
from knowledge_base.goods.money import amounts_in
from knowledge_base.goods.products import products_of_rows
from knowledge_base.goods.wording import POINT, Vocabulary, bare, folded, tokens, units
from knowledge_base.vocabulary import column_kinds, currency_in, function_words, words

Sort = Literal["", "cheapest", "dearest"]
Numbers = NDArray[np.float32]

# Words and characters of a question that are looked for: a question about goods has fewer.
MOST_WORDS, MOST_CHARACTERS = 40, 1_000
# Of the weight of a question's words the nearest product must have so much to be named at all.
FLOOR = 0.35
# A word that stands in no product weighs as much as one that stands in one of so many.
UNKNOWN = 50
# What it adds that the words of a question are the whole name of a product.
WHOLE_NAME = 0.3
# Columns that no question names goods by.
_UNSEARCHED = frozenset({"price", "old_price", "stock", "picture", "link", "valid", "ordinal", "currency"})
# A number of so many digits is no quantity: `2 vases` asks for vases, `3060` for a model.
LEAST_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What a question found. `rows` are the best products as their files write them, of `matching` in all.
    When `missing` names words or bounds of the question, no product has them all: `rows` are then the
    nearest."""

    rows: list[dict[str, str]]
    matching: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Question:
    """A question's words, those written in capitals, and how it bounds and orders prices."""

    words: list[str]
    capitals: frozenset[str]
    low: float | None
    high: float | None
    sort: Sort


class Catalogue:
    """An immutable index of products."""

    def __init__(self, products: Sequence[Product]) -> None:
        self._products = list(products)
        self._articles: dict[str, list[int]] = defaultdict(list)
        held: dict[str, array[int]] = defaultdict(lambda: array("i"))
        named: dict[str, array[int]] = defaultdict(lambda: array("i"))
        sizes: set[str] = set()
        self._name_lengths = np.ones(len(self._products), np.float32)
        for place, product in enumerate(self._products):
            if article := bare(product.article):
                self._articles[article].append(place)
            name = tokens(product.name)
            for token in name:
                named[token].append(place)
            for token in name.union(*map(tokens, _searched(product))):
                held[token].append(place)
            sizes |= tokens(product.variants)
            self._name_lengths[place] = max(1, len(units(product.name)))
        self._held = {token: np.frombuffer(places, np.int32) for token, places in held.items()}
        self._named = {token: np.frombuffer(places, np.int32) for token, places in named.items()}
        self._sizes = frozenset(sizes)
        self._prices = np.array(
            [np.nan if p.price is None else float(p.price) for p in self._products], np.float64
        )
        self._words = Vocabulary(self._held)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, str]]) -> Catalogue:
        """A catalogue of rows as a table has them, header -> value."""
        return cls(products_of_rows(rows))

    def __len__(self) -> int:
        return len(self._products)

    @property
    def rows(self) -> list[dict[str, str]]:
        """All products as their files write them."""
        return [product.fields for product in self._products]

    def find(
        self,
        query: str,
        most: int = 5,
        *,
        min_price: float | None = None,
        max_price: float | None = None,
        sort: Sort = "",
    ) -> Found:
        """The best `most` products for a question. An article number names its product and no other. Every
        word that can name goods must stand in a product, as it is written, in another form or script, or with
        a typing error. Bounds and the order of prices are read from the question too, in the languages of
        `words.yaml`; the arguments go before. Blocks for about a millisecond at 5,000 products."""
        asked = _question(query)
        exact = self._exact(asked.words)
        if exact:
            return Found([self._products[place].fields for place in exact[:most]], len(exact))
        low = asked.low if min_price is None else min_price
        high = asked.high if max_price is None else max_price
        needed = [word for word in self._joined(asked.words) if self._is_needed(word, asked.capitals)]
        scores, missing = self._scored(asked.words, needed)
        chosen = np.flatnonzero(scores > 0)
        if not needed and (low is not None or high is not None or sort or asked.sort):
            chosen = np.arange(len(self._products))
        inside, bounds = self._inside(chosen, low, high)
        if len(chosen) and not len(inside):
            missing = (*missing, bounds)
        inside = inside if len(inside) else chosen
        order = self._ordered(inside, scores, sort or asked.sort)
        return Found([self._products[place].fields for place in order[:most]], len(inside), missing)

    def _exact(self, asked: Sequence[str]) -> list[int]:
        """The products whose article the question names, with or without the signs in it; where one is
        written just so, no other."""
        found: dict[int, None] = {}
        literal: dict[int, None] = {}
        for start in range(len(asked)):
            for length in (1, 2, 3):
                parts = asked[start : start + length]
                joined = bare("".join(parts))
                telling = len(joined) > 2 and (any(c.isdigit() for c in joined) or joined != parts[0])
                if telling or asked == parts:
                    places = self._articles.get(joined, ())
                    found |= dict.fromkeys(places)
                    literal |= dict.fromkeys(p for p in places if self._is_written(p, parts))
        return list(literal or found)

    def _is_written(self, place: int, parts: Sequence[str]) -> bool:
        """Whether an article is written as the question has it, signs included."""
        return "".join(units(self._products[place].article)) == "".join(parts)

    def _scored(self, asked: Sequence[str], needed: Sequence[str]) -> tuple[Numbers, tuple[str, ...]]:
        """How well each product fits the words, 0 for those that do not; and the words that none of these
        has."""
        count = len(self._products)
        scores, named, have = (np.zeros(count, np.float32) for _ in range(3))
        whole = 0.0
        standing: list[Numbers] = []
        for word in self._joined(asked):
            quality, in_name = self._quality(word)
            weight = float(np.log1p(count / (int(np.count_nonzero(quality)) or max(1, count / UNKNOWN))))
            named += in_name
            if word in needed:
                standing.append(quality)
                whole += weight
                scores += weight * quality
                have += quality > 0
            else:
                scores += 0.1 * weight * quality * (have > 0)
        if not needed:
            return np.zeros(count, np.float32), ()
        full = have == len(needed)
        fits = full if full.any() else (scores >= FLOOR * whole) & (scores >= 0.75 * scores.max(initial=0.0))
        scores = np.where(fits, scores + WHOLE_NAME * np.minimum(1, named / self._name_lengths), 0)
        best = int(scores.argmax()) if count and fits.any() else -1
        lacking = [
            word
            for word, quality in zip(needed, standing, strict=True)
            if not (quality.any() if best < 0 else quality[best])
        ]
        return scores.astype(np.float32), tuple(word.replace(POINT, ".") for word in lacking)

    def _joined(self, asked: Sequence[str]) -> list[str]:
        """The words, two written apart as one where the catalogue knows them so: `ray ban`, `t shirt`."""
        found: list[str] = []
        place = 0
        while place < min(len(asked), MOST_WORDS):
            pair = bare("".join(asked[place : place + 2])) if place + 1 < len(asked) else ""
            apart = all(
                bare(word) in self._words and word not in function_words()
                for word in asked[place : place + 2]
            )
            joins = pair in self._words and not apart
            found.append(pair if joins else asked[place])
            place += 2 if joins else 1
        return found

    def _quality(self, word: str) -> tuple[Numbers, Numbers]:
        """How well each product has a word, between 0 and 1, and whether its name does."""
        quality, in_name = (np.zeros(len(self._products), np.float32) for _ in range(2))
        joined = bare(word) != word
        exact = {bare(word): 1.0} if bare(word) in self._words else {}
        meant = exact if joined else self._words.meant(word)
        if not meant and joined:  # of a word that signs join each part must stand
            parts = [part for part in re.findall(r"[^\W_]+", word) if part not in function_words()]
            every = [self._quality(part)[0] for part in parts]
            return (np.minimum.reduce(every) if every else quality), in_name
        for other, worth in sorted(meant.items(), key=lambda row: row[1]):
            quality[self._held[other]] = worth
            if other in self._named:
                in_name[self._named[other]] = 1.0
        return quality, in_name

    def _is_needed(self, word: str, capitals: frozenset[str]) -> bool:
        """Whether goods must have a word: not the small words of a question, nor a quantity, but a size."""
        if word in self._sizes and (word in capitals or word.isdigit()):
            return True
        if word.isdigit() and len(word) < LEAST_DIGITS:
            return False
        return (
            word not in function_words() and not currency_in(word) and (len(word) > 1 or not word.isascii())
        )

    def _inside(
        self, chosen: NDArray[np.intp], low: float | None, high: float | None
    ) -> tuple[NDArray[np.intp], str]:
        """Those within the bounds, and the bounds in words; without bounds all of them."""
        if low is None and high is None:
            return chosen, ""
        prices = self._prices[chosen]
        with np.errstate(invalid="ignore"):
            fits = (prices >= (low if low is not None else -np.inf)) & (
                prices <= (high if high is not None else np.inf)
            )
        said = [f"from {low:g}"] if low is not None else []
        said += [f"up to {high:g}"] if high is not None else []
        return chosen[fits], f"price {' '.join(said)}"

    def _ordered(self, chosen: NDArray[np.intp], scores: Numbers, sort: Sort) -> NDArray[np.intp]:
        """The best first; those of one score as their files have them."""
        if not sort:
            return chosen[np.argsort(-scores[chosen], kind="stable")]
        prices = self._prices[chosen]
        key = prices if sort == "cheapest" else -prices
        return chosen[np.argsort(np.where(np.isnan(key), np.inf, key), kind="stable")]


def _searched(product: Product) -> list[str]:
    """The texts that questions name a product by, beside its name."""
    return [
        value
        for header, value in product.fields.items()
        if next(iter(column_kinds(header)), "") not in _UNSEARCHED and value != product.name
    ]


@cache
def _phrases(kind: str) -> re.Pattern[str]:
    listed = sorted((folded(phrase) for phrase in words()["bounds"][kind]), key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, listed))})(?![^\W_])")


_AMOUNT = r"\s*[^\w\s]?\s*(\d(?:[\d .,]{0,14}\d)?)\s*((?:тыс|к|k)(?!\w))?\s*"
_UNIT = r"([^\W\d_]+|[^\w\s]?)"


@cache
def _bounds() -> dict[str, re.Pattern[str]]:
    """A range of prices, a lower bound, an upper one, each with the word or sign behind it."""
    over, under, upto = (_phrases(kind).pattern for kind in ("over", "under", "upto"))
    return {
        "range": re.compile(rf"{over}{_AMOUNT}[^\W\d_]{{0,3}}\s*{upto}{_AMOUNT}{_UNIT}"),
        "over": re.compile(over + _AMOUNT + _UNIT),
        "under": re.compile(under + _AMOUNT + _UNIT),
    }


def _price(written: str, kilo: str | None) -> list[float]:
    return [float(amount) * (1000 if kilo else 1) for amount in amounts_in(written)[:1]]


def _question(query: str) -> _Question:
    """Read a question: what bounds prices is no word of it any more."""
    text = folded(query[:MOST_CHARACTERS])
    bounds: dict[str, float] = {}
    for kind, pattern in _bounds().items():
        for match in pattern.finditer(text):
            *amounts, unit = match.groups()
            prices = [
                price
                for written, kilo in zip(amounts[::2], amounts[1::2], strict=True)
                for price in _price(written, kilo)
            ]
            if unit.isalpha() and not currency_in(unit) and unit not in function_words():
                continue  # a number of something else: `over 100 ml`
            bounds |= dict(zip(("over", "under") if kind == "range" else (kind,), prices, strict=False))
            text = text.replace(match.group(0), f" {'' if currency_in(unit) else unit} ", 1)
    sort: Sort = (
        "cheapest"
        if _phrases("cheapest").search(text)
        else "dearest"
        if _phrases("dearest").search(text)
        else ""
    )
    text = _phrases("dearest").sub(" ", _phrases("cheapest").sub(" ", text))
    capitals = frozenset(folded(word) for word in re.findall(r"[^\W_]+", query) if word.isupper())
    return _Question(_telling(text), capitals, bounds.get("over"), bounds.get("under"), sort)


def _telling(text: str) -> list[str]:
    """The words of a question that can name goods, in order, each once."""
    small = function_words()
    return list(
        dict.fromkeys(word for word in units(text)[: 3 * MOST_WORDS] if word not in small or len(word) <= 2)
    )
