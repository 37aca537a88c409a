"""What a WAHA gateway takes, field by field after its OpenAPI 2026.7.1 (there and here a null `reply_to` is
refused)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Hmac(_Strict):
    key: str


class Retries(_Strict):
    policy: Literal["linear", "exponential", "constant"] = "constant"
    delaySeconds: float = Field(2, gt=0)
    attempts: int = Field(15, ge=0)


class SessionWebhook(_Strict):
    url: str = Field(pattern=r"^https?://")
    events: list[str] = Field(min_length=1)
    hmac: Hmac | None = None
    retries: Retries | None = None
    customHeaders: list[dict[str, str]] | None = None


class Config(_Strict):
    metadata: dict[str, str] = {}
    webhooks: list[SessionWebhook] = []
    debug: bool = False


class SessionUpdate(_Strict):
    """PUT /api/sessions/{session}."""

    config: Config = Config()


class SessionCreate(SessionUpdate):
    """POST /api/sessions."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,54}$")
    start: bool = True


class Code(_Strict):
    """POST /api/{session}/auth/request-code."""

    phoneNumber: str = Field(pattern=r"^\d{6,15}$")
    method: str | None = None


class Chat(_Strict):
    """POST /api/startTyping, /api/stopTyping."""

    session: str
    chatId: str = Field(pattern=r"^[\w.+-]+@(c\.us|g\.us|lid)$")


class Seen(Chat):
    """POST /api/sendSeen."""

    messageIds: list[str] = []
    messageId: str | None = None
    participant: str | None = None


class SendText(Chat):
    """POST /api/sendText."""

    text: str = Field(max_length=65_536)
    id: str | None = None
    reply_to: str = ""
    linkPreview: bool = True
    linkPreviewHighQuality: bool = False


class SentFile(_Strict):
    mimetype: str
    filename: str = ""
    data: str = ""
    url: str = ""


class SendFile(Chat):
    """POST /api/sendImage, /api/sendFile."""

    file: SentFile
    caption: str = ""
    reply_to: str = ""


class SendVoice(Chat):
    """POST /api/sendVoice."""

    file: SentFile
    convert: bool
    reply_to: str = ""


class SendVideo(SendVoice):
    """POST /api/sendVideo."""

    asNote: bool = False
    caption: str = ""


class SendLocation(Chat):
    """POST /api/sendLocation."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    title: str
    id: str | None = None
    reply_to: str = ""


class ContactCard(_Strict):
    vcard: str = Field(pattern=r"(?s)^BEGIN:VCARD\n.*\nFN:[^\n]+\n.*END:VCARD$")


class SendContacts(Chat):
    """POST /api/sendContactVcard."""

    contacts: list[ContactCard] = Field(min_length=1)
    id: str | None = None
    reply_to: str = ""


class React(_Strict):
    """PUT /api/reaction."""

    session: str
    messageId: str = Field(pattern=r"^(true|false)_[\w.+-]+@(c\.us|g\.us|lid)_\w+")
    reaction: str = Field(max_length=16)


SENDS: dict[str, Any] = {
    "sendText": SendText,
    "sendImage": SendFile,
    "sendFile": SendFile,
    "sendVoice": SendVoice,
    "sendVideo": SendVideo,
    "sendLocation": SendLocation,
    "sendContactVcard": SendContacts,
}
