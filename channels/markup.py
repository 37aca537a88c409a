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
_EDGES = {"strong": "*", "s": "~"}


def to_whatsapp(markdown: str) -> str:
    """The text of a reply in WhatsApp's markup; arithmetic such as 2*3*4 stays as written.

    A text of nothing but markup, such as a lone rule, stays as it is: better odd than silent.
    """
    tokens = _MARKDOWN.parse(_BETWEEN_WORDS.sub(r"\\\1", markdown))
    return re.sub(r"\n{3,}", "\n\n", "".join(_blocks(tokens))).strip() or markdown.strip()


def _blocks(tokens: Sequence[Token]) -> list[str]:
    out: list[str] = []
    lists: list[int | None] = []
    quote = row = heading = 0
    for token in tokens:
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            lists.append(int(token.attrs.get("start", 1)) if kind[0] == "o" else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
            out.append("" if lists else "\n")
        elif kind == "list_item_open":
            number = lists[-1]
            out.append("  " * (len(lists) - 1) + ("- " if number is None else f"{token.info or number}. "))
        elif kind == "blockquote_open":
            quote += 1
        elif kind == "blockquote_close":
            quote -= 1
        elif kind == "heading_open":
            heading = 1
        elif kind == "tr_open":
            row = 0
        elif kind in ("th_open", "td_open"):
            out.append(" — " if row else "")
            row += 1
        elif kind == "inline":
            text = _inline(token.children or [])
            if heading:
                text = f"*{text.replace('*', '')}*"
                heading = 0
            out.append("\n".join("> " * quote + line for line in text.split("\n")))
        elif kind == "tr_close":
            out.append("\n")
        elif kind in ("paragraph_close", "heading_close"):
            out.append("\n" if lists else "\n\n")
        elif kind == "fence":
            out.append(f"```{token.content.rstrip()}```\n\n")
        elif kind == "table_close":
            out.append("\n")
    return out


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


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def bubbles(text: str, limit: int = BUBBLE_LIMIT, most: int = MAX_BUBBLES) -> list[str]:
    """The text cut at natural borders (paragraph, line, sentence, word) into at most `most` pieces of `limit`
    units."""
    pieces: list[str] = []
    rest = text.strip()
    while rest and len(pieces) < most:
        if units(rest) <= limit:
            return [*pieces, rest]
        cut = _border(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        last = pieces[-1]
        while units(last) >= limit:
            last = last[:-1]
        pieces[-1] = last.rstrip() + "…"
    return pieces


def _border(text: str, limit: int) -> int:
    end = limit if units(text[:limit]) <= limit else limit // 2
    head = text[:end]
    for border in ("\n\n", "\n", ". ", "! ", "? ", "。", " "):
        at = head.rfind(border)
        if at > end // 3:
            return at + len(border)
    return end
