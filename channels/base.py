"""What every channel speaks: the contract itself, messages in, content out, statuses, and the ways a send can
fail."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from channels.content.account import AccountNotice, MissedCall, NumberIdentity
from channels.content.anything import Content
from channels.content.inbound import Choice, Order, Place, ProductReference
from channels.content.parts import Frozen
from channels.content.payments import PaymentReport
from channels.content.pricing import MessagePricing
from channels.downloads import DownloadError

# `echo`: a person at the business wrote it; `touch`: nobody did, a follow-up is due; `draft_request`: a
# person at the business wants to see what the agent would say.
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
    "draft_request",
]

# A person said something that wants an answer; the other kinds are only recorded.
ANSWERED: frozenset[str] = frozenset(
    {
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
        "unsupported",
    }
)
# Change what was said before: the message they name is read as it is now.
AMENDING: frozenset[str] = frozenset({"edit", "revoke"})

# What is kept of the ad or post a message was written from (Cloud API, webhook reference, "referral");
# `ctwa_clid` is the click, which Meta's Conversions API asks for.
REFERRAL = (
    *("source_type", "source_id", "source_url", "headline", "body", "ctwa_clid"),
    *("media_type", "image_url", "video_url", "thumbnail_url"),
)

Status = Literal["sent", "delivered", "read", "failed"]


class Media(Frozen):
    """A file that came with a message."""

    id: str = Field(description="The provider's id, which fetches it")
    mime_type: str = Field(default="", description="Its type, such as `image/jpeg`")
    filename: str = Field(default="", description="The name its sender gave it")
    url: str = Field(default="", description="Where the provider has it, which may expire")
    data: str = Field(
        default="", description="The file in base64, where the provider gave no other way to it"
    )


def _is_empty(value: object) -> bool:
    """What is not there is not stored either, so that an older version reads what this one has kept."""
    return not value


class Message(Frozen):
    """One inbound message, or (`echo`) one that left the business's number by another way than ours.

    `account` is the provider's id of the business number it came to. At least one of `wa_id` (phone digits)
    and `user_id` (business-scoped id, or the lid of a linked session) is set. `text` is what a reader should
    see: the body, a caption, the title of a pressed button, a description of a location; `payload` what a
    template's button carries. `group_id` is the group it was written in. `ours`: an echo that may be of a
    message we sent ourselves. `traceparent`: where a trace of it goes on (W3C Trace Context). `context` says
    in words what came beside the text, such as the ad it was written from; `amends` is the message that an
    edit or a revocation names. `moved_to` are the sender's new number and user id, where they have changed.
    `referral` is the ad or post it was written from (`REFERRAL` names its fields). What a tap says stands in
    `choice` (a button or a row), `order` (a cart), `product` (what the message is about), `place` (where
    they are) and `answers` (the fields of a form by their names, without its token)."""

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
    ours: bool = False
    traceparent: str = ""
    context: str = ""
    amends: str = ""
    moved_to: tuple[str, str] = ("", "")
    referral: dict[str, str] = Field(default={})
    choice: Choice | None = Field(default=None, exclude_if=_is_empty)
    order: Order | None = Field(default=None, exclude_if=_is_empty)
    product: ProductReference | None = Field(default=None, exclude_if=_is_empty)
    place: Place | None = Field(default=None, exclude_if=_is_empty)
    answers: dict[str, str] = Field(default={}, exclude_if=_is_empty)


def amending_id(original: str, kind: str, text: str) -> str:
    """The id of an edit or a revocation that its provider sends under the id of the message it changes, so
    that it is not taken for one that has come before."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{original}:{kind}:{digest}"


Failure = Literal[
    "retry", "busy", "pair", "unknown", "change", "window", "contact", "opt_out", "later", "stop"
]


