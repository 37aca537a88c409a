"""Files to text: one function per format, each page separate, unreadable ones named with the reason.

What stands here runs in the process that `knowledge_base.reading` starts for each file.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from knowledge_base.heaps import lightened

FORMATS = (".pdf", ".md", ".txt", ".html", ".htm", ".csv")
# Measured on 299 real PDFs: good files have at most .015 unmapped characters, garbled ones .19.
GARBLED_SHARE = 0.05
# A page with fewer characters than this carries no text layer.
EMPTY_PAGE = 20
MOST_COLUMNS = 500


class Page(BaseModel):
    """The text of one page; `number` counts from 1."""

    model_config = ConfigDict(frozen=True)

    number: int
    text: str


class Document(BaseModel):
    """A file that was read: its pages, its rows when it is a price list, and what was wrong with parts of
    it."""

    model_config = ConfigDict(frozen=True)

    name: str
    pages: list[Page] = []
    rows: list[dict[str, str]] = []
    problems: list[str] = []


class Unreadable(Exception):
    """A file that yields no text; the message says why and what to do, in one line."""


def load(path: Path) -> Document:
    """Read a file of one of FORMATS. Raises Unreadable, and anything at all for a damaged one."""
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        return _checked(_read_pdf(path))
    raw = path.read_bytes()
    text = _decoded(raw)
    if suffix == ".csv":
        return _price_list(path.name, text)
    text = _visible(text) if suffix in (".html", ".htm") else text
    return _checked(Document(name=path.name, pages=[Page(number=1, text=normalise(text))]))


def normalise(text: str) -> str:
    """Text as a person would type it: no hyphenation at line ends, no ligatures, no invisible characters."""
    text = text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = unicodedata.normalize("NFKC", lightened(text.replace("\u00ad", "")))
    text = re.sub(r"(\w)[-\u2010]\n(\w)", r"\1\2", text)
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _checked(document: Document) -> Document:
    pages = [page for page in document.pages if len(page.text) >= EMPTY_PAGE]
    if not pages and not document.name.lower().endswith(".pdf"):
        raise Unreadable(f"{document.name}: holds no text to speak of")
    if not pages:
        raise Unreadable(f"{document.name}: no text layer, it looks scanned; run OCR on it first (ocrmypdf)")
    odd = [page.number for page in pages if _garbled(page.text) > GARBLED_SHARE]
    problems = list(document.problems)
    if odd:
        problems.append(f"{document.name}: garbled letters on page {', '.join(map(str, odd))}, left out")
    good = [page for page in pages if page.number not in odd]
    if not good:
        raise Unreadable(
            f"{document.name}: its fonts do not say which letters they draw; export it again or run OCR"
        )
    return document.model_copy(update={"pages": good, "problems": problems})


def _garbled(text: str) -> float:
    odd = sum(
        1
        for c in text
        if c == "\ufffd" or (unicodedata.category(c) in ("Cc", "Co", "Cn") and c not in "\n\t")
    )
    return odd / max(1, len(text))


def _price_list(name: str, text: str) -> Document:
    try:
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        table = csv.DictReader(io.StringIO(text), dialect=dialect)
        if len(table.fieldnames or ()) > MOST_COLUMNS:
            columns = len(table.fieldnames or ())
            raise Unreadable(f"{name}: {columns} columns, more than any price list has ({MOST_COLUMNS})")
        found = list(table)
    except csv.Error as error:
        raise Unreadable(f"{name}: not a table ({error}); check its quotation marks") from None
    rows = [{str(k).strip(): normalise(str(v or "")) for k, v in row.items() if k} for row in found]
    rows = [row for row in rows if any(row.values())]
    if not rows:
        raise Unreadable(f"{name}: no rows below a header line")
    lines = ["; ".join(f"{column}: {value}" for column, value in row.items() if value) for row in rows]
    return Document(
        name=name, pages=[Page(number=i, text=line) for i, line in enumerate(lines, 1)], rows=rows
    )


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in ("script", "style", "head")
        self.parts.append("\n" if tag in ("p", "br", "li", "tr", "div", "h1", "h2", "h3") else " ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "head") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _visible(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    return "".join(parser.parts)


def _read_pdf(path: Path) -> Document:
    from pypdf import PdfReader

    reader = PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("needs a password; save a copy without one")
    pages, problems = list[Page](), list[str]()
    for number, page in enumerate(reader.pages, 1):
        try:
            text = normalise(_unbroken(page.extract_text()))
        except Exception as error:
            problems.append(f"{path.name}: page {number} is damaged ({type(error).__name__}), left out")
            continue
        if len(text) < EMPTY_PAGE and len(page.images) > 0:
            problems.append(f"{path.name}: page {number} looks scanned, left out")
        pages.append(Page(number=number, text=text))
    return Document(name=path.name, pages=_without_running_lines(pages), problems=problems)


def _unbroken(text: str) -> str:
    """Some producers place every word on a line of its own."""
    lines = [line for line in text.splitlines() if line.strip()]
    words = len(text.split())
    return " ".join(lines) if words >= 30 and words / len(lines) < 1.8 else text


def _without_running_lines(pages: list[Page]) -> list[Page]:
    """Drop headers and footers: lines that stand on more than 60 % of at least four pages."""
    if len(pages) < 4:
        return pages
    count = Counter(line for page in pages for line in set(page.text.split("\n")) if line.strip())
    running = {line for line, n in count.items() if n > 0.6 * len(pages)}
    kept = ("\n".join(line for line in page.text.split("\n") if line not in running) for page in pages)
    return [Page(number=page.number, text=text) for page, text in zip(pages, kept, strict=True)]
