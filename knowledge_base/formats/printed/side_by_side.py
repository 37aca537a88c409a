"""Price lists that stand side by side on a page, as menus and flyers have them: each is read by itself,
because the price of one thing stands next to the name of another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from knowledge_base.document import PageText, Table, TableRow
from knowledge_base.formats.printed.layout import (
    LEAST_ROWS,
    SLACK,
    Rules,
    Segment,
    TextLine,
    lines_in,
)
from knowledge_base.vocabulary import column_kinds, currency_in

# Of the lines of a list so many names differ from each other; units and remarks of a table are repeated.
DISTINCT = 0.8
# Of the lines with prices so many keep clear of a gutter.
CLEAR = 0.7
# Of the prices of a list so many are written as money: with decimals, or with a currency.
MONEY = 0.5
# A line that is so much smaller than those with prices says more of the thing above it.
SMALLER = 0.95
_AMOUNT = r"\d[\d .,]*(?:\s?[–/-]\s?\d[\d .,]*)?"
_PRICE = re.compile(rf"(?:\D{{0,8}}\s)?\D{{0,4}}{_AMOUNT}\D{{0,6}}")
_DOTS = r"\s*(?:[.·…_]\s?){2,}\s*"
# Characters of a line of a menu: what looks for its price takes longer with the square of them.
LONGEST_LINE = 160
_ENDS = re.compile(rf"^(.*[^\W\d_].*?)(?:{_DOTS}|\s+)((?:[^\W\d_]{{2,6}}\s)?\D{{0,4}}{_AMOUNT}\D{{0,6}})$")
_MONEY = re.compile(r"\d[.,]\d\d(?!\d)")
_LETTERS = re.compile(r"[^\W\d_]")


@dataclass(slots=True)
class PageColumn:
    """Lines from one side of a page to the other, or within one column of it; `bounds`: left and right."""

    lines: list[TextLine]
    bounds: tuple[float, float] | None = None


def columns_of_page(lines: Sequence[TextLine], rules: Rules) -> list[PageColumn]:
    """A page in reading order: as one where its lines are one list, else column after column."""
    gutters = _gutters(lines)
    if not gutters:
        return [PageColumn(list(lines))]
    edges = [float("-inf"), *gutters, float("inf")]
    found: list[PageColumn] = []
    for crossing, run in _runs(lines, gutters):
        if crossing:
            found.append(PageColumn(run))
            continue
        for bounds in pairwise(edges):
            inside = [c for line in run for c in line.characters if bounds[0] <= c.left < bounds[1]]
            if inside:
                found.append(PageColumn(lines_in(inside, rules), bounds))
    return found


def list_of_column(lines: Sequence[TextLine], number: int) -> list[PageText]:
    """The price list that stands in a column, with the text around it; empty where the column holds none."""
    parted = [_row(line) for line in lines]
    if sum(row is not None for row in parted) < LEAST_ROWS - 1:
        return []
    usual = sorted(line.size for line, row in zip(lines, parted, strict=True) if row)
    size = usual[len(usual) // 2]
    rows: list[TableRow] = []
    pages: list[PageText] = []
    section = ""
    for place, (line, row) in enumerate(zip(lines, parted, strict=True)):
        if row:
            rows.append(TableRow(number=place + 1, cells=(*row, ""), section=section))
        elif rows and _says_more(line, size, before=parted[place - 1], behind=parted[place + 1 : place + 2]):
            rows[-1] = _with_remark(rows[-1], line.text)
        elif any(parted[place + 1 : place + 3]):
            if section and not (rows and rows[-1].section == section):  # a title above the first heading
                pages += [*_ended(rows, number), PageText(number=number, text=section)]
                rows = []
            section = line.text
        else:
            pages += _ended(rows, number)
            pages.append(PageText(number=number, text=line.text))
            rows = []
    return [*pages, *_ended(rows, number)]


def _ended(rows: Sequence[TableRow], number: int) -> list[PageText]:
    """Rows as a table: name, price, remark."""
    if not rows:
        return []
    width = 3 if any(row.cells[2] for row in rows) else 2
    cut = tuple(row.model_copy(update={"cells": row.cells[:width]}) for row in rows)
    table = Table(header=(), rows=cut)
    return [PageText(number=number, text="\n".join(map(table.line, table.rows)), table=table)]


def _with_remark(row: TableRow, remark: str) -> TableRow:
    return row.model_copy(update={"cells": (*row.cells[:2], f"{row.cells[2]} {remark}".strip())})


def _says_more(
    line: TextLine,
    size: float,
    before: tuple[str, str] | None,
    behind: Sequence[tuple[str, str] | None],
) -> bool:
    """Whether a line without a price belongs to the row above it: it is smaller, or reads on."""
    text = line.text
    last = not behind or behind[0] is None
    return line.size < SMALLER * size or text[:1].islower() or "," in text or (last and before is None)


def _row(line: TextLine) -> tuple[str, str] | None:
    """The name and the price of a line that is nothing but these."""
    segments = line.segments
    text = [segment.text for segment in segments]
    if len(text) == 2 and _LETTERS.search(text[0]) and _is_price(text[1]):
        return text[0].strip(" .·…_"), text[1]
    match = _ends(" ".join(text))
    if match and len(text) < 3 and _is_price(match.group(2)):
        return match.group(1).strip(" .·…_"), match.group(2).strip()
    return None


def _is_price(text: str) -> bool:
    """Whether a text is a price and no more: a number alone, or one with a currency beside it."""
    if len(text) > 30 or not _PRICE.fullmatch(text):
        return False
    return bool(currency_in(text)) or not _LETTERS.search(text)


def _ends(text: str) -> re.Match[str] | None:
    """Words and a price at their end; of a line that is longer than any of a menu nothing is said."""
    return _ENDS.match(text) if len(text) <= LONGEST_LINE else None


def _ends_in_price(segment: Segment) -> str:
    """The price at the end of a piece of a line; empty where there is none."""
    match = None if _is_price(segment.text) else _ends(segment.text)
    price = match.group(2) if match else segment.text
    return price.strip() if _is_price(price.strip()) else ""


def _is_worded(segment: Segment) -> bool:
    return len(_LETTERS.findall(segment.text)) > 2 and not _is_price(segment.text)


def _gutters(lines: Sequence[TextLine]) -> list[float]:
    """Where a page is parted: left of names that stand below each other and have a price behind them."""
    starts = sorted(start for line in lines for start in _row_starts(line.segments))
    groups: list[list[float]] = []
    for start in starts:
        if groups and start - groups[-1][-1] <= SLACK:
            groups[-1].append(start)
        else:
            groups.append([start])
    places = [group[0] - SLACK / 2 for group in groups if len(group) >= LEAST_ROWS][1:]
    clear = [place for place in places if _is_clear(lines, place)]
    edges = [float("-inf"), *clear, float("inf")]
    halves = [_within(lines, bounds) for bounds in pairwise(edges)]
    lists = [list(_prices(half)) for half in halves]
    if not clear or not all(len(rows) >= LEAST_ROWS for rows in lists):
        return []
    alike = all(_is_list(half, rows) for half, rows in zip(halves, lists, strict=True))
    return clear if alike and not _is_one_header(lines, clear) else []


def _row_starts(segments: Sequence[Segment]) -> Iterator[float]:
    """Where a name begins that has a price behind it, in its own piece of the line or in the next."""
    for place, segment in enumerate(segments):
        behind = segments[place + 1] if place + 1 < len(segments) else None
        if _is_worded(segment) and (_ends_in_price(segment) or (behind and _is_price(behind.text))):
            yield segment.left


def _is_clear(lines: Sequence[TextLine], place: float) -> bool:
    """Whether most lines with prices have none of their text across a place."""
    priced = [line for line in lines if any(True for _ in _row_starts(line.segments))]
    across = sum(any(s.left < place < s.right for s in line.segments) for line in priced)
    return across <= (1 - CLEAR) * len(priced)


def _within(lines: Sequence[TextLine], bounds: tuple[float, float]) -> list[list[Segment]]:
    found = ([s for s in line.segments if bounds[0] <= s.left and s.right < bounds[1]] for line in lines)
    return [row for row in found if row]


def _prices(half: Sequence[Sequence[Segment]]) -> Iterator[tuple[str, str]]:
    """The rows of one side: a name, then one price."""
    for row in half:
        price = _ends_in_price(row[-1])
        if price and len(row) < 3 and _is_worded(row[0]):
            yield row[0].text, price


def _is_list(half: Sequence[Sequence[Segment]], rows: Sequence[tuple[str, str]]) -> bool:
    """Whether one side is a price list: names that differ, beside amounts of money."""
    names = [name for name, _ in rows]
    money = sum(bool(currency_in(price) or _MONEY.search(price)) for _, price in rows)
    numbers = sum(any(_is_price(s.text) for s in row) for row in half)
    return (
        len(set(names)) >= DISTINCT * len(names)
        and money >= MONEY * len(rows)
        and len(rows) * 2 >= max(numbers, 1)
    )


def _is_one_header(lines: Sequence[TextLine], gutters: Sequence[float]) -> bool:
    """Whether a line names columns of one table: what stands before a gutter is not named again behind it."""
    for line in lines:
        sides: list[set[str]] = []
        for bounds in pairwise((float("-inf"), *gutters, float("inf"))):
            inside = [s.text for s in line.segments if bounds[0] <= s.left < bounds[1]]
            sides.append({next(iter(column_kinds(text)), "") for text in inside if len(text) < 30} - {""})
        if len(line.segments) > 2 and all(sides) and not sides[0].intersection(*sides[1:]):
            return True
    return False


def _runs(lines: Sequence[TextLine], gutters: Sequence[float]) -> Iterator[tuple[bool, list[TextLine]]]:
    """Lines that follow each other and cross a gutter, or do not."""
    held: list[TextLine] = []
    crossing = False
    for line in lines:
        crosses = any(s.left < place < s.right for s in line.segments for place in gutters)
        if held and crosses != crossing:
            yield crossing, held
            held = []
        crossing = crosses
        held.append(line)
    if held:
        yield crossing, held
