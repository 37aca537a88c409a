"""DOCX and PPTX: paragraphs with their headings, tables, text boxes, notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docx import Document as WordDocument
from docx.table import Table as WordTable
from lxml import etree
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from knowledge_base.document import FormatReading, PageText, normalise
from knowledge_base.formats.kind import Opened, checked_zip
from knowledge_base.formats.text import parts_of
from knowledge_base.tables import lines_of, read_grid
from knowledge_base.vocabulary import vocabulary_file

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Parts of a DOCX that hold text beside its body.
_BESIDE = ("footnotes", "endnotes", "header", "footer")


class _Parts:
    """Pages of one number as they are read: text is held until a table ends it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pages: list[PageText] = []
        self.left_out: list[str] = []
        self._held: list[str] = []

    def say(self, text: str) -> None:
        if text.strip():
            self._held.append(text)

    def table(self, grid: list[list[str]]) -> None:
        self.end()
        found = read_grid(lines_of(grid), self.number)
        self.pages += found.pages
        self.left_out += found.left_out

    def end(self) -> None:
        prose, out = parts_of(normalise("\n\n".join(self._held)), self.number)
        self.pages += prose
        self.left_out += out
        self._held.clear()


def read_docx(file: Opened) -> FormatReading:
    """Raises Unreadable for a document with a password. A DOCX does not keep its pages: all is page 1."""
    checked_zip(file)
    document = WordDocument(_openable(file))
    parts = _Parts(1)
    with zipfile.ZipFile(file) as archive:
        body = _all_text(archive.read("word/document.xml"))
        beside = [name for name in archive.namelist() if name.startswith(tuple(f"word/{b}" for b in _BESIDE))]
        texts = dict.fromkeys(
            filter(None, (_all_text(archive.read(n)) for n in beside if n.endswith(".xml")))
        )
    for text in texts:
        parts.say(text)
    for block in document.iter_inner_content():
        if isinstance(block, WordTable):
            parts.table(_grid(block))
            continue
        style = (block.style.name or "").lower() if block.style else ""
        heading = "# " if style.startswith(tuple(vocabulary_file()["heading_styles"])) else ""
        element = _element(block)
        own = _paragraph(element)
        listed = "- " if element.find(f"{_WORD}pPr/{_WORD}numPr") is not None else ""
        parts.say(f"{heading or listed}{own}" if own.strip() else "")
        for boxed in _boxes(element):
            parts.say(boxed)
    parts.end()
    raw = normalise("\n\n".join((body, *texts)))
    return FormatReading(pages=parts.pages, raw={1: raw}, left_out=parts.left_out)


def _element(part: Any) -> Any:
    """The XML of a paragraph, a cell or a slide, which both libraries keep to themselves."""
    return part._element


def _openable(file: Opened) -> Any:
    """As both libraries take it: a path as text, or an open file."""
    return str(file) if isinstance(file, Path) else file


def _all_text(xml: bytes) -> str:
    """Every word of a part, deleted text and the second form of a text box aside."""
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    for spare in root.findall(".//{*}Fallback"):
        if (parent := spare.getparent()) is not None:
            parent.remove(spare)
    return "\n".join(filter(None, (_paragraph(p) for p in root.iter(f"{_WORD}p"))))


def _paragraph(paragraph: Any) -> str:
    """The text of a paragraph without that of boxes within it."""
    parts: list[str] = []
    for node in paragraph.iter(f"{_WORD}t", f"{_WORD}tab", f"{_WORD}br", f"{_WORD}cr"):
        owner = next(node.iterancestors(f"{_WORD}p"))
        if owner is paragraph:
            parts.append({"t": node.text or "", "tab": "\t"}.get(etree.QName(node).localname, "\n"))
    return "".join(parts)


def _boxes(paragraph: Any) -> Iterator[str]:
    for box in paragraph.iter(f"{_WORD}txbxContent"):
        if next(box.iterancestors("{*}Fallback"), None) is None:
            yield "\n".join(_paragraph(p) for p in box.iter(f"{_WORD}p"))


def _grid(table: WordTable) -> list[list[str]]:
    """The cells of a table; python-docx gives a merged cell in each place it covers. Tables within a cell are
    part of its text."""
    return [
        ["\n".join(_paragraph(p) for p in _element(cell).iter(f"{_WORD}p")) for cell in row.cells]
        for row in table.rows
    ]


def read_pptx(file: Opened) -> FormatReading:
    """Slides as pages, with their notes. Raises Unreadable for a presentation with a password."""
    checked_zip(file)
    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    problems: list[str] = []
    for number, slide in enumerate(Presentation(_openable(file)).slides, 1):
        if _element(slide).get("show") == "0":
            problems.append(f"slide {number} is hidden, left out; show it to use it")
            continue
        parts = _Parts(number)
        title = slide.shapes.title
        if title is not None and title.has_text_frame:
            parts.say(f"# {title.text_frame.text}")
        for shape in _shapes(slide.shapes):
            if title is not None and shape.shape_id == title.shape_id:
                continue
            if getattr(shape, "has_table", False):
                parts.table([[cell.text for cell in row.cells] for row in shape.table.rows])
            elif shape.has_text_frame:
                parts.say("\n".join(paragraph.text for paragraph in shape.text_frame.paragraphs))
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        parts.say(notes.text if notes is not None else "")
        parts.end()
        pages += parts.pages
        left_out += parts.left_out
        texts = [node.text or "" for node in _element(slide).iter("{*}t")]
        raw[number] = normalise(" ".join([*texts, notes.text if notes is not None else ""]))
    return FormatReading(pages=pages, raw=raw, left_out=left_out, problems=problems)


def _shapes(shapes: Any) -> Iterator[Any]:
    """The shapes of a slide, those of groups too, from top to bottom."""
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from _shapes(shape.shapes)
        else:
            yield shape
