"""Files that people at the business send: kept for KEPT, so that they go out and colleagues can see them.

attached:C:DIGEST  STRING  the bytes of a file, by the id of the reply it goes out with
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from channels.content.anything import Files
from channels.content.media import CLOUD_UPLOADS, MEGABYTE, Audio, Document, Image, Video
from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import digest, key
from server.store.records import AttachedFile, AttachedKind

# For how long one is kept, seconds, and how much of a file of any sort, bytes. WhatsApp takes documents of
# 100 MB; here they wait in the database until they are sent.
KEPT, LARGEST = 3 * 86_400, 16 * MEGABYTE
# Of all files of a bot, bytes: a database that is full takes no messages any more.
MOST = 192 * MEGABYTE
CAPTION = 1024
# What pictures begin with (PNG specification, 5.2; JPEG, ITU-T T.81, B.1.1.3): WhatsApp refuses one that is
# another thing.
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
# The media types of files that businesses send, by the ends of their names: what a machine knows of that
# differs.
_TYPES = {
    **{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"},
    **{".mp4": "video/mp4", ".3gp": "video/3gpp", ".aac": "audio/aac", ".amr": "audio/amr"},
    **{".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".opus": "audio/ogg"},
    **{".pdf": "application/pdf", ".txt": "text/plain", ".csv": "text/plain", ".ics": "text/plain"},
    **{".doc": "application/msword", ".xls": "application/vnd.ms-excel"},
    ".ppt": "application/vnd.ms-powerpoint",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
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
    ending = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    named = _TYPES.get(ending, "")
    mime = next((mime for mime, begins in _PICTURES.items() if data.startswith(begins)), named)
    if mime in _PICTURES and not data.startswith(_PICTURES[mime]):
        raise BadFile(f"it is named {ending}, and is no such picture: save it anew as JPEG or PNG")
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
        raise BadFile(f"WhatsApp takes no {ending or 'file without an ending'}: send a PDF, or a link to it")
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


async def keep(redis: Redis, bot_id: str, reply_id: str, data: bytes) -> None:
    """Keep the file of a reply. Where a bot keeps too much, the oldest go."""
    sizes, now = key(bot_id, "attached_sizes"), now_ms()
    rows = sorted(
        (int(row.split()[1]), int(row.split()[0]), name.decode())
        for name, row in (await redis.hgetall(sizes)).items()
    )
    total = len(data) + sum(size for until, size, _ in rows if until > now)
    for until, size, name in rows:
        if until > now and total <= MOST:
            break
        total -= size if until > now else 0
        await redis.unlink(key(bot_id, "attached", name))
        await redis.hdel(sizes, name)
    await redis.set(_name(bot_id, reply_id), data, ex=KEPT)
    await redis.hset(sizes, digest(reply_id), f"{len(data)} {now + 1000 * KEPT}")


async def kept(redis: Redis, bot_id: str, reply_id: str) -> bytes | None:
    """The file of a reply; None for one that is kept no longer."""
    return await redis.get(_name(bot_id, reply_id))


async def forget(redis: Redis, bot_id: str, reply_id: str) -> int:
    """Delete the file of a reply; how many there were."""
    await redis.hdel(key(bot_id, "attached_sizes"), digest(reply_id))
    return await redis.unlink(_name(bot_id, reply_id))


def _name(bot_id: str, reply_id: str) -> str:
    return key(bot_id, "attached", digest(reply_id))
