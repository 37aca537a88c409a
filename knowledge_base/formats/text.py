"""Plain text, Markdown and RTF: paragraphs, tables of pipes, and lists of prices line by line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

from striprtf.striprtf import rtf_to_text  # pyright: ignore[reportUnknownVariableType] - it has no types

from knowledge_base.document import FormatReading, PageText, Unreadable, normalise
from knowledge_base.formats.encoding import decoded
from knowledge_base.formats.price_lines import LEAST_LINES, columns_apart, price_list, text_cards
from knowledge_base.tables import lines_of, read_grid
from knowledge_base.vocabulary import column_kinds

# Tabs and many blanks within a line part columns; a sign that no file holds stands for them until the text is
# parted, because blanks are made one otherwise.
_COLUMNS, _TAB = re.compile(r"(?<=\S)(?:[ \u00a0]*\t[ \t\u00a0]*|[ \u00a0]{3,})(?=\S)"), "\ue002"
_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")


def read_text(path: Path) -> FormatReading:
    """A .txt or .md file."""
    return of_text(decoded(path.read_bytes()))


def read_rtf(path: Path) -> FormatReading:
    """Rich text; the cells of its tables come parted by `|`."""
    raw = path.read_bytes()
    if not raw.lstrip().startswith(b"{\\rtf"):
        raise Unreadable("is not rich text, whatever its name says; save it as DOCX or text")
    return of_text(cast(str, rtf_to_text(raw.decode("latin-1"), encoding="cp1252", errors="replace")))


def of_text(text: str, number: int = 1) -> FormatReading:
    """Text of one page as its parts: running text, tables of pipes, lists of prices."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts, left_out = parts_of(normalise(_COLUMNS.sub(_TAB, text)), number, whole=True)
    return FormatReading(pages=parts, raw={number: normalise(text)}, left_out=left_out)


def parts_of(text: str, number: int, *, whole: bool = False) -> tuple[list[PageText], list[str]]:
    """The running text and the tables of a page, and the rules and repeated headers that are left out.
    `whole`: the text is all of a file."""
    pages: list[PageText] = []
    left_out: list[str] = []
    prose: list[str] = []
    lines = columns_apart(text.split("\n"))
    place = 0

    def end_prose() -> None:
        if said := "\n".join(prose).strip():
            pages.append(PageText(number=number, text=said))
        prose.clear()

    while place < len(lines):
        end = _pipes(lines, place) or _columns(lines, place)
        if end:
            end_prose()
            found = read_grid(
                lines_of([_cells(line) for line in lines[place:end] if not _RULE.match(line)]), number
            )
            pages += found.pages
            left_out += found.left_out
            place = end
            continue
        prices = price_list(lines, place, whole=whole)
        if prices:
            above = [n for n, line in enumerate(prose) if line.strip()][-1:]
            if above and prose[above[0]].strip() == prices.above:
                del prose[above[0] :]
            end_prose()
            pages.append(prices.page(number))
            left_out += prices.left_out
            place = prices.end
            continue
        written = text_cards(lines, place) if not place or not lines[place - 1].strip() else None
        if written:
            end_prose()
            place, grid = written
            found = read_grid(lines_of(grid), number, header_first=True)
            pages += found.pages
            left_out += found.left_out
            continue
        prose.append(lines[place].replace(_TAB, " "))
        place += 1
    end_prose()
    return pages, left_out


def _pipes(lines: list[str], place: int) -> int:
    """Where a table of pipes that begins here ends; 0 when none does."""
    end = place
    while end < len(lines) and lines[end].count("|") >= 1 and lines[end].strip():
        end += 1
    if end - place < 2:
        return 0
    ruled = any(_RULE.match(line) for line in lines[place : place + 3])
    closed = all(line.strip()[-1] == "|" for line in lines[place:end])
    return end if ruled or closed else 0


def _columns(lines: list[str], place: int) -> int:
    """Where a table of columns that tabs or many blanks part ends; 0 when none begins here. A line of one
    cell within it names a group."""
    end, widths = place, list[int]()
    while end < len(lines) and (_TAB in lines[end] or (widths and _TAB in "".join(lines[end + 1 : end + 2]))):
        if not lines[end].strip() or len(lines[end]) > 500:
            break
        widths.append(len(_cells(lines[end])))
        end += 1
    several = [width for width in widths if width > 1]
    usual = max(several, key=several.count, default=0)
    named = sum(bool(column_kinds(cell)) for cell in _cells(lines[place])) > 1 if several else False
    enough = len(several) >= (2 if named else LEAST_LINES)
    return end if enough and several.count(usual) * 2 >= len(several) else 0


def _cells(line: str) -> list[str]:
    if _TAB in line:
        return [cell.strip() for cell in line.strip(_TAB + " ").split(_TAB)]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
