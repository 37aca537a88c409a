"""Several prices of one thing: which columns of a table hold them, and what each is called. None is chosen,
and none is named by anything but the file's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from knowledge_base.document import Product, Table, TableRow
from knowledge_base.goods.money import amounts_in
from knowledge_base.vocabulary import column_kinds, currency_in, plain, vocabulary_file

# Rows that are looked at to tell what a column holds.
LOOKED_AT = 200
# Of the rows of sizes so many rise, or fall, from one size to the next where these are prices; numbers of
# pieces do not.
RISING = 0.9
# Fewer rows may rise by chance.
LEAST_ROWS = 3
# A number that is smaller may be one of pieces, unless it has decimals or the table names a currency.
LEAST_PRICE = 100
# Characters of the name of a price within a cell.
LONGEST_LABEL = 30
# `30 cm`, `XL`, `42`, `0,5 l`, `10 pcs`, `from 10`
_SIZE = re.compile(
    r"(?:\D{0,8}\s)?(?:\d{1,3}(?:[.,]\d)?\s?[^\W\d_]{0,4}\.?|X{0,4}[SML]|\d{1,3}\s?[x×]\s?\d{1,3}|[\u00d8D]\s?\d{1,3})"
)
_AMOUNT = r"\d(?:[\d\s.,'’]*\d)?"
_NUMBER = re.compile(rf"\W{{0,2}}{_AMOUNT}(?:\s?\D{{1,4}})?")
_DECIMALS = re.compile(r"\d[.,]\d{1,2}(?!\d)")
# Parts of a cell that holds several prices, and a part with its name before or behind it.
_PARTS = re.compile(r"\s*(?:[;|/\n]|,(?!\d))\s*")
_NAMED = re.compile(
    r"^(?P<label>(?:\d{1,4}(?:[.,]\d)?\s?)?\D{0,20}?[^\W\d_][^:=]*?)"
    rf"\s*(?:[:=–—-]\s*|\s)(?P<price>\W?{_AMOUNT}\D{{0,6}})$"
)


def price_columns(table: Table, columns: Mapping[str, int], said: Mapping[str, str]) -> list[int]:
    """The places of all columns that hold prices, in order. `columns`: kind -> place, as understood so far;
    `said`: what the owner says of headers."""
    header = table.header
    given = [place for place, name in enumerate(header) if said.get(name) in ("price", "old_price")]
    named = [
        place
        for place, name in enumerate(header)
        if name not in said
        and next(iter(column_kinds(name)), "") in ("price", "old_price")
        and _share_with_digits(table, place) > 0.3
    ]
    money = [
        place
        for place, name in enumerate(header)
        if name and name not in said and place not in columns.values() and _all_money(table, place)
    ]
    found = {*given, *named, *money, *(columns[k] for k in ("price", "old_price") if k in columns)}
    taken = {place for kind, place in columns.items() if kind not in ("price", "old_price")}
    return sorted(found - taken) or _of_sizes(table, columns, said) or _by_title(table, columns, said)


def _by_title(table: Table, columns: Mapping[str, int], said: Mapping[str, str]) -> list[int]:
    """Columns of nothing but amounts whose headers say neither what they hold nor in what, where no other
    holds a price and the title says that there are prices: `4 hours`, `Weekend` below `Prices in EUR`."""
    if not currency_in(table.title) or "price" in said.values():
        return []
    return [
        place
        for place, name in enumerate(table.header)
        if name
        and name not in said
        and place not in columns.values()
        and not column_kinds(name)
        and _all_amounts(
            [cell for cell in _filled(table, place) if any(map(str.isdigit, cell))],
            said_so=names_prices(table.title),
        )
    ]


def names_prices(text: str) -> bool:
    """Whether a text says that there are prices: `All prices in GBP`."""
    said = plain(text).split(" ")
    return any(word.startswith(begins) for begins in _price_words() for word in said)


@cache
def _price_words() -> tuple[str, ...]:
    return tuple(map(plain, vocabulary_file()["validity"]["prices"]))


def _all_amounts(cells: Sequence[str], *, said_so: bool) -> bool:
    """Whether these are numbers alone, but for a few, that look like money: with decimals, or large, or any
    where the title speaks of prices."""
    many, cells = len(cells), [cell for cell in cells if re.fullmatch(r"[\d\s.,'’]+", cell)]
    if not cells or len(cells) < 0.8 * many:
        return False
    decimals = sum(bool(_DECIMALS.search(cell)) for cell in cells)
    values = [float(amount) for cell in cells for amount in amounts_in(cell)[:1]]
    if said_so:
        return True
    return decimals > 0.8 * len(cells) or (bool(values) and median(values) >= LEAST_PRICE)


def _of_sizes(table: Table, columns: Mapping[str, int], said: Mapping[str, str]) -> list[int]:
    """Columns that are called by sizes or amounts, where no other holds a price or a stock and the numbers
    rise or fall from one to the next."""
    if "stock" in columns or "stock" in said.values():
        return []
    taken = {place for kind, place in columns.items() if kind != "variants"}
    places = [
        place
        for place, name in enumerate(table.header)
        if place not in taken and name not in said and is_size(name) and _all_numbers(table, place)
    ]
    values = [_values(row, places) for row in table.rows[:LOOKED_AT]]
    several = [row for row in values if len(row) > 1]
    if len(places) < 2 or not several or any(0 in row for row in values):
        return []
    rising = sum(all(a < b for a, b in pairwise(row)) for row in several)
    level = sum(
        all(a <= b for a, b in pairwise(row)) or all(a >= b for a, b in pairwise(row)) for row in several
    )
    sure = names_money(table) or any(_DECIMALS.search(row.cells[p]) for row in table.rows for p in places)
    high = median(v for row in values for v in row) >= LEAST_PRICE or rising == len(several)
    likely = len(several) >= LEAST_ROWS and high
    return places if level >= RISING * len(several) and (sure or likely) else []


def names_money(table: Table) -> bool:
    """Whether a table names a currency in its header or above it."""
    return any(map(currency_in, (*table.header, table.title)))


def is_size(name: str) -> bool:
    """Whether a header is a size, or so many pieces."""
    return bool(_SIZE.fullmatch(name.strip())) or plain(name) in _sizes()


@cache
def _sizes() -> frozenset[str]:
    return frozenset(map(plain, vocabulary_file()["sizes"]))


def _filled(table: Table, place: int) -> list[str]:
    return [row.cells[place] for row in table.rows[:LOOKED_AT] if row.cells[place]]


def _share_with_digits(table: Table, place: int) -> float:
    cells = _filled(table, place)
    return sum(any(map(str.isdigit, cell)) for cell in cells) / len(cells) if cells else 0.0


def _all_money(table: Table, place: int) -> bool:
    cells = [cell for cell in _filled(table, place) if any(map(str.isdigit, cell))]
    said = bool(table.header) and bool(currency_in(table.header[place]))
    priced = [cell for cell in cells if len(cell) < 40 and (said or currency_in(cell)) and amounts_in(cell)]
    return bool(cells) and len(priced) > 0.6 * len(cells)


def _all_numbers(table: Table, place: int) -> bool:
    cells = _filled(table, place)
    return bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)


def _values(row: TableRow, places: Sequence[int]) -> list[float]:
    return [float(amount) for place in places for amount in amounts_in(row.cells[place])[:1]]


def named_prices(table: Table, row: TableRow, places: Sequence[int]) -> dict[str, str]:
    """The prices of a row by their names, where there are several: the headers of its columns, or what stands
    beside each in the one cell that holds them all."""
    filled = [place for place in places if row.cells[place]]
    if len(filled) > 1:
        return {table.header[place] or f"column {place + 1}": row.cells[place] for place in filled}
    if not filled:
        return {}
    cell, name = row.cells[filled[0]], table.header[filled[0]] if table.header else ""
    return labelled_prices(cell) or _by_header(cell, name)


# Characters of a price with its name: what tells them apart takes longer with the square of them.
LONGEST_PART = 120


def labelled_prices(cell: str) -> dict[str, str]:
    """The prices of one cell by the names that stand beside them: `S: 8 €, M: 10 €`, `small 9 / big 12`."""
    found: dict[str, str] = {}
    parts = _PARTS.split(cell)
    for part in parts:
        match = _NAMED.match(part) if len(part) <= LONGEST_PART else None
        label = match["label"].strip() if match else ""
        if not match or len(label) > LONGEST_LABEL or currency_in(label) == label.upper():
            return {}
        found[label] = match["price"].strip()
    return found if len(found) == len(parts) > 1 else {}


def _by_header(cell: str, header: str) -> dict[str, str]:
    """`900 / 1200` below `Price (small / big)`."""
    inside = re.search(r"\(([^()]*/[^()]*)\)", header)
    labels = [label.strip() for label in (inside.group(1) if inside else header).split("/")]
    if not inside and labels:
        labels[0] = labels[0].rsplit(" ", 1)[-1]
    amounts = [part.strip() for part in re.split(r"[/|]", cell)]
    single = all(len(amounts_in(amount)) == 1 for amount in amounts)
    telling = all(label and not currency_in(label) for label in labels) and len(set(labels)) == len(labels)
    if not (len(labels) == len(amounts) > 1 and single and telling):
        return {}
    return dict(zip(labels, amounts, strict=True))


def price_table(products: Sequence[Product]) -> NDArray[np.float64]:
    """The prices of each product, a row each, filled up with nothing."""
    every = [
        [float(a) for said in p.prices.values() for a in amounts_in(said)[:1]]
        or ([] if p.price is None else [float(p.price)])
        for p in products
    ]
    found = np.full((len(products), max((len(row) for row in every), default=1) or 1), np.nan)
    for place, row in enumerate(every):
        found[place, : len(row)] = row
    return found
