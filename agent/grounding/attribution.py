"""Which product a value belongs to, so that a neighbour's price supports nothing."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from functools import lru_cache

import regex as re

from agent.grounding.claims import Claim
from agent.grounding.product_names import COMMON, latin

_WORD = re.compile(r"[^\W_][\w’'+-]*")
# A size or a class, not the name of a thing.
_CODE = re.compile(r"[A-Z]{1,4}-?\d{1,4}|\d+[A-Z]{1,3}|\S+/\S+")
# What is said of one thing ends here.
_APART = re.compile(r"[.!?;\n]\s|\s[+]\s")
# A name further off than this says nothing about a value.
NEAR = 90


class Owners:
    """The products that a text names, and which of them each of its other claims stands by."""

    def __init__(self, claims: Sequence[Claim], text: str) -> None:
        """`claims` are those of the text, or of a text and its rows; those with a place in it are in its
        order."""
        self._text = text
        self._products = [claim for claim in claims if claim.kind == "product"]
        self._starts = [product.start for product in self._products]
        self._placed = [claim for claim in claims if not claim.of]
        self._places = [claim.start for claim in self._placed]

    def known(self, claim: Claim) -> str:
        """The product a claim of a source stands by: the last one named before it in its sentence or row."""
        return claim.of or (self._before(claim) if claim.values else "")

    def about(self, claim: Claim) -> str:
        """The product a claim of a reply is about: named before it in the same sentence, and it is the first
        of its kind since."""
        behind = claim.start + len(claim.text)
        if claim.kind in ("number", "measure"):  # `6 Bora 18`: so many of it
            at = bisect.bisect_left(self._starts, behind + 1)
            if at < len(self._starts) and self._starts[at] == behind + 1 and self._text[behind] == " ":
                return self._products[at].text
        name = self._before(claim)
        if not name:
            return ""
        last = self._starts[bisect.bisect_left(self._starts, claim.start) - 1]
        since = bisect.bisect_right(self._places, last), bisect.bisect_left(self._places, claim.start)
        alike = any((c.kind, c.unit) == (claim.kind, claim.unit) for c in self._placed[slice(*since)])
        return "" if alike else name

    def _before(self, claim: Claim) -> str:
        for i in range(bisect.bisect_left(self._starts, claim.start) - 1, -1, -1):
            product = self._products[i]
            if claim.start - product.start > NEAR:
                break
            if product.sentence == claim.sentence and not _CODE.fullmatch(product.text):
                between = self._text[product.start + len(product.text) : claim.start]
                return "" if _APART.search(between) else product.text
        return ""


@lru_cache(maxsize=2048)
def _tokens(name: str) -> frozenset[str]:
    return frozenset(latin(word) for word in _WORD.findall(name) if word.casefold() not in COMMON)


def differ(one: str, other: str) -> bool:
    """Whether two names are of two things: each has a word the other lacks."""
    a, b = _tokens(one), _tokens(other)
    return bool(a - b and b - a)


def equal(one: str, other: str) -> bool:
    """Whether two names have the same words."""
    return bool(other) and _tokens(one) == _tokens(other)


def same(one: str, other: str) -> bool:
    """Whether two names may be of one thing."""
    return bool(other) and not differ(one, other)
