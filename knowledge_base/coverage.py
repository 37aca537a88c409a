"""How much of a file's text its passages keep: counted word by word, so that no loss is silent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from knowledge_base.document import FormatReading, normalise
from knowledge_base.passages import Passage

# Under this share of words kept, an owner is told.
ENOUGH = 0.98
# Lost words that a problem names.
NAMED = 6
_WORD = re.compile(r"[^\W_]+")


class Coverage(BaseModel):
    """Words of a file, and how many of them stand in its passages."""

    model_config = ConfigDict(frozen=True)

    words: int
    kept: int
    problems: list[str] = []

    @property
    def share(self) -> float:
        """Between 0 and 1; 1 for a file without words."""
        return self.kept / self.words if self.words else 1.0


def covered(name: str, source: FormatReading, passages: Sequence[Passage]) -> Coverage:
    """Count a file's words against its passages. What a reader leaves out on purpose does not count."""
    there = _count(f"{p.heading} {p.text}" for p in passages)
    there.update(_count(source.left_out))
    words = kept = 0
    lost: dict[int, list[str]] = {}
    for number, text in sorted(source.raw.items()):
        for word, times in _count([text]).items():
            found = min(times, there[word])
            there[word] -= found
            words += times
            kept += found
            lost.setdefault(number, []).extend([word] * (times - found))
    complaints: list[str] = []
    if words and kept < ENOUGH * words:
        complaints.append(f"{name}: {kept} of {words} words were read ({int(100 * kept / words)} %)")
        for number, missing in lost.items():
            if missing:
                first = ", ".join(dict.fromkeys(missing[:NAMED]))
                complaints.append(f"{name}: page {number}: {len(missing)} words not read, such as {first}")
    return Coverage(words=words, kept=kept, problems=complaints[:50])


def _count(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in _WORD.findall(normalise(text).casefold()))
