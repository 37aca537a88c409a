"""Meta's side of files: what a contact sends lies here until the business fetches it ("Media", Cloud API
reference)."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

# Files kept; the oldest goes.
MOST = 100


@dataclass(slots=True)
class ReceivedFile:
    """A file that a contact sent. `address` and `size` are what Meta says of it, when a test wants them
    wrong; `status` the HTTP status of its download."""

    data: bytes
    mime_type: str
    name: str = ""
    address: str = ""
    size: int | None = None
    status: int = 200


class Files:
    """The files of one Meta app, by media id."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, ReceivedFile] = OrderedDict()
        self.fetched: list[str] = []

    def keep(self, file: ReceivedFile) -> str:
        """A media id for a file."""
        media_id = str(secrets.randbelow(10**16))
        self.kept[media_id] = file
        if len(self.kept) > MOST:
            self.kept.popitem(last=False)
        return media_id

    def about(self, media_id: str, base: str) -> dict[str, Any] | None:
        """GET /{version}/{media_id}: where the file is; None when there is none."""
        file = self.kept.get(media_id)
        if file is None:
            return None
        return {
            "messaging_product": "whatsapp",
            "url": file.address or f"{base}_media/{media_id}",
            "mime_type": file.mime_type,
            "sha256": hashlib.sha256(file.data).hexdigest(),
            "file_size": len(file.data) if file.size is None else file.size,
            "id": media_id,
        }


def media_message(media_id: str, file: ReceivedFile, caption: str) -> dict[str, Any]:
    """The part of a webhook message that names a file ("Media messages", webhooks reference)."""
    family = file.mime_type.partition("/")[0]
    kind = family if family in ("audio", "image", "video") else "document"
    if file.mime_type == "image/webp":
        kind = "sticker"
    content: dict[str, Any] = {
        "id": media_id,
        "mime_type": file.mime_type,
        "sha256": hashlib.sha256(file.data).hexdigest(),
    }
    if kind == "audio":
        content["voice"] = True
    if kind == "document":
        content["filename"] = file.name or "file"
    if caption and kind in ("image", "video", "document"):
        content["caption"] = caption
    return {"type": kind, kind: content}
