"""How words and phrases are written in a locale file, and the regular expressions that they stand for.

A list is one text: phrases are separated by commas or line ends. Case never matters. In a phrase

    thank[s]         what is in square brackets may be missing; [a|b] is a, b, or nothing
    (yes|yeah) sir   one of these
    gratuit*         the word with any ending, or none; a star in front: within any word
    расход+          the word with an ending of at least one letter; + alone is any word
    # days           a number in digits
    {do}             one of the phrases of another list of the same section
    /.../            a regular expression, on a line of its own, for what nothing above can say

A phrase is found where whole words say it: `cat` is not found in `cats`, `cat*` is. In Devanagari, Arabic and
Chinese it is found within words, too: their little words are written together with others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

# The pattern of another list.
Slot = Callable[[str], str]

# Pieces of a phrase that mean something; the rest stands for itself.
_PIECE = re.compile(r"\{([a-z_]+)\}|([*+#()\[\]|])|([^*+#()\[\]|{}]+)|(.)", re.S)
_MEANS = {"*": r"\w*", "+": r"\w+", "#": r"\d+", "(": "(?:", "[": "(?:", ")": ")", "]": ")?", "|": "|"}
_CLOSES = {"(": ")", "[": "]"}
_SEPARATOR = re.compile(r",\s+|\s*\n\s*")
_SLOT = re.compile(r"\{([a-z_]+)\}")
# Scripts whose words run into each other, or whose vowel signs `re` takes for the end of a word.
_JOINED = re.compile(r"[\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff]")


# Marks of Chinese and Japanese, as they are written elsewhere.
_WIDE = str.maketrans("\uff0c\u3002\uff01\uff1f\uff1b\uff1a\u3001\uff08\uff09", ",.!?;:,()")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")


def narrow(text: str) -> str:
    """A text with the marks between its sentences as most languages write them, each a character still."""
    return text.translate(_WIDE)


def is_spaceless(sign: str) -> bool:
    """Whether a sign belongs to writing without spaces between words."""
    return bool(_SPACELESS.match(sign))


def word_count(text: str) -> int:
    """How many words a text has, about: of writing without spaces two signs are one."""
    signs = sum(map(len, _SPACELESS.findall(text)))
    return len(_SPACELESS.sub(" ", text).split()) + (signs + 1) // 2


class BadPhrase(ValueError):
    """A phrase that cannot be read; the message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What a phrase stands for: a regular expression, and whether a word begins and ends with it. `whole`: it
    was written as an expression and says itself where words end."""

    source: str
    begins: bool = False
    ends: bool = False
    whole: bool = False


def phrases_of(text: str) -> tuple[str, ...]:
    """The phrases of a list. A regular expression has a line to itself, commas and all."""
    found: list[str] = []
    for line in map(str.strip, text.splitlines()):
        pieces = [line] if _is_expression(line) else _SEPARATOR.split(line)
        found += [phrase for piece in pieces if (phrase := piece.strip(" ,"))]
    return tuple(found)


def checked(phrase: str) -> str:
    """The phrase itself. Raises BadPhrase where its brackets or its expression cannot be read."""
    if _is_expression(phrase):
        try:
            re.compile(_SLOT.sub("x", phrase[1:-1]))
        except re.error as error:
            raise BadPhrase(f"`{phrase}` is no regular expression: {error}") from None
        return phrase
    open_: list[str] = []
    for _, mark, _, stray in _PIECE.findall(phrase):
        if stray:
            raise BadPhrase(f"`{phrase}`: write `{{name of a list}}` where there is a `{stray}`")
        if mark == "|" and not open_:
            raise BadPhrase(f"`{phrase}`: put brackets around what `|` stands between")
        if mark in _CLOSES:
            open_.append(_CLOSES[mark])
        elif mark in (")", "]") and (not open_ or open_.pop() != mark):
            raise BadPhrase(f"`{phrase}`: `{mark}` closes nothing; give every bracket its partner")
    if open_:
        raise BadPhrase(f"`{phrase}`: `{open_[-1]}` is missing; give every bracket its partner")
    return phrase


def plain_phrase(phrase: str) -> str:
    """The phrase itself. Raises BadPhrase where it holds more than words."""
    if marks := sorted(set(phrase) & set("*+()[]|{}")):
        raise BadPhrase(
            f"`{phrase}`: this list takes whole phrases; write each out, without {' '.join(marks)}"
        )
    return phrase


def expression(phrase: str, slot: Slot) -> Expression:
    """What a phrase stands for. `slot` gives the pattern of a list that it names."""
    if _is_expression(phrase):
        source = _SLOT.sub(lambda match: f"(?:{slot(match[1])})", phrase[1:-1])
        return Expression(source, whole=True)
    joined = bool(_JOINED.search(phrase))
    begins = not joined and (phrase[0].isalnum() or phrase[0] in "([{#")
    ends = not joined and (phrase[-1].isalnum() or phrase[-1] in ")]}#+")
    source = "".join(_meaning(match, slot) for match in _PIECE.finditer(phrase.removeprefix("*")))
    return Expression(source, begins, ends)


def joined_phrases(expressions: Iterable[Expression]) -> str:
    """Any of them, within a larger pattern: without borders of words, in their order."""
    return "|".join(_by_letter({found.source: found.whole for found in expressions})) or "(?!)"


def bordered(expressions: Iterable[Expression]) -> str:
    """Any of them as whole words, wherever in a text they stand."""
    words: dict[str, bool] = {}
    others: dict[str, bool] = {}
    for found in expressions:
        (words if found.begins else others)[found.source + (r"\b" if found.ends else "")] = found.whole
    groups = [rf"\b(?:{'|'.join(_by_letter(words))})"] if words else []
    return "|".join([*groups, *_by_letter(others)]) or "(?!)"


def _by_letter(sources: Mapping[str, bool]) -> list[str]:
    """Alternatives, those that begin with the same letter as one: where a text has another letter, they are
    passed over at once. `sources`: whether each is an expression of its own, which is left as it is."""
    same: dict[str, list[str]] = {}
    for source, whole in sources.items():
        letter = not whole and source[:1].isalpha() and source[1:2] not in ("?", "*", "+")
        same.setdefault(source[0] if letter else source, []).append(source)
    return [
        found[0] if len(found) == 1 else f"{found[0][0]}(?:{'|'.join(source[1:] for source in found)})"
        for found in same.values()
    ]


def _is_expression(phrase: str) -> bool:
    return len(phrase) > 2 and phrase[0] == phrase[-1] == "/"


def _meaning(match: re.Match[str], slot: Slot) -> str:
    if match[1]:
        return f"(?:{slot(match[1])})"
    if match[2]:
        return _MEANS[match[2]]
    return "".join(c if c.isalnum() or c in " '’-" else re.escape(c) for c in match[3])
