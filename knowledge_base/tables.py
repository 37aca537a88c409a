"""A grid of cells, as a file has it, to tables: which rows are titles, headers, sections and notes."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from knowledge_base.document import PageText, Table, TableRow, normalise
from knowledge_base.vocabulary import column_kinds, currency_in

# Rows among which the header is searched: lists begin with a logo, an address, a date.
SEARCHED = 25
_NUMBER = re.compile(r"^[^\w]*(?:[^\W\d_]{1,4}\.?\s?)?[-+]?\d[\d\s.,'/%:-]*\s?\D{0,8}$")

_WITH_UNIT = re.compile(r"\d\s?([^\d\s.,;:()]{1,8}\.?)")
# A measure alone, such as `EUR/m2`.
_POWER = re.compile(r"\D*[^\W\d_]\d")
_MEASURE = re.compile(r"\D{0,8}?(\d{1,4}(?:[.,]\d{1,2})?)\s?([^\W\d_]{1,6}\.?)")


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row of a grid. `number` is its place in the file, from 1."""

    number: int
    cells: tuple[str, ...]

    @property
    def filled(self) -> int:
        """How many cells hold anything."""
        return sum(map(bool, self.cells))

    @property
    def different(self) -> int:
        """How many texts it holds: a merged cell stands in several."""
        return len({cell for cell in self.cells if cell})


@dataclass(slots=True)
class GridContents:
    """What a grid holds: text and tables in reading order, and headers that are repeated within it."""

    pages: list[PageText] = field(default_factory=list[PageText])
    left_out: list[str] = field(default_factory=list[str])


def lines_of(rows: Iterable[Sequence[str]], first: int = 1) -> list[GridRow]:
    """Rows of a file as lines of one width, empty columns left out; the first has the number `first`."""
    cleaned = [tuple(normalise(cell) if cell else "" for cell in row) for row in rows]
    width = max((len(row) for row in cleaned), default=0)
    used = [False] * width
    for row in cleaned:
        for place, cell in enumerate(row):
            used[place] = used[place] or bool(cell)
    gap = _gap([row + ("",) * (width - len(row)) for row in cleaned], used)
    kept = [place for place in range(width) if used[place] or place == gap]
    return [
        GridRow(number, tuple(row[place] if place < len(row) else "" for place in kept))
        for number, row in enumerate(cleaned, first)
    ]


def _gap(rows: Sequence[tuple[str, ...]], used: Sequence[bool]) -> int:
    """The empty column between two price lists that stand side by side; -1 where there is none."""
    for gap in range(2, len(used) - 2):
        halves = ([GridRow(1, row[:gap]) for row in rows], [GridRow(1, row[gap + 1 :]) for row in rows])
        if not used[gap] and used[gap + 1] and all(map(_is_price_list, halves)):
            return gap
    return -1


def read_grid(
    lines: Sequence[GridRow], page: int, title: str = "", *, by_line: bool = False, header_first: bool = False
) -> GridContents:
    """The tables of a grid and the text around them, all on page `page`. `by_line`: the number of a row is
    the place that sources name, because the file has no pages. `header_first`: the first line is known to be
    the header."""
    found = GridContents()
    if header_first:
        _keep(found, lines[1:], lines[0].cells, (page, title), by_line)
        return found
    for block in _blocks(lines):
        for part in _side_by_side(block):
            _read_block(found, part, page, title, by_line)
    return found


def _side_by_side(block: list[GridRow]) -> list[list[GridRow]]:
    """The two price lists of a block that stand side by side, with an empty column between them; a block of
    one table as it is. What spans both is of the first."""
    body = [line for line in block if line.different > 1]
    for gap in range(2, len(block[0].cells) - 2):
        if any(line.cells[gap] for line in body):
            continue
        left = [GridRow(line.number, line.cells[:gap]) for line in block]
        right = [
            GridRow(
                line.number,
                line.cells[gap + 1 :] if line.different > 1 else ("",) * len(line.cells[gap + 1 :]),
            )
            for line in block
        ]
        if _is_price_list(left) and _is_price_list(right):
            return [[line for line in half if line.filled] for half in (left, right)]
    return [block]


