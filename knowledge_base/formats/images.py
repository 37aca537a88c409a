"""Pictures and scans by tesseract, where it is installed (Debian: tesseract-ocr and its languages)."""

from __future__ import annotations

import io
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from knowledge_base.document import Page, Source, Unreadable
from knowledge_base.formats.text import of_text

# Dots an inch at which a page is drawn for OCR: read without an error in our trial at 1 s of CPU a page.
RESOLUTION = 300
# Pixels of a picture: a photograph of a poster has fewer, a bomb more.
MOST_PIXELS = 60_000_000
# Pages of one picture, as scanners write them.
MOST_PAGES = 50
# Seconds that one page may take.
SECONDS = 60
# Languages are asked for in this order, as many of them as are installed; more of them cost time.
_LANGUAGES = ("eng", "rus", "kaz", "ita", "spa", "deu", "por", "fra", "tur", "ron")


@cache
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


def read_image(path: Path) -> Source:
    """A picture of text. Raises Unreadable where this machine has no OCR."""
    from PIL import Image, ImageOps

    if not reads_images():
        raise Unreadable("is a picture, and this machine has no OCR; install tesseract, or send it as text")
    pages: list[Page] = []
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
                page = of_text(text_of_image(ImageOps.exif_transpose(image)), number)
                pages += page.pages
                raw |= page.raw
                left_out += page.left_out
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Unreadable("is a damaged picture; send it again, or another photo of it") from None
    if frames > MOST_PAGES:
        problems.append(f"goes on after page {MOST_PAGES}, left out; split it")
    return Source(pages=pages, raw=raw, left_out=left_out, problems=problems)
