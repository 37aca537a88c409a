"""Files that are ZIP archives inside: office documents, refused before they unfold into more than memory."""

from __future__ import annotations

import zipfile
from pathlib import Path

from knowledge_base.document import Unreadable

# Bytes of an office document unpacked, and how many times its size one part of it may be: text shrinks to a
# twentieth, a bomb to a thousandth.
MOST_UNPACKED, MOST_RATIO = 400 * 1024 * 1024, 200
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def checked_zip(path: Path) -> None:
    """Raises Unreadable for what is no archive, is encrypted, or unfolds too far."""
    with open(path, "rb") as file:
        begins = file.read(8)
    if begins == _OLE:
        raise Unreadable("is protected with a password, or of an older format; save a copy without either")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError):
        kind = path.suffix[1:].upper()
        raise Unreadable(f"damaged or not {kind}, whatever its name says; save it anew") from None
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("is protected with a password; save a copy without one")
    big = [p for p in parts if p.file_size > 1 << 20 and p.file_size > MOST_RATIO * max(1, p.compress_size)]
    if big or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise Unreadable(f"unfolds to more than {MOST_UNPACKED >> 20} MB; split it")
