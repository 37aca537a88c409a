"""PDF by pdfium: running text in its reading order, tables from where their characters stand; pypdf reads
what pdfium cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has none; `_Page` says what is used
import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - as above

from knowledge_base.document import FormatReading, PageText, Unreadable, normalise
from knowledge_base.formats.images import RESOLUTION, Sight
from knowledge_base.formats.printed.layout import Character, Rules, bands, lines_in
from knowledge_base.formats.printed.side_by_side import columns_of_page, list_of_column
from knowledge_base.formats.text import parts_of
from knowledge_base.tables import lines_of, read_grid

# A page with fewer characters than this carries no text layer.
EMPTY_PAGE = 20
# Characters of a page of which the places are looked at; more is a drawing of letters.
MOST_CHARACTERS = 30_000
# Drawn lines and boxes that are looked at.
MOST_PATHS = 20_000

if TYPE_CHECKING:
    from PIL.Image import Image

# Left, bottom, right and top, in points.
Box = tuple[float, float, float, float]
_PASSWORD = "needs a password; give it, or save a copy without one"  # noqa: S105 - a message


class _TextPage(Protocol):
    """The characters of a page."""

    def get_text_range(self) -> str: ...
    def count_chars(self) -> int: ...
    def get_charbox(self, index: int, loose: bool) -> Box: ...
    def get_text_bounded(self, left: float, bottom: float, right: float, top: float) -> str: ...


class _PageObject(Protocol):
    """A line, a picture or a piece of text that is drawn."""

    def get_bounds(self) -> Box: ...


class _Drawn(Protocol):
    """A page as a picture."""

    def to_pil(self) -> Image: ...


class _Page(Protocol):
    """What is used of a page of pdfium's."""

    def get_textpage(self) -> _TextPage: ...
    def get_width(self) -> float: ...
    def get_height(self) -> float: ...
    def get_objects(self, filter: Sequence[int], max_depth: int = 15) -> Iterator[_PageObject]: ...
    def render(self, scale: float) -> _Drawn: ...
    def close(self) -> None: ...


def read_pdf(path: Path, password: str, sight: Sight) -> FormatReading:
    """Raises Unreadable, and pdfium's or pypdf's own errors for a damaged file."""
    try:
        document = pypdfium2.PdfDocument(path, password=password or None)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Unreadable(_PASSWORD) from None
        return _by_pypdf(path, password)
    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    problems: list[str] = []
    for number in range(1, len(document) + 1):
        try:
            page = cast(_Page, document[number - 1])
            text, found, out = _page(page, number)
        except Exception as error:  # whatever one page provokes, the others are read
            problems.append(f"page {number} is damaged ({type(error).__name__}), left out")
            continue
        if len(text.strip()) < EMPTY_PAGE and _has_picture(page):
            scanned = _scanned(page, number, sight)
            if scanned is None:
                problems.append(f"page {number} looks scanned, left out")
            else:
                text, found, out = scanned
                problems += sight.note(number)
        raw[number] = text
        pages += found
        left_out += out
        page.close()
    if sum(map(len, raw.values())) < EMPTY_PAGE and not any("looks scanned" in p for p in problems):
        second = _by_pypdf(path, password)
        if sum(map(len, second.raw.values())) >= EMPTY_PAGE:
            return second
    pages, running = without_running_lines(pages)
    return FormatReading(pages=pages, raw=raw, left_out=left_out + running, problems=problems)


def _page(page: _Page, number: int) -> tuple[str, list[PageText], list[str]]:
    """All text of a page, its parts in reading order, and what is left out of it."""
    textpage = page.get_textpage()
    raw = normalise(_joined(textpage.get_text_range()))
    characters, quarter = _characters(textpage)
    parts: list[PageText] = []
    left_out: list[str] = []
    turned = bool(characters) and characters[0].turned
    width = page.get_height() if turned else page.get_width()
    rules = _rules(page, quarter)
    for column in columns_of_page(lines_in(characters, rules), rules):
        if column.bounds and (listed := list_of_column(column.lines, number)):
            parts += listed
            continue
        left, right = column.bounds or (0.0, page.get_width())
        for band in bands(column.lines, min(width, right) - max(0.0, left), rules):
            if band.grid:
                found = read_grid(lines_of(band.grid), number)
                parts += found.pages
                left_out += found.left_out
                continue
            if turned or not band.bounds:
                text = "\n".join(line.text for line in band.lines)
            else:
                text = textpage.get_text_bounded(
                    max(0.0, left), band.bounds[0], min(page.get_width(), right), band.bounds[1]
                )
            prose, out = parts_of(normalise(_joined(text)), number)
            parts += prose
            left_out += out
    if not characters:
        parts, left_out = parts_of(raw, number)
    return raw, parts, left_out


