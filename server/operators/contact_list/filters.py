"""Which contacts a list shows, as an address or a request says it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from server.bots.bot import Bot
from server.conversations.listing import Members, Selection, Show
from server.conversations.search.terms import LONGEST_QUERY, terms_of
from server.operators.teamwork.handling import ME, as_label
from server.operators.tokens import who

NOBODY, SIMULATOR = "nobody", "simulator"
# A number is known by its digits.
_PLUS = re.compile(r"^\s*\+(?=\d)")
# Before the year 2100.
END_OF_TIME = 4_102_444_800_000

ChannelName = Literal["", "cloud_api", "wappi", "waha", "simulator"]
Stage = Literal["", "situation", "problem", "implication", "need_payoff", "closing"]
Sort = Literal["latest", "oldest", "name", "created"]


class ContactFilter(BaseModel):
    """What contacts must be like to be shown; what is left empty does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: str = Field(
        "", max_length=LONGEST_QUERY, description="part of a name, a company, an e-mail address or a number"
    )
    show: Show = Field("all", description="what their conversation must be like, as in the list of those")
    is_client: bool | None = Field(None, description="only clients, or only others")
    label: str = Field("", max_length=100, description="a label of their conversation")
    colleague: str = Field(
        "",
        max_length=20,
        description="whose their conversation is: `me`, the id of a colleague, or `nobody`",
    )
    channel: ChannelName = Field("", description="the channel they write on")
    stage: Stage = Field("", description="where the sales talk stands")
    consent: Literal["", "open", "stopped"] = Field(
        "", description="`stopped`: they want no more messages; `open`: they may be written to"
    )
    active_from: int | None = Field(
        None, ge=0, le=END_OF_TIME, description="the last message is not older than this, Unix milliseconds"
    )
    active_until: int | None = Field(
        None, ge=0, le=END_OF_TIME, description="the last message is older than this, Unix milliseconds"
    )
    has_order: bool | None = Field(None, description="only who has ordered, or only who has not")

    @property
    def operator_id(self) -> str:
        """The id of whose the conversations are; empty where that does not matter, or they are nobody's."""
        return who.get().id if self.colleague == ME else "" if self.colleague == NOBODY else self.colleague

    @property
    def base(self) -> Selection:
        """What is looked through: the smallest set that is known to hold all of them."""
        if self.label:
            return Members(f"label:{as_label(self.label)}")
        if self.operator_id:
            return Members(f"colleague:{self.operator_id}")
        if self.show == "all" and self.is_client:
            return "client"
        return Members("needs") if self.show == "needs_person" else self.show

    def wanted(self, bot: Bot) -> dict[str, object]:
        """As the script `match` reads it, for the contacts of a bot."""
        sets = [f"label:{as_label(self.label)}"] if self.label else list[str]()
        sets += [f"colleague:{self.operator_id}"] if self.operator_id else []
        plain = {"unread": "unread", "needs_person": "needs", "failed": "failed", "resolved": "resolved"}
        sets += [plain[self.show]] if self.show in plain else []
        asked: dict[str, object] = {"sets": sets, "terms": terms_of(_PLUS.sub("", self.q))}
        if self.show in ("client", "non_client"):
            asked["class"] = self.show
        if self.show in ("snoozed", "needs_person"):
            asked["snoozed"] = self.show == "snoozed"
        if self.show == "follow_up":
            asked["touch"] = True
        told = {"client": self.is_client, "orders": self.has_order}
        told["stopped"] = self.consent == "stopped" if self.consent else None
        told["nobody"] = True if self.colleague == NOBODY else None
        asked |= {name: value for name, value in told.items() if value is not None}
        asked |= {"stage": self.stage} if self.stage else {}
        return asked | (_channel(bot, self.channel) if self.channel else {})


def _channel(bot: Bot, name: str) -> dict[str, object]:
    """Who writes on a channel: by the simulator's numbers, or by those of the bot; numbers that no bot has
    claimed are on the Cloud API."""
    asked: dict[str, object] = {"simulated": name == SIMULATOR}
    if name == "cloud_api":
        asked["not_on"] = [one.id for one in bot.accounts if one.channel != name]
    elif name != SIMULATOR:
        asked["on"] = [one.id for one in bot.accounts if one.channel == name]
    return asked
