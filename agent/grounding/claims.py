"""What a text says that can be right or wrong: money, percent, time, dates, measures, phones, e-mails, links,
names."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import regex as re

from agent.grounding import product_names
from agent.grounding.numbers import Number, numbers_in, with_plain_digits
from agent.grounding.remembered import RecentReadings
from agent.grounding.units import (
    CURRENCY,
    DURATION,
    MEASURE,
    MONTH_WORD,
    PERCENT_BEFORE,
    PERCENTAGE,
    PIECE,
    UNIT,
    WEEKDAY,
    currency_of,
    month_of,
    weekday_of,
)
from agent.language.locale import anywhere, locale_phrases, phrases_within
from agent.language.notation import is_spaceless

_Valued = Literal["money", "percent", "duration", "time", "date", "weekday", "soon", "measure", "number"]
Kind = Literal[_Valued, "phone", "email", "link", "free", "product"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing said. `values` are all readings of a number; `unit` its canonical unit or currency; `key`
    what a claim without a number is compared by, and the two ends of a span of time. `sentence` is where it
    stands, `start` its place in the text."""

    kind: Kind
    text: str
    start: int
    values: tuple[float, ...] = ()
    unit: str = ""
    key: str = ""
    sentence: str = ""


# A sentence is read again for the claims in it, and may not be longer than this; where one is, a row of a
# list or a clause ends it.
LONGEST_SENTENCE = 1_500
# Characters before a claim that can tell what it is, as far as a pattern looks back for it.
_NEAR = 40

