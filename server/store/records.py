"""What is known of a contact, and one line of what was said: how `server.store.contacts` hands them out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from channels.base import Media, Recipient

Author = Literal["contact", "bot", "person"]


class Entry(BaseModel):
    """One line of a transcript. `at` is Unix milliseconds; `status`, and what was `heard` in a voice message
    (empty: nothing), are filled in on reading. The first reply of a turn has its `calls`, `tokens` and `cost`
    (US dollars); `media` is a file that came along, which the provider keeps; `quoted_id` the provider's id
    of the message this one replies to; `checked` says of every promise in a reply what supports it, `prompts`
    (`NAME@VERSION`) which ones were used in its turn."""

    model_config = ConfigDict(extra="ignore")

    id: str
    author: Author
    kind: str = "text"
    text: str = ""
    at: int = 0
    touch: int = 0
    turn_id: str = ""
    template: str = ""
    variables: tuple[str, ...] = ()
    model: str = ""
    sources: list[str] = []
    checked: list[str] = []
    prompts: list[str] = []
    calls: int = 0
    tokens: int = 0
    cost: float = 0
    quoted_id: str = ""
    media: Media | None = None
    status: str = ""
    heard: str | None = None

    def with_outcome(self, status: bytes | None, heard: bytes | None) -> Entry:
        """The line with its status, and what was heard in it, as the hash `status` holds them."""
        said = None if heard is None else heard.decode()
        return self.model_copy(update={"status": (status or b"").decode(), "heard": said})


class Contact(BaseModel):
    """A contact with everything known of them. `owner_at` (ms): since when; `heard_at` (ms): when they last
    wrote; `task`: what a person has to look after, since `task_at` (ms); `unread` messages, and since when
    (ms) one of theirs waits for an answer, `asked_at` (0: none does); `referral`: the ad or post they last
    came from, `at` (ms) which time; `calls`, `input` and `output` tokens and `nano` (billionths of a US
    dollar): what the conversation cost."""

    id: str
    bot_id: str
    wa_id: str = ""
    user_id: str = ""
    account: str = ""
    name: str = ""
    owner: Literal["bot", "person"] = "bot"
    owner_at: int = 0
    heard_at: int = 0
    task: str = ""
    task_at: int = 0
    unread: int = 0
    asked_at: int = 0
    created: int = 0
    calls: int = 0
    input: int = 0
    output: int = 0
    nano: int = 0
    profile: dict[str, str] = {}
    sources: dict[str, str] = {}
    referral: dict[str, str] = {}

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
