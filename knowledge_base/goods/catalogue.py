"""The products of a bot, found by article, words, sizes and price; built once a version of its documents."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from knowledge_base.document import Product
from knowledge_base.goods.cards import REFERENCE, ProductCard, card_of, is_called, place_in_list
from knowledge_base.goods.corrections import header_of
from knowledge_base.goods.prices import price_table
from knowledge_base.goods.product_words import LEAST_DIGITS, ProductWords
from knowledge_base.goods.products import products_of_rows
from knowledge_base.goods.question import Sort, read_question, telling
from knowledge_base.goods.stock import in_stock as is_in_stock
from knowledge_base.goods.validity import Validity
from knowledge_base.goods.wording import POINT, Vocabulary, alike, bare, folded, tokens, units
from knowledge_base.vocabulary import column_kinds

__all__ = ["Catalogue", "CatalogueAnswer", "Sort"]
Numbers = NDArray[np.float32]

# Of the weight of a question's words the nearest product must have so much to be named at all.
FLOOR = 0.35
# A word that stands in no product weighs as much as one that stands in one of so many.
UNKNOWN = 50
# More words that stand in no product are those of somebody who chats.
MOST_UNKNOWN = 3
# What it adds that the words of a question are the whole name of a product.
WHOLE_NAME = 0.3
_NAMED_DAY = re.compile(r"(valid_\w+): (\S{10})")
# Characters of a name that is looked for whole.
LONGEST_NAME = 1_000
# `20pcs`, `100 ml` written as one: how much of something.
_QUANTITY = re.compile(r"\d+[^\W\d_]{1,4}")


@dataclass(frozen=True, slots=True)
class CatalogueAnswer:
    """What a question found. `rows` are the best products as their files write them, of `matching` in all.
    `missing` are words or bounds of the question that stand in no product, `apart` words that products have
    but not together with the others: `rows` are then the nearest. `exact`: an article number named the
    rows; `missing` are then other numbers beside it that are nobody's."""

    rows: list[dict[str, str]]
    matching: int = 0
    missing: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    exact: bool = False