# What stands before the @ has at most 64 characters (RFC 5321) and is read a little further, but not without
# end; a link does not begin behind a hyphen of the word it belongs to. So a long row of letters and hyphens
# is not read again from each of them.
_EMAIL = re.compile(r"[\w.+%-]{1,80}+@[\w-]++(?:\.[\w-]++)+")
_LINK = re.compile(
    r"https?://[^\s<>\"'*«»]+|(?<![\w@.])(?<![a-z0-9.-]-)(?:www\.)?[a-z0-9-]++(?:\.[a-z0-9-]++)*\."
    r"(?:com|org|net|info|biz|shop|store|app|io|me|eu|kz|ru|it|es|in|de|fr|br|pt|tr|uk|us|ae|mx|ar|co|pe|cl|\u0440\u0444|example|test|online|site)\b(?:/[^\s<>\"'*«»]*)?",
    re.I,
)
_PHONE = re.compile(r"(?<![\w.,/-])(?:\+|00)?\(?\d[\d ()\-./\u2011\u2013]{5,}\d(?![\w%])")
_GROUPED = re.compile(r"\d{1,3}(?:[ .,]\d{3})+(?:[.,]\d{2})?(?: ?[-–—/] ?\d{1,3}(?:[ .,]\d{3})+)?")
_CLOCK = r"[01]?\d|2[0-4]"
_AM_PM = r"[ap]\.?\s?m\b\.?"
_TIME = re.compile(
    rf"(?<![\w.,:/])(?P<h>{_CLOCK})"
    rf"(?:[:.h](?P<m>[0-5]\d)(?!\s?(?:%|€|₽|₸|\d))\s?(?P<ap>{_AM_PM})?|\s?(?P<ap2>{_AM_PM}))(?![\d:])"
    rf"|(?<![\w.,:])(?P<h2>{_CLOCK})\s?(?P<part>{phrases_within('claims.hour_behind')})"
    rf"|(?<!\w)(?P<part3>{phrases_within('claims.hour_before')})\s(?P<h3>{_CLOCK})(?![\d:.,]|\s?(?:-|–)\s?\d)",
    re.I,
)
_LATE = re.compile(rf"^pm$|{phrases_within('claims.late')}")
_LATE_BEFORE = re.compile(rf"(?:{phrases_within('claims.late_before')})\s*$")
_UNTIL = re.compile(
    rf"\s?(?:-|–|—|{phrases_within('claims.till')})\s?(?P<h>[01]?\d)(?::[0-5]\d)?\s?({_AM_PM})", re.I
)
_BEFORE_TIME = re.compile(rf"(?:{phrases_within('claims.time_before')})\s*$", re.I)
_WEB, _SCHEME = re.compile(r"^https?://|^www\."), re.compile(r"^https?://")
_LOCAL = re.compile(r"\(?\d{2,4}\)?[- ]\d{2,4}(?:[- ]\d{2,4})*")
_ENDS_RANGE = re.compile(rf"[-–—]\s?$|\s(?:{phrases_within('claims.before_range_end')})\s$")
_OPENS_RANGE = re.compile(r"\s?[-–—]\s?\d")
_STOP, _LONGER_WORD, _LETTER = re.compile(r"[.!?;।\n]"), re.compile(r"[^\W\d_]{4,}"), re.compile(r"[^\W\d_]")
_NO_WORD, _SIGN_BEFORE = re.compile(r"(?:\d|\W)\s?$"), re.compile(r"([^\s\u0001]{1,6})[ ]?$")
_LIST_MARK, _SIGN = re.compile(r"[.)]\s"), re.compile(r"[^\W\d_]|%|\p{Sc}")
_ISO = re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)")
_DOTTED = re.compile(r"(?<![\d.,/])([0-3]?\d)[./](0?[1-9]|1[0-2])(?:[./](\d{4}|\d\d))?(?![\d/])(?!\.\d)")
_DAY_ENDING, _OF = phrases_within("claims.day_ending"), phrases_within("claims.of")
_NAMED = re.compile(
    rf"(?<![\w.,])([0-3]?\d)(?:º|°|-?(?:{_DAY_ENDING}))?\.?\s+(?:(?:{_OF})\s+)?({MONTH_WORD})(?!\w)"
    rf"|(?<!\w)({MONTH_WORD})\s+(?:(?:{_OF})\s+)?([0-3]?\d)(?:{_DAY_ENDING})?"
    r"(?![\d\w]|[.,:]\d| ?(?:%|€|₽|₸|₹|\$))",
    re.I,
)
_YEAR_BEHIND = re.compile(rf",?\s*(?:(?:{_OF})\s+)?(20\d\d)(?!\d)")
_SOON = re.compile(
    rf"(?<!\w)(?:(?P<today>{phrases_within('claims.today')})|(?P<tomorrow>{phrases_within('claims.tomorrow')}))(?!\w)",
    re.I,
)
_FREE = re.compile(rf"(?<![\w-])(?:{phrases_within('claims.free')})(?!\w)", re.I)
# Shares and multiples in words, as percent.
_SHARES = [
    (share, re.compile(anywhere(key), re.I))
    for share, key in ((50.0, "claims.half"), (25.0, "claims.quarter"), (200.0, "claims.double"))
]
_LIFETIME = re.compile(anywhere("claims.lifetime"), re.I)
_ARTICLE = re.compile(rf"(?:{phrases_within('claims.article')}) ", re.I)
_FIRST_DAY = re.compile(
    rf"(?<![\w.,/])([0-3]?\d)(?:-?(?:{_DAY_ENDING}))?\s?(?:-|–|—|{phrases_within('claims.day_to')})"
    rf"\s?(?:(?:{phrases_within('claims.ordinal_lead')}) )?$",
    re.I,
)
_DATE_LEAD = re.compile(rf"(?:{anywhere('claims.date_lead')})\s$", re.I)
# Of a thing that is free on Monday or from three to five a reply says only that it is to be had.
_OR_VACANT = frozenset(locale_phrases("claims.free_or_vacant"))
_VACANT = re.compile(rf"\?| (?:{phrases_within('claims.vacant')}) ", re.I)
_DAY_WORDS = locale_phrases("claims.day_word")
_SENTENCE_END = re.compile(r"(?<=[.!?…।])\s+|\n+")
_RANGE = re.compile(rf"(?:\s?[-–/]|—|\s?(?:{phrases_within('claims.to')}))\s?(?:[€$£₹]\s?)?$", re.I)


def claims_in(text: str, every: bool = False) -> list[Claim]:
    """All claims of a text, each with its sentence. `every`: the numbers within names, too."""
    return list(remembered.get(text, every))


