"""Vectors of a document's passages: what is known is taken, only what is new is embedded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import numpy as np

from knowledge_base.document import Unreadable
from knowledge_base.embed import Embedder, Vectors
from knowledge_base.passages import Passage
from knowledge_base.stored import Stored, embedded_text, embedding_key

# How long a document may be embedded: 3 MB of text on a slow machine. One at a time in a process, which has
# others to answer.
EMBEDDING_SECONDS = 900
# Rows of tables that are embedded, of one document; the rest is found by its words and by `find_product`. So
# many take some minutes, and a question about goods names them.
EMBEDDED_ROWS = 5_000
# Texts that are embedded between two reports of progress.
_BATCH = 8

Progress = Callable[[int, int], None]


def keys_of(embedder: str, passages: Sequence[Passage]) -> list[bytes | None]:
    """The names of the vectors of passages; None for a row that is beyond those that are embedded."""
    rows = accumulate(bool(passage.row) for passage in passages)
    return [
        embedding_key(embedder, embedded_text(passage)) if not passage.row or row <= EMBEDDED_ROWS else None
        for passage, row in zip(passages, rows, strict=True)
    ]


def embedded(
    embedder: Embedder,
    name: str,
    passages: Sequence[Passage],
    known: Mapping[bytes, bytes],
    progress: Progress | None = None,
) -> dict[bytes, bytes]:
    """Vectors, float16 bytes, of those passages that are not known. Raises Unreadable when that takes longer
    than EMBEDDING_SECONDS. Blocks: use a thread."""
    keys = keys_of(embedder.name, passages)
    wanted = {
        key: embedded_text(passage)
        for key, passage in zip(keys, passages, strict=True)
        if key is not None and key not in known
    }
    found: dict[bytes, bytes] = {}
    names, end = list(wanted), time.monotonic() + EMBEDDING_SECONDS
    for start in range(0, len(names), _BATCH):
        if time.monotonic() > end:
            done = f"{start} of {len(names)} passages in {EMBEDDING_SECONDS // 60} minutes"
            raise Unreadable(f"{name}: only {done}; add it in parts")
        batch = names[start : start + _BATCH]
        rows = embedder.passages([wanted[key] for key in batch]).astype(np.float16)
        found |= {key: row.tobytes() for key, row in zip(batch, rows, strict=True)}
        if progress:
            progress(min(len(names), start + _BATCH), len(names))
    return found


def kept_before(document: Stored) -> dict[bytes, bytes]:
    """The vectors that a version before kept within the document."""
    if not document.vectors or not document.passages:
        return {}
    size = len(document.vectors) // len(document.passages)
    rows = (document.vectors[at * size : (at + 1) * size] for at in range(len(document.passages)))
    keys = keys_of(document.embedder, document.passages)
    return {key: row for key, row in zip(keys, rows, strict=True) if key is not None and any(row)}


def matrix(embedder: str, passages: Sequence[Passage], known: Mapping[bytes, bytes]) -> Vectors:
    """The vectors of passages, (n, d) float32; zeros for one that has none."""
    size = len(next(iter(known.values()), b""))
    empty = bytes(size)
    packed = b"".join(known.get(key, empty) if key else empty for key in keys_of(embedder, passages))
    return np.frombuffer(packed, np.float16).astype(np.float32).reshape(len(passages), size // 2 or 1)
