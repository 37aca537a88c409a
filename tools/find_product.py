"""Looks products up in the bot's price list (a CSV file of its knowledge base)."""

from __future__ import annotations

import json
import re
import unicodedata

from langchain_core.tools import tool

from agent.context import Rows, price_list

MOST = 5


@tool
async def find_product(query: str) -> str:
    """Find products in the shop's price list by name, kind or article number; gives price and stock.

    Use it for every question about a price or availability of a product.
    """
    rows = matching(query, price_list.get([]))
    if not rows:
        return "nothing found"
    return json.dumps([{k: v for k, v in row.items() if not k.startswith("_")} for row in rows], ensure_ascii=False)


def matching(query: str, rows: Rows) -> Rows:
    """The rows that share the rarest words with the query, best first; none when they share nothing telling."""
    words = _words(query)
    texts = [_words(" ".join(value for key, value in row.items() if not key.startswith("_"))) for row in rows]
    weights = {word: 1 / count for word in words if (count := sum(_in(word, text) for text in texts))}
    scored = [(sum(w for word, w in weights.items() if _in(word, text)), -i) for i, text in enumerate(texts)]
    best = max((score for score, _ in scored), default=0.0)
    if best == 0:
        return []
    return [rows[-i] for score, i in sorted(scored, reverse=True)[:MOST] if score >= best * 0.75]


def _words(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return {
        word
        for word in re.findall(r"[^\W_]+(?:-[^\W_]+)*", plain)
        if len(word) > 2 or (word.isdigit() and len(word) > 1)
    }


def _in(word: str, text: set[str]) -> bool:
    """Whole words, or a shared stem: `grinders` finds `grinder`."""
    return word in text or (
        len(word) > 4 and any(other.startswith(word[:-1]) or word.startswith(other) for other in text if len(other) > 3)
    )
