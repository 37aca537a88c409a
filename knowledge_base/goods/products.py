"""Tables to products: which column holds the name, the article, the price, by its header and its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from knowledge_base.document import Product, Table, TableRow
from knowledge_base.goods.money import amounts_in, decimal_mark
from knowledge_base.goods.prices import is_size, labelled_prices, named_prices, price_columns
from knowledge_base.goods.stock import in_stock
from knowledge_base.goods.validity import of_columns, validity_in
from knowledge_base.vocabulary import any_of, column_kinds, currency_in, plain, vocabulary_file

# Cells of a column that are looked at to tell what it holds.
LOOKED_AT = 200
# Digits of a number that may be a price without a header: a telephone has more.
MOST_PRICE_DIGITS = 8
# A row that repeats so many names of columns is a second row of headers.
LEAST_REPEATED = 2
# The size that a column is for: `Sizes 42`, `42`, `Size XL`.
_SIZE_COLUMN = re.compile(r"(?:(?<=\s)|^)(?:\d{1,3}(?:[.,]\d)?|X{0,4}[SML]|\d{1,3}[x×]\d{1,3})$")
_STRUCK = re.compile(r"~~.*?~~")
_LETTER = re.compile(r"[^\W\d_]")
_CODE = re.compile(r"^(?=.*\d)(?!\d+[.,]\d{1,2}$)[A-Z\u0410-\u042f0-9][A-Z\u0410-\u042f0-9./_-]{2,19}$")


@cache
def _totals() -> frozenset[str]:
    """How lines of a table begin that add up the others."""
    return frozenset(map(plain, vocabulary_file()["totals"]))


def products_of(table: Table, page: int, said: Mapping[str, str] | None = None) -> list[Product]:
    """The products of a table on a page, in order; none when its rows are no goods: questions and answers,
    opening hours, anything without a price, an article or a stock beside a name. `said`: what the owner says
    that a header stands for, an empty kind for none."""
    if not table.rows:
        return []
    columns = columns_of(table, said or {})
    prices = price_columns(table, columns, said or {})
    if prices and "price" not in columns:
        columns = {kind: place for kind, place in columns.items() if place not in prices}
        columns["price"] = prices[0]
    if "name" not in columns or not columns.keys() & {"price", "article", "stock"}:
        return []
    price = columns.get("price")
    common = _common_currency(table, price)
    written = list[str]() if price is None else [row.cells[price] for row in table.rows[:5000]]
    named = {code for cell in written if (code := currency_in(cell))} or {common}
    mark = decimal_mark(written, named.pop() if len(named) == 1 else "")
    known = _Columns(columns, prices, page, mark, common)
    found = (_product(table, row, known) for row in _named(table, columns))
    return [product for product in found if product]


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is known of a table: kind of column -> its place, the places of all prices, the page, the decimal
    sign of its prices, and the currency that stands beside them."""

    places: dict[str, int]
    prices: list[int]
    page: int
    mark: str
    common: str


def _named(table: Table, columns: dict[str, int]) -> Iterator[TableRow]:
    """The rows; one of a variant without a name has that of the row above, when another column says that both
    are of one thing, as shop programs write it."""
    known = set(columns.values())
    before: TableRow | None = None
    for row in table.rows:
        place = columns["name"]
        if before and not row.cells[place] and row.cells[columns.get("article", place)]:
            same = any(
                cell and cell == before.cells[at] for at, cell in enumerate(row.cells) if at not in known
            )
            if same:
                cells = (*row.cells[:place], before.cells[place], *row.cells[place + 1 :])
                row = row.model_copy(update={"cells": cells})
        before = row
        yield row


def looks_like_goods(table: Table) -> bool:
    """Whether a table names things beside numbers, whatever these are."""
    kinds = {place: next(iter(column_kinds(name)), "") for place, name in enumerate(table.header)}
    numeric = [
        place
        for place, kind in kinds.items()
        if kind in ("", "price", "variants") and _share(_filled(table, place), _is_number) > 0.8
    ]
    return "name" in kinds.values() and bool(numeric) and len(table.rows) > 1


