"""What the messages of a batch say to the graph: text, quotes, reactions, voice as words, images and files as
they are."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from agent.models.chat import OFFLINE
from agent.models.usage import Meter
from agent.ordering.taps import as_tapped
from agent.state import names_taken_back, taken_back
from agent.turn_services import Blocks
from channels.base import Message
from channels.content.plain import choices_of
from channels.downloads import DownloadError
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.config.settings import Settings
from server.conversations.amendments import still_said
from server.conversations.contents import from_record
from server.conversations.forms import NO_FORMS, Forms, read_forms
from server.conversations.message_text import (
    STOP,
    as_amended,
    correcting,
    message_line,
    picked,
    pressed_stop,
    quoting,
    reacted,
    voiced,
)
from server.pipeline.transcription import Unheard, VoiceMessage, transcribe
from server.store.records import Contact

# What chat models take as images; WhatsApp sends JPEG and PNG, stickers are WebP ("Supported media types").
IMAGES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
PDF = "application/pdf"
MEGABYTE = 1_000_000
# Files of one batch that a model is shown.
MOST_FILES = 5
# What answers numbered lines: `2`, `2.`, `2)`.
NUMBER = re.compile(r"(?:10|[1-9])[.)]?")
# How far back a reaction is looked for.
RECENT = 12

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TurnInput:
    """A batch as the graph takes it; `attachments`: message id -> what a model that sees is shown; `forms`:
    what was learned from forms, and is to be said of them."""

    messages: list[AnyMessage]
    attachments: dict[str, Blocks] = field(default_factory=dict[str, Blocks])
    forms: Forms = NO_FORMS


class _Later(Exception):
    """A file that may come at another try."""


class Inputs:
    """Reads batches. `http` carries voice messages to their provider."""

    def __init__(self, settings: Settings, router: ChannelRouter, http: httpx.AsyncClient) -> None:
        self._settings, self._router, self._http = settings, router, http

    async def read(
        self,
        runtime: BotRuntime,
        contact: Contact,
        batch: Sequence[Message],
        meter: Meter,
        patient: bool = True,
    ) -> TurnInput:
        """The batch, what an operator wrote first: it is known, and must not pass for the answer to what the
        contact wrote.

        What a transcription costs goes on the bill of `meter`. While `patient`, a file that may come later
        fails the turn, which is then tried again.
        """
        messages, attachments = list[AnyMessage](), dict[str, Blocks]()
        forms = await read_forms(runtime, contact, batch)
        batch = await still_said(runtime, contact.id, batch)
        for message in sorted(as_amended(batch), key=lambda m: m.kind != "echo"):
            if message.kind == "echo":
                messages.append(
                    AIMessage(
                        message.text[: self._settings.max_message_length], id=message.id, name="operator"
                    )
                )
                continue
            if message.kind == "revoke":
                messages.append(taken_back(message.id, message.amends))
                continue
            text, blocks = await self._said(runtime, contact, message, meter, patient)
            if blocks and len(attachments) < MOST_FILES:
                attachments[message.id] = blocks
            before = f"{message.context}\n" if message.context else ""
            if message.kind == "edit" or message.quoted_id:
                before += await self._quote(runtime, contact, message)
            id, title = await self._tapped(runtime, contact, message)
            before += picked(id, title) + forms.notes.get(message.id, "")
            text = f"{before}{text}"[: self._settings.max_message_length].strip()
            messages.append(  # some providers refuse an empty one
                as_tapped(HumanMessage(text or "[empty message]", id=message.id), id, _ordered(message))
            )
        reactions = await runtime.conversations.reactions(contact.id, RECENT)
        first = next(
            (i for i, m in enumerate(messages) if isinstance(m, HumanMessage) and not names_taken_back(m)),
            None,
        )
        if reactions and first is not None:
            told = f"{reacted(reactions)}{messages[first].text}"
            messages[first] = messages[first].model_copy(update={"content": told})
        return TurnInput(messages, attachments, forms)

    async def _said(
        self, runtime: BotRuntime, contact: Contact, message: Message, meter: Meter, patient: bool
    ) -> tuple[str, Blocks]:
        if pressed_stop(message):
            return STOP, []
        if message.kind in ("text", "button", "edit"):
            return message.text, []
        if message.kind == "audio":
            return await self._voice(runtime, contact, message, meter, patient), []
        if message.kind in ("image", "document", "video") and message.media:
            blocks, trouble = await self._shown(runtime, message, patient)
            return message_line(message, "" if blocks else trouble), blocks
        return message_line(message, "unreadable" if message.kind == "unsupported" else ""), []

    async def _voice(
        self, runtime: BotRuntime, contact: Contact, message: Message, meter: Meter, patient: bool
    ) -> str:
        """The words of a voice message, put on record once."""
        heard = await runtime.conversations.heard(contact.id, message.id)
        if heard is None:
            try:
                audio = await self._file(runtime, message, self._settings.media_megabytes * MEGABYTE, patient)
                mime = message.media.mime_type if message.media else ""
                language = contact.profile.get("language", "")
                heard = await transcribe(
                    self._settings, self._http, VoiceMessage(audio, mime, language), meter
                )
            except DownloadError as error:
                if error.kind == "too_large":
                    return voiced("", "too_large")
                heard = ""
            except Unheard as error:
                log.info("unheard", bot=runtime.bot.id, conversation=contact.id, reason=str(error)[:200])
                heard = ""
            except (httpx.HTTPError, TimeoutError) as error:
                if patient:
                    raise
                log.error(
                    "transcription_failed",
                    bot=runtime.bot.id,
                    conversation=contact.id,
                    error=repr(error)[:200],
                )
                heard = ""
            await runtime.conversations.hear(contact.id, message.id, heard)
        return voiced(heard)

    async def _shown(self, runtime: BotRuntime, message: Message, patient: bool) -> tuple[Blocks, str]:
        """An image or a PDF for a model that sees; else why not, by the name of the phrase that says so."""
        mime = message.media.mime_type.partition(";")[0].strip() if message.media else ""
        if runtime.bot.context.model == OFFLINE or mime not in (*IMAGES, PDF):
            return [], "media"
        try:
            data = await self._file(runtime, message, self._settings.media_megabytes * MEGABYTE, patient)
        except DownloadError as error:
            log.warning("file_not_fetched", bot=runtime.bot.id, kind=message.kind, reason=str(error)[:200])
            return [], "too_large" if error.kind == "too_large" else "media"
        if not _is(data, mime):
            return [], "media"
        block: dict[str, Any] = {"base64": base64.b64encode(data).decode(), "mime_type": mime}
        if mime == PDF:
            name = message.media.filename if message.media else ""
            return [{"type": "file", **block, "filename": name or "file.pdf"}], ""
        return [{"type": "image", **block}], ""

    async def _file(self, runtime: BotRuntime, message: Message, most: int, patient: bool) -> bytes:
        channel = self._router.channel(runtime.bot.id, message.account)
        if channel is None or message.media is None:
            raise DownloadError("gone", "no channel to fetch it through")
        try:
            return await channel.fetch_media(message.media, most)
        except DownloadError as error:
            if error.kind == "retry" and patient:
                raise _Later(str(error)) from error
            raise

    async def _tapped(self, runtime: BotRuntime, contact: Contact, message: Message) -> tuple[str, str]:
        """(id, title) of the choice of ours that a tap, or a number that answers numbered lines, is of; empty
        for none."""
        if message.choice:
            return message.choice.id, message.choice.title
        if message.kind != "text" or not NUMBER.fullmatch(message.text.strip()):
            return "", ""
        lines = await runtime.conversations.transcript(contact.id, RECENT)
        ours = next((line for line in reversed(lines) if line.author == "bot"), None)
        content, channel = (
            from_record(ours.content) if ours else None,
            self._router.channel(runtime.bot.id, message.account),
        )
        if content is None or channel is None or content.kind in channel.capabilities.shows:
            return "", ""  # it was shown with rows to tap on, and a number means something else
        choices, number = choices_of(content), int(message.text.strip(" .)"))
        return choices[number - 1] if 0 < number <= len(choices) else ("", "")

    async def _quote(self, runtime: BotRuntime, contact: Contact, message: Message) -> str:
        """What the contact replies to, or corrects, as a line before their own."""
        if message.kind == "edit":
            old = await runtime.conversations.entry(contact.id, message.amends)
            return correcting(old.text if old else "")
        found = await runtime.conversations.quoted(contact, message.quoted_id)
        if found is None or not found.text:
            return ""
        return quoting(found.text, "their own" if found.author == "contact" else "your")


def _ordered(message: Message) -> dict[str, Any] | None:
    """The cart that came in a message, as plain data."""
    return message.order.model_dump(mode="json") if message.order else None


def _is(data: bytes, mime: str) -> bool:
    """Whether a file begins like what it is said to be: a provider refuses the whole call for one that does
    not."""
    starts = {
        "image/jpeg": (b"\xff\xd8\xff",),
        "image/png": (b"\x89PNG\r\n",),
        "image/gif": (b"GIF8",),
        "image/webp": (b"RIFF",),
        PDF: (b"%PDF",),
    }
    return data.lstrip()[:1024].startswith(starts.get(mime, ())) if mime != PDF else b"%PDF" in data[:1024]
