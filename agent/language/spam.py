"""Advertising, prizes and pitches, told by signs in the text. One sign is nothing: customers, too, ask about
prizes."""

from __future__ import annotations

import re
from functools import lru_cache

from agent.language.locale import anywhere
from agent.language.locale_file import Spam

# So many different signs are no customer.
ENOUGH = 2

# Every pattern takes time in proportion to the text, whatever the text: endings that something must follow
# have at most 20 letters, and a run of capitals is read from its first letter only.
_SIGNS = [
    re.compile(pattern, re.I)
    for pattern in (
        *(anywhere(f"spam.{sign}") for sign in Spam.model_fields),
        r"https?://|www\.\w|\.co\.uk\b|bit\.ly|t\.me/",
        r"(?-i:(?<![A-Z])[A-Z]{4,}+(?:\W++[A-Z]{3,}+){2})|!!|£\s?\d{3}|\b\d+p\b",
    )
]


@lru_cache(maxsize=256)
def is_spam(text: str) -> bool:
    """Advertises, promises a prize, or pitches a service."""
    return sum(bool(sign.search(text)) for sign in _SIGNS) >= ENOUGH