def _filled(table: Table, place: int) -> list[str]:
    return [row.cells[place] for row in table.rows[:LOOKED_AT] if row.cells[place]]


def products_of_rows(rows: Sequence[Mapping[str, str]]) -> list[Product]:
    """The products of rows that are known to be some, header -> value, one each."""
    header = tuple(dict.fromkeys(key for row in rows for key in row))
    cells = [tuple(str(row.get(key) or "") for key in header) for row in rows]
    table = Table(header=header, rows=tuple(TableRow(number=n, cells=row) for n, row in enumerate(cells, 1)))
    understood = {product.row: product for product in products_of(table, 1)}
    return [
        understood.get(number) or Product(name=" ".join(row.values()), row=number, fields=dict(row))
        for number, row in enumerate(rows, 1)
    ]


def columns_of(table: Table, said: Mapping[str, str]) -> dict[str, int]:
    """What each understood column holds -> its place. Each kind once, the first column that names it; what
    the owner has `said` of a header goes before."""
    header = table.header or ("",) * len(table.rows[0].cells)
    names = [name or f"column {place}" for place, name in enumerate(header, 1)]
    given = {said[name]: place for place, name in reversed(list(enumerate(names))) if said.get(name)}
    spoken_for = {place for place, name in enumerate(names) if name in said}
    found = _guessed(table, header, spoken_for, dict(given))
    return {kind: place for kind, place in found.items() if place not in spoken_for or kind in given}


def _guessed(
    table: Table, header: Sequence[str], spoken_for: set[int], found: dict[str, int]
) -> dict[str, int]:
    """The columns that are known, and those that their headers and their cells tell."""
    sample = table.rows[:LOOKED_AT]
    cells = [[row.cells[place] for row in sample if row.cells[place]] for place in range(len(header))]
    asked = [kind for name in header for kind in list(column_kinds(name))[:1]]
    if not found and "question" in asked and ("answer" in asked or len(header) <= 3):
        return {}
    if not found and any(
        _share(column, lambda cell: cell.rstrip().endswith(("?", "？", "؟"))) > 0.6 for column in cells
    ):
        return {}
    said: list[Mapping[str, tuple[int, int]]] = [
        {} if place in spoken_for else column_kinds(name) for place, name in enumerate(header)
    ]
    for rank in range(3):
        claims = [
            (list(kinds.values())[rank], place, list(kinds)[rank])
            for place, kinds in enumerate(said)
            if rank < len(kinds) and place not in found.values()
        ]
        for _, place, kind in sorted(claims):
            if kind not in found and place not in found.values() and _fits(kind, cells[place]):
                found[kind] = place
    if "price" not in found and "old_price" in found:
        found["price"] = found.pop("old_price")
    _by_content(found, header, cells, spoken_for)
    return found


def _fits(kind: str, cells: Sequence[str]) -> bool:
    """Whether what stands in a column can be what its header names."""
    if kind in ("price", "old_price"):
        return not cells or _share(cells, lambda cell: any(c.isdigit() for c in cell)) > 0.3
    if kind == "article":  # a header of two columns may stand over the names
        return _share(cells, lambda cell: " " in cell and not any(map(str.isdigit, cell))) < 0.5
    if kind == "ordinal":
        return _share(cells, lambda cell: cell.strip(" .").isdigit()) > 0.5
    if kind == "name" and _share(cells, lambda cell: bool(_CODE.match(cell)) and " " not in cell) > 0.8:
        return False  # `Articolo` above codes; another column has the names
    if kind == "name":
        return _share(cells, lambda cell: bool(_LETTER.search(cell))) > 0.5
    return kind not in ("question", "answer")


