"""What a file becomes when it is read: pages of running text, tables, products, and what was wrong."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from knowledge_base.heaps import lightened

# A vulgar fraction after a digit: Unicode's compatibility form would write 5½ as 51/2.
_FRACTION = re.compile(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])")


# How Arabic writes decimals and thousands, and French a price: 12٫50 is 12.50, and 2€50 is 2,50 €.
_SIGNS = {"\u066b": ".", "\u066c": ","}
_SIGN = re.compile(r"(?<=\d)[\u066b\u066c](?=\d)")
_CENTS = re.compile(r"(?<![\w.,])(\d{1,4})€(\d\d)(?![\w.,]\d|\w)")


class Unreadable(Exception):
    """A file that yields no text; the message says why and what to do, in one line."""


class TableRow(BaseModel):
    """One row of a table. `number` is its place in the file as its program shows it, from 1; `section` is the
    line without columns that stands above it, such as a category."""

    model_config = ConfigDict(frozen=True)

    number: int
    cells: tuple[str, ...]
    section: str = ""


class Table(BaseModel):
    """Rows under one header; `header` is empty where the file has none, else as long as every row. `lines`
    says that the file has no pages, so that the number of a row is the place that a source names."""

    model_config = ConfigDict(frozen=True)

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    title: str = ""
    lines: bool = False

    def pairs(self, row: TableRow) -> list[tuple[str, str]]:
        """The filled cells of a row with their headers, in order. A column without a name gets the number of
        its place, for instance `column 3`."""
        names = self.header or ("",) * len(row.cells)
        return [
            (name or f"column {place}", cell)
            for place, (name, cell) in enumerate(zip(names, row.cells, strict=True), 1)
            if cell
        ]

    def line(self, row: TableRow) -> str:
        """A row as text: `Header: value; Header: value`, without headers where the table has none."""
        cells = [cell.replace("\n", " ").replace("; ", ", ") for cell in row.cells]
        if not self.header:
            return ": ".join(filter(None, cells)) if len(cells) == 2 else "; ".join(filter(None, cells))
        return "; ".join(
            f"{name}: {cell}" if name else cell for name, cell in zip(self.header, cells, strict=True) if cell
        )


class PageText(BaseModel):
    """A stretch of one page: running text, or a table with its rows as text. `number` counts from 1: pages of
    a PDF, sheets, slides. A page of text and tables is several of these, in reading order."""

    model_config = ConfigDict(frozen=True)

    number: int
    text: str
    table: Table | None = None


class Product(BaseModel):
    """One thing that is sold. `fields` holds the row as the file writes it, header -> value; the rest is what
    its columns were understood to say. `price` is in `currency` (ISO 4217, empty when the file names none)
    for one `unit`; where the file gives several it is the first, and `prices` has all as they are written, by
    the names that they have there. `title` stands above its table."""

    model_config = ConfigDict(frozen=True)

    name: str
    article: str = ""
    price: Decimal | None = None
    prices: dict[str, str] = {}
    currency: str = ""
    unit: str = ""
    stock: str = ""
    category: str = ""
    variants: str = ""
    picture: str = ""
    link: str = ""
    valid: str = ""
    # Between which days its price holds, YYYY-MM-DD, by its row or what stands above it; empty: for ever.
    first_day: str = ""
    last_day: str = ""
    title: str = ""
    page: int = 1
    row: int = 1
    fields: dict[str, str] = {}
    # What an owner should look at: no price, or no number in it.
    doubt: str = ""
    # The file it comes from, and what the owner wrote of it; filled in when documents are put together.
    document: str = ""
    edited: tuple[str, ...] = ()
    # Its id in the shop's Commerce catalogue, and whether that shows the same price; filled in then too.
    retailer_id: str = ""
    shown_alike: bool = False
    # When its stock was said, Unix ms: its file was read, or its owner wrote it; filled in likewise.
    counted: int = 0


class Document(BaseModel):
    """A file that was read. `left_out` are texts that stand in the file and are not kept on purpose, such as
    menus of a website and repeated headers, by page; `problems` are for the owner. `validity` is the line
    that says until when the prices of all of it hold."""

    model_config = ConfigDict(frozen=True)

    name: str
    validity: str = ""
    pages: list[PageText] = []
    products: list[Product] = []
    problems: list[str] = []

    @property
    def rows(self) -> list[dict[str, str]]:
        """The products as the file writes them."""
        return [product.fields for product in self.products]


class FormatReading(BaseModel):
    """What a reader of a format returns. `raw` has all text of the file by page, found as directly as the
    format allows: what is kept is counted against it. `left_out` is what the reader leaves out on purpose."""

    model_config = ConfigDict(frozen=True)

    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    problems: list[str] = []


def normalise(text: str) -> str:
    """Text as a person would type it: no hyphenation at line ends, no ligatures, no invisible characters."""
    text = text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _FRACTION.sub(" ", text.replace("\u00ad", "").replace("\u200b", "").replace("\ufeff", ""))
    text = unicodedata.normalize("NFKC", lightened(text))
    text = re.sub(r"([^\W\d_])[-\u2010]\n([^\W\d_])", r"\1\2", text)
    text = re.sub(r"[^\S\n]+", " ", text)
    text = _CENTS.sub(r"\1,\2 €", _SIGN.sub(lambda sign: _SIGNS[sign.group()], text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
