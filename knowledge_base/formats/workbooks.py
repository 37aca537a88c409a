"""Workbooks of every age: XLSX as Excel shows it, XLS and XLSB by their values, and the XML that Excel 2003
and accounting programs write under the name of XLS."""

from __future__ import annotations

import re
import zipfile
from typing import Any

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from knowledge_base.document import FormatReading, PageText, Unreadable
from knowledge_base.formats.kind import Opened
from knowledge_base.formats.spreadsheet import (
    MOST_COLUMNS,
    MOST_ROWS,
    displayed_value,
    is_default,
    read_cells,
)
from knowledge_base.tables import lines_of, read_grid

_SHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"


# What of a workbook is hidden, in its XML.
_HIDDEN = re.compile(rb"\b(?:hidden=[\"'](?:1|true)|state=[\"'](?:hidden|veryHidden))")


def read_xlsx(file: Opened) -> FormatReading:
    """Cell by cell; one that openpyxl does not take, as some programs write it, by its values where nothing
    of it is hidden, which often is what the goods cost the shop. Raises Unreadable for a damaged one."""
    try:
        found = read_cells(file)
    except Unreadable:
        raise
    except Exception:  # whatever an odd one provokes
        found = FormatReading()
    if found.pages or found.problems:
        return found
    with zipfile.ZipFile(file) as archive:
        parts = [name for name in archive.namelist() if name.lower().startswith("xl")]
        if any(_HIDDEN.search(archive.read(name)) for name in parts if name.endswith(".xml")):
            raise Unreadable("is a damaged workbook; open it in Excel and save it anew")
    return read_xls(file)


def read_xls(file: Opened) -> FormatReading:
    """The formats .xls and .xlsb. Raises Unreadable for a workbook with a password or a damaged one."""
    try:
        book = CalamineWorkbook.from_object(file)  # pyright: ignore[reportUnknownMemberType] - its paths name no type
        return _read(book)
    except PasswordError:
        raise Unreadable("needs a password; give it, or save a copy without one") from None
    except CalamineError as error:
        said = f"is a damaged workbook ({str(error)[:100]}); open it in Excel and save it as XLSX"
        raise Unreadable(said) from None


def _read(book: CalamineWorkbook) -> FormatReading:
    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    problems: list[str] = []
    for number, sheet in enumerate(book.sheets_metadata, 1):
        if "Visible" not in str(sheet.visible):
            problems.append(f"sheet “{sheet.name}” is hidden, left out; unhide it to use it")
            continue
        if "WorkSheet" not in str(sheet.typ):
            continue
        data = book.get_sheet_by_name(sheet.name)
        if data.width > MOST_COLUMNS:
            raise Unreadable(f"sheet “{sheet.name}” has {data.width} columns, more than {MOST_COLUMNS}")
        grid = [[displayed_value(cell, "") for cell in row] for row in data.to_python(skip_empty_area=False)]
        raw[number] = " ".join(cell for row in grid for cell in row if cell)
        _spread(grid, data.merged_cell_ranges or [])
        found = read_grid(lines_of(grid), number, "" if is_default(sheet.name) else sheet.name)
        pages += found.pages
        left_out += found.left_out
    return FormatReading(pages=pages, raw=raw, left_out=left_out, problems=problems)


def _spread(grid: list[list[str]], merged: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Write the text of merged cells into each of them: a header over three columns names all three."""
    for (top, left), (bottom, right) in merged[:10_000]:
        if top >= len(grid) or left >= len(grid[top]) or not (text := grid[top][left]):
            continue
        for row in grid[top : min(bottom + 1, top + 1000)]:
            for place in range(left, min(right + 1, len(row))):
                row[place] = row[place] or text


def read_xml_workbook(file: Opened) -> FormatReading:
    """The XML of Excel 2003. Raises Unreadable for a damaged one."""
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
        root = etree.parse(file, parser).getroot()
    except etree.XMLSyntaxError:
        raise Unreadable("is a damaged workbook; open it in Excel and save it as XLSX") from None
    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    for number, sheet in enumerate(root.iter(f"{_SHEET}Worksheet"), 1):
        grid: list[list[str]] = []
        for row in sheet.iter(f"{_SHEET}Row"):
            _to_place(grid, row.get(f"{_SHEET}Index"), MOST_ROWS)
            grid.append(_cells(row))
        raw[number] = " ".join(cell for row in grid for cell in row if cell)
        title = sheet.get(f"{_SHEET}Name") or ""
        found = read_grid(lines_of(grid), number, "" if is_default(title) else title)
        pages += found.pages
        left_out += found.left_out
    return FormatReading(pages=pages, raw=raw, left_out=left_out)


def _cells(row: Any) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{_SHEET}Cell"):
        place = cell.get(f"{_SHEET}Index") or ""
        if place.isdecimal():
            cells += [""] * (min(int(place), MOST_COLUMNS) - 1 - len(cells))
        data = cell.find(f"{_SHEET}Data")
        text = "".join(str(part) for part in data.itertext()) if data is not None else ""
        across = cell.get(f"{_SHEET}MergeAcross") or "0"
        cells += [text] * (1 + (min(int(across), MOST_COLUMNS) if across.isdecimal() else 0))
    return cells[:MOST_COLUMNS]


def _to_place(grid: list[list[str]], place: str | None, most: int) -> None:
    if place and place.isdecimal():
        grid += [[] for _ in range(min(int(place), most) - 1 - len(grid))]
