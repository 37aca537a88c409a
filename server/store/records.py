"""What Redis holds, as the stores take it and hand it out: a contact, a line of what was said, a reply on its
way, the plan of touches, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from channels.base import Media, Message, Recipient
from channels.content.anything import Stored

Author = Literal["contact", "bot", "person"]
# How far a message got; empty: nothing is known yet. `skipped`: a message of the contact's that no turn
# answers, since too many came at once.
DeliveryStatus = Literal["", "queued", "accepted", "sent", "delivered", "read", "failed", "skipped"]
_STATUSES = get_args(DeliveryStatus)


@dataclass(frozen=True, slots=True)
class SendState:
    """How far a message got, and in words why it went no further."""

    status: DeliveryStatus
    reason: str = ""

    @property
    def kept(self) -> str:
        """As the hash `status` keeps it: the status, a blank, and the reason."""
        return f"{self.status} {self.reason}".strip()

    @classmethod
    def read(cls, kept: bytes | None) -> SendState:
        """What the hash holds; nothing is known of what this version does not know."""
        status, _, reason = (kept or b"").decode().partition(" ")
        return cls(status, reason) if status in _STATUSES else cls("", reason)  # pyright: ignore[reportArgumentType]


class Record(BaseModel):
    """What is kept or worked out, and shown as it is: nothing of it changes once it is made. Descriptions of
    the API say that its fields are always there, those with a default included."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class MessageCharge(Record):
    """What WhatsApp charges for a message."""

    category: str = Field(description="`service`, `utility`, `marketing`, `authentication`, ...")
    state: Literal["paid", "free", "failed"] = Field(
        description="Whether it is charged; failed: not delivered"
    )
    cost: float | None = Field(description="US dollars; null: it is charged, and nobody knows the price")
    reason: str = Field(
        description="`regular`, or why it is free, such as `free_customer_service`, `free_entry_point`"
    )
    told: bool = Field(description="Whether a status said so; false: it is expected")


AttachedKind = Literal["image", "video", "audio", "document"]


class AttachedFile(Record):
    """A file that a person at the business sends along."""

    kind: AttachedKind = Field(description="What it is shown as")
    name: str = Field(description="Its name")
    mime_type: str = Field(description="Its media type")
    size: int = Field(description="How large it is, bytes")
    voice: bool = Field(default=False, description="Whether it is shown as a voice message")


class Entry(Record):
    """One line of a transcript. `status` with its `reason`, what was `heard` in a voice message, and what
    WhatsApp charges (`charge`) are filled in on reading."""

    id: str = Field(description="The message's id")
    author: Author = Field(description="Who wrote it: the contact, the bot, or a person at the business")
    kind: str = Field(default="text", description="What sort of message: `text`, `image`, `audio`, ...")
    text: str = Field(default="", description="Its words")
    at: int = Field(default=0, description="When it was written, Unix milliseconds")
    touch: int = Field(default=0, description="Number of the follow-up that this is; 0: none")
    turn_id: str = Field(default="", description="The turn that wrote it")
    by: str = Field(
        default="",
        description="Who wrote it in the dashboard, or sent the agent's draft there",
        exclude_if=lambda name: not name,
    )
    template: str = Field(default="", description="The message template it was sent with, `name:language`")
    variables: tuple[str, ...] = Field(default=(), description="Values of the template's variables, in order")
    model: str = Field(
        default="", description="The chat model that wrote it, or the step of the turn that did"
    )
    sources: list[str] = Field(default=[], description="Documents and pages the answer rests on")
    checked: list[str] = Field(default=[], description="What supports each promise of the reply")
    prompts: list[str] = Field(default=[], description="Prompts used in its turn, `NAME@VERSION`")
    calls: int = Field(default=0, description="Model calls of the turn, on its first reply")
    tokens: int = Field(default=0, description="Tokens of the turn, on its first reply")
    cost: float = Field(default=0, description="US dollars of the turn, on its first reply")
    quoted_id: str = Field(default="", description="The provider's id of the message this one replies to")
    media: Media | None = Field(default=None, description="A file that came along, which the provider keeps")
    attached: AttachedFile | None = Field(default=None, description="A file that a person sent along")
    content: dict[str, Any] | None = Field(
        default=None,
        description="What was shown besides the words: its `kind` (`buttons`, `list`, ...) and its parts",
    )
    choice: str = Field(default="", description="The id of the button or row that the contact tapped on")
    draft: str = Field(
        default="",
        description="What the agent had drafted, where a person sent other words in its place",
        exclude_if=lambda text: not text,
    )
    order: dict[str, Any] | None = Field(default=None, description="The cart that the contact sent")
    answers: dict[str, str] = Field(default={}, description="Fields of a form that the contact filled in")
    status: DeliveryStatus = Field(default="", description="How far it got; empty: nothing is known yet")
    reason: str = Field(default="", description="Why it failed or was skipped, in words")
    heard: str | None = Field(default=None, description="Words of a voice message; empty: nothing was heard")
    charge: MessageCharge | None = Field(
        default=None, description="What WhatsApp charges for it; null: nothing, or it is not known yet"
    )

    @property
    def outcome_names(self) -> tuple[str, str, str]:
        """The fields of the hash `status` that are about it."""
        return self.id, f"heard:{self.id}", f"bill:{self.id}"

    def with_outcome(self, status: bytes | None, heard: bytes | None, bill: bytes | None = None) -> Entry:
        """The line with its status, what was heard in it and what it costs, as the hash `status` holds
        them."""
        said = None if heard is None else heard.decode()
        state = SendState.read(status)
        about = {"status": state.status, "reason": state.reason, "heard": said, "charge": charge_of(bill)}
        return self.model_copy(update=about)


