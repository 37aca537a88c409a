"""Files of every format are read in a process of their own, limited in time, memory and what they may become.

No parser can be trusted with a file that somebody chose, and no thread can be stopped: a small PDF can take
minutes, 20,000 `<` hold an HTML reader for longer. `python -m knowledge_base.reading FILE` is that process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import resource
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from knowledge_base.load import FORMATS, Document, Unreadable, load
from knowledge_base.passages import Passage, split

# Of one file: seconds, bytes of memory, and passages, of which each costs an embedding.
SECONDS, MEMORY, MOST_PASSAGES = 30.0, 2 * 1024**3, 20_000
# Bytes of text that come out of one.
MOST_TEXT = 32 * 1024 * 1024


class Reading(BaseModel):
    """A file that was read, whole and in passages."""

    model_config = ConfigDict(frozen=True)

    document: Document
    passages: list[Passage]


def read(path: Path, seconds: float = SECONDS) -> Reading:
    """Read a file of one of FORMATS. Raises Unreadable. Blocks for up to `seconds`: call it off the event
    loop."""
    if path.suffix.lower() not in FORMATS:
        raise Unreadable(f"{path.name}: unknown format, use {', '.join(FORMATS)}")
    command = [sys.executable, "-m", "knowledge_base.reading", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        raise Unreadable(
            f"{path.name}: took longer than {seconds:.0f} s to read; save it anew, or in parts"
        ) from None
    if done.returncode == 0:
        return Reading.model_validate_json(done.stdout)
    reason = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode < 0 or not reason:
        raise Unreadable(
            f"{path.name}: took more time or memory than any document needs; save it anew, or in parts"
        )
    raise Unreadable(f"{path.name}: {reason[-1]}")


def _limit() -> None:
    """Of this very process."""
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(5000)
    for kind, most in (
        (resource.RLIMIT_CPU, int(SECONDS)),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(kind, (most, most))


def _read_here(path: Path) -> Reading:
    """Runs in the child process. Raises Unreadable."""
    document = load(path)
    passages = split(document)
    if len(passages) > MOST_PASSAGES:
        raise Unreadable(f"{len(passages)} passages, more than {MOST_PASSAGES}; split the file")
    if sum(len(page.text) for page in document.pages) > MOST_TEXT:
        raise Unreadable(f"more than {MOST_TEXT >> 20} MB of text; split the file")
    return Reading(document=document, passages=passages)


def main(path: Path) -> None:
    """Write what was read to standard output, or one line on standard error and status 1."""
    _limit()
    try:
        sys.stdout.write(_read_here(path).model_dump_json())
    except Unreadable as unreadable:
        sys.exit(str(unreadable).removeprefix(f"{path.name}: "))
    except MemoryError:
        sys.exit("needs more memory than any document does; save it anew, or in parts")
    except Exception as error:  # whatever a parser provokes
        kind = "damaged or not a PDF" if path.suffix.lower() == ".pdf" else "cannot be read"
        sys.exit(f"{kind} ({type(error).__name__}: {json.dumps(str(error)[:100])})")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
