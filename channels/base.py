"""What every channel speaks: messages in, messages out, statuses, and the ways a send can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

# `echo`: a person at the business wrote it; `touch`: nobody did, a follow-up is due.
Kind = Literal[
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "button",
    "order",
    "reaction",
    "edit",
    "revoke",
    "system",
    "unsupported",
    "echo",
    "touch",
]

# A person said something that wants an answer; the other kinds are only recorded.
ANSWERED: frozenset[str] = frozenset(
    {"text", "image", "audio", "video", "document", "sticker", "location", "contacts", "button", "order"}
)

Status = Literal["sent", "delivered", "read", "failed"]


class Frozen(BaseModel):
    """Immutable, strict about unknown fields, cheap to put on a queue."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Media(Frozen):
    """A file that came with a message; `id` fetches it from the provider."""

    id: str
    mime_type: str = ""
    filename: str = ""


class Message(Frozen):
    """One inbound message.

    `account` is the provider's id of the business number it came to. At least one of `wa_id` (phone digits) and
    `user_id` (business-scoped id) is set. `text` is what a reader should see: the body, a caption, the title of a
    pressed button, a description of a location; `payload` what a template's button carries.
    """

    id: str
    account: str
    kind: Kind
    timestamp: int = 0
    wa_id: str = ""
    user_id: str = ""
    name: str = ""
    text: str = ""
    media: Media | None = None
    quoted_id: str = ""
    payload: str = ""
    group_id: str = ""


class StatusUpdate(Frozen):
    """What the provider says became of one of our messages; `callback` is the id we gave it, `contact` whom it went to."""

    id: str
    account: str
    status: Status
    timestamp: int = 0
    callback: str = ""
    contact: str = ""
    error_code: int = 0
    error: str = ""


class Preference(Frozen):
    """A contact switched a business's promotional messages off (`stopped`) or on again in WhatsApp itself."""

    account: str
    stopped: bool
    wa_id: str = ""
    user_id: str = ""
    timestamp: int = 0


class TemplateStatus(Frozen):
    """What the provider did with a message template: APPROVED, REJECTED, PAUSED, DISABLED, ..."""

    name: str
    language: str
    status: str
    reason: str = ""


class Quarantined(Frozen):
    """A piece of a webhook that could not be read, kept for a person to look at."""

    reason: str
    piece: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """Everything one webhook body held."""

    messages: list[Message] = field(default_factory=list)
    statuses: list[StatusUpdate] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    preferences: list[Preference] = field(default_factory=list)
    templates: list[TemplateStatus] = field(default_factory=list)


class Recipient(Frozen):
    """Where a reply goes: the number it is sent from and the contact's identities."""

    account: str
    wa_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a provider takes messages: one each `interval` ms from a number, up to `burst` at once; `pair_*` the same
    for one number and one contact. 0 ms: as fast as they come."""

    interval: float = 0
    burst: int = 1
    pair_interval: float = 0
    pair_burst: int = 1


Failure = Literal["retry", "busy", "pair", "unknown", "change", "window", "contact", "opt_out", "later", "stop"]


class SendError(Exception):
    """A send that did not succeed.

    `kind` says what to do: `retry` (certainly not sent, try again), `busy` (the same, and the whole number should wait),
    `pair` (too many messages to this contact), `unknown` (may have been sent: wait for a status), `change` (this message
    will never be taken), `window` (the contact wrote too long ago for anything but a template), `contact` (the contact
    cannot be reached), `opt_out` (the contact wants no more), `later` (not for 24 hours), `stop` (the account is broken:
    token, payment, policy). `retry_after` is in seconds, 0 when the provider named none.
    """

    def __init__(self, kind: Failure, message: str, code: int = 0, retry_after: float = 0) -> None:
        super().__init__(message)
        self.kind: Failure = kind
        self.code = code
        self.retry_after = retry_after