def _is_price_list(lines: Sequence[GridRow]) -> bool:
    """Whether rows begin with words and have a price with its currency behind them."""
    rows = [line.cells for line in lines if any(map(_is_price, line.cells))]
    worded = sum(any(map(str.isalpha, cells[0])) and not _is_price(cells[0]) for cells in rows)
    return len(rows) > 1 and worded * 3 > len(rows) * 2


def _blocks(lines: Sequence[GridRow]) -> Iterator[list[GridRow]]:
    """Parts of a grid that are parted by empty rows, where a new header follows, with a title above it or
    without; other empty rows go."""
    held: list[GridRow] = []
    gap = False
    for place, line in enumerate(lines):
        if not line.filled:
            gap = bool(held)
            continue
        below = place + 1 if line.different == 1 else place
        if gap and _begins(lines[below : below + 10]):
            yield held
            held = []
        held.append(line)
        gap = False
    if held:
        yield held


def _begins(lines: Sequence[GridRow]) -> bool:
    """Whether the first of these lines is a header: words that name columns, above numbers."""
    if not lines or lines[0].different < 2 or any(map(_numeric, lines[0].cells)) or not _telling(lines[0]):
        return False
    return _telling(lines[0]) > 1 or any(_numeric(cell) for line in lines[1:] for cell in line.cells)


def _read_block(found: GridContents, block: list[GridRow], page: int, title: str, by_line: bool) -> None:
    width = max(line.filled for line in block)
    if width < 2:
        _say(found, page, block)
        return
    start = _first_full(block, width)
    at = _header_at(block, start)
    before = block[: start if at is None else at]
    _say(found, page, before)
    titles = [title, *(" ".join(filter(None, line.cells)) for line in before)]
    header: tuple[str, ...] = ()
    rest = block[start:] if at is None else block[at:]
    if at is not None:
        header, rest = _header(rest)
    _keep(found, rest, header, (page, " ".join(filter(None, titles))), by_line, width)


def _keep(
    found: GridContents,
    lines: Sequence[GridRow],
    header: tuple[str, ...],
    place: tuple[int, str],
    by_line: bool,
    width: int = 2,
) -> None:
    """Add the rows under a header as a table, and the notes below them as text. `place`: the page, and what
    the table is called."""
    page, title = place
    rows, notes = _rows(found, lines, header, width)
    used = (
        [place for place in range(len(rows[0].cells)) if any(row.cells[place] for row in rows)]
        if rows
        else []
    )
    if rows:
        found.left_out += [name for place, name in enumerate(header) if name and place not in used]
        table = Table(
            title=title.strip()[:200],
            header=tuple(header[place] for place in used) if header else (),
            rows=tuple(row.model_copy(update={"cells": tuple(row.cells[p] for p in used)}) for row in rows),
            lines=by_line,
        )
        text = "\n".join(table.line(row) for row in table.rows)
        found.pages.append(PageText(number=page, text=text, table=table))
    elif header:
        _say(found, page, [GridRow(0, header)])
    _say(found, page, notes)


def _say(found: GridContents, page: int, lines: Sequence[GridRow]) -> None:
    """Rows that are no part of a table, as text."""
    text = "\n".join(" ".join(filter(None, dict.fromkeys(line.cells))) for line in lines).strip()
    if text:
        found.pages.append(PageText(number=page, text=text))


def _numeric(cell: str) -> bool:
    return bool(cell) and len(cell) < 40 and bool(_NUMBER.match(cell)) and not _POWER.fullmatch(cell)


def _is_price(cell: str) -> bool:
    """Whether a cell is a price with its currency: `from 5 500 to 7 000 RUB`."""
    return len(cell) < 40 and any(currency_in(match[1]) for match in _WITH_UNIT.finditer(cell))


def _telling(line: GridRow) -> int:
    """How many cells name a kind of column."""
    return sum(
        bool(cell) and len(cell) < 60 and bool(column_kinds(cell)) and not _is_price(cell)
        for cell in line.cells
    )


