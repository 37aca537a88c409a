"""Which product a value belongs to, so that a neighbour's price supports nothing."""

from __future__ import annotations

from collections.abc import Sequence

import regex as re

from agent.grounding.claims import Claim, claims_in
from agent.grounding.names import COMMON, latin

_WORD = re.compile(r"[^\W_][\w’'+-]*")
# A size or a class, not the name of a thing.
_CODE = re.compile(r"[A-Z]{1,4}-?\d{1,4}|\d+[A-Z]{1,3}|\S+/\S+")
# A name further off than this says nothing about a value.
NEAR = 90


def owned(claims: Sequence[Claim], text: str) -> dict[int, str]:
    """id of a claim -> the product it stands by: the last one named before it in its sentence or row."""
    found: dict[int, str] = {}
    for claim in claims:
        if claim.of:
            found[id(claim)] = claim.of
        elif claim.values and (name := _before(claim, [c for c in claims if c.kind == "product"], text)):
            found[id(claim)] = name
    return found


def of(claim: Claim, reply: str) -> str:
    """The product a claim of a reply is about: named before it in the same sentence, and it is the first of its kind since."""
    claims = claims_in(reply)
    behind = claim.start + len(claim.text)
    if claim.kind in ("number", "measure"):  # `6 Bora 18`: so many of it
        counted = next((c for c in claims if c.kind == "product" and c.start == behind + 1), None)
        if counted and reply[behind] == " ":
            return counted.text
    name = _before(claim, [c for c in claims if c.kind == "product"], reply)
    if not name:
        return ""
    at = max(c.start for c in claims if c.kind == "product" and c.start < claim.start)
    between = [c for c in claims if at < c.start < claim.start and c.kind == claim.kind and c.unit == claim.unit]
    return "" if between else name


def _before(claim: Claim, products: Sequence[Claim], text: str) -> str:
    last = [
        p for p in products if p.start < claim.start and p.sentence == claim.sentence and not _CODE.fullmatch(p.text)
    ]
    if not last or claim.start - last[-1].start > NEAR:
        return ""
    between = text[last[-1].start + len(last[-1].text) : claim.start]
    return "" if re.search(r"[.!?;\n]\s|\s[+]\s", between) else last[-1].text


def _tokens(name: str) -> set[str]:
    return {latin(word) for word in _WORD.findall(name) if word.casefold() not in COMMON}


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
