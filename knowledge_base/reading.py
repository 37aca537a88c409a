"""Files of every format are read in a process of their own, limited in time, memory and what they may become.

No parser can be trusted with a file that somebody chose, and no thread can be stopped: a small PDF can take
minutes, 20,000 `<` hold an HTML reader for longer. `python -m knowledge_base.reading FILE` is that process; a
password, and what a model has read of pictures, come on its standard input, where no list of processes shows
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from knowledge_base.coverage import Coverage, covered
from knowledge_base.document import Document, Unreadable
from knowledge_base.formats.images import Sight
from knowledge_base.load import FORMATS, read_file
from knowledge_base.passages import Passage, split_document

# Of one file: seconds of CPU time, bytes of memory, and passages, of which each costs an embedding.
SECONDS, MEMORY, MOST_PASSAGES = 60.0, 2 * 1024**3, 20_000
# Rows of tables cost none beyond the first few thousand (`knowledge_base.library`).
MOST_ROWS = 200_000
# How much longer than its CPU time a file may take: a machine has others to serve, and OCR works beside us.
PATIENCE = 5
# Bytes of text that come out of one.
MOST_TEXT = 32 * 1024 * 1024
# Bytes of a file: what is larger is a film, or a disk.
LARGEST_FILE = 200 * 1024 * 1024


class Reading(BaseModel):
    """A file that was read, whole and in passages, and how much of its text they keep. Where there are
    `pictures`, by page, that nobody has read yet, nothing else is there."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    document: Document
    passages: list[Passage]
    coverage: Coverage
    pictures: dict[int, bytes] = {}


class Pictures(BaseModel):
    """What is known of a file's pictures that no OCR reads here: whether they are `wanted`, and what a
    `reader` has `read` of them, by page; `problem` says why it could not."""

    model_config = ConfigDict(frozen=True)

    wanted: bool = False
    reader: str = ""
    read: dict[int, str] = {}
    problem: str = ""


class _Given(BaseModel):
    """What the process is given with a file."""

    password: str = ""
    pictures: Pictures = Pictures()


# Reads pictures, by page.
Sees = Callable[[Mapping[int, bytes]], Awaitable[Pictures]]


async def read_seeing(path: Path, password: str, sees: Sees | None, gate: asyncio.Semaphore) -> Reading:
    """Read a file off the event loop, within `gate`, and with `sees` outside of it for pictures that no OCR
    reads here. Raises Unreadable."""
    first = Pictures(wanted=sees is not None)
    async with gate:
        reading = await asyncio.to_thread(read_apart, path, password=password, pictures=first)
    if not reading.pictures or sees is None:
        return reading
    seen = await sees(reading.pictures)
    try:
        async with gate:
            return await asyncio.to_thread(read_apart, path, password=password, pictures=seen)
    except Unreadable:
        if seen.problem:
            raise Unreadable(f"{path.name}: {seen.problem}") from None
        raise


def read_apart(
    path: Path, seconds: float = SECONDS, password: str = "", pictures: Pictures = Pictures()
) -> Reading:
    """Read a file of one of FORMATS. Raises Unreadable. Blocks for `seconds` of CPU time and PATIENCE times
    as long by the clock at most: call it off the event loop."""
    if path.suffix.lower() not in FORMATS:
        raise Unreadable(f"{path.name}: unknown format, use {', '.join(FORMATS)}")
    if path.stat().st_size > LARGEST_FILE:
        raise Unreadable(f"{path.name}: larger than {LARGEST_FILE >> 20} MB; split it")
    command = [sys.executable, "-m", "knowledge_base.reading", str(path), str(math.ceil(seconds))]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            input=_Given(password=password, pictures=pictures).model_dump_json().encode(),
            capture_output=True,
            timeout=PATIENCE * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(
            f"{path.name}: took longer than {PATIENCE * seconds:.0f} s to read; save it anew, or in parts"
        ) from None
    if done.returncode == 0:
        return Reading.model_validate_json(done.stdout)
    reason = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode < 0 or not reason:
        raise Unreadable(
            f"{path.name}: took more time or memory than any document needs; save it anew, or in parts"
        )
    raise Unreadable(f"{path.name}: {reason[-1]}")


def _limit(seconds: int) -> None:
    """Of this very process."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # standard error is for the one line that says why
    sys.setrecursionlimit(5000)
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(kind, (most, most))


def _read_here(path: Path, given: _Given) -> Reading:
    """Runs in the child process. Raises Unreadable."""
    sight = Sight(given.pictures.wanted, given.pictures.reader, given.pictures.read)
    document, source = read_file(path, given.password, sight)
    if sight.unread:
        return Reading(
            document=document, passages=[], coverage=Coverage(words=0, kept=0), pictures=sight.unread
        )
    passages = split_document(document)
    rows = sum(bool(passage.row) for passage in passages)
    if len(passages) - rows > MOST_PASSAGES or rows > MOST_ROWS:
        most = MOST_PASSAGES if len(passages) - rows > MOST_PASSAGES else MOST_ROWS
        raise Unreadable(f"{len(passages)} passages, more than {most}; split the file")
    if sum(len(page.text) for page in document.pages) > MOST_TEXT:
        raise Unreadable(f"more than {MOST_TEXT >> 20} MB of text; split the file")
    return Reading(document=document, passages=passages, coverage=covered(document.name, source, passages))


def main(path: Path, seconds: int) -> None:
    """Write what was read to standard output, or one line on standard error and status 1."""
    given = _Given.model_validate_json(sys.stdin.buffer.read() or b"{}")
    tempfile.gettempdir()  # tried out by writing a file, which is not allowed later
    _limit(seconds)
    try:
        sys.stdout.write(_read_here(path, given).model_dump_json())
    except Unreadable as unreadable:
        sys.exit(" ".join(str(unreadable).removeprefix(f"{path.name}: ").split()))
    except MemoryError:
        sys.exit("needs more memory than any document does; save it anew, or in parts")
    except Exception as error:  # whatever a parser provokes
        logging.getLogger(__name__).debug("unreadable: %r", error)
        kind = path.suffix[1:].upper()
        sys.exit(f"damaged or not a {kind}; open it in the program it comes from and save it anew")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
