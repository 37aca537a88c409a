"""HTML as a reader sees it: text and tables; menus, cookie bars and scripts are left out and named."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from knowledge_base.document import FormatReading, PageText, Unreadable, normalise
from knowledge_base.formats.encoding import decoded
from knowledge_base.formats.offers import page_cards, structured
from knowledge_base.formats.text import parts_of
from knowledge_base.tables import lines_of, read_grid
from knowledge_base.vocabulary import vocabulary_file

_DECLARED = re.compile(rb"<meta[^>]{0,200}charset=[\"']?\s*([\w-]{3,20})", re.I)
_UNSEEN = "script, style, noscript, template, svg, iframe, object, head, [hidden], [aria-hidden=true]"
_AROUND = "nav, [role=navigation], [role=search], dialog, form button, aside.related"
# What is struck through is kept as such: it is no price any more.
_STRUCK = frozenset({"s", "del", "strike"})
_BREAKS = frozenset(
    "p br div li tr ul ol dl dt dd h1 h2 h3 h4 h5 h6 section article header footer main aside blockquote pre "
    "figure figcaption hr address details summary table form option label".split()
)
# Where a table stood in the text until the text is parted: no file holds it.
_HERE = "\ue000{}\ue001"


def read_html(path: Path) -> FormatReading:
    """A page as a file, in the encoding that it declares when that fits its bytes."""
    return of_html(_text_of(path.read_bytes()))


def _text_of(raw: bytes) -> str:
    declared = _DECLARED.search(raw[:4096])
    try:
        return (
            raw.decode(declared.group(1).decode())
            if declared and raw[:2] not in (b"\xff\xfe", b"\xfe\xff")
            else decoded(raw)
        )
    except (UnicodeDecodeError, LookupError):  # it declares another encoding than it has
        return decoded(raw)


def read_mht(path: Path) -> FormatReading:
    """A page saved in one file with its pictures. Raises Unreadable for one without a page in it."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    for part in message.walk():
        if part.get_content_type() == "text/html" and isinstance(
            body := part.get_payload(decode=True), bytes
        ):
            return of_html(_text_of(body))
    raise Unreadable("holds no page; save it as HTML")


def of_html(html: str) -> FormatReading:
    """The text and the tables of a page."""
    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    name = normalise(title.text()) if title else ""
    for_machines = structured(tree)
    for node in tree.css(_UNSEEN):
        node.decompose()
    if tree.body is None:
        return FormatReading(pages=[], raw={1: ""})
    raw = tree.body.text(separator=" ")
    left_out = _without_furniture(tree)
    tables: list[list[list[str]]] = []
    for node in reversed(tree.css("table")):
        grid = _grid(node)
        if _is_data(grid):
            tables.append(grid)
            caption = node.css_first("caption")
            above = caption.text(separator=" ").strip() if caption else ""
            node.replace_with(f"\n{above}\n{_HERE.format(len(tables) - 1)}\n")
    for shown in [] if for_machines else page_cards(tree.body):
        tables.append(shown.grid)
        left_out += shown.left_out
        shown.nodes[0].replace_with(f"\n{_HERE.format(len(tables) - 1)}\n")
        for node in shown.nodes[1:]:
            node.decompose()
    text = normalise(_text(tree.body))
    text = f"# {name}\n\n{text}" if name and name not in text[:500] else text
    pages: list[PageText] = []
    for part in re.split("(\ue000\\d+\ue001)", text):
        if part.startswith("\ue000"):
            found = read_grid(lines_of(tables[int(part[1:-1])]), 1)
            pages += found.pages
            left_out += found.left_out
        else:
            prose, more = parts_of(part.strip(), 1)
            pages += prose
            left_out += more
    if for_machines:
        header = list(dict.fromkeys(column for row in for_machines for column in row))
        grid = [header, *([row.get(column, "") for column in header] for row in for_machines)]
        pages += read_grid(lines_of(grid), 1, header_first=True).pages
    return FormatReading(pages=pages, raw={1: normalise(raw)}, left_out=left_out)


def _without_furniture(tree: Any) -> list[str]:
    """Take out what surrounds the text of a page; the texts that went."""
    left_out: list[str] = []
    names = vocabulary_file()["page_furniture"]
    named = ", ".join(f"[id~='{n}' i], [class~='{n}' i], [class*='{n}-' i], [id*='{n}-' i]" for n in names)
    for node in tree.css(f"{_AROUND}, {named}"):
        said = node.text(separator=" ").strip()
        # a page whose whole text stands in one such element is that text
        if node.tag in ("body", "html", "main", "article") or len(said) > 0.6 * len(tree.body.text()):
            continue
        if said:
            left_out.append(said)
        node.decompose()
    return left_out


def _grid(table: Any) -> list[list[str]]:
    """The cells of a table, those that span several columns repeated in each."""
    rows: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column -> (rows it still reaches down, its text)
    for row in table.css("tr"):
        cells: list[str] = []
        for cell in row.css("td, th"):
            _fill(cells, hanging)
            text = normalise(_text(cell, apart=True))
            down = _count(cell.attributes.get("rowspan"))
            for _ in range(_count(cell.attributes.get("colspan"))):
                if down > 1:
                    hanging[len(cells)] = (down - 1, text)
                cells.append(text)
        _fill(cells, hanging)
        rows.append(cells)
    return rows


def _fill(cells: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Add the cells that reach down from the rows above to this place."""
    while len(cells) in hanging:
        left, text = hanging.pop(len(cells))
        if left > 1:
            hanging[len(cells)] = (left - 1, text)
        cells.append(text)


def _count(value: str | None) -> int:
    return min(60, max(1, int(value))) if value and value.isdecimal() and len(value) < 5 else 1


def _is_data(grid: list[list[str]]) -> bool:
    """Whether a table is one, and no frame for the layout of a page."""
    filled = [row for row in grid if sum(map(bool, row)) > 1]
    cells = [cell for row in grid for cell in row]
    return len(filled) >= 2 and all(len(cell) < 1500 and "\ue000" not in cell for cell in cells)


def _text(root: Any, *, apart: bool = False) -> str:
    """The text under an element, a line for each block of it, headings marked with `#`. `apart`: numbers in
    elements of their own, such as an old price and a new one, are parted by a stroke."""
    parts: list[str] = []
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == "-text":
            text = re.sub(r"\s+", " ", node.text_content or "")
            behind = apart and parts[-1:] == [""] and "".join(parts[-6:]).rstrip()[-1:].isdigit()
            if behind and text[:1].isdigit():
                parts.append(" / ")
            parts.append(text)
        else:
            before, after = _around(node.tag)
            if node.tag in _STRUCK and node.text().strip():
                before, after = "~~", "~~ "
            parts.append(before)
            waiting += [after, *reversed(list(node.iter(include_text=True)))]
    return "".join(parts)


def _around(tag: str | None) -> tuple[str, str]:
    """What stands before and after the text of an element."""
    if tag in ("h1", "h2", "h3", "h4"):
        return "\n\n# ", "\n\n"
    if tag == "p":
        return "\n\n", "\n\n"
    if tag in ("td", "th"):
        return " ", " "
    if tag == "dd":  # what stands beside its `dt`
        return "\t", "\n"
    if tag == "dt":
        return "\n", ""
    return ("\n", "\n") if tag in _BREAKS else ("", "")