def charge_of(bill: bytes | None) -> MessageCharge | None:
    """An entry of the bill of WhatsApp messages; None where there is none, or it is not as we wrote it."""
    try:
        row = json.loads(bill or b"{}")
        nano = row.get("nano")
        cost = None if row.get("state") == "paid" and nano is None else 0.0
        return MessageCharge(
            category=row["category"],
            state=row["state"],
            cost=nano / 1e9 if row["state"] == "paid" and nano is not None else cost,
            reason=row["reason"],
            told=row["told"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class TextFile(BaseModel):
    """A small text file that goes along as a document."""

    model_config = ConfigDict(frozen=True)

    name: str
    mime_type: str
    text: str


class TemplateParts(BaseModel):
    """What a template is filled with besides its body's variables: `header` the variable above the body, or
    the address of the file there; `buttons` the values of those buttons that take one, in their order."""

    model_config = ConfigDict(frozen=True)

    header: str = ""
    buttons: tuple[str, ...] = ()


class Reply(BaseModel):
    """A bubble on its way; `by`: the person who wrote it, or sent the agent's draft. `notice` goes out even
    to a contact who stopped or was handed over: it says just that. `template` (`name:language`) with its
    `variables` and `parts` goes out in place of the text, and so does `content` where the channel shows it;
    the text says the same in words. An `attached` file, kept beside it, goes out with the text below it; a
    text may reply to a message of the contact's, `quoted_id`. A `touch` is for somebody who is silent: not
    after they wrote again (later than `since`, ms), and not after `until` (ms; 0: whenever)."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    author: Author = "bot"
    by: str = Field(default="", exclude_if=lambda name: not name)
    notice: bool = False
    template: str = ""
    variables: tuple[str, ...] = ()
    parts: TemplateParts | None = Field(default=None, exclude_if=lambda parts: parts is None)
    touch: int = 0
    since: int = 0
    until: int = 0
    file: TextFile | None = None
    attached: AttachedFile | None = Field(default=None, exclude_if=lambda file: file is None)
    quoted_id: str = Field(default="", exclude_if=lambda id: not id)
    content: Stored | None = Field(default=None, exclude_if=lambda content: content is None)


class Plan(BaseModel):
    """What comes if a contact stays silent. Times are Unix ms; `anchor`: when the silence began; `touch`: the
    number of the next touch; `last`: of the last one sent; `ended` says why no more come; `intervals`
    (hours): this contact's own."""

    model_config = ConfigDict(frozen=True)

    anchor: int = 0
    touch: int = 1
    due: int = 0
    why: str = ""
    ended: str = ""
    paused: bool = False
    intervals: tuple[float, ...] | None = None
    unanswered: int = 0
    last: int = 0
    touched_at: int = 0
    touches: int = 0
    put_off: int = 0

    @property
    def timer(self) -> int:
        """When the timer rings (ms), 0 for never."""
        return 0 if self.ended or self.paused else self.due


class Piece(Record):
    """A piece of a webhook that could not be read."""

    id: str = Field(description="Its id, made from what it says")
    bot_id: str = Field(description="The bot it came to, or `*` where it belongs to none")
    at: int = Field(description="When it came, Unix milliseconds")
    reason: str = Field(default="", description="Why it could not be read")
    piece: str = Field(default="", description="The piece as it came")


# Who has a conversation: the bot answers, or a person at the business does and the bot is silent.
Assignee = Literal["bot", "person"]


# Kept as JSON.
Labels = Annotated[
    tuple[str, ...], BeforeValidator(lambda held: json.loads(held) if isinstance(held, str) else held)
]


class Contact(BaseModel):
    """A contact with everything known of them. `assignee` is who has the conversation, since `assigned_at`
    (ms); `heard_at` (ms): when they last wrote; `task`: what a person has to look after, since `task_at`
    (ms); `unread` messages, and since when (ms) one of theirs waits for an answer, `asked_at` (0: none
    does); `colleague`, `labels`, `snoozed_until` and `resolved_at`: how it is handled
    (`server.operators.teamwork.handling`); `referral`: the ad or post they last came from, `at` (ms) which
    time and heard of at `ad_at`, and `first_referral` the first one; `calls`, `input` and `output` tokens
    and `nano` (billionths of a US dollar): what the models of the conversation cost; `wa_nano`, `wa_paid`,
    `wa_free` and `wa_unpriced`: what its messages cost at WhatsApp, and how many were paid, were free, and
    have a price nobody knows; `wa_saved`: messages that were not sent, since several of the contact's were
    answered together; `reply_mode`: how the agent answers here (empty: as the bot says), and `draft`, JSON,
    what waits for a person's word (`server.conversations.drafts`)."""

    id: str
    bot_id: str
    wa_id: str = ""
    user_id: str = ""
    account: str = ""
    name: str = ""
    assignee: Assignee = "bot"
    assigned_at: int = 0
    heard_at: int = 0
    task: str = ""
    task_at: int = 0
    unread: int = 0
    asked_at: int = 0
    colleague: str = ""
    colleague_name: str = ""
    labels: Labels = ()
    snoozed_until: int = 0
    resolved_at: int = 0
    resolved_by: str = ""
    created: int = 0
    calls: int = 0
    input: int = 0
    output: int = 0
    nano: int = 0
    wa_nano: int = 0
    wa_paid: int = 0
    wa_free: int = 0
    wa_unpriced: int = 0
    wa_saved: int = 0
    reply_mode: Literal["", "auto", "draft", "off"] = ""
    draft: str = ""
    profile: dict[str, str] = {}
    sources: dict[str, str] = {}
    referral: dict[str, str] = {}
    first_referral: dict[str, str] = {}
    ad_at: int = 0

    @property
    def came_at(self) -> int:
        """When (ms) they last came from an ad, as far as we heard; 0: never."""
        return self.ad_at or int(self.referral.get("at") or 0)

    @property
    def is_client(self) -> bool:
        """Whether this is a client of the business."""
        return self.profile.get("class") == "client"

    @property
    def stopped(self) -> bool:
        """Whether the contact asked for no more messages."""
        return self.profile.get("consent") == "stopped"

    @property
    def waiting_since(self) -> int:
        """Since when (ms) a message, or a task, waits for somebody; 0: nothing does."""
        return min((at for at in (self.asked_at, self.task_at if self.task else 0) if at), default=0)

    @property
    def own_phone(self) -> dict[str, str]:
        """The number they write from, as a profile field; nothing where only a user id is known."""
        return {"phone": f"+{self.wa_id}"} if self.wa_id.isascii() and self.wa_id.isdigit() else {}

    @property
    def recipient(self) -> Recipient:
        """Where replies to this contact go."""
        return Recipient(account=self.account, wa_id=self.wa_id, user_id=self.user_id)


def entry_line(entry: Entry) -> str:
    """A line of the transcript as it is kept: what becomes of it is filled in on reading."""
    absent = {
        name for name in ("attached", "content", "choice", "order", "answers") if not getattr(entry, name)
    }
    return entry.model_dump_json(exclude={"status", "reason", "heard", "charge", *absent})


def messages_of(rows: Sequence[bytes]) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """The messages of a batch, and why each of the others could not be read."""
    batch, unread = list[Message](), list[str]()
    for row in rows:
        try:
            batch.append(Message.model_validate_json(row))
        except ValidationError as error:  # without what stands in it, which is the contact's
            where = ", ".join(".".join(map(str, problem["loc"])) or "all of it" for problem in error.errors())
            unread.append(f"not as it was written: {where}")
    return tuple(batch), tuple(unread)
