"""Markdown, as models write it, to WhatsApp text; and long text to bubbles.

WhatsApp's markup: *bold*, _italic_, ~strike~, `code`, ```block```, "- " and "1. " lists, "> " quotes
(faq.whatsapp.com, "How to format your messages"). There are no headings, tables or titled links.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

# text.body holds 4096 characters, undefined whether code points or UTF-16 units; the margin covers both.
BUBBLE_LIMIT = 4000
MAX_BUBBLES = 3

_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["table", "strikethrough"])
    .disable(["html_block", "html_inline", "code", "entity"])
)
_BETWEEN_WORDS = re.compile(r"(?<=[\w)])([*~])(?=[\w(])")
_LISTS = ("bullet_list", "ordered_list")
_EDGES = {"strong": "*", "s": "~"}


def to_whatsapp(markdown: str) -> str:
    """The text of a reply in WhatsApp's markup; arithmetic such as 2*3*4 stays as written.

    A text of nothing but markup, such as a lone rule, stays as it is: better odd than silent.
    """
    blocks = _Blocks()
    for token in _MARKDOWN.parse(_BETWEEN_WORDS.sub(r"\\\1", markdown)):
        blocks.add(token)
    return re.sub(r"\n{3,}", "\n\n", "".join(blocks.out)).strip() or markdown.strip()


class _Blocks:
    """The blocks of a text as WhatsApp writes them, built token by token. `lists`: of each list around the
    token the number of its first item, None for bullets; `quote`: how many quotes are around it; `column`:
    how many cells its row of a table has so far."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.lists: list[int | None] = []
        self.quote = self.column = 0
        self.heading = False

    def add(self, token: Token) -> None:
        """Write one token."""
        name, _, end = token.type.rpartition("_")
        if end == "open":
            self._open(name, token)
        elif end == "close":
            self._close(name)
        elif token.type == "inline":
            self._text(_inline(token.children or []))
        elif token.type == "fence":
            self.out.append(f"```{token.content.rstrip()}```\n\n")

    def _open(self, name: str, token: Token) -> None:
        if name in _LISTS:
            self.lists.append(int(token.attrs.get("start", 1)) if name == "ordered_list" else None)
        elif name == "list_item":
            mark = "- " if self.lists[-1] is None else f"{token.info or self.lists[-1]}. "
            self.out.append("  " * (len(self.lists) - 1) + mark)
        elif name == "blockquote":
            self.quote += 1
        elif name == "heading":
            self.heading = True
        elif name == "tr":
            self.column = 0
        elif name in ("th", "td"):
            self.out.append(" — " if self.column else "")
            self.column += 1

    def _close(self, name: str) -> None:
        if name in _LISTS:
            self.lists.pop()
            self.out.append("" if self.lists else "\n")
        elif name == "blockquote":
            self.quote -= 1
        elif name in ("tr", "table"):
            self.out.append("\n")
        elif name in ("paragraph", "heading"):
            self.out.append("\n" if self.lists else "\n\n")

    def _text(self, text: str) -> None:
        if self.heading:
            text, self.heading = f"*{text.replace('*', '')}*", False
        self.out.append("\n".join("> " * self.quote + line for line in text.split("\n")))


def _inline(tokens: Sequence[Token]) -> str:
    out: list[str] = []
    hrefs: list[tuple[str, int]] = []
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.type in ("softbreak", "hardbreak"):
            out.append("\n")
        elif name == "em":
            out.append(token.markup)  # a model that knows WhatsApp writes *bold* and _italic_
        elif name in _EDGES:
            out.append(_EDGES[name])
        elif token.type == "code_inline":
            out.append(f"`{token.content}`")
        elif token.type == "link_open":
            hrefs.append((str(token.attrs.get("href", "")), len(out)))
        elif token.type == "link_close":
            href, start = hrefs.pop()
            if href and href.removeprefix("mailto:") not in "".join(out[start:]):
                out.append(f" ({href})")
        elif token.type == "image":
            out.append(str(token.attrs.get("src", "")))
        else:
            out.append(token.content)
    return "".join(out)


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def bubbles(text: str, limit: int = BUBBLE_LIMIT, most: int = MAX_BUBBLES) -> list[str]:
    """The text cut at natural borders (paragraph, line, sentence, word) into at most `most` pieces of `limit`
    units."""
    pieces: list[str] = []
    rest = text.strip()
    while rest and len(pieces) < most:
        if utf16_length(rest) <= limit:
            return [*pieces, rest]
        cut = _border(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        last = pieces[-1]
        while utf16_length(last) >= limit:
            last = last[:-1]
        pieces[-1] = last.rstrip() + "…"
    return pieces


def _border(text: str, limit: int) -> int:
    end = limit if utf16_length(text[:limit]) <= limit else limit // 2
    head = text[:end]
    for border in ("\n\n", "\n", ". ", "! ", "? ", "。", " "):
        at = head.rfind(border)
        if at > end // 3:
            return at + len(border)
    return end