class StatusUpdate(Frozen):
    """What the provider says became of one of our messages; `callback` is the id we gave it, `contact` whom
    it went to; `failure` what a failed one means (`SendError`); `pricing` what it says of the price."""

    id: str
    account: str
    status: Status
    timestamp: int = 0
    callback: str = ""
    contact: str = ""
    error_code: int = 0
    error: str = ""
    failure: Failure = "change"
    pricing: MessagePricing | None = None


class Preference(Frozen):
    """A contact switched a business's promotional messages off (`stopped`) or on again in WhatsApp itself."""

    account: str
    stopped: bool
    wa_id: str = ""
    user_id: str = ""
    timestamp: int = 0


class TemplateStatus(Frozen):
    """What the provider did with a message template: APPROVED, REJECTED, PAUSED, DISABLED, ...; or (`status`
    empty) what its `quality` is: GREEN, YELLOW, RED. `at`: when, Unix ms; 0: it does not say."""

    name: str
    language: str
    status: str
    reason: str = ""
    quality: str = ""
    at: int = 0


LinkState = Literal["stopped", "starting", "scan_qr", "connected", "disconnected", "unpaid", "failed"]


class LinkChange(Frozen):
    """A number was linked, or came loose: told by its provider, or found by asking. `reason` is for people;
    `phone` the number's own digits where the provider says them."""

    account: str
    state: LinkState
    reason: str = ""
    phone: str = ""


class Quarantined(Frozen):
    """A piece of a webhook that could not be read, kept for a person to look at."""

    reason: str
    piece: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """Everything one webhook body held. `numbers` are the numbers it names, by the provider's ids of them;
    `ignored` the names of fields that mean nothing to us."""

    messages: list[Message] = field(default_factory=list[Message])
    statuses: list[StatusUpdate] = field(default_factory=list[StatusUpdate])
    quarantined: list[Quarantined] = field(default_factory=list[Quarantined])
    preferences: list[Preference] = field(default_factory=list[Preference])
    templates: list[TemplateStatus] = field(default_factory=list[TemplateStatus])
    links: list[LinkChange] = field(default_factory=list[LinkChange])
    notices: list[AccountNotice] = field(default_factory=list[AccountNotice])
    calls: list[MissedCall] = field(default_factory=list[MissedCall])
    payments: list[PaymentReport] = field(default_factory=list[PaymentReport])
    numbers: dict[str, NumberIdentity] = field(default_factory=dict[str, NumberIdentity])
    ignored: list[str] = field(default_factory=list[str])

    @property
    def besides(self) -> bool:
        """Whether there is more in it than messages and what became of some."""
        more = (self.quarantined, self.preferences, self.templates, self.links, self.notices, self.calls)
        return any(more) or any(any(message.moved_to) for message in self.messages)


class Recipient(Frozen):
    """Where a reply goes: the number it is sent from and the contact's identities (a group's is its
    `user_id`)."""

    account: str
    wa_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a provider takes messages: one each `interval` ms from a number, up to `burst` at once;
    `pair_*` the same for one number and one contact. 0 ms: as fast as they come."""

    interval: float = 0
    burst: int = 1
    pair_interval: float = 0
    pair_burst: int = 1


class SendError(Exception):
    """A send that did not succeed.

    `kind` says what to do: `retry` (certainly not sent, try again), `busy` (the same, and the whole number
    should wait), `pair` (too many messages to this contact), `unknown` (may have been sent: wait for a
    status), `change` (this message will never be taken), `window` (the contact wrote too long ago for
    anything but a template), `contact` (the contact cannot be reached), `opt_out` (the contact wants no
    more), `later` (not for 24 hours), `stop` (the account is broken: token, payment, policy). `retry_after`
    is in seconds, 0 when the provider named none."""

    def __init__(self, kind: Failure, message: str, code: int = 0, retry_after: float = 0) -> None:
        super().__init__(message)
        self.kind: Failure = kind
        self.code = code
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a wire can do. `window`: only templates outside of 24 hours; `callbacks`: every status repeats the
    id we gave; `echoes`: our own messages come back; `groups`: it can write in groups; `official`: the
    provider allows bots; `links`: a phone is linked by QR code; `billed`: WhatsApp charges for messages;
    `shows`: the kinds of content it shows as they are, any other going out as a picture with words or as
    words (`channels.content.plain`)."""

    window: bool = False
    templates: bool = False
    callbacks: bool = False
    echoes: bool = False
    groups: bool = False
    official: bool = True
    links: bool = False
    billed: bool = False
    longest: int = 4096
    shows: frozenset[str] = frozenset({"text"})


