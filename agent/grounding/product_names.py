"""Names of products in a text: model codes, quoted names, runs of capitalised words, Latin words in another
script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import regex as re

from agent.language.locale import LOCALES, locale_phrases, phrases_within

# It does not begin behind a hyphen of the word it belongs to, nor behind a line of hyphens: whatever follows
# was read before.
# Signs of writing without spaces are no part of one, but stand beside it.
_SPACELESS = r"\u3040-\u30ff\u3400-\u9fff"
_CODE = rf"(?:[^\W{_SPACELESS}]|-)*"
_MODEL = re.compile(
    rf"(?<![^\W{_SPACELESS}]|[@./])(?<!\w-{{1,3}})(?<!-{{4}})(?={_CODE}\d)"
    rf"(?={_CODE}[^\W\d_{_SPACELESS}])[^\W_{_SPACELESS}]{_CODE}(?![^\W{_SPACELESS}]|@)"
)
_LATIN = re.compile(
    r"(?<![\u00c0-\u024f])[A-Z][A-Za-z'’&+-]+(?![\u00c0-\u024f])"
    r"(?: (?:[A-Z][A-Za-z0-9'’&+-]*|\d{1,4}(?:[.,]\d(?!\d))?(?![\d%])[A-Za-z'’&+-]*))*"
)
_CAPITAL = r"[A-Z\u00c0-\u00dd[\p{Lu}&&\p{Cyrillic}]]"
_RUN = re.compile(
    rf"(?V1)(?<![\w@.]){_CAPITAL}[\w’'+-]+"
    rf"(?: (?:{_CAPITAL}[\w’'+-]*|\d{{1,4}}(?:[.,]\d(?!\d))?(?![\w%])))*"
)
_ARTICLES = re.compile(rf"\b(?:{phrases_within('names.article')}) $", re.I)
_OTHER_SCRIPT = re.compile(r"[\u0400-\u04ff\u0900-\u097f\u0600-\u06ff]")
_ENDING = f"{phrases_within('claims.day_ending')}|{phrases_within('names.number_ending')}"
_UNIT_CODE = re.compile(
    r"\d+-\p{L}{1,4}|\d+-[\p{Cyrillic}&&\p{Ll}]+|\d+(?:[.,]\d+)?[^\W\d_]{1,4}"
    rf"|\d+(?:{_ENDING}|x|\u0445|º)|[x\u0445]\d+|24h|\d+/\d+",
    re.I,
)

# Capitalised, and no product of anybody's shop.
COMMON = frozenset(locale_phrases("names.no_products"))
# What German writes with a capital to be polite.
_POLITE = frozenset(locale_phrases("names.polite"))

LONGEST_WORD = 200

_SOUNDS = str.maketrans(
    {letter: sound for locale in LOCALES.values() for letter, sound in locale.names.latin.items()}
)


def named(text: str, every: bool = False) -> Iterator[tuple[int, str]]:
    """(place, name) of everything in a text that looks like the name of a product. A word that opens a
    sentence is capitalised anyway, and one alone says nothing; in German every noun is. `every`: two words
    that open a sentence are a name all the same, as in a price list."""
    foreign = len(_OTHER_SCRIPT.findall(text)) > len(re.findall(r"[A-Za-z]", text))
    seen: set[int] = set()
    for m in _MODEL.finditer(text):
        if not _UNIT_CODE.fullmatch(m.group()) and m.start() not in seen:
            seen.update(range(m.start(), m.end()))
            yield m.start(), m.group()
    for m in (_LATIN if foreign else _RUN).finditer(text):
        run, at = m.group().split(), m.start()
        left = 0  # words that are no part of the name
        while left < len(run) and (
            run[left].casefold() in COMMON
            or (not foreign and _opens(text, at) and not (every and len(run) - left > 1))
        ):
            at += len(run[left]) + 1
            left += 1
        run = run[left:]
        while run and run[-1].casefold() in _POLITE:
            run.pop()
        name = " ".join(run).rstrip("-'’")
        alone = len(run) == 1 and not foreign and not _presented(text, at, len(name))
        short = len(name) < 3 or (len(run) == 1 and name.isupper() and len(name) <= 3)
        if (
            not alone
            and not short
            and not set(range(at, at + len(name))) <= seen
            and any(c.isalpha() for c in name)
        ):
            yield at, name


def _presented(text: str, at: int, length: int) -> bool:
    """Whether a word is set off as a name: in bold, in quotes, or with an article of a thing."""
    marked = text[at - 1 : at] in '*"“«_' and text[at + length : at + length + 1] in '*"”»_'
    return marked or bool(_ARTICLES.search(text, max(0, at - 40), at))


def _opens(text: str, at: int) -> bool:
    while at and text[at - 1] in " *_\"'“«(¡¿\ufe0f":
        at -= 1
    return (
        at == 0
        or text[at - 1] in ".!?…:\n\u0001—–-•।"
        or unicodedata.category(text[at - 1]) in ("So", "Sk", "Cn", "Cf")
    )


@lru_cache(maxsize=8192)
def latin(word: str) -> str:
    """A word in Latin letters without marks, roughly as it sounds, so that `Аврора` meets `Aurora`; of a word
    longer than any the beginning."""
    folded = word[:LONGEST_WORD].casefold().translate(_SOUNDS)
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return re.sub(
        r"(.)\1",
        r"\1",
        bare.replace("w", "v")
        .replace("c", "k")
        .replace("q", "k")
        .replace("y", "i")
        .replace("ph", "f")
        .replace("x", "ks"),
    )
