"""A grid of cells, as a file has it, to tables: which rows are titles, headers, sections and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from knowledge_base.document import PageText, Table, TableRow, normalise
from knowledge_base.header_rows import (
    GridRow,
    header_at,
    header_names,
    is_numeric,
    is_priced,
    telling_cells,
    under_groups,
)


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
    rows = [line.cells for line in lines if any(map(is_priced, line.cells))]
    worded = sum(any(map(str.isalpha, cells[0])) and not is_priced(cells[0]) for cells in rows)
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
    if (
        not lines
        or lines[0].different < 2
        or any(map(is_numeric, lines[0].cells))
        or not telling_cells(lines[0])
    ):
        return False
    return telling_cells(lines[0]) > 1 or any(is_numeric(cell) for line in lines[1:] for cell in line.cells)


def _read_block(found: GridContents, block: list[GridRow], page: int, title: str, by_line: bool) -> None:
    width = max(line.filled for line in block)
    if width < 2:
        _say(found, page, block)
        return
    start = _first_full(block, width)
    at = header_at(block, start)
    before = block[: start if at is None else at]
    header: tuple[str, ...] = ()
    rest = block[start:] if at is None else block[at:]
    if at is not None:
        header, rest = header_names(rest)
        grouped = under_groups(before[-1:], block[at].cells)
        if grouped:
            header, before = grouped, before[:-1]
    _say(found, page, before)
    titles = [title, *(" ".join(filter(None, line.cells)) for line in before)]
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


def _first_full(block: Sequence[GridRow], width: int) -> int:
    """The first row that has as many columns as a table: titles above it fill one or two."""
    usual = Counter(line.filled for line in block if line.different > 1)
    common = max(usual, key=lambda filled: (usual[filled], filled), default=2)
    least = 2 if common <= 3 else max(2, (common + 1) // 2)
    return next((i for i, line in enumerate(block) if line.different >= least), 0)


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
    return width > 2 and len(said) == 1 and begins and not is_numeric(next(iter(said)))
