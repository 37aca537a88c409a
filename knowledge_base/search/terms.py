"""Text to stemmed words, in any script."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

import Stemmer

from knowledge_base.heaps import lightened

# \\w alone splits Hindi, Thai and Arabic words at their combining marks.
_WORD = re.compile(r"[\w\u0300-\u036f\u0900-\u097f\u0e00-\u0e7f\u064b-\u065f]+")
_SCRIPT_STEMMERS = (
    ("\u0400", "\u04ff", "russian"),
    ("\u0600", "\u06ff", "arabic"),
    ("\u0900", "\u097f", "hindi"),
)
_LATIN_STEMMERS = {
    "it": "italian",
    "es": "spanish",
    "pt": "portuguese",
    "de": "german",
    "fr": "french",
    "ro": "romanian",
    "tr": "turkish",
    "en": "english",
}
_SPACELESS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# Words whose stems are kept: nearly all of a text are among them.
_STEMS = 50_000


@cache
def _stemmer(language: str) -> Any:
    made: Any = Stemmer  # has no types
    return made.Stemmer(language)


@lru_cache(_STEMS)
def _stem(word: str, language: str) -> str:
    script = next((name for low, high, name in _SCRIPT_STEMMERS if low <= word[0] <= high), None)
    return str(_stemmer(script or _LATIN_STEMMERS.get(language, "english")).stemWord(word))


def terms(text: str, language: str = "en") -> list[str]:
    """Stemmed words; the stemmer follows the script of each word, `language` decides among those of Latin
    script. What is written without spaces is taken two signs at a time."""
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", lightened(text)).lower()):
        if _SPACELESS.search(word):
            found += [word[i : i + 2] for i in range(max(1, len(word) - 1))]
        else:
            found.append(_stem(word, language))
    return found