class Catalogue:
    """An immutable index of products."""

    def __init__(
        self,
        products: Sequence[Product],
        aliases: Mapping[str, str] | None = None,
        instead: Mapping[tuple[str, int, int], str] | None = None,
    ) -> None:
        """`aliases`: what customers call something -> what the price list does. `instead`: rows that are not
        as their files write them, by document, page and row."""
        self._instead = dict(instead or {})
        self._products: list[Product] = list(products)
        self._aliases: dict[str, str] = dict(aliases or {})
        self._articles: dict[str, list[int]] = defaultdict(list)
        grouped: dict[str, array[int]] = defaultdict(lambda: array("i"))
        for place, product in enumerate(self._products):
            if article := bare(product.article):
                self._articles[article].append(place)
            for token in tokens(product.category):
                grouped[token].append(place)
        self._words = ProductWords(self._products)
        self._grouped = {token: np.frombuffer(places, np.int32) for token, places in grouped.items()}
        self._groups = Vocabulary(self._grouped)
        self._there = np.array([is_in_stock(p.stock) is not False for p in self._products], np.bool_)
        self._prices = price_table(self._products)
        self._dated = {
            place: Validity.of(p.first_day, p.last_day)
            for place, p in enumerate(self._products)
            if p.first_day or p.last_day
        }

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, str]]) -> Catalogue:
        """A catalogue of rows as a table has them, header -> value."""
        return cls(products_of_rows(rows))

    def __len__(self) -> int:
        return len(self._products)

    def row_instead(self, document: str, page: int, row: int) -> str:
        """What a row of a document says now, when its owner has corrected it or must first choose a price;
        empty where it holds as it is written. `page` may be the row itself, in a file without pages."""
        here = self._instead.get((document, page, row), "")
        return here or (self._instead.get((document, 1, row), "") if page == row else "")

    @property
    def products(self) -> list[Product]:
        """All products, in the order of their files."""
        return list(self._products)

    def cards(self, ref: str) -> list[ProductCard]:
        """The cards of the products that go by a reference, article, name or retailer id, if any does."""
        return [card_of(self._products[place], self._ref(place)) for place in self._places(ref)]

    def counted(self, ref: str) -> int:
        """When the stock of what goes by a reference was last said, Unix ms; 0: nobody noted it."""
        return max((self._products[place].counted for place in self._places(ref)), default=0)

    def _places(self, ref: str) -> list[int]:
        return self._called(ref) or [n for n, p in enumerate(self._products) if is_called(p, ref)]

    def card_of(self, row: Mapping[str, str]) -> ProductCard | None:
        """The card of the product whose row this is, as `find` gave it; None of one that has left."""
        for value in row.values():
            for place in self._called(str(value)):
                if self._products[place].fields == row:
                    return card_of(self._products[place], self._ref(place))
        return None

    def _ref(self, place: int) -> str:
        """What a product goes by here and no other does."""
        product = self._products[place]
        for called in (product.article.strip(), product.name.strip()):
            if 0 < len(called) <= REFERENCE and self._called(called) == [place]:
                return called
        return place_in_list(product)

    def _called(self, text: str) -> list[int]:
        """The products whose article or name this is, whole."""
        wanted = folded(text.strip())
        words = sorted((self._words.named(word) for word in tokens(text)), key=len)
        if not wanted or len(text) > LONGEST_NAME:
            return []
        found = words[0] if words else np.empty(0, np.int32)
        for others in words[1:]:
            found = np.intersect1d(found, others)
        places = sorted({*map(int, found), *self._articles.get(bare(wanted), ())})
        products = ((place, self._products[place]) for place in places)
        return [n for n, p in products if wanted in (folded(p.name.strip()), folded(p.article.strip()))]

    @property
    def rows(self) -> list[dict[str, str]]:
        """All products as their files write them."""
        return [product.fields for product in self._products]

    def find(  # noqa: PLR0913 - each narrows the search in its own way
        self,
        query: str,
        most: int = 5,
        *,
        min_price: float | None = None,
        max_price: float | None = None,
        sort: Sort = "",
        category: str = "",
        in_stock: bool = False,
        today: str = "",
    ) -> CatalogueAnswer:
        """The best `most` products for a question. An article number names its product and no other. Every
        word that can name goods must stand in a product, as it is written, in another form or script, or with
        a typing error. Bounds and the order of prices are read from the question too, in the languages of
        `words.yaml`; the arguments go before. `in_stock` leaves out what a file says is sold out. What does
        not hold `today` (YYYY-MM-DD; empty: nobody knows) is given where nothing else is found, and says so.
        Blocks for about a millisecond at 5,000 products."""
        asked = read_question(query, self._aliases)
        exact, named = self._exact(asked.words)
        lapsed = self._lapsed(today)
        if exact:
            exact = [place for place in exact if place not in lapsed] or exact
            named_rows = [self._row(place, lapsed) for place in exact[:most]]
            return CatalogueAnswer(
                named_rows, len(exact), tuple(self._nobodys(asked.words, named)), exact=True
            )
        low = asked.low if min_price is None else min_price
        high = asked.high if max_price is None else max_price
        words = self._words.joined(asked.words)
        needed = self._words.needed(words, asked.capitals)
        scores, missing, apart = self._scored(words, needed)
        chosen = np.flatnonzero(scores > 0)
        narrowed = bool(low is not None or high is not None or sort or asked.sort or category or in_stock)
        if not needed and not narrowed:
            chosen = self._words.called(query)
        if not needed and narrowed:
            chosen = np.arange(len(self._products))
        for inside, said in (
            self._of_category(chosen, category),
            self._inside(chosen, low, high),
            (chosen[~np.isin(chosen, list(lapsed))] if lapsed else chosen, ""),
            (chosen[self._there[chosen]] if in_stock else chosen, "in stock"),
        ):
            both: NDArray[np.intp] = np.intersect1d(chosen, inside, assume_unique=True)
            missing = (*missing, said) if said and len(chosen) and not len(both) else missing
            chosen = both if len(both) else chosen
        order = self._ordered(chosen, scores, sort or asked.sort)
        rows = [self._row(int(place), lapsed) for place in order[:most]]
        return CatalogueAnswer(rows, len(chosen), missing, apart)

    def _lapsed(self, today: str) -> dict[int, str]:
        """The places of products whose price does not hold on a day, with what is wrong."""
        try:
            day = date.fromisoformat(today)
        except ValueError:  # nobody knows which
            return {}
        found = ((place, validity.lapse(day)) for place, validity in self._dated.items())
        return {place: lapse for place, lapse in found if lapse}

    def _row(self, place: int, lapsed: Mapping[int, str]) -> dict[str, str]:
        """A product as its file writes it, its prices marked where they do not hold."""
        product = self._products[place]
        if place not in lapsed:
            return product.fields
        priced = {header_of(product, "price"), *product.prices}
        marked = {
            header: f"{lapsed[place]}: {cell}"
            if header in priced or column_kinds(header).keys() & {"price", "old_price"}
            else cell
            for header, cell in product.fields.items()
        }
        return {**marked, **dict(_NAMED_DAY.findall(self._dated[place].said()))}

    def _of_category(self, chosen: NDArray[np.intp], category: str) -> tuple[NDArray[np.intp], str]:
        """Those of the group that every word of `category` names."""
        fits = np.ones(len(self._products), np.bool_)
        for word in telling(category.casefold()):
            held = np.zeros(len(self._products), np.bool_)
            for other in self._groups.meant(alike(word)):
                held[self._grouped[other]] = True
            fits &= held
        return chosen[fits[chosen]], f"category {category}"

    def _exact(self, asked: Sequence[str]) -> tuple[list[int], set[str]]:
        """The products whose article the question names, with or without the signs in it, and the words that
        do; where one is written just so, no other."""
        found: dict[int, set[str]] = {}
        literal: dict[int, set[str]] = {}
        for start in range(len(asked)):
            for length in (1, 2, 3):
                parts = asked[start : start + length]
                joined = bare("".join(parts))
                is_telling = len(joined) > 2 and (any(c.isdigit() for c in joined) or joined != parts[0])
                if is_telling or asked == parts:
                    for place in self._articles.get(joined, ()):
                        found.setdefault(place, set()).update(parts)
                        if self._is_written(place, parts):
                            literal.setdefault(place, set()).update(parts)
        chosen = literal or found
        return list(chosen), set[str]().union(*found.values())

    def _nobodys(self, asked: Sequence[str], named: set[str]) -> Iterator[str]:
        """Words of a question that look like an article number and are in no product."""
        for word in asked:
            looks = any(map(str.isdigit, word)) and len(bare(word)) > 2 and not _QUANTITY.fullmatch(word)
            looks = looks and (not word.isdigit() or len(word) > LEAST_DIGITS)
            if looks and word not in named and not self._words.quality(word)[0].any():
                yield word.replace(POINT, ".")

    def _is_written(self, place: int, parts: Sequence[str]) -> bool:
        """Whether an article is written as the question has it, signs included."""
        written = "".join(units(self._products[place].article))
        return alike(written) == alike("".join(parts))

    def _scored(
        self, asked: Sequence[str], needed: Sequence[str]
    ) -> tuple[Numbers, tuple[str, ...], tuple[str, ...]]:
        """How well each product fits the words, 0 for those that do not; the words that none has, and those
        that the best has not though others do."""
        count = len(self._products)
        scores, named, have = (np.zeros(count, np.float32) for _ in range(3))
        known = unknown = 0.0
        standing = self._words.standing(asked, needed)
        for word in asked:
            quality, in_name = standing[word]
            weight = float(np.log1p(count / (int(np.count_nonzero(quality)) or max(1, count / UNKNOWN))))
            named += in_name
            if word in needed:
                known, unknown = (known + weight, unknown) if quality.any() else (known, unknown + weight)
                scores += weight * quality
                have += quality > 0
            else:
                scores += 0.1 * weight * quality * (have > 0)
        if not needed:
            return np.zeros(count, np.float32), (), ()
        full = have == len(needed)
        # a long message has many words that name no goods: its others must stand in the name
        chatty = sum(not standing[word][0].any() for word in needed) > MOST_UNKNOWN
        least = np.where(named > 0, FLOOR * 2 * known, np.inf) if chatty else FLOOR * (known + unknown)
        fits = full if full.any() else (scores >= least) & (scores >= 0.75 * scores.max(initial=0.0))
        scores = np.where(fits, scores + WHOLE_NAME * np.minimum(1, named / self._words.name_lengths), 0)
        best = int(scores.argmax()) if count and fits.any() else -1
        nowhere, apart = list[str](), list[str]()
        for word in needed:
            quality = standing[word][0]
            if not quality.any():
                nowhere.append(word.replace(POINT, "."))
            elif best < 0 or not quality[best]:
                apart.append(word.replace(POINT, "."))
        return scores.astype(np.float32), tuple(nowhere), tuple(apart)

    def _inside(
        self, chosen: NDArray[np.intp], low: float | None, high: float | None
    ) -> tuple[NDArray[np.intp], str]:
        """Those within the bounds, and the bounds in words; without bounds all of them."""
        if low is None and high is None:
            return chosen, ""
        prices = self._prices[chosen]
        with np.errstate(invalid="ignore"):
            each = (prices >= (low if low is not None else -np.inf)) & (
                prices <= (high if high is not None else np.inf)
            )
            fits = each.any(axis=1)
        said = [f"from {low:g}"] if low is not None else []
        said += [f"up to {high:g}"] if high is not None else []
        return chosen[fits], f"price {' '.join(said)}"

    def _ordered(self, chosen: NDArray[np.intp], scores: Numbers, sort: Sort) -> NDArray[np.intp]:
        """The best first; those of one score as their files have them."""
        if not sort:
            return chosen[np.argsort(-scores[chosen], kind="stable")]
        prices = self._prices[chosen] if sort == "cheapest" else -self._prices[chosen]
        key = np.where(np.isnan(prices), np.inf, prices).min(axis=1)
        return chosen[np.argsort(key, kind="stable")]
