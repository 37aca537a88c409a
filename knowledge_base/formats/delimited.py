"""CSV and TSV in any dialect: the delimiter is the one that cuts all lines into equally many columns."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

from knowledge_base.document import FormatReading, Unreadable
from knowledge_base.formats.encoding import decoded
from knowledge_base.tables import lines_of, read_grid

MOST_COLUMNS = 500
DELIMITERS = ";,\t|"
# Lines by which the delimiter is told.
SAMPLED = 200
# A cell is at most this long, in characters: a file with more has an open quotation mark.
LONGEST_CELL = 131_072
# Where thousands that are not in quotation marks come apart.
_FIGURE, _HEAD, _TAIL = re.compile(r"\d"), re.compile(r"(?<!\d)\d{1,3}$"), re.compile(r"\d{3}(?!\d)")
_SEPARATOR = re.compile(r"^\ufeff?\"?sep=(.)\"?\r?\n", re.I)


def read_delimited(path: Path) -> FormatReading:
    """Raises Unreadable for what is no table."""
    return of_delimited(decoded(path.read_bytes()))


def of_delimited(text: str) -> FormatReading:
    """The table of a text; the line `sep=;`, which Excel writes and reads, names the delimiter."""
    text = text.replace("\x00", "")
    named = _SEPARATOR.match(text)
    if named:
        text = text[named.end() :]
    delimiter = named.group(1) if named else _delimiter(text)
    csv.field_size_limit(LONGEST_CELL)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise Unreadable(f"not a table ({error}); check its quotation marks") from None
    rows, wide = _rejoined(rows) if delimiter == "," else (rows, 0)
    width = max(map(len, rows), default=0)
    if width > MOST_COLUMNS:
        raise Unreadable(f"{width} columns, more than any price list has ({MOST_COLUMNS})")
    found = read_grid(lines_of(rows), 1, by_line=True)
    if not any(page.table for page in found.pages):
        raise Unreadable("no rows below a header line")
    raw = " ".join(cell for row in rows for cell in row)
    problems = [
        f"{wide} rows have more cells than the header: put figures such as 1,980 in quotation marks, or "
        "their prices may be wrong"
    ]
    return FormatReading(
        pages=found.pages, raw={1: raw}, left_out=found.left_out, problems=problems if wide else []
    )


def _rejoined(rows: list[list[str]]) -> tuple[list[list[str]], int]:
    """The rows, with thousands put together that a missing pair of quotation marks took apart (`Lamp,1,980`):
    where the header has no figure, and all rows that are wider than it come to its width by that. Else the
    rows as they are, and how many hold such thousands and are too wide."""
    header = next((row for row in rows if sum(bool(cell.strip()) for cell in row) > 1), list[str]())
    plain = all(cell.strip() and not _FIGURE.search(cell) for cell in header)
    joined, wide = list[list[str]](), 0
    for row in rows:
        cells = list(row)
        while cells and not cells[-1].strip() and len(cells) > len(header):
            cells.pop()
        apart = [n for n in range(1, len(cells)) if _HEAD.search(cells[n - 1]) and _TAIL.match(cells[n])]
        if len(cells) > len(header) and apart and not (plain and len(cells) - len(header) == len(apart)):
            wide += 1
        for n in reversed(apart if len(cells) > len(header) else []):
            cells[n - 1 : n + 1] = [f"{cells[n - 1]},{cells[n]}"]
        joined.append(cells)
    return (rows, wide) if wide else (joined, 0)


def _delimiter(text: str) -> str:
    """The sign with which the most lines have one and the same number of columns, two or more."""
    sample = text[:200_000].splitlines()[:SAMPLED]
    best = (0.0, 0, ",")
    for sign in DELIMITERS:
        try:
            counts = [
                len(row)
                for row in csv.reader(sample, delimiter=sign, skipinitialspace=True)
                if any(cell.strip() for cell in row)
            ]
        except csv.Error:
            continue
        usual = Counter(count for count in counts if count > 1)
        if not usual:
            continue
        columns = max(usual, key=lambda count: (usual[count], count))
        agreed = usual[columns] / len(counts)
        best = max(best, (round(agreed, 2), columns, sign), key=lambda row: (row[0], row[1]))
    return best[2]
