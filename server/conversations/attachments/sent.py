"""Files that people at the business send: kept for KEPT, so that they go out and colleagues can see them.

attached:C:DIGEST  STRING  the bytes of a file, by the id of the reply it goes out with
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping

from pydantic import ValidationError

from channels.content.anything import Files
from channels.content.media import CLOUD_UPLOADS, MEGABYTE, Audio, Document, Image, Video
from server.store.client import Redis
from server.store.keys import digest, key
from server.store.records import AttachedFile, AttachedKind

# For how long one is kept, seconds, and how much of a file of any sort, bytes. WhatsApp takes documents of
# 100 MB; here they wait in the database until they are sent.
KEPT, LARGEST = 3 * 86_400, 16 * MEGABYTE
CAPTION = 1024
# What pictures begin with (PNG specification, 5.2; JPEG, ITU-T T.81, B.1.1.3): WhatsApp refuses one that is
# another thing.
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_SORTS: Mapping[AttachedKind, type[Image] | type[Video] | type[Audio] | type[Document]] = {
    "image": Image,
    "video": Video,
    "audio": Audio,
    "document": Document,
}


class BadFile(ValueError):
    """A file that cannot be sent; the message says why, and what can be done."""


def file_of(name: str, data: bytes, caption: str, voice: bool, cloud: bool) -> AttachedFile:
    """What a file goes out as: a picture, film or recording where WhatsApp shows it as one, else a document.
    `voice`: as a voice message; `cloud`: it goes out through the Cloud API. Raises BadFile."""
    if not data:
        raise BadFile("it is empty")
    named = mimetypes.guess_type(name)[0] or ""
    mime = next((mime for mime, begins in _PICTURES.items() if data.startswith(begins)), named)
    if mime in _PICTURES and not data.startswith(_PICTURES[mime]):
        mime = ""
    mime = mime or "application/octet-stream"
    found: AttachedKind | None = next(
        (kind for kind, sort in _SORTS.items() if sort.takes and mime in sort.takes), None
    )
    if voice:
        if not data.startswith(b"OggS"):
            raise BadFile("a voice message is OGG with Opus: send it as a file")
        found, mime = "audio", "audio/ogg"
    elif found is None or (found == "audio" and caption):
        found = "document"  # WhatsApp shows no words with a recording
    elif len(data) > _SORTS[found].largest:
        found = "document"
    if cloud and not mime.startswith(CLOUD_UPLOADS):
        raise BadFile(f"WhatsApp takes no {mime.rpartition('/')[2]}: send a PDF, or a link to it")
    file = AttachedFile(kind=found, name=name[-240:], mime_type=mime, size=len(data), voice=voice)
    content_of(file, data, caption)
    return file


def content_of(file: AttachedFile, data: bytes, caption: str) -> Files:
    """The file as it goes out. Raises BadFile."""
    if len(data) > LARGEST:
        raise BadFile(f"it is larger than {LARGEST // MEGABYTE} MB: send a link to it")
    given = {"name": file.name, "mime_type": file.mime_type, "data": data, "caption": caption}
    try:
        if file.kind == "audio":
            return Audio.model_validate({**given, "voice": file.voice})
        return _SORTS[file.kind].model_validate(given)
    except ValidationError as error:
        raise BadFile(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None


async def keep(redis: Redis, bot_id: str, conversation_id: str, reply_id: str, data: bytes) -> None:
    """Keep the file of a reply."""
    await redis.set(_name(bot_id, conversation_id, reply_id), data, ex=KEPT)


async def kept(redis: Redis, bot_id: str, conversation_id: str, reply_id: str) -> bytes | None:
    """The file of a reply; None for one that is kept no longer."""
    return await redis.get(_name(bot_id, conversation_id, reply_id))


def _name(bot_id: str, conversation_id: str, reply_id: str) -> str:
    return key(bot_id, "attached", conversation_id, digest(reply_id))