def _read(text: str, every: bool) -> list[Claim]:
    text = with_plain_digits(text)
    free = list(text)  # what an earlier reader has not taken
    found: list[Claim] = []

    def take(claim: Claim, end: int) -> None:
        found.append(claim)
        free[claim.start : end] = "\u0001" * (end - claim.start)

    for reader in (_emails, _links, _phones, _dates, _times, partial(_others, every=every)):
        for claim, end in reader("".join(free)):
            take(claim, end)
    figures = _figures("".join(free))
    for figure in figures:
        if figure.kind != "number":
            free[figure.start : figure.start + len(figure.text)] = "\u0001" * len(figure.text)
    products = [
        Claim("product", name, at, key=name.casefold())
        for at, name in product_names.named("".join(free), every)
    ]
    inside = {i for product in products for i in range(product.start, product.start + len(product.text))}
    found += [*products, *(figure for figure in figures if every or figure.start not in inside)]
    starts = list(_sentence_starts(text))
    sentences = [text[a:b] for a, b in itertools.pairwise([*starts, len(text)])]
    at = [sentences[bisect.bisect_right(starts, c.start) - 1] for c in found]
    # built anew, which takes a tenth of what `replace` takes
    placed = (
        Claim(c.kind, c.text, c.start, c.values, c.unit, c.key, s) for c, s in zip(found, at, strict=True)
    )
    return sorted(placed, key=lambda claim: claim.start)


# About 50 MB in each process, at worst.
remembered = RecentReadings(_read, most=100_000)


def _sentence_starts(text: str) -> Iterator[int]:
    """Where each sentence begins; of one that is too long, each piece of it."""
    at = 0
    for end in (*(m.end() for m in _SENTENCE_END.finditer(text)), len(text)):
        while end - at > LONGEST_SENTENCE:
            yield at
            last = at + LONGEST_SENTENCE
            cut = next(
                (i for mark in ("}, ", "; ", ", ", " ") if (i := text.rfind(mark, at, last)) > at), last - 1
            )
            at = cut + 1
        if end > at:
            yield at
        at = end


def _emails(text: str) -> Iterator[tuple[Claim, int]]:
    for m in _EMAIL.finditer(text):
        yield Claim("email", m.group(), m.start(), key=m.group().casefold().rstrip(".")), m.end()


def _links(text: str) -> Iterator[tuple[Claim, int]]:
    for m in _LINK.finditer(text):
        address = m.group().rstrip(".,;:!?)_")
        key = _WEB.sub("", _SCHEME.sub("", address.casefold())).rstrip("/")
        yield Claim("link", address, m.start(), key=key), m.start() + len(address)


def _phones(text: str) -> Iterator[tuple[Claim, int]]:
    for m in _PHONE.finditer(text):
        written, digits = m.group(), "".join(c for c in m.group() if c.isdigit())
        local = _LOCAL.fullmatch(written) and not _GROUPED.fullmatch(written)
        sure = written.startswith(("+", "00", "(")) or (local and len(digits) >= 7)
        if (
            _DOTTED.match(written)
            or _ISO.match(written)
            or _GROUPED.fullmatch(written)
            or CURRENCY.match(text, m.end())
        ):
            continue
        if 7 <= len(digits) <= 15 and (sure or len(digits) >= 9):
            yield Claim("phone", written, m.start(), key=digits), m.end()


def _dates(text: str) -> Iterator[tuple[Claim, int]]:
    for m in _ISO.finditer(text):
        yield _date(m, int(m.group(3)), int(m.group(2)), m.group(1)), m.end()
    for m in _NAMED.finditer(text):
        day, month = int(m.group(1) or m.group(4)), month_of(m.group(2) or m.group(3))
        year = _YEAR_BEHIND.match(text, m.end())
        if 1 <= day <= 31 and month:
            if first := _FIRST_DAY.search(text, max(0, m.start() - _NEAR), m.start()):
                yield _date(first, int(first.group(1)), month, ""), m.start()
            yield _date(m, day, month, year.group(1) if year else ""), year.end() if year else m.end()
    for m in _DOTTED.finditer(text):
        two = len(m.group(2)) == 2
        written = m.group(3) or ("." in m.group() and two)
        if not written and "/" in m.group() and m.group() != "24/7":
            written = two or _DATE_LEAD.search(text, max(0, m.start() - _NEAR), m.start())
        if written and 1 <= int(m.group(1)) <= 31 and not _is_figure(text, m.end()):
            yield _date(m, int(m.group(1)), int(m.group(2)), m.group(3) or ""), m.end()