def _by_content(
    found: dict[str, int], header: Sequence[str], cells: Sequence[Sequence[str]], spoken_for: set[int]
) -> None:
    """Columns whose headers do not say it: the wordy one has the names, one with a currency the prices."""
    taken = {*found.values(), *spoken_for}
    free = [place for place in range(len(header)) if place not in taken]
    if "price" not in found:
        priced = [
            place
            for place in free
            if cells[place]
            and _share(cells[place], lambda cell: bool(currency_in(cell)) and bool(amounts_in(cell))) > 0.6
            and _share(cells[place], lambda cell: len(cell) < 40) > 0.6
        ] or [place for place in free if place and _share(cells[place], _is_labelled) > 0.6]
        numeric = [
            place
            for place in free
            if place and not header[place] and cells[place] and _share(cells[place], _is_number) > 0.9
        ]
        if priced or (numeric and not any(header)):
            found["price"] = priced[0] if priced else numeric[-1]
            free.remove(found["price"])
    if "article" not in found:
        codes = [
            place
            for place in free
            if (not header[place] or next(iter(column_kinds(header[place])), "") == "name")
            and len(cells[place]) > 1
            and _share(cells[place], lambda cell: bool(_CODE.match(cell))) > 0.8
        ]
        if codes:
            found["article"] = codes[0]
            free.remove(codes[0])
    if "name" not in found:
        wordy = [place for place in free if _share(cells[place], _is_worded) > 0.6]
        spare = [found[kind] for kind in ("category", "variants", "article") if kind in found]
        lettered = [p for p in spare if _share(cells[p], lambda c: bool(_LETTER.search(c))) > 0.6]
        named = max(wordy, key=lambda place: (len(set(cells[place])) > 1, -place), default=None)
        # more kinds of work than times that they take: these are what is sold
        groups = [place for place in lettered if place != found.get("article")]
        if groups and named is not None and len(set(cells[named])) < len(set(cells[groups[0]])) / 2:
            named = groups[0]
        named = next(iter(lettered), None) if named is None else named
        if named is not None:
            found["name"] = named


def _share(cells: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, cells)) / len(cells) if cells else 0.0


def _is_labelled(cell: str) -> bool:
    """Whether a cell is several prices, each with its name: `S 6.50 / M 8.50`."""
    return len(cell) < 80 and bool(labelled_prices(cell))


def _is_worded(cell: str) -> bool:
    """Whether a cell holds words, and is no price."""
    return bool(_LETTER.search(cell)) and not (len(cell) < 20 and currency_in(cell) and amounts_in(cell))


def _named_currency(cell: str) -> str:
    """The currency of a column of currencies: one that prices are written with, or any by its code (ISO
    4217)."""
    code = cell.strip()
    return currency_in(cell) or (code if re.fullmatch(r"[A-Z]{3}", code) else "")


def _is_number(cell: str) -> bool:
    return (
        bool(re.fullmatch(r"[\d\s.,'’]+", cell)) and 0 < sum(c.isdigit() for c in cell) <= MOST_PRICE_DIGITS
    )


def _common_currency(table: Table, price: int | None) -> str:
    """The currency that the header of the prices, any other header, or the title names."""
    headers = [table.header[price]] if price is not None and table.header else []
    for text in (*headers, *table.header, table.title):
        if code := currency_in(text):
            return code
    return ""


def _product(table: Table, row: TableRow, known: _Columns) -> Product | None:
    columns, mark, common = known.places, known.mark, known.common

    def cell(kind: str) -> str:
        return row.cells[columns[kind]] if kind in columns else ""

    if sum(map(bool, row.cells)) < 2:
        return None
    name = cell("name") or cell("article")
    if not name or (plain(name) in _totals() and not (cell("name") and cell("article"))):
        return None
    if sum(bool(c) and c == h for c, h in zip(row.cells, table.header, strict=False)) >= LEAST_REPEATED:
        return None
    said = [cell("price"), cell("old_price"), *(row.cells[place] for place in known.prices)]
    written = next((one for one in said if amounts_in(one)), next(filter(None, said), ""))
    first = next(iter(labelled_prices(written).values()), written)  # `1 kg 20 €, 2 kg 35 €`
    amounts = amounts_in(_STRUCK.sub(" ", first), mark)
    prices = named_prices(table, row, known.prices)
    validity = of_columns(table.pairs(row)) or validity_in(row.section) or validity_in(table.title)
    place = columns.get("price")
    header = table.header[place] if table.header and place is not None else ""
    return Product(
        name=name,
        article=cell("article"),
        price=amounts[0] if amounts else None,
        currency=currency_in(written) or _named_currency(cell("currency")) or common,
        unit=cell("unit") or _unit(header),
        stock=cell("stock") or next(iter(_all_of(table, row, "stock")), ""),
        category=cell("category") or row.section,
        variants=_variants(table, row, known.prices),
        picture=cell("picture"),
        link=cell("link"),
        valid=cell("valid"),
        first_day=validity.first.isoformat() if validity.first else "",
        last_day=validity.last.isoformat() if validity.last else "",
        title=table.title,
        page=known.page,
        row=row.number,
        prices=prices,
        fields=_fields(table, row, columns, common),
        doubt=_doubt(table, known, written, prices) if "price" in columns else "",
    )


