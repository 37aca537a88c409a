"""Combining marks heaped on one character, which Unicode's normal forms sort in time that grows with the
square of the heap."""

from __future__ import annotations

import regex

_HEAPED = regex.compile(r"(\p{M}{4})\p{M}++")


def lightened(text: str) -> str:
    """The text with at most four marks on a character: no language writes more."""
    return _HEAPED.sub(r"\1", text)
