"""Takes people out of a conversation: the same person, number, address or link has the same stand-in
everywhere.

The stand-ins are nobody's: numbers that the North American plan keeps for fiction (555-0100 to 555-0199;
ATIS-0300115), example.com (RFC 2606), names of no family."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from agent.language.locale import COMMON, LOCALES, locale_phrases, phrases_within, table
from agent.language.notation import joined_phrases

# Words and labels have a limit in all of these: they may begin behind any hyphen or full stop, and without
# one each beginning would be read to the end of the text. At most 64 characters stand before an @ (RFC 5321),
# and 63 in a label (RFC 1035).
EMAIL = re.compile(r"[\w.+-]{1,80}+@[\w-]++(?:\.[\w-]++)+")
LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"')\]]+|\b(?:wa|t)\.me/[^\s<>\"')\]]+|\b[\w-]{1,63}+(?:\.[\w-]{1,63}+){0,8}\.(?:com|ru|kz|it|es|org|net|de|fr|io)\b(?:/[^\s<>\"')\]]*)?",
    re.I,
)
HANDLE = re.compile(r"(?<![\w@.])@[A-Za-z][\w.]{3,}")
PHONE = re.compile(
    r"(?<![\w+])(?<!\d[.,])(?:\+?\d{9,15}(?!\w)|\+?\(?\d(?:[ \u00a0().–—-]{0,3}\d){8,14}(?!\w))"
)
PLACE = re.compile(r"-?\d{1,3}\.\d{4,}\s*[,;]\s*-?\d{1,3}\.\d{4,}")
_PRICE = re.compile(r"\d{1,3}(?:[ \u00a0.,]\d{3}){2,4}")
_MONEY = re.compile(
    rf"[ \u00a0]{{0,2}}(?:{'|'.join(map(joined_phrases, table('units.currencies').values()))})", re.I
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:\D.*)?|\d{1,2}[./-]\d{1,2}[./-]\d{4}(?:\D.*)?")
_NUMBER = (
    rf"\s*+(?:,\s*+)?(?:(?:{phrases_within('addresses.house')})\s*)?\d+[\w/-]*"
    rf"(?:,?\s*(?:{phrases_within('addresses.flat')})\s*\d+)?"
)
ADDRESS = re.compile(phrases_within("addresses.written", number=_NUMBER), re.I)
# Parts of names that are words of their own.
_PARTICLES = frozenset(locale_phrases("addresses.particles"))
NAMES = COMMON.addresses.stand_in_names
CYRILLIC_NAMES = LOCALES["ru"].addresses.stand_in_names
# The last vowel of a name that is not there in its other cases, and the consonant behind it.
_FLEETING = re.compile(
    rf"(.+)[{''.join(locale_phrases('addresses.fleeting_vowels'))}]([^{''.join(locale_phrases('addresses.vowels'))}])"
)

AREAS = (202, 303, 404, 505, 606)
STAND_INS: dict[str, Callable[[int], str]] = {
    "email": lambda n: f"someone{n}@example.com",
    "link": lambda n: f"https://example.com/{n}",
    "address": lambda n: f"{n} Example Street",
    "place": lambda n: f"0.{n:04}, 0.{n:04}",
    "handle": lambda n: f"@example{n}",
    "phone": lambda n: f"+1{AREAS[n // 100 % len(AREAS)]}55501{n % 100:02}",
}
# What stand-ins look like: whatever else is found is somebody's.
NOBODYS = re.compile(
    r"someone\d+@example\.com|https://example\.com/\d+|\d+ Example Street|@example\d*|0\.\d{4}, 0\.\d{4}"
    r"|\+?1\d{3}55501\d\d",
    re.I,
)


class Mask:
    """Replaces what leads to a person; `replaced` is what was found, with its stand-in. Of `names` every word
    is looked for, in its cases; of `phrases`, such as a company's name, only the whole. `blanks`: a stand-in
    is a word in brackets, `[phone]`, for a text that customers will be told and a person fills in."""

    def __init__(self, names: Iterable[str] = (), phrases: Iterable[str] = (), blanks: bool = False) -> None:
        self._blanks = blanks
        single = {word for name in names for word in re.findall(r"[^\W\d_]{2,}", name)}
        single -= {word for word in single if word.casefold() in _PARTICLES}
        whole = {phrase.strip() for phrase in phrases if len(phrase.strip()) > 2}
        # what the quotes of a company's name hold is its name as well; it may begin or end with a sign
        whole |= {part for phrase in whole for part in re.findall(r"[«\"“„]([^«»\"“”„]{3,})[»\"“”]", phrase)}
        patterns = {word: _name(word) for word in single}
        patterns |= {phrase: rf"(?<!\w){re.escape(phrase)}(?!\w)" for phrase in whole}
        self._names = [(re.compile(patterns[w], re.I), w) for w in sorted(patterns, key=len, reverse=True)]
        self.replaced: dict[tuple[str, str], str] = {}
        self._count: Counter[str] = Counter()

    def __call__(self, value: Any) -> Any:
        """The same without people in it; dictionaries and lists are walked through."""
        return self._walked(value, self._names)

    def patterns(self, value: Any) -> Any:
        """The same without numbers, addresses and links; names stay."""
        return self._walked(value, [])

    def names(self, text: str) -> str:
        """The same without names; numbers, addresses and links stay."""
        for pattern, word in self._names:
            text = pattern.sub(lambda _, word=word: self._stand_in("name", word), text)
        return text

    def _walked(self, value: Any, names: list[tuple[re.Pattern[str], str]]) -> Any:
        if isinstance(value, dict):
            fields = cast(dict[object, object], value)
            return {key: self._walked(inner, names) for key, inner in fields.items()}
        if isinstance(value, list | tuple):
            return [self._walked(inner, names) for inner in cast(Sequence[object], value)]
        return self._text(value, names) if isinstance(value, str) else value

    def _text(self, text: str, names: list[tuple[re.Pattern[str], str]]) -> str:
        done: list[str] = []
        text = re.sub("[\ue000\ue001]", "", text)  # nobody's but ours: they mark what is replaced

        def put(kind: str, raw: str) -> str:
            done.append(self._stand_in(kind, raw))
            return f"\ue000{len(done) - 1}\ue001"  # what is replaced already is not looked at again

        for kind, found in _PATTERNS:
            text = found(text, lambda raw, kind=kind: put(kind, raw))
        for pattern, word in names:
            text = pattern.sub(lambda m, word=word: put("name", word), text)
        return re.sub("\ue000(\\d+)\ue001", lambda m: done[int(m[1])], text)

    def _stand_in(self, kind: str, raw: str) -> str:
        if NOBODYS.fullmatch(raw) and not self._blanks:
            return raw
        key = (kind, _key(kind, raw))
        if key not in self.replaced:
            self._count[kind] += 1
            number = self._count[kind]
            made = _alias(raw, number) if kind == "name" else STAND_INS[kind](number)
            self.replaced[key] = f"[{kind}]" if self._blanks else made
        return self.replaced[key]


def people_in(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of everything in a text that looks as if it led to somebody, stand-ins apart."""
    found: list[tuple[str, str]] = []
    for kind, sub in _PATTERNS:

        def note(raw: str, kind: str = kind) -> str:
            if not NOBODYS.fullmatch(raw):
                found.append((kind, raw))
            return " "

        text = sub(text, note)
    return iter(found)


