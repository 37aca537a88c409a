"""Price lists without a table: one thing and its price a line, with headings and remarks between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from knowledge_base.document import PageText, Table, TableRow
from knowledge_base.goods.validity import stated
from knowledge_base.vocabulary import any_of, column_kinds, currency_in, plain, vocabulary_file

# A list of prices has at least so many lines of its kind: fewer where each names its currency, and fewer
# where the file holds nothing else.
LEAST_LINES, LEAST_WITH_CURRENCY = 3, 2
# Lines beside the prices of a file that holds nothing else: what it is called, and until when it holds.
MOST_BESIDE = 2
# Lines between two prices that belong to the list: a heading, a remark on two lines.
MOST_BETWEEN = 2
# Lines of a card above its price, its name among them.
LEAST_CARD, MOST_OF_CARD = 3, 8
# Characters of a name, and of a line that is no prose.
LONGEST_NAME, LONGEST_LINE = 90, 140
# Words of a name in a line of which nothing else says that it has a price.
MOST_WORDS = 4
# Digits of a price.
MOST_DIGITS = 8
_NUMBER = r"\d[\d .,]*(?:\s?[–-]\s?\d[\d .,]*)?"
_FROM, _TO = (any_of(vocabulary_file()[key]) for key in ("price_from", "price_to"))
_AMOUNT = (
    rf"(?:{_FROM} )?(?:(?<![^\W\d_])[^\W\d_]{{1,3}}\.?\s?|[€$£₸₽₺₹₴¥]\s?)?"
    rf"{_NUMBER}(?:\s{_TO}\s{_NUMBER})?"
)
# `per person`, `das Stück`, behind a price.
_PER = any_of(vocabulary_file()["per"])
_BEHIND = (
    rf"(?:\s+({_PER}(?:\s[^\d,;:!?()]{{1,30}})?))?"
    r"\s*(?:[/,]\s*([^\d\s(][^/,(]{0,30}?|\d{1,3}\s?[^\W\d_]{1,8}\.?))?\s*(?:\(([^()]{1,60})\))?"
)
_BULLET = re.compile(r"^(?:[-–—•*·▪►✔✓]\s+|\d{1,3}[.)]\s+)")
# `Margherita ........ 8.50`
_LEADER = re.compile(rf"^(.*\w\W{{0,3}}?)\s*(?:[.·…_]\s?){{2,}}\s*({_AMOUNT}\s*[^\d.]{{0,12}})$")
_LEADERS = re.compile(r"\s*(?:[.·…_]\s?){4,}\s*(?=\S)")
# `Haircut 25 EUR`, `Стрижка - 5000 тг (30 мин)`, `Nails: 30 €/hour`
_PRICED = re.compile(
    r"^(.*?[^\W\d_].*?)\s*(?:\s[-–—:=]\s|:\s|[-–—]\s|\s)\s*"
    rf"({_AMOUNT}\s*(?:[^\W\d_]{{1,3}}\.)?[^\d\s.,;:!?()/]{{0,8}}\.?){_BEHIND}$"
)
# `20 €` below the name of the thing.
_ALONE = re.compile(rf"^{_AMOUNT}\s?[^\d\s.,;:!?()/]{{0,8}}\.?$")
_AT_LEAST = re.compile(rf"^{_FROM}\s", re.I)
# `25 EUR - Haircut`
_PRICE_FIRST = re.compile(
    r"^((?:[€$£₸₽₺₹₴¥]\s?)?\d[\d .,]*\s?[^\W\d_€$£₸₽₺₹₴¥]{0,6}[€$£₸₽₺₹₴¥]?)\s*[-–—:]\s+(\D.*)$"
)
# `Haircut - 2500`, `Haircut: 2500`, `Haircut  2500`: no currency is named
_BARE = re.compile(rf"^(.*?[^\W\d_][^\d]*?)\s*(?:\s[-–—=]\s|:\s|\s)\s*({_NUMBER})$")
_BRACKETS = re.compile(r"\([^()]*\)")
# Signs and pictures before a name.
_ORNAMENT = re.compile(r"^[^\w\"'«“(]+(?=\w|[\"'«“(])")
# `*Cake*` as messengers write it, and the size at the end of a name.
_EMPHASIS = re.compile(r"(?<!\w)(\*{1,2}|_)(?=\S)([^*_]{1,90})(?<=\S)\1(?!\w)")
_SIZE = re.compile(r"\s*[-–—:,]\s*(\d{1,4}(?:[.,]\d)?\s?[^\W\d_]{1,4}\.?)\s*[-–—:=]?\s*$")
_MEASURE = re.compile(r"([^\W\d_]{1,3})\.?\s?(?=\d)")
_HOURS = re.compile(r"(?:[01]?\d|2[0-4])(?:[.:]\d\d)?\s?[–-]\s?(?:[01]?\d|2[0-4])(?:[.:]\d\d)?")
# A name is no sentence, and no telephone.
_NO_NAME = re.compile(r"[.!?;]\s|\d[\d ()-]{7,}\d|\d\d\s?/\s?[^\W\d_]")
# Two prices in one line: the name ends before the first.
_INSIDE = re.compile(rf"^(.*?[^\W\d_].*?)\s*[-–—:]?\s*({_AMOUNT}\s?[^\d\s.,;:!?()/]{{1,8}}\.?\W.*)$")


@dataclass(slots=True)
class PriceLines:
    """Lines of a text that are a price list, up to the line before `end`."""

    end: int
    # The line above it that names its first group, taken in as that; empty where there is none.
    above: str = ""
    rows: list[TableRow] = field(default_factory=list[TableRow])
    left_out: list[str] = field(default_factory=list[str])

    def page(self, number: int) -> PageText:
        """The list as a table without a header: name, price, remark."""
        width = max(len(row.cells) for row in self.rows)
        rows = [
            row.model_copy(update={"cells": row.cells + ("",) * (width - len(row.cells))})
            for row in self.rows
        ]
        table = Table(header=(), rows=tuple(rows))
        return PageText(number=number, text="\n".join(map(table.line, table.rows)), table=table)


# The first of two menus that stand side by side: `Soup ........ 9,00 Panna cotta ........ 4,50`
_TWO_LEADERS = re.compile(
    rf"^(.{{3,90}}?(?:[.·…_]\s?){{3,}}\s*{_NUMBER}(?:\s?/\s?{_NUMBER})?)\s+(\D.*(?:[.·…_]\s?){{3,}}.*)$"
)


def columns_apart(lines: list[str]) -> list[str]:
    """The lines of a page, those of two columns of prices with dots one after the other: which group of the
    second column they stand in is not known any more."""
    parted = [_TWO_LEADERS.match(line) for line in lines]
    if sum(map(bool, parted)) < LEAST_LINES:
        return lines
    return [
        part for line, both in zip(lines, parted, strict=True) for part in (both.groups() if both else [line])
    ]


def price_list(lines: Sequence[str], place: int, *, whole: bool = False) -> PriceLines | None:
    """The price list that begins with the line at a place; None when none does: too few lines end in a price,
    or too many between them do not. `whole`: the lines are all of a file, of which even one line with a
    price may be the list."""
    for bare in (False, True):
        if _parted(lines[place], bare=bare):
            found = _gathered(lines, place, bare=bare)
            least = LEAST_LINES if bare else LEAST_WITH_CURRENCY
            if whole and _is_all(lines, place, found):
                least -= 1
            if _is_list(found, least, bare=bare):
                return found
    return None


def _is_all(lines: Sequence[str], place: int, found: PriceLines) -> bool:
    """Whether hardly a line of a file stands outside of a list."""
    beside = [line for line in (*lines[:place], *lines[found.end :]) if line.strip()]
    return len(beside) <= MOST_BESIDE and all(len(line) <= LONGEST_NAME for line in beside)


def _gathered(lines: Sequence[str], place: int, *, bare: bool) -> PriceLines:
    before = next((line.strip() for line in reversed(lines[max(0, place - 2) : place]) if line.strip()), "")
    found = PriceLines(place, before if before and before[0] != "#" and _is_heading(before) else "")
    between: list[str] = []
    section = found.above
    for number in range(place, len(lines)):
        line = lines[number].strip()
        if not line:
            continue
        parted = _parted(line, bare=bare)
        if parted is None and number < _card_ends(lines, number, bare=bare):
            continue
        if parted is None:
            if stated([line]):  # what comes below holds at other times
                break
            between.append(line)
            if len(between) > MOST_BETWEEN or len(line) > LONGEST_LINE or line.startswith("#"):
                break
            continue
        if between:
            heading = between.pop() if _is_heading(between[-1]) else ""
            _remark(found, between)
            section = heading or section
            between = []
        if found.rows and "old_price" in column_kinds(parted[0]):
            _remark(found, [line])  # what it cost before
            found.end = number + 1
            continue
        if _is_label(parted[0]):
            found.left_out.append(parted[0])
            parted, section = _named_above(lines, number, parted, section)
            if not parted[0]:
                break
        found.left_out += _BULLET.findall(line)
        found.rows.append(TableRow(number=number + 1, cells=parted, section=section))
        found.end = number + 1
    return found


def is_bare_price(line: str) -> bool:
    """Whether a line is a short name and a number that may be a price: no year, no hours, no telephone."""
    parted = _parted(line, bare=True)
    if parted is None or len(parted[0].split()) > MOST_WORDS or re.search(r"[,:;]|\s[–—-]\s", parted[0]):
        return False
    year = re.fullmatch(r"(?:19|20)\d\d", parted[1])
    digits = sum(map(str.isdigit, parted[1]))
    return not year and not _HOURS.fullmatch(parted[1]) and 2 <= digits <= MOST_DIGITS


def _is_label(name: str) -> bool:
    """Whether a name is the word for a price: `Price: 45 000 KZT` below the name of the thing."""
    return not name or (next(iter(column_kinds(name)), "") == "price" and len(name) <= 30)


def _named_above(
    lines: Sequence[str], number: int, parted: tuple[str, ...], section: str
) -> tuple[tuple[str, ...], str]:
    """A price whose line names no thing is that of the line above it."""
    above = next((line.strip("# ").strip() for line in reversed(lines[:number]) if line.strip()), "")
    card = _card_above(lines, number)
    if len(card) >= LEAST_CARD and not _is_label(card[0]):
        return (card[0], *parted[1:], ", ".join(card[1:])), section
    if not above or len(above) > LONGEST_NAME or _parted(above, bare=False):
        return parted, section
    return (above, *parted[1:]), "" if above == section else section


def _card_ends(lines: Sequence[str], number: int, *, bare: bool) -> int:
    """The line of the price of a card in which a line stands; 0 where it stands in none."""
    first = last = number
    while first and lines[first - 1].strip():
        first -= 1
    while last + 1 < len(lines) and lines[last].strip() and (_parted(lines[last], bare=bare) or ("x",))[0]:
        last += 1
    is_card = (
        LEAST_CARD <= last - first <= MOST_OF_CARD and (_parted(lines[last], bare=bare) or ("x",))[0] == ""
    )
    return last if is_card else 0


def _card_above(lines: Sequence[str], number: int) -> list[str]:
    """The lines right above a price up to an empty one, none of them with a price: what a package is called,
    and what is in it."""
    found: list[str] = []
    while number and lines[number - 1].strip() and len(found) < MOST_OF_CARD:
        number -= 1
        line = lines[number].strip().lstrip("# ")
        if _parted(line, bare=False) or len(line) > LONGEST_NAME:
            return []
        found.append(line)
    return found[::-1]


def _remark(found: PriceLines, remarks: Sequence[str]) -> None:
    """Lines below a price say more of what it is for."""
    if not remarks:
        return
    last = found.rows[-1]
    said = [*last.cells[2:], *remarks]
    found.rows[-1] = last.model_copy(update={"cells": (*last.cells[:2], " ".join(said))})


def _is_list(found: PriceLines, least: int, *, bare: bool) -> bool:
    if len(found.rows) < least:
        return False
    if not bare:
        return True
    # numbers alone may be years, telephones, hours, house numbers
    digits = [re.sub(r"\D", "", row.cells[1]) for row in found.rows]
    amounts = [each for each in digits if 2 <= len(each) <= MOST_DIGITS]
    hours = sum(bool(_HOURS.fullmatch(row.cells[1])) for row in found.rows)
    if hours * 2 > len(found.rows):
        return False
    years = sum(bool(re.fullmatch(r"(?:19|20)\d\d", each)) for each in digits)
    return len(amounts) == len(digits) and years < len(digits) and len(set(digits)) > 1


def _parted(line: str, *, bare: bool) -> tuple[str, ...] | None:
    """The name, the price and a remark of a line that is nothing but these. `bare`: the price is a number
    alone."""
    line = _BULLET.sub("", line.strip())
    if not line or len(line) > LONGEST_LINE:
        return None
    if dots := _LEADER.match(line):
        return dots.group(1).strip(" .·…_"), dots.group(2).strip()
    if bare:
        match = _BARE.match(line)
        if match and _can_name(match.group(1)) and not match.group(1).endswith(("+", "№", "#")):
            return match.group(1).strip(" -–—:="), match.group(2).strip(" .,")
        return None
    return _with_currency(line)


def _with_currency(line: str) -> tuple[str, ...] | None:
    if line[-1] in ".!?" and not re.search(r"[^\W\d_]{2,5}\.$", line):
        return None
    before = _AT_LEAST.sub("", re.match(r"\D*", line).group()).strip()  # pyright: ignore[reportOptionalMemberAccess]
    if _ALONE.match(line) and currency_in(line) and (not before or currency_in(before)):
        return "", line
    line = _LEADERS.sub(" ", line)
    first = _PRICE_FIRST.match(line)
    if first and currency_in(first.group(1)) and not currency_in(first.group(2)):
        return first.group(2).strip(), first.group(1).strip()
    several = _INSIDE.match(line)
    if several and currency_in(several.group(2)) and len(re.findall(_NUMBER, several.group(2))) > 1:
        amount = re.match(rf"{_AMOUNT}\s?[^\d\s.,;:!?()/]{{1,8}}\.?", several.group(2))
        rest = several.group(2)[amount.end() :] if amount else ""
        if (
            amount
            and currency_in(amount.group())
            and currency_in(rest)
            and len(several.group(1)) <= LONGEST_NAME
        ):
            return _of_sizes(several.group(1), several.group(2))
    match = _PRICED.match(line)
    priced = match is not None and bool(currency_in(match.group(2)))
    if (
        match and priced and (inside := _priced_within(match.group(1)))
    ):  # two prices: it ends before the first
        return _of_sizes(line[:inside], line[inside:])
    if match and priced and _can_name(match.group(1)):
        remark = ", ".join(filter(None, match.groups()[2:]))
        name, price = _apart(match.group(1), match.group(2))
        if not _is_sold(name):
            return None
        return (name, price, remark.strip()) if remark else (name, price)
    return None


def _of_sizes(name: str, prices: str) -> tuple[str, str]:
    """A name and its several prices; the size that the first is of goes with it: `Cake - 1 kg 20 €, ...`."""
    size = _SIZE.search(name)
    if size and size.start():
        name, prices = name[: size.start()], f"{size.group(1)} {prices}"
    return _plain_name(name), prices.strip()


def _plain_name(name: str) -> str:
    """A name without pictures before it and without signs of emphasis."""
    return _ORNAMENT.sub("", _EMPHASIS.sub(r"\2", name.strip(" .·…_-–—:="))).strip(" .·…_-–—:=")


def _apart(name: str, price: str) -> tuple[str, str]:
    """A name and its price: a measure right before the number, as in `Ficus 1,5 m 49 €`, is of the name."""
    measure = _MEASURE.match(price)
    if measure and not currency_in(measure.group(1)) and not _AT_LEAST.match(price):
        name, price = f"{name} {measure.group(1)}", price[measure.end() :]
    return _plain_name(name), price.strip()


def _is_sold(name: str) -> bool:
    """Whether a name is one of what costs the amount behind it, and not of what is free from there on."""
    said = f" {plain(name)} "
    return not any(f" {word} " in said for word in _free()) and not any(map(said.endswith, _from()))


@cache
def _free() -> tuple[str, ...]:
    return tuple(map(plain, vocabulary_file()["free"]))


@cache
def _from() -> tuple[str, ...]:
    return tuple(f" {plain(word)} " for word in vocabulary_file()["bounds"]["over"])


def _priced_within(name: str) -> int:
    """Where a price with its currency begins within a name; 0 where none does."""
    for match in re.finditer(rf"{_NUMBER}\s?([^\d\s.,;:!?()/]{{1,8}})", name):
        if match.start() and currency_in(match.group(1)):
            return match.start()
    return 0


def _can_name(text: str) -> bool:
    return len(text) <= LONGEST_NAME and not _NO_NAME.search(text)


def _is_heading(line: str) -> bool:
    """Whether a line names the group of those below it; what stands in brackets may have numbers."""
    name = _BRACKETS.sub("", line)
    return 0 < len(name) <= 60 and not any(c.isdigit() for c in name) and line[-1] not in ".,;!?"


# `Price: 45 000`, a line of a card.
_LINE_OF_CARD = re.compile(r"^([^:]{1,40}?)\s*:\s+(\S.*)$")


def text_cards(lines: Sequence[str], place: int) -> tuple[int, list[list[str]]] | None:
    """Things written down one below the other, a field a line and an empty line between them; the line after
    the last, and the fields as a grid with its header. A first line without a field is the name. None when no
    two begin here."""
    blocks: list[tuple[str, dict[str, str]]] = []
    number = end = place
    while number < len(lines):
        block: list[str] = []
        while number < len(lines) and lines[number].strip():
            block.append(lines[number].strip())
            number += 1
        card = _card(block)
        if card is None or (blocks and len(set(card[1]) & set(blocks[0][1])) < min(2, len(blocks[0][1]))):
            break
        blocks.append(card)
        end = number
        while number < len(lines) and not lines[number].strip():
            number += 1
    keys = list(dict.fromkeys(key for _, card in blocks for key in card))
    kinds = {next(iter(column_kinds(key)), "") for key in keys}
    titled = any(title for title, _ in blocks)
    if len(blocks) < 2 or not kinds & {"price", "article"} or not (titled or "name" in kinds):
        return None
    header = [*([""] if titled else []), *keys]
    rows = [[*([title] if titled else []), *(card.get(key, "") for key in keys)] for title, card in blocks]
    return end, [header, *rows]


def _card(block: Sequence[str]) -> tuple[str, dict[str, str]] | None:
    found = [_LINE_OF_CARD.match(line) for line in block]
    title = block[0].strip("#*_ ") if block and not found[0] and len(block[0]) <= LONGEST_NAME else ""
    fields = [match for match in found[1 if title else 0 :]]
    if not fields or not all(fields):
        return None
    card = {match.group(1).strip(" -•*"): match.group(2) for match in fields if match}
    return (title, card) if len(card) == len(fields) else None