def _is_figure(text: str, end: int) -> bool:
    """Whether a unit or a currency follows what could be a date."""
    behind = [at for at in (end, end + 1) if UNIT.match(text, at)]
    units = any(p.match(text, at) for p, _ in (*DURATION, *MEASURE) for at in behind)
    return (units and not any(word in text[end : end + len(word) + 2] for word in _DAY_WORDS)) or any(
        CURRENCY.match(text, at) or PERCENTAGE.match(text, at) for at in behind
    )


def _date(m: re.Match[str], day: int, month: int, year: str) -> Claim:
    return Claim("date", m.group(), m.start(), (float(month * 100 + day),), key=year[-2:])


def _times(text: str) -> Iterator[tuple[Claim, int]]:
    for m in _TIME.finditer(text):
        at = m.end() + 1
        if UNIT.match(text, at) and any(p.match(text, at) for p, _ in MEASURE):
            continue
        if CURRENCY.match(text, m.end() + (text[m.end() : m.end() + 1] == " ")):
            continue
        dotted = m.group("m") and "." in m.group() and not m.group("ap")
        if (
            dotted
            and not _BEFORE_TIME.search(text, max(0, m.start() - _NEAR), m.start())
            and not _ENDS_RANGE.search(text[max(0, m.start() - 6) : m.start()])
            and not _OPENS_RANGE.match(text, m.end())
        ):
            continue
        hour, minute = int(m.group("h") or m.group("h2") or m.group("h3")), int(m.group("m") or 0)
        part = (
            (m.group("ap") or m.group("ap2") or m.group("part") or m.group("part3") or "")
            .casefold()
            .replace(".", "")
        )
        if not part and (later := _UNTIL.match(text, m.end())):  # from 3:30 to 7:30 pm
            part = later.group(2).casefold().replace(".", "") if int(later.group("h")) >= hour else ""
        late = _LATE.search(part) or _LATE_BEFORE.search(text, max(0, m.start() - _NEAR), m.start())
        if late and hour < 12:
            hour += 12
        elif part == "am" and hour == 12:
            hour = 0
        yield (
            Claim(
                "time",
                m.group().strip(),
                m.start(),
                (float(hour * 60 + minute),),
                key="said" if part or late else "",
            ),
            m.end(),
        )


def _others(text: str, every: bool) -> Iterator[tuple[Claim, int]]:
    for m in WEEKDAY.finditer(text):
        yield Claim("weekday", m.group(), m.start(), (float(weekday_of(m.group())),)), m.end()
    for m in _SOON.finditer(text):
        yield Claim("soon", m.group(), m.start(), key="today" if m.group("today") else "tomorrow"), m.end()
    for share, pattern in _SHARES:
        for m in pattern.finditer(text):
            yield Claim("percent", m.group(), m.start(), (share,)), m.end()
    for m in _LIFETIME.finditer(text):
        yield Claim("duration", m.group(), m.start(), (1.0,), "life"), m.end()
    for m in _FREE.finditer(text):
        if m.group().casefold() in _OR_VACANT and _VACANT.match(text, m.end()) and not every:
            continue
        yield Claim("free", m.group(), m.start(), key=_about(text, m)), m.end()


def _about(text: str, m: re.Match[str]) -> str:
    """The words beside `free`: what is to be had for nothing."""
    before, after = text[max(0, m.start() - 40) : m.start()], text[m.end() : m.end() + 40]
    near = _STOP.split(before)[-1] + " " + _STOP.split(after)[0]
    return " ".join(dict.fromkeys(word[:5] for word in _LONGER_WORD.findall(near.casefold())))


