"""Files of messages for the people who look at a conversation: those of contacts are fetched from the
provider when asked for and never kept, those of colleagues while they are kept."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from urllib.parse import quote

from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.conversations.attachments import sent
from server.store.records import Contact, Entry

LARGEST = 32 * 1024 * 1024
# What a type looks like (RFC 6838, 4.2); what a contact sends may say anything.
MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,100}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}", re.ASCII)
# What a browser shows in a page without running anything in it; everything else is a download.
SHOWN = re.compile(r"^(image/(jpeg|png|gif|webp)|audio/[\w.+-]+|video/(mp4|webm|3gpp))$")


class NoMedia(LookupError):
    """The message has no file, or nothing reaches it any more."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file; `name` is safe for a file system."""

    data: bytes
    mime_type: str
    name: str

    @property
    def headers(self) -> dict[str, str]:
        """How a browser is to take it: whatever is in it, it is never a page."""
        how = "inline" if SHOWN.match(self.mime_type) else "attachment"
        return {
            "Content-Disposition": f"{how}; filename*=UTF-8''{quote(self.name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=3600",
        }


async def fetch_attachment(
    runtime: BotRuntime, router: ChannelRouter, contact: Contact, message_id: str
) -> Attachment:
    """The file of a message. Raises NoMedia and DownloadError."""
    entry = await runtime.conversations.entry(contact.id, message_id, runtime.mailbox.limits.lines)
    if entry is None:
        raise NoMedia("there is no such message")
    return await of_entry(runtime, router, contact, entry)


async def of_entry(runtime: BotRuntime, router: ChannelRouter, contact: Contact, entry: Entry) -> Attachment:
    """The file of a line of the transcript. Raises NoMedia and DownloadError."""
    if entry.attached:
        data = await sent.kept(runtime.redis, runtime.bot.id, entry.id)
        if data is None:
            raise NoMedia("a file that was sent from here is kept for three days")
        return _attachment(data, entry.attached.mime_type, entry.attached.name, entry.kind)
    if entry.media is None or not (entry.media.id or entry.media.url):
        raise NoMedia("the message has no file that its provider keeps")
    channel = router.channel(runtime.bot.id, contact.account)
    if channel is None:
        raise NoMedia("no channel has the number that the message came to")
    data = await channel.fetch_media(entry.media, LARGEST)
    return _attachment(data, entry.media.mime_type, entry.media.filename, entry.kind)


def _attachment(data: bytes, mime_type: str, filename: str, sort: str) -> Attachment:
    kind = mime_type.partition(";")[0].strip().lower()
    kind = kind if MIME_TYPE.fullmatch(kind) else "application/octet-stream"
    name = re.sub(r"[^\w.() -]", "_", filename)[-80:].strip(". ")
    return Attachment(data, kind, name or f"{sort}{mimetypes.guess_extension(kind) or ''}")
