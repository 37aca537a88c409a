"""How the model calls of a command go out: asked at once, or carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Carriage:
    """How the calls of a command go: `requests` is the file they are written to, `answers` are files that
    answers are read from; `batch`: a provider's batch API answers, into the last of `answers` if there is
    one. Nothing of it: models are asked at once."""

    requests: Path | None = None
    answers: Sequence[Path] = ()
    batch: bool = False

    @property
    def is_used(self) -> bool:
        """Whether calls are carried at all."""
        return bool(self.requests or self.answers or self.batch)
