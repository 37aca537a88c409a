"""Pictures and scans by tesseract, where it is installed (Debian: tesseract-ocr and its languages), else by
whoever asks for the pictures and says what stands on them: a model that sees."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from knowledge_base.document import FormatReading, PageText, Unreadable
from knowledge_base.formats.text import of_text

# Dots an inch at which a page is drawn for OCR: read without an error in our trial at 1 s of CPU a page.
RESOLUTION = 300
# Pixels of a picture: a photograph of a poster has fewer, a bomb more.
MOST_PIXELS = 60_000_000
# Pages of one picture, as scanners write them.
MOST_PAGES = 50
# Seconds that one page may take.
SECONDS = 60
# Pictures of one document that somebody else is asked to read, each for money, and the longest side of one.
MOST_PICTURES, LONGEST_SIDE = 20, 2_000
# Languages are asked for in this order, as many of them as are installed; more of them cost time.
_LANGUAGES = ("eng", "rus", "kaz", "ita", "spa", "deu", "por", "fra", "tur", "ron")


# Said of a picture that nobody can read.
NOBODY = (
    "is a picture, and this machine has no OCR; install tesseract, give the bot a model that sees pictures, "
    "or send it as text"
)


def reads_images() -> bool:
    """Whether this machine has OCR."""
    return shutil.which("tesseract") is not None


@cache
def _languages() -> str:
    command = ["tesseract", "--list-langs"]
    listed = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)  # noqa: S603
    installed = listed.stdout.decode(errors="replace").split()
    return "+".join([name for name in _LANGUAGES if name in installed][:4]) or "eng"


def text_of_image(image: Any) -> str:
    """The text that OCR finds in a Pillow image. Raises Unreadable when it takes too long or fails."""
    written = io.BytesIO()
    image.convert("L").save(written, "PNG")
    command = ["tesseract", "stdin", "stdout", "-l", _languages(), "--dpi", str(RESOLUTION)]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, input=written.getvalue(), capture_output=True, check=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(
            f"OCR of one page took longer than {SECONDS} s; scan it anew with less detail"
        ) from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise Unreadable(f"OCR failed ({said[-1][:100] if said else error.returncode})") from None
    return done.stdout.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Sight:
    """Who reads pictures: OCR where this machine has it; else what somebody has read of a page, by its
    number; else the page is kept in `unread`, where it is `wanted` at all. `reader` is the somebody, for the
    owner."""

    wanted: bool = False
    reader: str = ""
    said: Mapping[int, str] = field(default_factory=dict[int, str])
    unread: dict[int, bytes] = field(default_factory=dict[int, bytes])

    @property
    def reads(self) -> bool:
        """Whether anybody does."""
        return reads_images() or self.wanted or bool(self.said)

    def text(self, number: int, image: Any) -> str | None:
        """The text on a Pillow image, page `number` of its document; None where nobody has read it."""
        if reads_images():
            return text_of_image(image)
        if number not in self.said and self.wanted and len(self.unread) < MOST_PICTURES:
            self.unread[number] = _small(image)
        return self.said.get(number)

    def note(self, number: int) -> list[str]:
        """What an owner is told of a page that somebody else has read."""
        read = number in self.said and not reads_images()
        return [f"page {number} was read by {self.reader}, check it"] if read else []


def _small(image: Any) -> bytes:
    """A picture as models take it."""
    written = io.BytesIO()
    small = image.convert("RGB")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    small.save(written, "JPEG", quality=85)
    return written.getvalue()


def read_image(path: Path, sight: Sight) -> FormatReading:
    """A picture of text. Raises Unreadable where nobody can read it."""
    from PIL import Image, ImageOps

    if not sight.reads:
        raise Unreadable(NOBODY)
    pages: list[PageText] = []
    raw: dict[int, str] = {}
    left_out: list[str] = []
    problems: list[str] = []
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            for number in range(1, min(frames, MOST_PAGES) + 1):
                image.seek(number - 1)
                if image.width * image.height > MOST_PIXELS:
                    raise Unreadable(
                        f"has more than {MOST_PIXELS // 1_000_000} million pixels; save it smaller"
                    )
                text = sight.text(number, ImageOps.exif_transpose(image))
                if text is None:
                    problems.append(f"page {number} is a picture that nobody has read, left out")
                    continue
                page = of_text(text, number)
                problems += sight.note(number)
                pages += page.pages
                raw |= page.raw
                left_out += page.left_out
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Unreadable("is a damaged picture; send it again, or another photo of it") from None
    if frames > MOST_PAGES:
        problems.append(f"goes on after page {MOST_PAGES}, left out; split it")
    return FormatReading(pages=pages, raw=raw, left_out=left_out, problems=problems)
