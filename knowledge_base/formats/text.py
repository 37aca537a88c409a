"""Plain text, Markdown and RTF: paragraphs, tables of pipes, and lists of prices line by line."""

from __future__ import annotations

import re
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from knowledge_base.document import Page, Row, Source, Table, Unreadable, normalise
from knowledge_base.formats.encoding import decoded
from knowledge_base.tables import Line, lines_of, read_grid
from knowledge_base.vocabulary import currency_in

# A list of prices has at least so many lines of its kind one below the other.
LEAST_LINES = 3
_AMOUNT = (
    r"(?:от |from |ab |da |desde )?(?:[^\W\d_]{1,3}\.?\s?|[€$£₸₽₺₹₴]\s?)?\d[\d .,]*(?:\s?[–-]\s?\d[\d .,]*)?"
)
# `Margherita ........ 8.50`, `Haircut 25 EUR`, `Стрижка - 5000 тг`.
_LEADER = re.compile(rf"^(.*\w\W{{0,3}}?)\s*(?:[.·…_]\s?){{2,}}\s*({_AMOUNT}\s*[^\d.]{{0,12}})$")
_PRICED = re.compile(
    rf"^(.*?[^\W\d_].*?)\s*(?:\s[-–—:=]\s|:\s|\t|\s)\s*({_AMOUNT}\s*[^\d\s.,;:!?]{{1,8}}\.?)$"
)
_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")


def read_text(path: Path) -> Source:
    """A .txt or .md file."""
    return of_text(decoded(path.read_bytes()))


def read_rtf(path: Path) -> Source:
    """Rich text; the cells of its tables come parted by `|`."""
    raw = path.read_bytes()
    if not raw.lstrip().startswith(b"{\\rtf"):
        raise Unreadable("is not rich text, whatever its name says; save it as DOCX or text")
    return of_text(rtf_to_text(raw.decode("latin-1"), encoding="cp1252", errors="replace"))


def of_text(text: str, number: int = 1) -> Source:
    """Text of one page as its parts: running text, tables of pipes, lists of prices."""
    clean = normalise(text.replace("\r\n", "\n").replace("\r", "\n"))
    parts, left_out = parts_of(clean, number)
    return Source(pages=parts, raw={number: clean}, left_out=left_out)


def parts_of(text: str, number: int) -> tuple[list[Page], list[str]]:
    """The running text and the tables of a page, and the rules and repeated headers that are left out."""
    pages: list[Page] = []
    left_out: list[str] = []
    prose: list[str] = []
    lines = text.split("\n")
    place = 0

    def end_prose() -> None:
        if said := "\n".join(prose).strip():
            pages.append(Page(number=number, text=said))
        prose.clear()

    while place < len(lines):
        end = _pipes(lines, place)
        if end > place:
            end_prose()
            grid = [
                [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
                for line in lines[place:end]
                if not _RULE.match(line)
            ]
            found = read_grid(lines_of(grid), number)
            pages += found.pages
            left_out += found.left_out
            place = end
            continue
        rows = _priced(lines, place)
        if rows:
            end_prose()
            pages.append(_list_of_prices(rows, number))
            place += rows[-1].number - place
            continue
        prose.append(lines[place])
        place += 1
    end_prose()
    return pages, left_out


def _pipes(lines: list[str], place: int) -> int:
    """Where a table of pipes that begins here ends; `place` itself when none does."""
    end = place
    while end < len(lines) and lines[end].count("|") >= 1 and lines[end].strip():
        end += 1
    if end - place < 2:
        return place
    ruled = any(_RULE.match(line) for line in lines[place : place + 3])
    closed = all(line.strip()[-1] == "|" for line in lines[place:end])
    return end if ruled or closed else place


def _priced(lines: list[str], place: int) -> list[Line]:
    """The lines from here on that are a name and a price each; empty when there are too few for a list. The
    number of each is the count of lines up to and with it."""
    found: list[Line] = []
    for number in range(place, len(lines)):
        line = lines[number].strip()
        if not line:
            continue
        match = _price_line(line)
        if not match:
            break
        found.append(Line(number + 1, match))
    return found if len(found) >= LEAST_LINES else []


def _price_line(line: str) -> tuple[str, str] | None:
    """The name and the price of a line that is nothing but these."""
    if len(line) > 120 or (not line[-1:].isalnum() and line[-1] not in "€$£₸₽₺₹₴.%-–)"):
        return None
    dots = _LEADER.match(line)
    if dots:
        return dots.group(1).strip(" .·…_"), dots.group(2).strip()
    match = _PRICED.match(line)
    if match and currency_in(match.group(2)) and len(match.group(1)) <= 80:
        return match.group(1).strip(" -–—:"), match.group(2).strip()
    return None


def _list_of_prices(rows: list[Line], number: int) -> Page:
    table = Table(header=(), rows=tuple(Row(number=row.number, cells=row.cells) for row in rows))
    return Page(number=number, text="\n".join(map(table.line, table.rows)), table=table)
