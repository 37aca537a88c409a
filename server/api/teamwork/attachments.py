"""The operator API of files that a person sends."""

from __future__ import annotations

import asyncio
from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, File, Form, HTTPException, UploadFile

from server.api.common import Here, Queued, fails
from server.api.messages import queue_written
from server.conversations.attachments.sent import CAPTION, LARGEST, BadFile, file_of
from server.operators.audit import Audited
from server.operators.roles import AGENT
from server.operators.takeover import Written
from server.pipeline.speaking.ogg import NoRecording, as_voice_message

routes = APIRouter(prefix="/api", tags=["conversations"], route_class=Audited)


@routes.post(
    "/conversations/{conversation_id}/attachments",
    status_code=202,
    summary="Send a file as a person",
    responses=fails(413, "The file is larger than 16 MB"),
    dependencies=[AGENT],
)
async def send_attachment(
    api: Here,
    conversation_id: str,
    file: Annotated[UploadFile, File(description="the file, at most 16 MB")],
    text: Annotated[str, Form(max_length=CAPTION, description="words below it")] = "",
    voice: Annotated[bool, Form(description="whether it is shown as a voice message")] = False,
) -> Queued:
    """A picture (JPEG, PNG), film (MP4, 3GP) or recording is shown as one, anything else is a document. A
    voice message is OGG with Opus; WebM, as browsers record it, is put into OGG where `make voice` was run.
    It takes the conversation over: the bot is silent until it is handed back."""
    runtime, contact = await api.lookup.contact(conversation_id)
    data = await file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise HTTPException(413, f"file: larger than {LARGEST >> 20} MB: send a link to it")
    name = "".join(c for c in PurePath((file.filename or "").replace("\\", "/")).name if c.isprintable())
    try:
        data = await asyncio.to_thread(as_voice_message, data) if voice else data
        sent = file_of(name or "file", data, text, voice, runtime.bot.windowed(contact.account))
    except (BadFile, NoRecording) as error:
        raise HTTPException(422, f"file: {error}") from None
    written = Written(text=text, file=sent, data=data)
    return Queued(id=await queue_written(api, runtime, contact, written))
