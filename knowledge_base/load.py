"""Files to documents: which reader takes which format, and whether all that stands in a file was kept.

What stands here runs in the process that `knowledge_base.reading` starts for each file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path

from knowledge_base.document import Document, FormatReading, PageText, Product, Table, Unreadable
from knowledge_base.formats.images import Sight
from knowledge_base.formats.kind import unlocked_file
from knowledge_base.formats.price_lines import is_bare_price
from knowledge_base.goods.prices import names_prices
from knowledge_base.goods.products import looks_like_goods, products_of
from knowledge_base.goods.validity import stated, validity_in
from knowledge_base.vocabulary import currency_in

# Which function of `knowledge_base.formats` reads what; loaded when a file of its kind comes.
_READERS = {
    ".pdf": "pdf.read_pdf",
    ".docx": "office.read_docx",
    ".xlsx": "workbooks.read_xlsx",
    ".xlsm": "workbooks.read_xlsx",
    ".xls": "workbooks.read_xls",
    ".xlsb": "workbooks.read_xls",
    ".doc": "office.read_docx",
    ".pptx": "office.read_pptx",
    ".odt": "opendocument.read_opendocument",
    ".ods": "opendocument.read_opendocument",
    ".odp": "opendocument.read_opendocument",
    ".rtf": "text.read_rtf",
    ".csv": "delimited.read_delimited",
    ".tsv": "delimited.read_delimited",
    ".md": "text.read_text",
    ".txt": "text.read_text",
    ".html": "html.read_html",
    ".htm": "html.read_html",
    ".mht": "html.read_mht",
    ".json": "records.read_json",
    ".jsonl": "records.read_json",
    ".yaml": "records.read_yaml",
    ".yml": "records.read_yaml",
    ".xml": "records.read_xml",
    ".png": "images.read_image",
    ".jpg": "images.read_image",
    ".jpeg": "images.read_image",
    ".webp": "images.read_image",
    ".tif": "images.read_image",
    ".tiff": "images.read_image",
    ".gif": "images.read_image",
    ".bmp": "images.read_image",
}
FORMATS = tuple(_READERS)
_IMAGES = "images.read_image"
# A kind that no file's name says.
_UNNAMED = {".xml-workbook": "workbooks.read_xml_workbook"}
# Measured on 299 real PDFs: good files have at most .015 unmapped characters, garbled ones .19.
GARBLED_SHARE = 0.05
# So many lines with prices that gave no products are said.
MANY_PRICES = 2
# Characters of what may stand between two pages of one table: the foot of the first, the head of the second.
LONGEST_FOOT = 160
# Characters of a title with the line that says until when a table holds.
LONGEST_TITLES = 400
# A line above a table that is longer is a sentence, and one with a number other than a year says something.
LONGEST_TITLE = 80
_YEAR, _NUMBER = re.compile(r"\b(?:19|20)\d\d\b"), re.compile(r"\d")
# Words that end like a sentence: prose, where a price is no row of a list.
_SENTENCE = re.compile(r"[.!?…](?:\s|$)")


def read_file(path: Path, password: str = "", sight: Sight | None = None) -> tuple[Document, FormatReading]:
    """Read a file of one of FORMATS; with what was read comes all text that stands in the file. `sight` says
    who reads pictures: OCR alone without it. Raises Unreadable, and anything at all for a damaged one."""
    if path.stat().st_size == 0:
        raise Unreadable("is empty; send it again")
    kind, file = unlocked_file(path, password)
    module, name = (_READERS | _UNNAMED)[kind].split(".")
    reader: Callable[..., FormatReading] = getattr(import_module(f"knowledge_base.formats.{module}"), name)
    seeing = sight or Sight()
    given = (password, seeing) if kind == ".pdf" else (seeing,) if _READERS.get(kind) == _IMAGES else ()
    source = reader(file, *given)
    if seeing.unread:  # it is read again once somebody has said what stands there
        return Document(name=path.name), source
    return _checked(path.name, source), source


def _checked(name: str, source: FormatReading) -> Document:
    """Pages without the garbled ones, and products. Raises Unreadable when nothing is left."""
    odd = sorted({page.number for page in source.pages if _garbled(page.text) > GARBLED_SHARE})
    problems = [f"{name}: {problem}" for problem in source.problems]
    pages = [page for page in source.pages if page.number not in odd and page.text.strip()]
    if odd:
        problems.append(f"{name}: garbled letters on page {', '.join(map(str, odd))}, left out")
    if not pages:
        raise Unreadable(_nothing(name, source, bool(odd)))
    pages, validity = _dated(list(_with_titles(_numbered_apart(pages))))
    products = [p for page in pages if page.table for p in products_of(page.table, page.number)]
    problems += [f"{name}: {problem}" for problem in _without_products(pages, products)]
    return Document(name=name, validity=validity, pages=pages, products=products, problems=problems)


def _numbered_apart(pages: list[PageText]) -> Iterator[PageText]:
    """Pages of which no two rows have one number: a row is known by its page and its number."""
    last: dict[int, int] = {}
    for page in pages:
        table = page.table
        before = last.get(page.number, 0)
        if table and table.rows:
            first = min(row.number for row in table.rows)
            if first <= before and not table.lines:
                shifted = (row.model_copy(update={"number": row.number + before}) for row in table.rows)
                table = table.model_copy(update={"rows": tuple(shifted)})
                page = page.model_copy(update={"table": table})
            last[page.number] = max(before, *(row.number for row in table.rows))
        yield page


def _dated(pages: list[PageText]) -> tuple[list[PageText], str]:
    """Tables with what the text says of when their prices hold, in their titles; a line that holds for all
    of the document is returned too. Where several lines differ, each holds for the tables below it."""
    by_page = [{} if page.table else stated(page.text.split("\n")) for page in pages]
    everywhere = {line: said for lines in by_page for line, said in lines.items()}
    same = next(iter(everywhere), "") if len(set(everywhere.values())) == 1 else ""
    found: list[PageText] = []
    here = same
    for page, lines in zip(pages, by_page, strict=True):
        here = next(reversed(lines), here)
        table = page.table
        if table and here and not validity_in(table.title):
            title = f"{table.title}, {here}" if table.title and table.title not in here else here
            page = page.model_copy(
                update={"table": table.model_copy(update={"title": title[:LONGEST_TITLES]})}
            )
        found.append(page)
    return found, same


def _without_products(pages: list[PageText], products: list[Product]) -> Iterator[str]:
    """What looks like a price list and gave no products, so that nobody finds out from a customer."""
    for page in pages:
        if page.table and looks_like_goods(page.table) and not products_of(page.table, page.number):
            rows = len(page.table.rows)
            yield f"page {page.number}: {rows} rows gave no products; say on Knowledge what its columns hold"
    if products:
        return
    lines = [line for page in pages if not page.table for line in page.text.split("\n")]
    priced = [
        line
        for line in lines
        if len(line) < LONGEST_TITLE
        and not _SENTENCE.search(line)
        and ((currency_in(line) and _NUMBER.search(line)) or is_bare_price(line))
    ]
    if len(priced) >= MANY_PRICES:
        yield (
            f"{len(priced)} lines with prices were read as text, such as “{priced[0][:60]}”; write one "
            "product and its price a line, or use the price list to begin with"
        )


def _with_titles(pages: Iterable[PageText]) -> Iterator[PageText]:
    """Pages with tables that have no title given the line above them, when it can be one: it may say the
    currency. A table that goes on over a page has the title, and the header, of the one before."""
    pages = list(pages)
    before = ""
    money = elsewhere = _said_of_all(pages)
    last: Table | None = None
    for page in pages:
        table = page.table
        if table and last and not table.header and len(table.rows[0].cells) == len(last.header):
            table = table.model_copy(update={"header": last.header})
        if table and not table.title:
            goes_on = last is not None and last.header == table.header
            table = table.model_copy(update={"title": last.title if last and goes_on else before})
        if table and money and not currency_in(table.title):
            table = table.model_copy(update={"title": f"{table.title}, {money}".removeprefix(", ")})
        if table:
            yield page.model_copy(update={"table": table, "text": "\n".join(map(table.line, table.rows))})
            last = table
            continue
        lines = [line.lstrip("# ").strip() for line in page.text.split("\n")]
        said = (line for line in reversed(lines) if _names_currency(line))
        money = next(said, elsewhere if len(page.text) > LONGEST_FOOT else money)
        line = lines[-1]
        titled = len(line) < LONGEST_TITLE and line[-1:].isalnum() and (": " not in line or currency_in(line))
        before = line if titled and not _NUMBER.search(_YEAR.sub("", line)) else ""
        last = None if before or len(page.text) > LONGEST_FOOT else last
        yield page


def _said_of_all(pages: Iterable[PageText]) -> str:
    """The line that says in which money all prices are, wherever it stands; empty where none does or several
    do."""
    lines = [line.lstrip("# ").strip() for page in pages if not page.table for line in page.text.split("\n")]
    said = {currency_in(line): line for line in lines if _names_currency(line) and names_prices(line)}
    return next(iter(said.values())) if len(said) == 1 else ""


def _names_currency(line: str) -> bool:
    """Whether a line above a list says in which money its prices are: `All prices in GBP.`"""
    short = 0 < len(line) < LONGEST_TITLE and not _NUMBER.search(_YEAR.sub("", line))
    return short and bool(currency_in(line)) and (line[-1].isalnum() or names_prices(line))


def _nothing(name: str, source: FormatReading, garbled: bool) -> str:
    """Why a file has no text, and what to do."""
    if garbled:
        if not name.lower().endswith(".pdf"):
            return "is not text in any encoding known here; save it as UTF-8"
        return "its fonts do not say which letters they draw; export it again or run OCR"
    if any("nobody has read" in problem or "was read by" in problem for problem in source.problems):
        return "is a picture without text that could be read; send it as text"
    if any("looks scanned" in problem for problem in source.problems):
        return (
            "no text layer, it looks scanned; run OCR on it first (ocrmypdf), or give the bot a model that "
            "sees pictures"
        )
    if name.lower().endswith(".pdf"):
        return "its pages are blank, or their text is drawn as lines; export it again or run OCR"
    return "holds no text to speak of"


def _garbled(text: str) -> float:
    odd = sum(
        1
        for c in text
        if c == "\ufffd" or (unicodedata.category(c) in ("Cc", "Co", "Cn") and c not in "\n\t")
    )
    return odd / max(1, len(text))
