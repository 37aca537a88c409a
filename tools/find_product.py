"""Looks products up in the bot's price list (a CSV file of its knowledge base)."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata

import regex
from langchain_core.tools import tool

from tools.runtime import Rows, price_list

MOST = 5
# Words of a query that are looked for: a question about a product has fewer, and each is held against the
# price list.
MOST_WORDS = 40
# To put many marks on one letter in order takes a normalisation time in proportion to their square.
_HEAPED_MARKS = regex.compile(r"(\p{M}{4})\p{M}++")


@tool
async def find_product(query: str) -> str:
    """Find products in the shop's price list by name, kind or article number; gives price and stock.

    Use it for every question about a price or availability of a product.
    """
    rows = matching(query, price_list.get([]))
    if not rows:
        return "nothing found"
    return json.dumps(
        [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows], ensure_ascii=False
    )


def matching(query: str, rows: Rows) -> Rows:
    """The rows that share the rarest words with the query, best first; none when they share nothing
    telling."""
    holding: dict[str, list[int]] = {}  # a word of the price list -> the rows it stands in
    for i, row in enumerate(rows):
        for word in _words(" ".join(value for key, value in row.items() if not key.startswith("_"))):
            holding.setdefault(word, []).append(i)
    scores = [0.0] * len(rows)
    for word in itertools.islice(_words(query), MOST_WORDS):
        found = {i for other, places in holding.items() if _alike(word, other) for i in places}
        for i in found:
            scores[i] += 1 / len(found)
    scored = [(score, -i) for i, score in enumerate(scores)]
    best = max(scores, default=0.0)
    if best == 0:
        return []
    return [rows[-i] for score, i in sorted(scored, reverse=True)[:MOST] if score >= best * 0.75]


def _words(text: str) -> list[str]:
    """The words of a text that tell anything, each once, in their order."""
    plain = unicodedata.normalize("NFKC", _HEAPED_MARKS.sub(r"\1", text)).casefold()
    found = dict.fromkeys(re.findall(r"[^\W_]+(?:-[^\W_]+)*", plain))
    return [word for word in found if len(word) > 2 or (word.isdigit() and len(word) > 1)]


def _alike(word: str, other: str) -> bool:
    """The same word, or a shared stem: `grinders` finds `grinder`."""
    return word == other or (
        len(word) > 4 and len(other) > 3 and (other.startswith(word[:-1]) or word.startswith(other))
    )
