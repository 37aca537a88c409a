"""ODT, ODS and ODP: the text as the program shows it, from the one XML file within."""

from __future__ import annotations

import zipfile
from typing import Any

from lxml import etree

from knowledge_base.document import FormatReading, PageText, Unreadable, normalise
from knowledge_base.formats.kind import Opened, checked_zip
from knowledge_base.formats.text import parts_of
from knowledge_base.tables import lines_of, read_grid

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
# Empty cells and rows at the end of a sheet are one element that is repeated a million times.
MOST_REPEATED = 500
MOST_COLUMNS = 500


def read_opendocument(file: Opened) -> FormatReading:
    """Raises Unreadable for a document with a password or a damaged one."""
    checked_zip(file)
    with zipfile.ZipFile(file) as archive:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Unreadable("needs a password that only its own program takes; save a copy without one")
        content = archive.read("content.xml")
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    for spare in root.findall(f".//{_TEXT}tracked-changes"):
        if (parent := spare.getparent()) is not None:
            parent.remove(spare)
    body = root.find(f"{_OFFICE}body")
    kinds = [etree.QName(part).localname for part in body] if body is not None else []
    if body is None or not kinds:
        raise Unreadable("holds no body; save it anew")
    parts = _Reader()
    parts.read(body[0], split=kinds[0] in ("spreadsheet", "presentation"))
    return FormatReading(pages=parts.pages, raw=parts.raw, left_out=parts.left_out)


class _Reader:
    """A body as it is walked: text is held until a table or a new page ends it."""

    def __init__(self) -> None:
        self.pages: list[PageText] = []
        self.raw: dict[int, str] = {}
        self.left_out: list[str] = []
        self._held: list[str] = []
        self._number = 1

    def read(self, body: Any, split: bool) -> None:
        """`split`: each child is a page of its own, a sheet or a slide."""
        number = 0
        for child in body:
            if split and child.tag in (f"{_TABLE}table", f"{_DRAW}page"):
                number += 1
                self._number = number
            said = " ".join(_said(p) for p in child.iter(f"{_TEXT}p", f"{_TEXT}h"))
            self.raw[self._number] = f"{self.raw.get(self._number, '')} {normalise(said)}"
            self._walk(child)
            if split:
                self._end()
        self._end()

    def _walk(self, root: Any) -> None:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.tag == f"{_TABLE}table":
                self._end()
                found = read_grid(lines_of(_grid(node)), self._number, _title(node))
                self.pages += found.pages
                self.left_out += found.left_out
            elif node.tag == f"{_TEXT}h":
                self._held.append(f"# {_said(node)}")
            elif node.tag == f"{_TEXT}p":
                self._held.append(_said(node))
                waiting += [box for box in reversed(node.findall(f".//{_DRAW}text-box"))]
            else:
                waiting += reversed(list(node))

    def _end(self) -> None:
        prose, out = parts_of(normalise("\n\n".join(filter(None, self._held))), self._number)
        self.pages += prose
        self.left_out += out
        self._held.clear()


def _title(table: Any) -> str:
    name = table.get(f"{_TABLE}name") or ""
    return "" if name[-1:].isdigit() else name


def _said(paragraph: Any) -> str:
    """The text of a paragraph, with the spaces and breaks that are elements here, without boxes within it."""
    parts: list[str] = [paragraph.text or ""]
    for node in paragraph.iterchildren():
        name = etree.QName(node).localname if isinstance(node.tag, str) else ""
        if name == "s":
            parts.append(" " * min(100, int(node.get(f"{_TEXT}c") or 1)))
        elif name in ("tab", "line-break"):
            parts.append("\t" if name == "tab" else "\n")
        elif name not in ("frame", "custom-shape", "annotation"):
            parts.append(_said(node))
        parts.append(node.tail or "")
    return "".join(parts)


def _grid(table: Any) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in table.iter(f"{_TABLE}table-row"):
        cells: list[str] = []
        for cell in row.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            text = "\n".join(_said(p) for p in cell.iter(f"{_TEXT}p", f"{_TEXT}h"))
            span = int(cell.get(f"{_TABLE}number-columns-spanned") or 1)
            times = int(cell.get(f"{_TABLE}number-columns-repeated") or 1)
            if not text and cell.tag.endswith("covered-table-cell") and cells:
                text = cells[-1] if span == 1 else ""
            cells += [text] * min(times, MOST_REPEATED if text else MOST_COLUMNS)
            if len(cells) > 4 * MOST_COLUMNS:
                break
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise Unreadable(f"has more than {MOST_COLUMNS} columns; remove some")
        times = int(row.get(f"{_TABLE}number-rows-repeated") or 1)
        rows += [cells] * (min(times, MOST_REPEATED) if cells else 1)
    return rows
