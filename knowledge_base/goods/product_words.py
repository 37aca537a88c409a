"""In which products the words of a question stand, and which of the words goods must have."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge_base.document import Product
from knowledge_base.goods.cards import searched_texts
from knowledge_base.goods.question import MOST_WORDS
from knowledge_base.goods.wording import (
    LONGEST_MEASURE,
    STEM,
    Vocabulary,
    alike,
    bare,
    is_letter_size,
    tokens,
    units,
)
from knowledge_base.vocabulary import currency_in, function_words, stand_ins

Numbers = NDArray[np.float32]
Places = NDArray[np.int32]

# A number of so many digits is no quantity: `2 vases` asks for vases, `3060` for a model.
LEAST_DIGITS = 3
# A word of a title that no product has narrows the list, and is worth so much.
IN_TITLE = 0.5
# The words of a question that name goods by a word such as `colour` are so much of the name, and as long.
MOST_OF_NAME, LEAST_LETTERS = 0.5, 4
_NOWHERE = np.empty(0, np.int32)
_NUMBER = re.compile(r"\d+")
# A size of clothes at the end of a name, or in brackets.
_SIZE_IN_NAME = re.compile(r"(?<=[\s(,/-])(X{0,5}[SML])(?=\s*[),]|\s*$)")


class ProductWords:
    """The words of products."""

    def __init__(self, products: Sequence[Product]) -> None:
        held: dict[str, array[int]] = defaultdict(lambda: array("i"))
        named: dict[str, array[int]] = defaultdict(lambda: array("i"))
        titled: dict[str, array[int]] = defaultdict(lambda: array("i"))
        sizes: set[str] = set()
        sized: set[str] = set()
        self._models: dict[str, set[int]] = defaultdict(set)
        self.name_lengths = np.ones(len(products), np.float32)
        for place, product in enumerate(products):
            words = units(product.name)
            name = tokens(product.name)
            for token in name:
                named[token].append(place)
            for token in name.union(*map(tokens, (*searched_texts(product), product.variants))):
                held[token].append(place)
            for token in tokens(product.title):
                titled[token].append(place)
            sizes |= tokens(product.variants)
            sized |= {size.casefold() for size in _SIZE_IN_NAME.findall(product.name)}
            for before, number, behind in zip(words, words[1:], [*words[2:], ""], strict=False):
                measured = behind.isalpha() and len(behind) <= LONGEST_MEASURE
                if number.isdigit() and len(number) < LEAST_DIGITS and before.isalpha() and not measured:
                    self._models[before].add(len(number))
            self.name_lengths[place] = max(1, len(words))
        self._count = len(products)
        self._held, self._named, self._titled = map(_ready, (held, named, titled))
        self._sizes = frozenset(sizes)
        # one capital in names may be a model or an initial; several of them are sizes
        self._letter_sizes = any(map(is_letter_size, sizes)) or len(sized) > 1
        self._known = Vocabulary(self._held)
        self._in_titles = Vocabulary(self._titled)
        self._headers = Vocabulary({token for p in products for h in p.fields for token in tokens(h)})
        self._numbered: dict[str, set[str]] = defaultdict(set)
        for token in self._held:
            if not token.isalpha() and not token.isdigit():
                self._numbered[_NUMBER.sub("", token)].add(token)

    def named(self, word: str) -> Places:
        """The places of the products that have a word, as it is, in their names."""
        return self._named.get(word, _NOWHERE)

    def joined(self, asked: Sequence[str]) -> list[str]:
        """The words, two written apart as one where the catalogue knows them so: `ray ban`, `t shirt`."""
        found: list[str] = []
        place = 0
        while place < min(len(asked), MOST_WORDS):
            pair = bare("".join(asked[place : place + 2])) if place + 1 < len(asked) else ""
            apart = all(
                bare(word) in self._known and word not in function_words()
                for word in asked[place : place + 2]
            )
            joins = pair in self._known and not apart
            found.append(pair if joins else asked[place])
            place += 2 if joins else 1
        return found

    def needed(self, asked: Sequence[str], capitals: frozenset[str]) -> list[str]:
        """The words that goods must have. A short number behind a word is a model where the catalogue writes
        models so: another one is another thing."""
        return [
            word
            for place, word in enumerate(asked)
            if self._model(asked, place) or self._is_needed(word, capitals)
        ]

    def _model(self, asked: Sequence[str], place: int) -> str:
        """A word and the number of a model behind it, as one; empty where no number of one stands."""
        before, word = alike(asked[place - 1]) if place else "", asked[place]
        is_model = word.isdigit() and len(word) in self._models.get(before, ())
        return f"{before}{word}" if is_model else ""

    def _is_needed(self, word: str, capitals: frozenset[str]) -> bool:
        """Whether goods must have a word: not the small words of a question, nor a quantity, but a size."""
        if alike(word) in self._sizes and (word in capitals or word.isdigit()):
            return True
        if is_letter_size(word):  # one that is the name of a column asks for what the column says
            return word in capitals and self._letter_sizes and word not in self._headers
        if word.isdigit() and len(word) < LEAST_DIGITS:
            return False
        if word in stand_ins() and not self.named(word).size:
            return False
        in_header = self._headers.meant(word) if len(word) > 2 else word.isalpha() and word in self._headers
        if in_header and not self.quality(word)[0].any():
            return False  # it asks for what a column says: the time of delivery, the price for dealers
        return (
            word not in function_words() and not currency_in(word) and (len(word) > 1 or not word.isascii())
        )

    def standing(self, asked: Sequence[str], needed: Sequence[str]) -> Mapping[str, tuple[Numbers, Numbers]]:
        """For each word how well each product has it, between 0 and 1, and whether its name does. What is
        said only above a list, such as the town of a branch, tells its products from others, but names
        none."""
        found = {word: self.quality(self._model(asked, place) or word) for place, word in enumerate(asked)}
        if any(found[word][0].any() for word in needed):
            for word in needed:
                quality, in_name = found[word]
                if not quality.any():
                    for other, worth in self._in_titles.meant(alike(word)).items():
                        quality[self._titled[other]] = IN_TITLE * worth
                    found[word] = quality, in_name
        return found

    def called(self, query: str) -> NDArray[np.intp]:
        """The products whose names are words that mostly name no goods: `Colour` at a hairdresser's."""
        named = np.zeros(self._count, np.float32)
        for word in set(units(query)):
            if len(word) >= LEAST_LETTERS:
                for other, worth in self._known.meant(alike(word)).items():
                    if worth >= STEM:
                        named[self.named(other)] += 1
        return np.flatnonzero(named >= MOST_OF_NAME * self.name_lengths)

    def quality(self, word: str) -> tuple[Numbers, Numbers]:
        """How well each product has a word, between 0 and 1, and whether its name does."""
        quality, in_name = (np.zeros(self._count, np.float32) for _ in range(2))
        joined = bare(word) != alike(word)
        exact = {bare(word): 1.0} if bare(word) in self._known else {}
        meant = exact if joined else self._known.meant(alike(word))
        if not meant and joined and (kin := self._with_number(word)) is not None:
            meant = kin
        elif not meant and joined:  # of a word that signs join each part must stand
            parts = [part for part in re.findall(r"[^\W_]+", word) if part not in function_words()]
            every = [self.quality(part)[0] for part in parts]
            return (np.minimum.reduce(every) if every else quality), in_name
        for other, worth in sorted(meant.items(), key=lambda row: row[1]):
            quality[self._held[other]] = worth
            if other in self._named:
                in_name[self._named[other]] = 1.0
        return quality, in_name

    def _with_number(self, word: str) -> dict[str, float] | None:
        """What of the catalogue a number and a word that a sign joins may mean: `5-seater` no other number of
        seats. None where the catalogue writes no number before or behind this word."""
        parts = re.findall(r"[^\W_]+", word)
        words = [part for part in parts if not part.isdigit()]
        if len(words) != 1 or len(parts) < 2:
            return None
        joined = bare(word)
        meant = self._known.meant(words[0])
        written = {alike(f"0{other}")[1:]: worth for other, worth in meant.items()}
        kin = {token: worth for other, worth in written.items() for token in self._numbered.get(other, ())}
        if not kin:
            return None
        number = _NUMBER.findall(joined)
        return {token: worth for token, worth in kin.items() if _NUMBER.findall(token) == number}


def _ready(places: Mapping[str, array[int]]) -> dict[str, Places]:
    return {token: np.frombuffer(found, np.int32) for token, found in places.items()}
