"""Workbooks of Excel, cell by cell as it shows them."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lxml import etree
from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from knowledge_base.document import FormatReading, PageText, Unreadable
from knowledge_base.formats.kind import Opened, checked_zip
from knowledge_base.tables import lines_of, read_grid
from knowledge_base.vocabulary import any_of, vocabulary_file

# Columns and rows of a sheet: no price list has more, and a stray cell at the end of a sheet makes millions.
MOST_COLUMNS, MOST_ROWS = 500, 200_000
_QUOTED = re.compile(r'"([^"]*)"|\[\$([^\]-]*)[^\]]*\]|\\(.)')


@dataclass(slots=True)
class _Layout:
    """What of a sheet is hidden or merged, and formulas whose results the file does not keep."""

    columns: set[int] = field(default_factory=set[int])
    rows: set[int] = field(default_factory=set[int])
    merged: list[tuple[int, int, int, int]] = field(default_factory=list[tuple[int, int, int, int]])
    without_result: list[str] = field(default_factory=list[str])


def read_cells(file: Opened) -> FormatReading:
    """As Excel shows it. Raises Unreadable, and openpyxl's own errors for what it does not take."""
    checked_zip(file)
    book = load_workbook(file, read_only=True, data_only=True)
    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    problems: list[str] = []
    with zipfile.ZipFile(file) as archive:
        for number, sheet in enumerate(book.worksheets, 1):
            if sheet.sheet_state != "visible":
                problems.append(f"sheet “{sheet.title}” is hidden, left out; unhide it to use it")
                continue
            opened: Any = sheet  # to be read only, a kind of sheet that openpyxl's types do not know
            layout = _layout(archive, opened._worksheet_path)
            opened.reset_dimensions()
            grid = _shown_rows(sheet, layout, problems)
            raw[number] = " ".join(cell for row in grid for cell in row if cell)
            _spread(grid, layout)
            found = read_grid(lines_of(grid), number, "" if is_default(sheet.title) else sheet.title)
            pages += found.pages
            left_out += found.left_out
            problems += _complaints(sheet.title, layout)
    return FormatReading(pages=pages, raw=raw, left_out=left_out, problems=problems)


def is_default(title: str) -> bool:
    """Whether a sheet has the name that a program gave it."""
    return bool(re.fullmatch(rf"{any_of(vocabulary_file()['sheets'])}\s*\d*", title.strip(), re.I))


def _layout(archive: zipfile.ZipFile, name: str) -> _Layout:
    found = _Layout()
    with archive.open(name) as stream:
        wanted = [f"{{*}}{tag}" for tag in ("col", "row", "mergeCell", "c")]
        for _, node in etree.iterparse(stream, tag=wanted, resolve_entities=False, no_network=True):
            tag = etree.QName(node).localname
            if tag == "c":
                if (
                    node.find("{*}f") is not None
                    and not node.findtext("{*}v")
                    and not node.findtext(".//{*}t")
                ):
                    found.without_result.append(node.get("r", "?"))
                node.clear()
            elif tag == "mergeCell":
                bounds: Any = range_boundaries(node.get("ref", "A1"))
                found.merged.append(bounds)
            elif node.get("hidden") in ("1", "true"):
                if tag == "row":
                    found.rows.add(int(node.get("r", "0")))
                else:
                    last = min(int(node.get("max", "0")), MOST_COLUMNS)
                    found.columns |= set(range(int(node.get("min", "0")), last + 1))
            if tag == "row":
                node.clear()
                while node.getprevious() is not None and node.getparent() is not None:
                    del node.getparent()[0]
    return found


def _shown_rows(sheet: Any, layout: _Layout, problems: list[str]) -> list[list[str]]:
    """The cells as text. A hidden column often holds what the goods cost the shop, so it is not read."""
    grid: list[list[str]] = []
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number > MOST_ROWS:
            problems.append(
                f"sheet “{sheet.title}” goes on after row {MOST_ROWS:,}, left out; split the file"
            )
            break
        if len(row) > MOST_COLUMNS:
            if any(cell.value is not None for cell in row[MOST_COLUMNS:]):
                raise Unreadable(f"sheet “{sheet.title}” has more than {MOST_COLUMNS} columns; remove some")
            row = row[:MOST_COLUMNS]
        hidden = number in layout.rows
        grid.append(
            [
                ""
                if hidden or place in layout.columns
                else displayed_value(cell.value, cell.number_format or "")
                for place, cell in enumerate(row, 1)
            ]
        )
    while grid and not any(grid[-1]):
        grid.pop()
    return grid


def _spread(grid: list[list[str]], layout: _Layout) -> None:
    """Write the text of merged cells into each of them: a header over three columns names all three."""
    for left, top, right, bottom in layout.merged[:10_000]:
        if top > len(grid) or left > len(grid[top - 1]):
            continue
        text = grid[top - 1][left - 1]
        for row in grid[top - 1 : min(bottom, top + 1000)] if text else ():
            row.extend([""] * (min(right, MOST_COLUMNS) - len(row)))
            for place in range(left - 1, min(right, MOST_COLUMNS)):
                row[place] = row[place] or text


def _complaints(title: str, layout: _Layout) -> Iterator[str]:
    if layout.columns:
        yield f"sheet “{title}”: {len(layout.columns)} hidden columns left out; unhide them to use them"
    if layout.rows:
        yield f"sheet “{title}”: {len(layout.rows)} hidden rows left out; unhide them to use them"
    if layout.without_result:
        cells = ", ".join(layout.without_result[:5]) + ("..." if len(layout.without_result) > 5 else "")
        yield f"sheet “{title}”: no result is kept of the formulas in {cells}; open and save it in Excel"


def displayed_value(value: Any, pattern: str) -> str:
    """A value as a spreadsheet shows it in a format such as `#,##0.00 "₸"`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.datetime):
        return (
            value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
        )
    if isinstance(value, datetime.time):
        return value.isoformat("minutes")
    if isinstance(value, (int, float)):
        return _number(value, pattern.split(";")[0])
    return str(value)


def _number(value: int | float, pattern: str) -> str:
    words = ["".join(filter(None, match.groups())) for match in _QUOTED.finditer(pattern)]
    bare = _QUOTED.sub("", pattern)
    shown = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not shown.is_finite():
        return str(value)
    percent = "%" in bare
    if percent:
        shown *= 100
    places = len(match.group(1)) if (match := re.search(r"[0#?]\.([0#?]+)", bare)) else None
    if places is None or "E" in bare:
        text = format(round(shown, 6).normalize(), "f")
    else:
        text = format(round(shown, places), "f")
    if re.fullmatch(r"0{2,}", bare.strip()) and text.isdigit():
        text = text.zfill(len(bare.strip()))
    signs = "".join(word for word in words if word.strip()).strip() or "".join(
        c for c in bare if c in "€£$₸₽₺₹₴"
    )
    return f"{text}{'%' if percent else ''}{f' {signs}' if signs else ''}"