Sub = Callable[[str, Callable[[str], str]], str]


def _plain(pattern: re.Pattern[str]) -> Sub:
    return lambda text, replace: pattern.sub(
        lambda m: replace(m[0].rstrip(".,")) + m[0][len(m[0].rstrip(".,")) :], text
    )


def _phones(text: str, replace: Callable[[str], str]) -> str:
    def one(match: re.Match[str]) -> str:
        raw = match[0]
        digits = re.sub(r"\D", "", raw)
        price = _PRICE.fullmatch(raw) and (len(digits) < 9 or _MONEY.match(text, match.end()))
        return raw if price or _DATE.fullmatch(raw) or not 9 <= len(digits) <= 15 else replace(raw)

    return PHONE.sub(one, text)


_PATTERNS: tuple[tuple[str, Sub], ...] = (
    ("email", _plain(EMAIL)),
    ("link", _plain(LINK)),
    ("handle", _plain(HANDLE)),
    ("place", _plain(PLACE)),
    ("phone", _phones),
    ("address", _plain(ADDRESS)),
)


def _key(kind: str, raw: str) -> str:
    if kind != "phone":
        return raw.casefold()
    digits = re.sub(r"\D", "", raw)
    return digits[-9:]  # with and without its country code it is one number


def _name(word: str) -> str:
    """A name in any of its cases, where its letters say that it has some; `Павел` is `Павла` in another."""
    if re.fullmatch(r"[\u0400-\u04ff]{3,}", word):
        fleeting = _FLEETING.fullmatch(word)
        vowels = "".join(locale_phrases("addresses.fleeting_vowels"))
        stem = rf"{re.escape(fleeting[1])}[{vowels}]?{fleeting[2]}" if fleeting else re.escape(word[:-1])
        return rf"\b{stem}[\u0400-\u04ff]{{0,3}}\b"
    return rf"\b{re.escape(word)}(?:['’]?s)?\b"


def _alias(word: str, number: int) -> str:
    names = CYRILLIC_NAMES if re.search(r"[\u0400-\u04ff]", word) else NAMES
    return names[(number - 1) % len(names)]
