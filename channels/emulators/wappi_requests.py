"""What Wappi takes, written from what its public clients send and not from our sender."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Send(_Strict):
    """POST /api/sync/message/send."""

    recipient: str = Field(pattern=r"^(\d{6,15}|[\w.+-]+@(c\.us|g\.us|lid))$")
    body: str = Field(min_length=1, max_length=65_536)
    quoted_message_id: str = ""


class SendReply(_Strict):
    """POST /api/sync/message/reply."""

    message_id: str = Field(min_length=1)
    body: str = Field(min_length=1)
    url: str = ""


class SendDocument(_Strict):
    """POST /api/sync/message/img/send, document/send, video/send and audio/send."""

    recipient: str = Field(pattern=r"^(\d{6,15}|[\w.+-]+@(c\.us|g\.us|lid))$")
    b64_file: str = Field(min_length=1)
    caption: str = ""
    file_name: str = ""


class FileUrl(_Strict):
    """POST /api/sync/message/file/url/send."""

    recipient: str
    url: str = Field(pattern=r"^https?://")
    caption: str = ""
    file_name: str = ""


class React(_Strict):
    """POST /api/sync/message/reaction."""

    message_id: str = Field(min_length=1)
    body: str = Field(max_length=16)


class MarkRead(_Strict):
    """POST /api/sync/message/mark/read."""

    message_id: str


class Typing(_Strict):
    """POST /api/sync/chat/typing/start."""

    recipient: str


SENDS: dict[str, Any] = {
    "message/send": Send,
    "message/reply": SendReply,
    "message/img/send": SendDocument,
    "message/reaction": React,
    "message/document/send": SendDocument,
    "message/video/send": SendDocument,
    "message/audio/send": SendDocument,
    "message/file/url/send": FileUrl,
}
