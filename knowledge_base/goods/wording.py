"""Words as they are compared: one form for letters and sizes, stems, other scripts, typing errors."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import Stemmer
from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge_base.heaps import lightened
from knowledge_base.vocabulary import vocabulary_file

# What a match that is not letter for letter is worth.
STEM, PREFIX, SPELT, GUESSED = 0.95, 0.8, 0.85, 0.75
_PIECE = re.compile(r"[^\W_]+")
_UNIT = re.compile(r"[^\W_]+(?:[-./'’+]+[^\W_]+)*")
# Han, Hiragana and Katakana, which write no spaces.
_UNSPACED = re.compile("[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_SIZE = re.compile(r"(?<=\d)\s*[x×х*]\s*(?=\d)")
_STEMMERS = (
    "english",
    "russian",
    "spanish",
    "italian",
    "german",
    "french",
    "portuguese",
    "romanian",
    "turkish",
    "arabic",
)
_LATIN = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфыэіқғңөұүһәєїґ", "abvgdeziiklmnoprstufyeikgnouuhaeig", strict=True))
    | {"ж": "zh", "х": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": "", "ю": "u", "я": "a"}
)
_SOUNDS = (
    ("ck", "k"),
    ("ph", "f"),
    ("kh", "h"),
    ("sch", "sh"),
    ("c", "k"),
    ("q", "k"),
    ("w", "v"),
    ("y", "i"),
    ("x", "ks"),
)


# A sign before one or two decimals, as a letter of its own: 1.5 is not 15, and 1,5 is 1.5. Before three
# digits it parts thousands.
_DECIMALS, POINT = re.compile(r"(?<=\d)[.,](?=\d{1,2}(?!\d))"), "ǃ"
# Characters of two words that are one, and of what is measured in.
MOST_JOINED, LONGEST_MEASURE = 16, 3
# A letter before a number is left out: `205 55 16` for `205/55 R16`.
_MODEL = re.compile(r"[^\W\d_](\d{2,})")
# Of a board of 50x150x6000 people name the first two.
_THREE_SIZES = re.compile(r"(\d+x\d+)x\d+")
# A shorter word is no irregular plural.
LEAST_PLURAL = 5
# Sizes of clothes: another one is no typing error.
_LETTER_SIZE = re.compile(r"[xх]{0,5}[sml]")


def folded(text: str) -> str:
    """One form of each letter, lower case, `60 × 60` as `60x60`."""
    return _SIZE.sub("x", unicodedata.normalize("NFKC", lightened(text)).casefold().replace("ё", "е"))


def bare(text: str) -> str:
    """Letters and digits alone: how two spellings of an article number are compared."""
    return alike("".join(_PIECE.findall(_DECIMALS.sub(POINT, folded(text)))))


# Letters of both scripts that look the same: `К-101` is typed with either.
_TWINS = str.maketrans("авекмнорстухіјѕ", "abekmhopctyxijs")


def alike(word: str) -> str:
    """A word with a digit as it looks, whichever script its letters are of; any other as it is."""
    return word.translate(_TWINS) if any(map(str.isdigit, word)) else word


def units(text: str) -> list[str]:
    """The words of a text; what signs join is one, as in `t-shirt` or `SKU-105/2`. Of writing without spaces
    between words, each two signs that stand together."""
    spelt = _DECIMALS.sub(POINT, folded(text))
    return _UNIT.findall(_UNSPACED.sub(_in_pairs, spelt) if _UNSPACED.search(spelt) else spelt)


def is_unspaced(text: str) -> bool:
    """Whether a text holds signs of writing without spaces."""
    return bool(_UNSPACED.search(text))


def _in_pairs(run: re.Match[str]) -> str:
    signs = run.group()
    return f" {' '.join(map(''.join, pairwise(signs))) or signs} "


def tokens(text: str) -> set[str]:
    """Every form under which a word of a text is found: itself, its parts, and two neighbours written as
    one."""
    found: set[str] = set()
    before = ""
    for unit in units(text):
        pieces = [alike(piece) for piece in _PIECE.findall(unit)]
        joined = alike("".join(pieces))
        found.update(pieces)
        found.add(joined)
        if before and joined.isalpha() and before.isalpha() and len(before) + len(joined) < 24:
            found.add(before + joined)
        if before and len(before) + len(joined) < MOST_JOINED and _are_one(before, joined):
            found.add(before + joined)
        if model := _MODEL.fullmatch(joined):
            found.add(model.group(1))
        if three := _THREE_SIZES.fullmatch(joined):
            found.add(three.group(1))
        before = joined
    return found


def _are_one(before: str, word: str) -> bool:
    """Whether two words are written as one too: parts of a size as `205/55 R16`, an amount as `500 g`, a
    model as `Phone 15`."""
    numbers = [any(map(str.isdigit, each)) for each in (before, word)]
    amount = before.replace(POINT, "").isdigit() and word.isalpha() and len(word) <= LONGEST_MEASURE
    model = before.isalpha() and word.isdigit() and len(word) < LONGEST_MEASURE
    return all(numbers) or amount or model


def is_letter_size(word: str) -> bool:
    """Whether a word is a size of clothes in letters: `XL`."""
    return bool(_LETTER_SIZE.fullmatch(word))


def sounds(word: str) -> str:
    """A word in Latin letters, spelt as it sounds: `адидас` and `Adidas` are the same."""
    spelt = "".join(
        c for c in unicodedata.normalize("NFD", word.translate(_LATIN)) if not unicodedata.combining(c)
    )
    for written, said in _SOUNDS:
        spelt = spelt.replace(written, said)
    return re.sub(r"(.)\1", r"\1", spelt)


@cache
def _stemmer(language: str) -> Any:
    return Stemmer.Stemmer(language)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class Vocabulary:
    """The words of a catalogue, and which of them somebody may mean by a word of a question."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        plain = sorted(word for word in self._known if word.isalpha())
        self._sorted = plain
        self._stems: dict[tuple[str, str], list[str]] = defaultdict(list)
        for language in _STEMMERS:
            for word, stem in zip(plain, _stemmer(language).stemWords(plain), strict=True):
                self._stems[language, stem].append(word)
        self._sounds: dict[str, list[str]] = defaultdict(list)
        self._skeletons: dict[str, list[str]] = defaultdict(list)
        for word in plain:
            spelt = sounds(word)
            self._sounds[spelt].append(word)
            self._skeletons[_skeleton(spelt)].append(word)
        self._plurals: dict[str, set[str]] = defaultdict(set)
        for word in plain:
            for form in singulars(word):
                self._plurals[form].add(word)
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for word in plain:
            self._by_length[len(word)].append(word)
        self.meant = lru_cache(maxsize=4096)(self._meant)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def _meant(self, word: str) -> dict[str, float]:
        """Words of the catalogue that a word stands for, with what each match is worth; none when it stands
        for none. A word with a digit stands for itself alone: another number is another thing."""
        found = {word: 1.0} if word in self._known else {}
        if not found and not word.isascii() and any(map(str.isdigit, word)):
            spelt = word.translate(_LATIN)  # a vitamin `д3` is D3
            found = {spelt: SPELT} if spelt in self._known else {}
        if len(word) == 1 and is_unspaced(word):  # goods are known by two signs that stand together
            return found | {other: PREFIX for other in self._known if word in other and is_unspaced(other)}
        if not word.isalpha() or len(word) < 3 or _LETTER_SIZE.fullmatch(word):
            return found
        for language in _STEMMERS:
            for other in self._stems.get((language, _stemmer(language).stemWord(word)), ()):
                if len(other) > 2:
                    found.setdefault(other, STEM)
        for other in self._of_one_form(word):
            found.setdefault(other, STEM)
        found = found or self._prefixed(word)
        return found or self._sounding(word) or self._misspelt(word)

    def _of_one_form(self, word: str) -> set[str]:
        """Words of which one is an irregular plural of the other: `knives` and `knife`."""
        mine = singulars(word)
        found = {form for form in mine if form in self._known} | self._plurals.get(word, set())
        return found.union(*(self._plurals.get(form, set()) for form in mine))

    def _prefixed(self, word: str) -> dict[str, float]:
        if len(word) < 4:
            return {}
        start = bisect_left(self._sorted, word)
        end = bisect_left(self._sorted, word + "\uffff")
        found = {other: PREFIX for other in self._sorted[start : min(end, start + 50)]}
        shorter = (word[:length] for length in range(len(word) - 1, max(3, len(word) - 4), -1))
        return found or next(
            ({other: PREFIX} for other in shorter if other in self._known), dict[str, float]()
        )

    def _sounding(self, word: str) -> dict[str, float]:
        spelt = sounds(word)
        same = {other: SPELT for other in self._sounds.get(spelt, ())}
        if same or word.isascii() or len(spelt) < 3:
            return same
        near = [
            (OSA.distance(spelt, sounds(other)), other) for other in self._skeletons.get(_skeleton(spelt), ())
        ]
        least = min(near, default=(9, ""))[0]
        return (
            {other: GUESSED for distance, other in near if distance == least and other[0].isascii()}
            if least <= 2
            else {}
        )

    def _misspelt(self, word: str) -> dict[str, float]:
        most = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
        if not most:
            return {}
        near: list[tuple[float, str]] = []
        for length in range(len(word) - most, len(word) + most + 1):
            choices: Sequence[str] = self._by_length.get(length, ())
            found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=most, limit=8)
            near += [(distance, other) for other, distance, _ in found]
        least = min(near, default=(9, ""))[0]
        return {other: GUESSED for distance, other in near if distance == least}


@cache
def _plural_endings() -> list[tuple[str, str]]:
    return [(plural, singular) for plural, singular in vocabulary_file()["plurals"]]


@cache
def _articles() -> tuple[str, ...]:
    return tuple(vocabulary_file()["articles"])


def singulars(word: str) -> set[str]:
    """What a word may be the irregular plural of, in the languages of `words.yaml`, or have an article before
    it of."""
    if len(word) < LEAST_PLURAL:
        return set()
    found = {word.removesuffix(many) + one for many, one in _plural_endings() if word.endswith(many)}
    bare = {word.removeprefix(article) for article in _articles() if word.startswith(article)}
    return found | {rest for rest in bare if len(rest) > 2}


def _skeleton(spelt: str) -> str:
    """The first letter and the consonants: what a name keeps in another script."""
    return spelt[:1] + re.sub(r"[aeiou]", "", spelt[1:])