def _joined(text: str) -> str:
    """pdfium writes U+FFFE or U+0002 for a hyphen at the end of a line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for mark in ("\ufffe\n", "\x02\n", "\ufffe", "\x02"):
        text = text.replace(mark, "")
    return _unbroken(text)


def _characters(textpage: _TextPage) -> tuple[list[Character], int]:
    """Where each character stands, and by how many quarter turns most of the page was turned upright."""
    count = min(textpage.count_chars(), MOST_CHARACTERS)
    found: list[Character] = []
    angles: Counter[int] = Counter()
    spaced = False
    for place in range(count):
        code = pdfium.FPDFText_GetUnicode(textpage, place)
        if code in (0, 13, 10, 32, 160, 0xFFFE, 2):
            spaced = spaced or code in (13, 10, 32, 160)
            continue
        angles[round(pdfium.FPDFText_GetCharAngle(textpage, place) / 1.5708) % 4] += 1
        left, bottom, right, top = textpage.get_charbox(place, loose=True)
        found.append(Character(chr(code), left, bottom, right, top, spaced))
        spaced = False
    quarter = angles.most_common(1)[0][0] if angles else 0
    return [character.upright(quarter) for character in found] if quarter else found, quarter


def _rules(page: _Page, quarter: int) -> Rules:
    """The ruled lines of a page, turned like its text."""
    paths = islice(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=3), MOST_PATHS)
    found = [path.get_bounds() for path in paths]
    boxes = [Character("", box[0], box[1], box[2], box[3]) for box in found]
    return Rules.of([box.upright(quarter) for box in boxes] if quarter else boxes)


def _has_picture(page: _Page) -> bool:
    return next(iter(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE])), None) is not None


def _scanned(page: _Page, number: int, sight: Sight) -> tuple[str, list[PageText], list[str]] | None:
    """A page that is a picture, by whoever reads pictures; None where nobody does or finds anything."""
    if not sight.reads:
        return None
    drawn = page.render(scale=RESOLUTION / 72)
    text = normalise(sight.text(number, drawn.to_pil()) or "")
    return (text, *parts_of(text, number)) if text else None


def _by_pypdf(path: Path, password: str) -> FormatReading:
    from pypdf import PdfReader

    reader = PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(password):
        raise Unreadable(_PASSWORD)
    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    problems: list[str] = []
    for number, page in enumerate(reader.pages, 1):
        try:
            text = normalise(_unbroken(page.extract_text()))
            pictures = len(page.images) if len(text) < EMPTY_PAGE else 0
        except Exception as error:  # whatever one page provokes, the others are read
            problems.append(f"page {number} is damaged ({type(error).__name__}), left out")
            continue
        if pictures:
            problems.append(f"page {number} looks scanned, left out")
        raw[number] = text
        parts, out = parts_of(text, number)
        pages += parts
        left_out += out
    pages, running = without_running_lines(pages)
    return FormatReading(pages=pages, raw=raw, left_out=left_out + running, problems=problems)


def _unbroken(text: str) -> str:
    """Some producers place every word on a line of its own."""
    lines = [line for line in text.splitlines() if line.strip()]
    words = len(text.split())
    each_alone = words >= 30 and words / len(lines) < 1.3
    return " ".join(lines) if each_alone and not any(c.isdigit() for c in text) else text


def without_running_lines(pages: list[PageText]) -> tuple[list[PageText], list[str]]:
    """Pages without headers and footers, and these: lines that begin or end more than 60 % of at least four
    pages. The first of each stays, because it may say what stands nowhere else."""
    by_number: dict[int, list[PageText]] = {}
    for page in pages:
        by_number.setdefault(page.number, []).append(page)
    if len(by_number) < 4:
        return pages, []
    edges = Counter(line for parts in by_number.values() for line in _edges(parts))
    running = {line for line, n in edges.items() if n > 0.6 * len(by_number)}
    seen: set[str] = set()
    kept: list[PageText] = []
    left_out: list[str] = []
    for page in pages:
        if page.table:
            kept.append(page)
            continue
        own = set(_edges(by_number[page.number]))
        lines: list[str] = []
        for line in page.text.split("\n"):
            if line in running and line in own and line in seen:
                left_out.append(line)
            else:
                lines.append(line)
                seen |= {line} & running
        if text := "\n".join(lines).strip():
            kept.append(page.model_copy(update={"text": text}))
    return kept, left_out


def _edges(parts: list[PageText]) -> set[str]:
    """The first two and the last two lines of a page."""
    lines = [line for part in parts if not part.table for line in part.text.split("\n") if line.strip()]
    return set(lines[:2] + lines[-2:]) if len(lines) > 6 else set()
