"""What a file really is, by its first bytes: names are wrong, and what a shop's program calls .xls is often a
page, a table of text or a newer workbook."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from knowledge_base.document import Unreadable

# What a reader opens: a file on the disk, or one that was unlocked and stands on none.
Opened = Path | BinaryIO

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Excel locks a workbook that is only write-protected with this word, and opens it without asking.
WRITE_PROTECTED = "VelvetSweatshop"
_PASSWORD = "needs a password; give it, or save a copy without one"  # noqa: S105 - a message
_WRONG = "is not opened by this password; check it, or save a copy without one"
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"II*\x00", ".tiff"),
    (b"MM\x00*", ".tiff"),
    (b"{\\rtf", ".rtf"),
)
_REFUSED = (
    (b"Rar!", "is an archive; unpack it and add the files in it"),
    (b"7z\xbc\xaf", "is an archive; unpack it and add the files in it"),
    (b"\x1f\x8b", "is an archive; unpack it and add the files in it"),
    (b"MZ", "is a program, no document"),
    (b"\x7fELF", "is a program, no document"),
    (b"SQLite format 3", "is a database; export its table as CSV"),
    (b"ID3", "is a sound recording; write down what it says"),
    (b"\x1aE\xdf\xa3", "is a film; write down what it says"),
)
# A part within a ZIP archive -> what the archive is.
_PARTS = {
    "word/document.xml": ".docx",
    "xl/workbook.xml": ".xlsx",
    "xl/workbook.bin": ".xlsb",
    "ppt/presentation.xml": ".pptx",
}
_TYPES = "[Content_Types].xml"
_CONTENTS = {"wordprocessingml": ".docx", "spreadsheetml": ".xlsx", "presentationml": ".pptx"}
_NAMED = frozenset((*_PARTS.values(), ".xls"))
_OPEN_DOCUMENTS = {"text": ".odt", "spreadsheet": ".ods", "presentation": ".odp"}
_SHEETS = frozenset((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"))
_TEXTS = frozenset(".csv .tsv .md .txt .html .htm .json .jsonl .yaml .yml .xml".split())
_STREAMS = {"WordDocument": "Word (.doc)", "PowerPoint Document": "PowerPoint (.ppt)"}
# Bytes of an office document unpacked, and how many times its size one part of it may be: text shrinks to a
# twentieth, a bomb to a thousandth.
MOST_UNPACKED, MOST_RATIO = 400 * 1024 * 1024, 200
# Bytes by which a text is told from other things.
_LOOKED_AT = 4096


def unlocked_file(path: Path, password: str = "") -> tuple[str, Opened]:
    """What a file is, as the ending that it should have, and the file to read: unlocked where it needs a
    password. Raises Unreadable for what is nothing that can be read, and for a wrong password."""
    with open(path, "rb") as file:
        begins = file.read(_LOOKED_AT)
    if begins.startswith(OLE):
        return _of_ole(path, password)
    kind = _kind(begins, path, path.suffix.lower())
    # readers of office files go by the name of a file, so one with a wrong name is given without
    misnamed = kind in _NAMED and kind != path.suffix.lower()
    return kind, io.BytesIO(path.read_bytes()) if misnamed else path


def _kind(begins: bytes, file: Opened, said: str) -> str:
    """The ending that a file should have, which says it ends with `said`."""
    for magic, reason in _REFUSED:
        if begins.startswith(magic):
            raise Unreadable(reason)
    if b"%PDF-" in begins[:1024]:
        return ".pdf"
    if begins.startswith(b"PK"):
        return _of_zip(file, said)
    if begins[4:8] == b"ftyp":
        photo = begins[8:12] in (b"heic", b"heix", b"mif1", b"heif", b"avif")
        raise Unreadable(
            "is a photo that only newer phones read; save it as JPG" if photo else "is a film; write it down"
        )
    if begins.startswith(b"RIFF"):
        if begins[8:12] == b"WEBP":
            return ".webp"
        raise Unreadable("is a sound recording or a film; write down what it says")
    found = next((kind for magic, kind in _MAGIC if begins.startswith(magic)), "")
    if found and not (found == ".bmp" and _is_text(begins)):
        return found
    return _of_text(begins, said)


def _of_text(begins: bytes, said: str) -> str:
    """Which kind of text it is; a text of no kind of its own is what its name says, or plain text."""
    if not _is_text(begins):
        return said
    bare = begins.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    head = bare[:1500].lower()
    if head.startswith(b"mime-version:") or b"\ncontent-type: multipart/related" in head:
        return ".mht"
    if bare.startswith(b"<"):
        if b"urn:schemas-microsoft-com:office:spreadsheet" in head and b"<html" not in head:
            return ".xml-workbook"
        if b"<!doctype html" in head or b"<html" in head or head.startswith((b"<table", b"<meta", b"<div")):
            return ".html"
        if head.startswith(b"<?xml") or said == ".yml":
            return ".xml"
    if said in _TEXTS:
        return said
    if bare[:1] in (b"{", b"[") and bare[1:].lstrip()[:1] in (b'"', b"{", b"[", b"]", b"}"):
        return ".json"
    lines = [line for line in bare.splitlines()[:20] if line.strip()]
    # commas part columns where a file says that it is a table; in prose they part words
    signs = (b"\t", b";", b",") if said in _SHEETS else (b"\t", b";")
    if any(len(lines) > 1 and all(sign in line for line in lines[:-1]) for sign in signs):
        return ".csv"
    return ".txt"


def _is_text(begins: bytes) -> bool:
    """Whether bytes are text of some encoding: hardly a control character, zeros only in UTF-16."""
    if begins[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    zeros = begins.count(0)
    wide = zeros and max(begins[::2].count(0), begins[1::2].count(0)) > 0.9 * zeros < 0.6 * len(begins)
    control = sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in begins) - (zeros if wide else 0)
    return control <= 0.02 * len(begins)


def _of_zip(file: Opened, said: str) -> str:
    kind = said[1:].upper()
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            mime = archive.read("mimetype")[:100].decode("latin-1") if "mimetype" in names else ""
            types = archive.read(_TYPES)[:100_000].decode("latin-1") if _TYPES in names else ""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        raise Unreadable(
            f"is damaged, its end is missing; open it as {kind} and save it anew, or send it again"
        ) from None
    for part, found in _PARTS.items():
        if part in names:
            return found
    for word, found in _OPEN_DOCUMENTS.items():
        if mime.startswith("application/vnd.oasis.opendocument") and word in mime:
            return found
    for word, found in _CONTENTS.items():
        if word in types:
            return found
    if said in _OPEN_DOCUMENTS.values():
        return said
    raise Unreadable("is an archive of files; unpack it and add the files in it")


def _of_ole(path: Path, password: str) -> tuple[str, Opened]:
    """Office files of before 2007, and newer ones with a password."""
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as streams:
            names = {"/".join(name) for name in streams.listdir()}
    except Exception:  # whatever a damaged one provokes
        raise Unreadable("is a damaged office file; open it and save it anew") from None
    for stream, program in _STREAMS.items():
        if stream in names:
            newer = "DOCX" if stream == "WordDocument" else "PPTX"
            raise Unreadable(f"is of the older format of {program}; save it as {newer}")
    locked = "EncryptedPackage" in names
    if not locked and not {name.lower() for name in names} & {"workbook", "book"}:
        raise Unreadable("is an office file of a kind that cannot be read here; save it as DOCX or XLSX")
    with open(path, "rb") as file:
        unlocked = _unlocked(file, password, locked)
    if unlocked is None:
        return ".xls", path if path.suffix.lower() == ".xls" else io.BytesIO(path.read_bytes())
    begins = unlocked.read(_LOOKED_AT)
    unlocked.seek(0)
    return (".xls" if begins.startswith(OLE) else _kind(begins, unlocked, path.suffix.lower())), unlocked


def _unlocked(file: BinaryIO, password: str, locked: bool) -> BinaryIO | None:
    """The file without its password; None for one that has none. Raises Unreadable."""
    from msoffcrypto.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
        DecryptionError,
        FileFormatError,
        InvalidKeyError,
        ParseError,
    )

    try:
        office = _office(file)
        if office is None or not (locked or office.is_encrypted()):
            return None
        for tried in dict.fromkeys((password or WRITE_PROTECTED, WRITE_PROTECTED)):
            found = io.BytesIO()
            try:
                office.load_key(password=tried, **({"verify_password": True} if locked else {}))
                office.decrypt(found)
            except (InvalidKeyError, DecryptionError):
                continue
            found.seek(0)
            return found
    except (FileFormatError, ParseError, OSError, ValueError):
        raise Unreadable("is a damaged office file; open it and save it anew") from None
    raise Unreadable(_WRONG if password else _PASSWORD)


def _office(file: BinaryIO) -> Any:
    """A file as it can be unlocked; None for one that is too old to be looked into, which its reader refuses
    when it is locked."""
    import msoffcrypto  # pyright: ignore[reportMissingTypeStubs]

    try:
        return msoffcrypto.OfficeFile(file)  # pyright: ignore[reportUnknownMemberType]
    except Exception:  # whatever an odd one provokes
        return None


def checked_zip(file: Opened) -> None:
    """Raises Unreadable for an archive that is encrypted, or unfolds too far."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("is protected with a password; save a copy without one")
    big = [p for p in parts if p.file_size > 1 << 20 and p.file_size > MOST_RATIO * max(1, p.compress_size)]
    if big or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise Unreadable(f"unfolds to more than {MOST_UNPACKED >> 20} MB; split it")
