"""The words of a query, in the spellings they may have where they were written."""

from __future__ import annotations

from agent.phone_numbers import spellings, with_country_code

LONGEST_QUERY = 100


# Digits that may be a number of their own.
NUMBER = 5


def terms_of(query: str) -> list[list[str]]:
    """The words of a query, each in its spellings, Latin letters small; what may be a number as it is
    written, and without its blanks and signs, and what may be several, each by itself as well."""
    text = query.strip()[:LONGEST_QUERY]
    if whole := _number(text):
        apart = [_number(word) for word in text.split()]
        if not all(apart):
            return [whole]
        # all together, or each: (whole or first) and (whole or second)
        return [list(dict.fromkeys((*one, *whole))) for one in apart]
    words = [[w, w.lower(), w.casefold(), w.capitalize(), w.upper()] for w in text.split()]
    return [list(dict.fromkeys(small(spelling) for spelling in spellings)) for spellings in words]


def _number(text: str) -> list[str]:
    """What may be a number in its spellings; empty: it is none."""
    digits = "".join(c for c in text if c.isdigit())
    if len(digits) < NUMBER or any(c.isalpha() for c in text):
        return []
    ways = spellings(with_country_code(text))
    return list(dict.fromkeys((digits, *ways, small(text), small(text.replace(" ", "\u00a0")))))


def small(text: str) -> str:
    """Latin letters small, all others as they are: as `scan.lua` compares."""
    return "".join(c.lower() if c.isascii() else c for c in text)