def _figures(text: str) -> list[Claim]:
    """Numbers with what stands around them; a number that opens a range takes the unit of the one that closes
    it."""
    found: list[tuple[Number, Claim]] = []
    for number in numbers_in(text):
        kind, unit, factor, end = _unit(text, number)
        rate = (
            _ARTICLE.match(text, number.start)
            and _NO_WORD.search(text[max(0, number.start - 2) : number.start])
            and kind == "duration"
        )
        if (number.word and (kind == "number" or rate)) or _is_list_number(text, number):
            continue
        if kind == "number" and _LETTER.match(text, number.end):
            continue
        written = text[number.start : max(end, number.end)]
        values = tuple(value * factor for value in number.values)
        found.append((number, Claim(kind, written.strip(), number.start, values, unit)))  # pyright: ignore[reportArgumentType]
    for i in range(len(found) - 2, -1, -1):
        (one, claim), (other, after) = found[i], found[i + 1]
        between = text[one.end : other.start]
        if (
            claim.kind == "number"
            and after.kind not in ("number",)
            and len(between) < 12
            and _RANGE.fullmatch(between)
        ):
            scaled = after.values[0] / other.value if other.value else 1
            # `5-7 тыс.`: the multiplier, like the unit, belongs to both
            bigger = max(1.0, scaled) if claim.values[0] * scaled <= after.values[0] else 1
            factor = bigger if after.kind in ("money", "duration") else 1
            values = tuple(v * factor for v in claim.values)
            ends = f"{values[0]:g}-{after.values[0]:g}" if after.kind == "duration" else ""
            found[i] = one, replace(claim, kind=after.kind, unit=after.unit, values=values, key=ends)
            found[i + 1] = other, replace(after, key=ends or after.key)
    return [claim for _, claim in found]


# What may stand behind a number, in the order in which it is looked for, as one pattern: (kind, unit,
# factor) by the name of its group.
_KINDS: list[tuple[re.Pattern[str], tuple[str, str, float]]] = [
    (PERCENTAGE, ("percent", "%", 1)),
    *((pattern, ("duration", unit, factor)) for pattern, (unit, factor) in DURATION),
    *((pattern, ("measure", unit, 1)) for pattern, unit in MEASURE),
    (PIECE, ("measure", "piece", 1)),
]
_KIND_BY_GROUP = {f"kind{number}": kind for number, (_, kind) in enumerate(_KINDS)}
_KIND = re.compile("|".join(f"(?P<kind{n}>{pattern.pattern})" for n, (pattern, _) in enumerate(_KINDS)), re.I)


def _unit(text: str, number: Number) -> tuple[str, str, float, int]:
    """(kind, unit, factor, end) by the words right behind the number, else the sign in front of it."""
    at = number.end + (text[number.end : number.end + 1] in (" ", "-"))
    if not UNIT.match(text, at):
        return _by_sign(text, number)
    match = _KIND.match(text, at)
    if match and match.lastgroup == "kind0":
        return *_KIND_BY_GROUP["kind0"], match.end()
    money = CURRENCY.match(text, at)
    if money and (code := currency_of(money.group())) and _ends(text, money):
        return "money", code, 1, money.end()
    return (*_KIND_BY_GROUP[match.lastgroup or ""], match.end()) if match else _by_sign(text, number)


def _by_sign(text: str, number: Number) -> tuple[str, str, float, int]:
    before = _SIGN_BEFORE.search(text[max(0, number.start - 7) : number.start])
    if not before or not _SIGN.search(before.group(1)):
        return "number", "", 1, number.end
    if PERCENT_BEFORE.fullmatch(before.group(1)):
        return "percent", "%", 1, number.end
    if not (number.word and _ARTICLE.match(text, number.start)):  # "579 tenge a square metre"
        for length in range(len(before.group(1)), 0, -1):
            sign = before.group(1)[-length:]
            if (code := currency_of(sign)) and (not sign[0].isalpha() or length == len(before.group(1))):
                return "money", code, 1, number.end
    return "number", "", 1, number.end


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether the currency word ends where it was matched, so that `тгк` is not tenge."""
    behind, last = text[match.end() : match.end() + 1], match.group()[-1]
    return is_spaceless(last) or not (last.isalpha() and (behind.isalpha() or behind == "_"))


def _is_list_number(text: str, number: Number) -> bool:
    if number.value >= 20 or not _LIST_MARK.match(text, number.end):
        return False
    at = number.start
    while at and text[at - 1] in " *_":
        at -= 1
    return at == 0 or text[at - 1] == "\n"