class Credentials(BaseModel):
    """What reaches one number of a channel. Secrets are `SecretStr`: they are stored encrypted and never
    shown. Every channel has a class of its own, which names the provider's id of the number in `account`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needed: ClassVar[tuple[str, ...]] = ()
    webhook_secret: SecretStr = SecretStr("")

    @property
    def account(self) -> str:
        """The provider's id of the number."""
        raise NotImplementedError

    @property
    def missing(self) -> list[str]:
        """What is `needed` and empty."""
        given = {name: getattr(self, name) for name in self.needed}
        return [
            n
            for n, value in given.items()
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value)
        ]

    @field_validator("webhook_secret")
    @classmethod
    def _fits_an_address(cls, secret: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,200}", secret.get_secret_value()):
            raise ValueError("it is part of an address: use letters, digits, _ and -")
        return secret

    @classmethod
    def secrets(cls) -> set[str]:
        """The names of its secrets."""
        return {name for name, field in cls.model_fields.items() if "Secret" in str(field.annotation)}


class Channel(Protocol):
    """One number on one provider's wire. Thin: bytes to messages and back, no policy."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    Credentials: ClassVar[type[Credentials]]
    credentials: Any
    pace: Pace

    def __init__(self, client: httpx.AsyncClient, credentials: Any) -> None:
        """Over the process's HTTP client."""
        ...

    def authentic(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether these raw bytes come from the provider, as far as their headers (names in lower case) can
        tell."""
        ...

    def parse(self, body: bytes) -> Parsed:
        """Everything a webhook body holds; what cannot be read is quarantined beside its neighbours. Raises
        ValueError for a body that is no JSON object."""
        ...

    async def send(self, to: Recipient, content: Content, callback: str) -> str:
        """Send one thing and return the provider's message id. `callback` names the send: the same for every
        try of it. Raises SendError."""
        ...

    async def fetch_media(self, media: Media, most: int) -> bytes:
        """The file of a message, at most `most` bytes. Raises DownloadError; always, for a wire without
        files."""
        raise DownloadError("gone", f"{self.name} has no files")

    async def typing(self, to: Recipient, message_id: str) -> None:
        """Blue ticks on a contact's message, and the typing indicator until the reply; nothing, where there
        are none. Raises SendError."""
        return


def unsupported(channel: str, content: Content) -> SendError:
    """The error of a channel that has no such thing."""
    return SendError("change", f"{channel} has no {content.kind} messages")


class Qr(Frozen):
    """What a phone scans to link a number."""

    png: str = Field(description="The picture, a PNG in base64")
    value: str = Field(default="", description="The text in it, where the provider tells it")


Session = Literal["start", "stop", "restart", "logout", "delete"]


@runtime_checkable
class Linked(Channel, Protocol):
    """A channel whose numbers are phones linked by QR code or by a pairing code. All of it raises
    SendError."""

    async def state(self) -> LinkChange:
        """Whether the number is linked, as its provider says now."""
        ...

    async def qr(self) -> Qr | None:
        """The code to scan now; None when there is none, as when the number is linked."""
        ...

    async def pairing_code(self, phone: str) -> str:
        """The code to type into WhatsApp on the phone of this number (digits), in place of a scan."""
        ...

    async def session(self, action: Session) -> None:
        """Start, stop, restart, unlink or delete the number's session; starting one that runs changes
        nothing."""
        ...

    async def phone_of(self, lid: str) -> str:
        """The phone number behind a contact's lid, empty when the provider does not say."""
        ...
