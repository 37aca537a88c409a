"""Pages to passages: pieces small enough to quote and large enough to mean something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from knowledge_base.load import Document

# About 120 tokens: an embedding stays sharp and five of them fit any prompt.
PASSAGE_CHARACTERS = 500

_BLANK = re.compile(r"\n\s*\n")
_END = ".!?…。।؟"
_SENTENCE = re.compile(r"(?<=[.!?…。।؟])\s+|\n")


class Passage(BaseModel):
    """A piece of a document with the page it stands on and the heading above it."""

    model_config = ConfigDict(frozen=True)

    document: str
    page: int
    text: str
    heading: str = ""


def split(document: Document, size: int = PASSAGE_CHARACTERS) -> list[Passage]:
    """All passages of a document, in reading order, none longer than twice `size` characters."""
    if document.rows:
        return [
            Passage(document=document.name, page=page.number, text=page.text[: 2 * size])
            for page in document.pages
        ]
    found: list[Passage] = []
    heading = ""
    for page in document.pages:
        held = ""
        for paragraph in _pieces(page.text, size):
            if _is_heading(paragraph):
                if held:
                    found.append(
                        Passage(document=document.name, page=page.number, text=held, heading=heading)
                    )
                heading, held = paragraph.lstrip("# ").strip(), ""
            elif held and len(held) + len(paragraph) > size:
                found.append(Passage(document=document.name, page=page.number, text=held, heading=heading))
                held = paragraph
            else:
                held = f"{held}\n{paragraph}".strip()
        if held:
            found.append(Passage(document=document.name, page=page.number, text=held, heading=heading))
    return found


def _is_heading(text: str) -> bool:
    return text.startswith("#") or (
        "\n" not in text and 3 < len(text) < 70 and text[0].isupper() and text[-1].isalnum()
    )


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a page. PDF text has no blank lines, so a short line ends one, and a short line without a
    full stop before another line is a heading."""
    for block in _BLANK.split(text.strip()):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        width = max(map(len, lines), default=0)
        held = ""
        for number, line in enumerate(lines):
            short = len(line) < 0.75 * width
            if short and _is_heading(line) and number + 1 < len(lines) and (not held or held[-1] in _END):
                yield from filter(None, (held,))
                yield line
                held = ""
                continue
            held = (
                f"{held}{chr(10) if len(lines[number - 1]) < 0.75 * width else ' '}{line}" if held else line
            )
            if short and line[-1] in _END:
                yield held
                held = ""
        yield from filter(None, (held,))


def _pieces(text: str, size: int) -> Iterator[str]:
    for paragraph in _paragraphs(text):
        if len(paragraph) <= size:
            yield paragraph
            continue
        held = ""
        for sentence in _SENTENCE.split(paragraph):
            for part in (sentence[i : i + size] for i in range(0, len(sentence), size)):
                if held and len(held) + len(part) > size:
                    yield held
                    held = ""
                held = f"{held} {part}".strip()
        if held:
            yield held