def _doubt(table: Table, known: _Columns, written: str, prices: Mapping[str, str]) -> str:
    """What an owner should look at of a price; empty: nothing."""
    plainly = _STRUCK.sub(" ", written)
    amounts = amounts_in(plainly, known.mark)
    if not amounts:
        return f"no price: “{written}”" if written else "no price"
    by_looks = len(known.prices) > 1 and all(is_size(table.header[place]) for place in known.prices)
    if prices and by_looks and not (known.common or any(map(currency_in, prices.values()))):
        return f"are these its prices: {', '.join(f'{name} {price}' for name, price in prices.items())}?"
    if not amounts[0] or (not prices and (" / " in written or _names_two(plainly))):
        return f"is this its price: “{written}”?"
    return ""


def _names_two(written: str) -> bool:
    """Whether a price is several, each with its currency: of one size and of another."""
    if len(set(amounts_in(written))) < 2:
        return False
    return sum(bool(currency_in(part)) for part in re.split(r"(?<=[^\d\s.,])\s+(?=\D*\d)", written)) > 1


def _fields(table: Table, row: TableRow, columns: dict[str, int], common: str) -> dict[str, str]:
    """The row as it is shown: the file's own headers, `name` and `price` where it has none; the section and a
    currency that stands elsewhere are added, because a row is read alone."""
    if table.header:
        fields = dict(table.pairs(row))
    else:
        names = {place: kind for kind, place in columns.items()}
        fields = {
            names.get(place, f"column {place + 1}"): cell for place, cell in enumerate(row.cells) if cell
        }
    if row.section:
        fields.setdefault("category", row.section)
    said = any(map(currency_in, (*fields, *fields.values())))
    if common and "price" in columns and not said and common.isalpha():
        fields.setdefault("currency", common)
    return fields


def _variants(table: Table, row: TableRow, prices: Sequence[int]) -> str:
    """Size, colour and whatever else tells one of a kind from another."""
    said: list[str] = []
    priced = {table.header[place] for place in prices if table.header}
    for name, cell in table.pairs(row):
        if name in priced:
            continue
        size = _SIZE_COLUMN.search(name)
        if next(iter(column_kinds(name)), "") == "variants":
            said.append(f"{size.group()}: {cell}" if size and _is_count(cell) else cell)
        elif size and size.group() == name and _is_count(cell):
            said.append(f"{name}: {cell}")
    return ", ".join(said)


def _is_count(cell: str) -> bool:
    """Whether a cell below a size says how many there are of it."""
    return in_stock(cell) is not None and len(cell) <= 12


def _all_of(table: Table, row: TableRow, kind: str) -> list[str]:
    """What the columns of a kind say of a row."""
    return [cell for name, cell in table.pairs(row) if next(iter(column_kinds(name)), "") == kind]


def _unit(header: str) -> str:
    """What a header of prices counts by: `Price per m2`, `Цена за кг`, `Price, EUR/m2`."""
    match = re.search(rf"(?:/|\b{any_of(vocabulary_file()['price_by'])}\b)\s*([^\W\d_]{{1,8}}\.?\d?)", header)
    return match.group(1) if match else ""
