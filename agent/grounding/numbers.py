"""Numbers as people write them: `1 500`, `1.500,00`, `₹1,50,000`, `от 5 тыс.`, `5 mila`, `1.5 लाख`,
Devanagari and Arabic digits."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex as re

from agent.grounding.units import ANY_MULTIPLIER, MULTIPLIER, TENS, WORDS

# No amount has more digits, and a float holds it and what it is multiplied with.
MOST_DIGITS = 200
_SPACES = "\u0020\u00a0\u202f\u2009"
# Groups of three (or, in India, of two) behind the first; then perhaps cents. Or plain digits. Arabic writes
# `and` and `for` together with what follows, Chinese everything.
_DIGITS = re.compile(
    rf"(?<![^\W\u0620-\u064a\u3040-\u30ff\u3400-\u9fff]|[.,])(?:\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)|\d{{1,3}}(?:[.,'’]\d{{2,3}})+(?!\d)|\d+)(?:[.,]\d{{1,2}}(?!\d))?(?![\ufe0f\u20e3])"
)
# Of writing without spaces a number is a word, and else each sign.
_SPACELESS = r"[\u3040-\u30ff\u3400-\u9fff]"
_UNSPACED = sorted((word for word in WORDS if re.match(_SPACELESS, word)), key=len, reverse=True)
_WORD = re.compile("|".join((*_UNSPACED, _SPACELESS, r"[^\W\u3040-\u30ff\u3400-\u9fff]+")))


@dataclass(frozen=True, slots=True)
class Number:
    """`values`: what it may mean, more than one where a separator is ambiguous (`1.500`). `start` and `end`
    in the text, a multiplier (`5 тыс.`) included. `word`: written in letters."""

    values: tuple[float, ...]
    start: int
    end: int
    word: bool = False

    @property
    def value(self) -> float:
        """The likeliest meaning."""
        return self.values[0]


def with_plain_digits(text: str) -> str:
    """The same text, character for character, with every script's decimal digits as 0 to 9 and straight
    spaces."""
    return text if text.isascii() else _ODD.sub(_as_usual, text)


def _as_usual(match: re.Match[str]) -> str:
    """A straight space, or a digit; nothing of either where `regex` knows of digits that Python does not know
    yet."""
    return " " if match.group().isspace() else str(unicodedata.decimal(match.group(), "\ufffd"))


_ODD = re.compile(r"[\u00a0\u202f\u2009]|(?![0-9])\d")


def numbers_in(text: str) -> list[Number]:
    """Every number of a text that `plain` has passed, in order; those in letters are marked as such."""
    return list(_read(text))


@lru_cache(maxsize=64)  # a message is read for its claims, for its counts and for facts
def _read(text: str) -> tuple[Number, ...]:
    found = [
        _multiplied(text, Number(_values(m.group()), m.start(), _trimmed(m))) for m in _DIGITS.finditer(text)
    ]
    taken = {i for number in found for i in range(number.start, number.end)}
    found += [_multiplied(text, number) for number in _in_letters(text) if number.start not in taken]
    return tuple(sorted(found, key=lambda number: number.start))


def _in_letters(text: str) -> Iterator[Number]:
    """The words for numbers, and tens with ones behind a space: `twenty five`."""
    end = 0
    for word, behind in itertools.pairwise([*_WORD.finditer(text), None]):
        if word is None or word.start() < end or (value := WORDS.get(_small(word))) is None:
            continue
        end, tens = word.end(), TENS.get(_small(word))
        end += text[end : end + 1] == "'" and f"{_small(word)}'" in WORDS  # un' ora
        ones = WORDS.get(_small(behind)) if tens and behind and text[end : behind.start()] == " " else None
        if tens and behind and ones is not None:
            value, end = (tens + ones if tens > ones else ones), behind.end()
        yield Number((value,), word.start(), end, True)


def _small(word: re.Match[str]) -> str:
    """In small letters; the capital of the Turkish i folds into an i and a dot."""
    return word.group().casefold().replace("i\u0307", "i")


def _trimmed(match: re.Match[str]) -> int:
    """The end without a full stop that ends the sentence."""
    return match.end() - (len(match.group()) - len(match.group().rstrip(".,'’")))


def _multiplied(text: str, number: Number) -> Number:
    at = number.end + (text[number.end : number.end + 1] == " ")
    if not text[at : at + 1].isalpha():
        return number
    for pattern, factor in MULTIPLIER if ANY_MULTIPLIER.match(text, at) else ():
        if match := pattern.match(text, at):
            return Number(tuple(v * factor for v in number.values), number.start, match.end(), number.word)
    return number


def _values(written: str) -> tuple[float, ...]:
    """All readings of digits with separators, the likeliest first."""
    digits = "".join(c for c in written[: 2 * MOST_DIGITS] if c.isdigit() or c in ".,")[:MOST_DIGITS].rstrip(
        ".,"
    )
    separators = [c for c in digits if c in ".,"]
    if not separators:
        return (float(digits),)
    last = digits.rfind(separators[-1])
    tail = len(digits) - last - 1
    ahead, behind = digits[:last].replace(".", "").replace(",", ""), digits[last + 1 :]
    as_decimal, whole = float(f"{ahead}.{behind}"), float(ahead + behind)
    if len(set(separators)) > 1:
        return (as_decimal,) if tail != 3 else (whole,)
    if len(separators) > 1:
        return (whole,)
    return (as_decimal,) if tail != 3 or digits.startswith("0") else (whole, as_decimal)


def spelled(text: str) -> set[float]:
    """The counts of two and more that a text names, in digits or in letters."""
    return {number.value for number in numbers_in(with_plain_digits(text)) if number.value >= 2}
