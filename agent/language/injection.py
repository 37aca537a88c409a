"""Attempts on the rules, told from the text alone: orders to drop them, to show them, to be somebody else,
and disguises.

Several weak signs together count as much as a strong one: "jailbreak" alone is a question about a phone. What
is below the limit but not nothing is for the moderator's model to judge. The recall and false alarms on other
people's attacks stand in `benchmarks/README.md` (`make eval`).

Every pattern takes time in proportion to the text, whatever the text (`tests/hostile_texts/test_linear.py`):
what may begin inside a word has endings of limited length, and a run of blanks or signs is passed once."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from functools import lru_cache

import regex

from agent.language.locale import anywhere, phrases_within

# Signs worth this much are an attempt; worth one, a suspicion.
ATTEMPT, SUSPICION = 3, 1
# Characters that are looked at; an attack hides at the end of a long text, too, so both ends are.
LOOKED_AT = 3_000
_GAP = r"(?:\W+\w+){0,5}?\W+"

_RULES, _DROP, _OLD = (
    phrases_within("injection.rules"),
    phrases_within("injection.drop"),
    phrases_within("injection.old"),
)
_HIDDEN, _SHOW = phrases_within("injection.hidden"), phrases_within("injection.show")


def _limited(words: str) -> str:
    """The same with endings of limited length, for a pattern that may begin inside a word: with stems glued
    to each other, every one of them would read to the end of the text."""
    return words.replace(r"\w+", r"\w{1,20}").replace(r"\w*", r"\w{0,20}")


_STRONG = [
    re.compile(pattern, re.I | re.M | re.S)
    for pattern in (
        rf"\b(?:{_DROP})\b{_GAP}(?:(?:{_OLD})\b{_GAP})(?:{_RULES})\b",
        rf"\b(?:{_DROP})\W+(?:(?:{_OLD})\W+){{0,4}}(?:{_RULES})(?!\w)",
        rf"(?:{_limited(_RULES)})(?:\W+\w+){{0,2}}\W+(?:{phrases_within('injection.drop_behind')})",
        rf"\b(?:{_SHOW})\b(?:\W+\w+){{0,6}}?\W+(?:{_HIDDEN})(?!\w)",
        rf"(?:{_limited(_HIDDEN)})(?:\W+\w+){{0,4}}?\W+(?:{phrases_within('injection.verbatim')})",
        anywhere("injection.attempt"),
    )
]

# What each sign is worth.
_WORTH = {
    "role_play": 2,
    "from_now_on": 2,
    "you_are_now": 2,
    "models": 2,
    "unethical": 1,
    "no_refusal": 2,
    "jailbreak": 1,
    "orders_to_play": 1,
    "sends": 1,
}
# (worth, sign)
_WEAK = [
    *((worth, re.compile(anywhere(f"injection.{sign}"), re.I | re.S)) for sign, worth in _WORTH.items()),
    (1, re.compile(r"\[\w{2,20}\]\s*:|\{\{?\w++(?:[. ]\w*+)?\}?\}|[=:]\s*\{|\\n/n|```")),
]
_ORDERS = re.compile(anywhere("injection.commands"), re.I)


@lru_cache(maxsize=64)
def signs(text: str) -> int:
    """What the signs of an attempt in a text are worth, disguises taken off."""
    worth = max(_worth(reading) for reading in _readings(text))
    if (
        len(text) < 1_000 and _worth(text[::-1]) >= ATTEMPT
    ):  # one weak word means nothing there: `deliver` hides `evil`
        return ATTEMPT
    return worth


def is_injection(text: str) -> bool:
    """Tries to change the rules or to see them."""
    return signs(text) >= ATTEMPT


def is_suspicious(text: str) -> bool:
    """Not sure, but worth a model's look."""
    return signs(text) >= SUSPICION


def _worth(text: str) -> int:
    if any(pattern.search(text) for pattern in _STRONG):
        return ATTEMPT
    total = sum(worth for worth, pattern in _WEAK if pattern.search(text))
    if len(text) > 500:  # nobody who wants to buy something writes a page of what the other is to be
        total += min(3, len(_ORDERS.findall(text)) // 4)
    return total


def _readings(text: str) -> list[str]:
    """A text as it stands and as it is meant: invisible characters shown, encodings undone."""
    shown = "".join(chr(ord(c) - 0xE0000) if 0xE0020 <= ord(c) < 0xE007F else c for c in text)
    flat = _ends(_HEAPED_MARKS.sub(r"\1", _visible(shown)))
    flat = re.sub(r"[ \t]+", " ", _ends(_visible(unicodedata.normalize("NFKC", flat))))
    spaced = re.sub(r"\b(\w) (?=\w\b)", r"\1", flat)  # l i k e  t h i s
    return [flat, *([spaced] if len(spaced) < 0.75 * len(flat) else []), *_decoded(flat)]


# To put many marks on one letter in order takes a normalisation time in proportion to their square.
_HEAPED_MARKS = regex.compile(r"(\p{M}{4})\p{M}++")


def _visible(text: str) -> str:
    return text if text.isascii() else "".join(c for c in text if unicodedata.category(c) != "Cf")


def _ends(text: str) -> str:
    """Both ends of a text, or all of it when they would meet."""
    return text if len(text) <= 2 * LOOKED_AT else f"{text[:LOOKED_AT]}\n{text[-LOOKED_AT:]}"


def _base64(blob: str) -> bytes:
    return base64.b64decode(blob + "=" * (-len(blob) % 4))


def _decoded(text: str) -> list[str]:
    """What stands in base64, hexadecimal or binary digits, if it is text."""
    found: list[str] = []
    for blob in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text)[:5]:
        for read in (_base64, bytes.fromhex):
            try:
                found.append(read(blob).decode("ascii"))
            except (ValueError, binascii.Error):
                continue
    bits = re.findall(r"(?:\b[01]{8}\b\s*){6,}", text)[:2]
    found += ["".join(chr(int(octet, 2)) for octet in run.split()) for run in bits]
    return [reading for reading in found if sum(c.isprintable() for c in reading) > 0.9 * len(reading)]
