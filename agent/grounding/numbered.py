"""A reply as numbered sentences, and everything it may rest on as numbered lines: what a verifier is shown,
and what its citations are held to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

import regex as re

from agent.grounding.units import MONTH_WORD

# What ends a sentence, with the quotes and brackets that close behind it.
_END = re.compile(r"[.!?…।؟]+[\"»”’)\]]*[ \t\u00a0]+|\s*\n\s*")
# A full stop behind so few letters may belong to an abbreviation.
_SHORT = re.compile(r"(?:^|\W)([^\W\d_]{1,4})\.$")
# Nor one between a day and its month: `15. Oktober`.
_DAY_BEFORE, _MONTH_BEHIND = re.compile(r"(?<!\d)\d{1,2}\.$"), re.compile(rf"(?:{MONTH_WORD})(?!\w)", re.I)
# Lines and characters of evidence that a verifier is shown; what is cut supports nothing.
MOST_LINES, MOST_CHARACTERS = 240, 24_000
# Characters of one line.
LONGEST_LINE = 2_000


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence or line of a reply: its number from 1, its words, and where they stand in the reply."""

    n: int
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of evidence: its `id` (`p2.3`: passage 2, sentence 3), the words, and what people call its
    source. Ids begin with the sort of source: n the clock, f the bot's facts, p passages, t answers of
    tools, s the summary, r earlier replies, o colleagues, c the contact."""

    id: str
    text: str
    source: str

    @property
    def of_contact(self) -> bool:
        """Whether the contact said it, which proves nothing about the shop."""
        return self.id.startswith("c")

    @property
    def of_tool(self) -> bool:
        """Whether a tool said it in this turn."""
        return self.id.startswith("t")


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text, in order. Each line of a list is one; a full stop behind an abbreviation, a
    number of a list or a single letter ends none."""
    found: list[Sentence] = []
    start = 0
    for match in _END.finditer(text):
        if "\n" not in match.group() and not _ends(text, start, match):
            continue
        _add(found, text, start, match.end())
        start = match.end()
    _add(found, text, start, len(text))
    return found


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    behind = text[match.end() : match.end() + 1]
    if behind.islower():
        return False
    if _DAY_BEFORE.search(text[start : match.start() + 1]) and _MONTH_BEHIND.match(text, match.end()):
        return False
    short = _SHORT.search(text[start : match.start() + 1]) if match.group().startswith(".") else None
    if not short:
        return not text[start : match.start()].isdigit()
    return not (len(short[1]) <= 2 or re.match(r"[\p{N}\p{Sc}+№]", behind))


def _add(found: list[Sentence], text: str, start: int, end: int) -> None:
    words = text[start:end].strip()
    if re.search(r"\w", words):
        at = text.index(words, start)
        found.append(Sentence(len(found) + 1, words, at, at + len(words)))


def mended(text: str, parts: Iterable[Sentence], wrong: set[int], line: str) -> str:
    """A reply without the sentences of these numbers; `line` stands in the place of the first of them."""
    kept, at = list[str](), 0
    for part in parts:
        if part.n not in wrong:
            continue
        kept.append(text[at : part.start])
        if line:
            kept.append(line)
            line = ""
            at = part.end
        else:
            alone = text[: part.start].endswith("\n") and text[part.end : part.end + 1] == "\n"
            at = part.end + alone
    kept.append(text[at:])
    lines = (re.sub(r"[ \t]{2,}", " ", row).strip() for row in "".join(kept).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def evidence_lines(sources: Iterable[tuple[str, str, str]]) -> list[Line]:
    """Numbered lines of sources (sort of source, what people call it, text): each sentence of a text is
    one, and each row of a list that is JSON. As many as a verifier is shown, in the order of the
    sources."""
    found: list[Line] = []
    counts: dict[str, int] = {}
    left = MOST_CHARACTERS
    for sort, name, text in sources:
        counts[sort] = counts.get(sort, 0) + 1
        for number, words in enumerate(_parts(text, rows=sort == "t"), 1):
            if len(found) >= MOST_LINES or left <= 0:
                return found
            shown = words[: min(LONGEST_LINE, left)]
            left -= len(shown)
            found.append(Line(f"{sort}{counts[sort]}.{number}", shown, name))
    return found


def _parts(text: str, *, rows: bool) -> Iterator[str]:
    """The sentences of a text; the rows of one that is JSON, which only tools write."""
    try:
        found: Any = json.loads(text) if rows else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        fields = cast(dict[str, Any], found)
        rest = {name: value for name, value in fields.items() if not _is_table(value)}
        tables = [row for value in fields.values() if _is_table(value) for row in value]
        yield from map(_row, [*([rest] if rest or not tables else []), *tables])
    elif isinstance(found, list) and found:
        yield from map(_row, cast(list[Any], found))
    else:
        yield from (part.text for part in sentences(text))


def _is_table(value: object) -> TypeGuard[list[dict[str, Any]]]:
    rows = cast(list[object], value) if isinstance(value, list) else []
    return bool(rows) and all(isinstance(row, dict) for row in rows)


def _row(row: object) -> str:
    """A row of a table as `name: Table Fjord; price: 749 €`."""
    if not isinstance(row, dict):
        return str(row)
    return "; ".join(
        f"{name}: {json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value}"
        for name, value in cast(dict[str, Any], row).items()
    )