def _first_full(block: Sequence[GridRow], width: int) -> int:
    """The first row that has as many columns as a table: titles above it fill one or two."""
    usual = Counter(line.filled for line in block if line.different > 1)
    common = max(usual, key=lambda filled: (usual[filled], filled), default=2)
    least = 2 if common <= 3 else max(2, (common + 1) // 2)
    return next((i for i, line in enumerate(block) if line.different >= least), 0)


def _header_at(block: Sequence[GridRow], start: int) -> int | None:
    """The place of the header row: words without numbers, above rows of another look. None when there is
    none."""
    best: tuple[float, int] | None = None
    for place in range(start, min(len(block), start + SEARCHED)):
        line = block[place]
        if line.filled < 2:
            continue
        numbers = sum(_numeric(cell) or _is_price(cell) for cell in line.cells)
        below = block[place + 1 : place + 30]
        telling = _telling(line)
        distinct = len(set(filter(None, line.cells))) >= min(2, line.filled)
        measures = _are_measures(line)
        if measures or (telling and _are_sizes(line)):
            numbers = 0
        if not distinct or numbers > line.filled / 3 or any(len(cell) > 100 for cell in line.cells):
            if best is None and place - start > 3:
                break
            continue
        differs = sum(
            not _numeric(line.cells[column])
            and bool(line.cells[column])
            and any(
                column < len(row.cells) and (_numeric(row.cells[column]) or _is_price(row.cells[column]))
                for row in below
            )
            for column in range(len(line.cells))
        )
        differs += measures and not any(map(_are_measures, below[:5]))
        sure = telling * 2 + differs - (place - start) * 0.5
        if (telling or differs) and below and (best is None or sure > best[0]):
            best = (sure, place)
    if best is None and start + 1 == len(block) and _telling(block[start]) >= 2:
        return start
    if best is None and len(block) > start + 1 and not any(map(_numeric, block[start].cells)):
        # nothing but words: a first row of short and distinct ones is still a header
        first = block[start].cells
        longer = [len(" ".join(line.cells)) for line in block[start + 1 : start + 20]]
        filled = [cell for cell in first if cell]
        short = all(len(cell) <= 30 for cell in filled) and len(set(filled)) == len(filled)
        if short and longer and len(" ".join(first)) * 1.5 < sum(longer) / len(longer):
            return start
    return best[1] if best else None


def _are_sizes(line: GridRow) -> bool:
    """Whether the numbers of a row are names of columns: sizes that rise from one to the next."""
    sizes = [float(cell.replace(",", ".")) for cell in line.cells if re.fullmatch(r"\d{1,3}(?:[.,]5)?", cell)]
    others = sum(map(_numeric, line.cells)) - len(sizes)
    return len(sizes) > 2 and not others and all(a < b for a, b in itertools.pairwise(sizes))


def _are_measures(line: GridRow) -> bool:
    """Whether the numbers of a row are names of columns: one measure that rises, as in `30 cm`, `40 cm`."""
    found = [_MEASURE.fullmatch(cell) for cell in line.cells if _numeric(cell)]
    said = [(float(m[1].replace(",", ".")), m[2].casefold()) for m in found if m and not currency_in(m[2])]
    rises = all(a[0] < b[0] for a, b in itertools.pairwise(said))
    return len(said) == len(found) > 1 and rises and len({unit for _, unit in said}) == 1


def _header(lines: list[GridRow]) -> tuple[tuple[str, ...], list[GridRow]]:
    """The names of the columns and the rows below. Two rows of headers, groups above their columns, become
    one name a column."""
    first = lines[0].cells
    if len(lines) > 2 and (_continues(lines[0], lines[1], lines[2:12]) or _details(lines[0], lines[1])):
        group, names = "", list[str]()
        second = lines[1].cells
        for place, (upper, lower) in enumerate(zip(first, second, strict=True)):
            group = upper or (group if lower and place and not first[place] else "")
            names.append(" ".join(dict.fromkeys(filter(None, (group, lower)))))
        return _named(names), lines[2:]
    return _named(first), lines[1:]


def _continues(first: GridRow, second: GridRow, below: Sequence[GridRow]) -> bool:
    """Whether a second row names columns too: words only, under groups or gaps of the first."""
    if (
        second.filled < 2
        or any(map(_numeric, second.cells))
        or not any(_numeric(cell) for line in below for cell in line.cells)
    ):
        return False
    spread = any(not upper and lower for upper, lower in zip(first.cells, second.cells, strict=True))
    doubled = len(set(filter(None, first.cells))) < first.filled
    missing = any(upper and not lower for upper, lower in zip(first.cells, second.cells, strict=True))
    # a product without a price has gaps under the header too: only headers have them where numbers stand
    # below
    priced = [
        place
        for place in range(len(second.cells))
        if sum(_numeric(line.cells[place]) for line in below) * 2 > len(below)
    ]
    names_numbers = any(second.cells[place] for place in priced)
    return (spread or doubled) and names_numbers and (missing or doubled)


def _details(first: GridRow, second: GridRow) -> bool:
    """Whether a second row says nothing but what the columns of a group are, such as sizes under `Sizes`:
    it is empty under every name that stands for one column, where a row of goods has its own."""
    grouped: set[int] = set()
    for place, name in enumerate(first.cells):
        before = first.cells[place - 1] if place else ""
        if place and (not name or name == before) and (place - 1 in grouped or before):
            grouped |= {place - 1, place}
    said = [place for place, cell in enumerate(second.cells) if cell]
    cells = [second.cells[place] for place in said]
    alone = [place for place, name in enumerate(first.cells) if name and place not in grouped]
    return (
        len(said) > 1
        and len(set(cells)) == len(cells)
        and all(len(cell) <= 20 for cell in cells)
        and set(said) <= grouped
        and bool(alone)
    )


def _named(names: Sequence[str]) -> tuple[str, ...]:
    """Names that are each other's double get the number of their place among them."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        name = " ".join(name.split())
        seen[name] += 1
        found.append(f"{name} {seen[name]}" if name and seen[name] > 1 else name)
    return tuple(found)


def _rows(
    found: GridContents, lines: Sequence[GridRow], header: tuple[str, ...], width: int
) -> tuple[list[TableRow], list[GridRow]]:
    """Rows with the section they stand in, and the notes below the table."""
    notes: list[GridRow] = []
    end = len(lines)
    if width > 2:
        while end and lines[end - 1].filled == 1 and any(lines[end - 1].cells[:2]):
            end -= 1
        notes = list(lines[end:])
    rows: list[TableRow] = []
    section, unused = "", None  # a section without rows below it is a row of its own
    first = _first_column(lines[:end])
    plain_header = tuple(cell.casefold() for cell in header)
    for line in lines[:end]:
        said = [cell for cell in line.cells if cell]
        if header and tuple(" ".join(cell.split()).casefold() for cell in line.cells) == plain_header:
            found.left_out.append(" ".join(said))
            continue
        if unused and _is_section(line, first, width):
            rows.append(unused)
        unused = None
        if _is_section(line, first, width):
            section = said[0]
            cells = [said[0] if place == first else "" for place in range(len(line.cells))]
            unused = TableRow(number=line.number, cells=tuple(cells))
        else:
            rows.append(TableRow(number=line.number, cells=line.cells, section=section))
    return [*rows, *([unused] if unused else [])], notes


def _first_column(lines: Sequence[GridRow]) -> int:
    """The column in which most rows begin."""
    begins = Counter(
        next(i for i, cell in enumerate(line.cells) if cell) for line in lines if line.different > 1
    )
    return max(begins, key=lambda column: begins[column], default=0)


def _is_section(line: GridRow, first: int, width: int) -> bool:
    """Whether a row is the name of those below: one text across the table, or where its rows begin."""
    said = {cell for cell in line.cells if cell}
    begins = any(line.cells[: first + 1]) or line.filled > 1
    return width > 2 and len(said) == 1 and begins and not _numeric(next(iter(said)))
