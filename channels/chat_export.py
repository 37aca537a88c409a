"""WhatsApp's own chat export (`_chat.txt`, or the .zip it comes in): lines to messages, in whichever locale
the phone had.

There is no specification: date order, digits, separators and the words for a missing file follow phone and
language. What is known comes from exports described in public."""

from __future__ import annotations

import io
import itertools
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

Order = Literal["dmy", "mdy", "ymd"]


class _Phones(BaseModel):
    """The words of `chat_export.yaml`, in which each is explained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before_noon: tuple[str, ...]
    after_noon: tuple[str, ...]
    year_signs: tuple[str, ...]
    month_signs: tuple[str, ...]
    day_signs: tuple[str, ...]
    at: tuple[str, ...]
    media: tuple[str, ...]
    things: tuple[tuple[str, ...], ...]
    omitted: tuple[tuple[str, ...], ...]
    attached: tuple[str, ...]
    file_attached: tuple[str, ...]


_PHONES = _Phones.model_validate(
    yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
)


def _any(*lists: tuple[str, ...]) -> str:
    """Any of the words, the longest first."""
    return "|".join(map(re.escape, sorted(itertools.chain(*lists), key=len, reverse=True)))


_HALF = _any(_PHONES.before_noon, _PHONES.after_noon)
_YEAR, _MONTH, _DAY = map("".join, (_PHONES.year_signs, _PHONES.month_signs, _PHONES.day_signs))
# A run of blanks belongs to what follows it and is passed once: no two optional runs stand side by side.
_HEAD = re.compile(
    rf"^\[?(\d{{1,4}})\s?[./\-{_YEAR}]\s?(\d{{1,2}})\s?[./\-{_MONTH}]\s?(\d{{1,4}})[{_DAY}.]?"
    rf"(?:[,،]|\s++(?:{_any(_PHONES.at)}))?\s*+(?:({_HALF})\s*+)?"
    rf"(\d{{1,2}})[:.](\d{{2}})(?:[:.](\d{{2}}))?(?:\s*+({_HALF}))?(?:\s*+\])?(?:\s+[-–]\s|\s*,\s|\s+)(.*)$",
    re.IGNORECASE,
)
_AUTHOR = re.compile(r"^(.{1,80}?)\s?:\s(.*)$", re.DOTALL)
# How a file that is not in the export is written.
_FILE = re.compile(
    rf"^<(?:{_any(_PHONES.media)})\b[^<>]*>$"
    rf"|^(?:{_any(*_PHONES.things)})\b.{{0,20}}\b(?:{_any(*_PHONES.omitted)})$"
    rf"|^<(?:{_any(_PHONES.attached)})\s?: ?(?P<name>[^<>]+)>$"
    rf"|^(?P<other>\S+\.\w{{2,5}}) \((?:{_any(_PHONES.file_attached)})\)",
    re.IGNORECASE,
)
LARGEST = 100 * 1024 * 1024


class NotAnExport(ValueError):
    """A file that holds no chat; the message says why."""


@dataclass(frozen=True, slots=True)
class ExportedMessage:
    """One message. `at` is the phone's local time; `file` the name of a file that came with it, `?` when it
    has none."""

    at: datetime
    author: str
    text: str
    file: str = ""


@dataclass(slots=True)
class Export:
    """A chat, oldest first. `unread` are (line number, text) of what is no message; `ambiguous`: every date
    reads as well with day and month the other way round."""

    lines: list[ExportedMessage] = field(default_factory=list[ExportedMessage])
    unread: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    order: Order = "dmy"
    ambiguous: bool = False

    @property
    def authors(self) -> list[str]:
        """Who wrote, those who wrote most first."""
        count: dict[str, int] = {}
        for line in self.lines:
            count[line.author] = count.get(line.author, 0) + 1
        return sorted(count, key=lambda author: -count[author])


def export_text(data: bytes) -> str:
    """The text of an export, of the .txt itself or the .zip. Raises NotAnExport."""
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as pack:
                chats = [info for info in pack.infolist() if info.filename.endswith(".txt")]
                if len(chats) != 1 or chats[0].file_size > LARGEST:
                    raise NotAnExport("the .zip must hold one .txt, the chat")
                data = pack.read(chats[0])
        except zipfile.BadZipFile as error:
            raise NotAnExport(f"damaged .zip: {error}") from None
    for encoding in ("utf-8-sig", "utf-16"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotAnExport("neither UTF-8 nor UTF-16 text")


def parse_export(text: str, order: Order | None = None) -> Export:
    """The chat of a text. `order` of day, month and year is found out when it is not given. Raises
    NotAnExport when no line is a message."""
    heads = list(_heads(text))
    found = [match for _, match, _ in heads if match]
    if not found:
        raise NotAnExport("no line begins with a date and a time as WhatsApp writes them")
    export = Export()
    export.order, export.ambiguous = (order, False) if order else _order(found)
    for number, match, more in heads:
        if match is None:
            export.unread.append((number, more[0][:100]))
            continue
        at = _moment(match, export.order)
        said = "\n".join(more)
        author = _AUTHOR.match(said)
        if at is None or author is None:  # a notice of WhatsApp's own has nobody before a colon
            export.unread.append((number, said[:100]))
            continue
        text_ = author[2].strip()
        file = _FILE.match(text_.split("\n")[0].strip())
        name = (file["name"] or file["other"] or "?").strip() if file else ""
        rest = "\n".join(text_.split("\n")[1:]) if file else text_
        export.lines.append(ExportedMessage(at, author[1].strip(), rest.strip(), name))
    if not export.lines:
        raise NotAnExport("there are dates, but nobody who says anything")
    return export


def _heads(text: str) -> Iterator[tuple[int, re.Match[str] | None, list[str]]]:
    """(line number, head of a message, what follows it and the lines that belong to it)."""
    current: tuple[int, re.Match[str], list[str]] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = _clean(raw)
        if match := _HEAD.match(_plain(line)):
            if current:
                yield current
            current = (number, match, [line[match.start(9) :]])
        elif current:
            current[2].append(line)
        elif line.strip():
            yield number, None, [line]
    if current:
        yield current


def _clean(text: str) -> str:
    """Without the marks of direction that iPhones put before names and notices."""
    return re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", text)


def _plain(text: str) -> str:
    """For the pattern, letter for letter: one kind of space, one kind of digits in the head of the line."""
    text = re.sub("[\u00a0\u202f\u2009]", " ", text)
    head = "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() and unicodedata.digit(c, -1) >= 0 else c
        for c in text[:40]
    )
    return head + text[40:]


def _order(found: list[re.Match[str]]) -> tuple[Order, bool]:
    """Which number is the day: what is over 12 tells, else that time does not run backwards."""
    if any(len(m[1]) == 4 for m in found):
        return "ymd", False
    firsts, seconds = {int(m[1]) for m in found}, {int(m[2]) for m in found}
    if max(firsts) > 12 or max(seconds) > 12:
        return ("dmy" if max(firsts) > 12 else "mdy"), False
    steps = {order: _backwards(found, order) for order in ("dmy", "mdy")}
    if steps["dmy"] != steps["mdy"]:
        return ("dmy" if steps["dmy"] < steps["mdy"] else "mdy"), False
    slashes = "/" in found[0][0][:12]
    halves = any(m[4] or m[8] for m in found)  # with AM and PM it is rather America
    same = firsts == seconds and len(firsts) == 1
    return ("mdy" if slashes and halves else "dmy"), not same


def _backwards(found: list[re.Match[str]], order: Order) -> int:
    times = [_moment(m, order) for m in found]
    known = [t for t in times if t]
    return sum(a > b for a, b in itertools.pairwise(known)) + 1000 * (len(times) - len(known))


def _moment(match: re.Match[str], order: Order) -> datetime | None:
    numbers = dict(zip(order, (int(match[1]), int(match[2]), int(match[3])), strict=True))
    year = numbers["y"] + (2000 if numbers["y"] < 100 else 0)
    if year > 2400:  # the Buddhist calendar, in Thai exports
        year -= 543
    hour, half = int(match[5]), (match[4] or match[8] or "").casefold()
    if half in _PHONES.after_noon and hour < 12:
        hour += 12
    elif half in _PHONES.before_noon and hour == 12:
        hour = 0
    try:
        return datetime(year, numbers["m"], numbers["d"], hour, int(match[6]), int(match[7] or 0))
    except ValueError:
        return None
