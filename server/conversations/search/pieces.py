"""Texts in the pieces in which the index holds them, and what it is asked for a word."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from server.conversations.search.scan import ReadConversation
from server.conversations.search.terms import small

# Characters of a token (https://www.sqlite.org/fts5.html, "The Trigram Tokenizer").
GRAM = 3
# A block ends after one line in so many, whichever: what comes or goes at either end changes one block only.
BLOCK = 16
# Runs of letters that are asked for of one spelling, spread over it: each must be read from the index.
MOST_GRAMS = 12


def blocks_of(read: ReadConversation) -> list[str]:
    """Its texts in pieces, as they are looked for. FTS5 reads a text up to its first NUL."""
    blocks, lines = [small(read.card).replace("\0", " ")], list[str]()
    for line in read.lines:
        lines.append(small(line).replace("\0", " "))
        if zlib.crc32(line.encode("utf-8", "replace")) % BLOCK == 0:
            blocks.append("\n".join(lines))
            lines = []
    return list(dict.fromkeys([*blocks, "\n".join(lines)]))


def expression_of(term: Sequence[str]) -> str | None:
    """What FTS5 is asked for a term: runs of three letters of one of its spellings. None for one that it
    cannot be asked for."""
    if any(len(spelling) < GRAM or "\0" in spelling for spelling in term):
        return None
    return " OR ".join(f"({' AND '.join(_grams(spelling))})" for spelling in term)


def _grams(text: str) -> list[str]:
    runs = list(dict.fromkeys(text[n : n + GRAM] for n in range(len(text) - GRAM + 1)))
    if len(runs) > MOST_GRAMS:  # neighbours say much the same
        runs = [runs[n * (len(runs) - 1) // (MOST_GRAMS - 1)] for n in range(MOST_GRAMS)]
    return ['"{}"'.format(run.replace('"', '""')) for run in runs]
