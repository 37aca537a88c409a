"""What is known of human languages in a shop's files (`words.yaml`), ready to be looked up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from knowledge_base.heaps import lightened

_WORD = re.compile(r"[^\W_]+")


@cache
def vocabulary_file() -> Mapping[str, Any]:
    """The whole of `words.yaml`."""
    text = (Path(__file__).parent / "words.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    return yaml.load(text, loader)  # noqa: S506 - of ours, and `no` and `on` are words here


def any_of(words: Iterable[str]) -> str:
    """A pattern of any of some words, the first that fits."""
    return f"(?:{'|'.join(map(re.escape, words))})"


def plain(text: str) -> str:
    """A text as it is compared: one form of each letter, lower case, words parted by one space."""
    folded = unicodedata.normalize("NFKC", lightened(text)).casefold().replace("ё", "е")
    return " ".join(_WORD.findall(folded)) or folded.strip()


@cache
def _columns() -> dict[str, list[tuple[str, str, int]]]:
    """First word of a phrase -> (phrase, kind, its place among those of the kind), longest phrases first."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    for kind, phrases in vocabulary_file()["columns"].items():
        for rank, phrase in enumerate(phrases):
            spelt = plain(phrase)
            found.setdefault(spelt.split(" ")[0], []).append((spelt, kind, rank))
    return {first: sorted(rows, key=lambda row: -len(row[0])) for first, rows in found.items()}


@cache
def _order() -> dict[str, int]:
    return {kind: place for place, kind in enumerate(vocabulary_file()["columns"])}


@cache
def column_kinds(header: str) -> Mapping[str, tuple[int, int]]:
    """What a header may say its column holds, most telling first: `price`, `name`, ..., each with how telling
    it is, less being more. Empty for a header of unknown words."""
    said = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header[:200])
    tokens = plain(said).split(" ")
    found: dict[str, tuple[int, int]] = {}
    for place, token in enumerate(tokens[:12]):
        rest = " ".join(tokens[place:])
        for phrase, kind, rank in _columns().get(token, ()):
            if rest == phrase or rest.startswith(f"{phrase} "):
                whole = 8 * (len(phrase) == len(" ".join(tokens)))
                found[kind] = min(found.get(kind, (0, 0)), (-phrase.count(" ") - 1 - whole, rank))
    return dict(sorted(found.items(), key=lambda row: (row[1][0], _order()[row[0]])))


@cache
def _currency_pattern() -> re.Pattern[str]:
    signs = sorted(
        (s for rows in vocabulary_file()["currencies"].values() for s in rows), key=len, reverse=True
    )
    parts = [
        rf"(?<![^\W\d_]){re.escape(s)}(?![^\W\d_])" if s[0].isalpha() else re.escape(s)
        for s in map(str, signs)
    ]
    return re.compile("|".join(parts), re.I)


@cache
def _currency_codes() -> dict[str, str]:
    return {
        str(sign).casefold(): code
        for code, signs in vocabulary_file()["currencies"].items()
        for sign in signs
    }


def currency_in(text: str) -> str:
    """The code of the one currency that a short text names; empty when it names none, or several."""
    codes = {_currency_codes()[m.group().casefold()] for m in _currency_pattern().finditer(text[:300])}
    return codes.pop() if len(codes) == 1 else ""


@cache
def stand_ins() -> frozenset[str]:
    """Words that stand for goods named before, unless a product is called so."""
    return frozenset(vocabulary_file()["stand_ins"])


@cache
def function_words() -> frozenset[str]:
    """Words of a question that name no goods, in all languages, as `plain` writes them."""
    return frozenset(
        token
        for rows in vocabulary_file()["function_words"].values()
        for row in rows
        for token in plain(str(row)).split(" ")
    )
