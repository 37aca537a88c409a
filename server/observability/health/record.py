"""What is known of a number's health, as the API and the dashboard show it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from channels.content.account import Restriction
from server.store.records import Record

# Nobody may be written to first while one of these holds (page "Messaging limits and policy enforcement").
NO_FIRST_WORD = "RESTRICTED_BIZ_INITIATED_MESSAGING"

Standing = Literal["good", "scheduled", "disabled", "gone"]


class AccountNote(Record):
    """Something that the provider wants looked at, in its own words."""

    kind: str = Field(description="Its word, such as `OBA_REJECTED`")
    at: int = Field(description="When it was told, Unix milliseconds")
    severity: str = Field(default="", description="CRITICAL, WARNING or INFORMATIONAL")
    status: str = Field(default="", description="ACTIVE, or NONE when it is over")
    detail: str = Field(default="", description="What is the matter, and what may be done")


class ToldNotice(Record):
    """One line of a number's history."""

    at: int = Field(description="When it was so, Unix milliseconds; 0: the provider does not say")
    field: str = Field(description="The webhook field that said so")
    event: str = Field(default="", description="The provider's word for what happened")
    detail: str = Field(default="", description="What else it says")


class NumberHealth(Record):
    """How a number stands with its provider."""

    account: str = Field(description="The provider's id of the number")
    number: str = Field(default="", description="Its digits; empty while no webhook has named them")
    business_account: str = Field(default="", description="The business account it belongs to")
    flagged: bool | None = Field(
        default=None,
        description="Whether its quality is low, as customers block and report it; null: not told",
    )
    flagged_at: int = Field(default=0, description="Since when that is known, Unix milliseconds")
    limit: int | None = Field(
        default=None, description="People a day who may be written to first; -1: any number; null: not told"
    )
    tier: str = Field(default="", description="The same in the provider's word, such as `TIER_2K`")
    limit_before: int | None = Field(default=None, description="The limit before it; null: none was told")
    limit_at: int = Field(default=0, description="Since when, Unix milliseconds")
    restrictions: tuple[Restriction, ...] = Field(
        default=(), description="What the number may not do now, and until when"
    )
    standing: Standing = Field(
        default="good",
        description="Of the account: `scheduled` to be disabled, `disabled`, `gone` from this app, or `good`",
    )
    standing_event: str = Field(default="", description="The provider's word for it")
    standing_at: int = Field(default=0, description="Since when, Unix milliseconds")
    violation: str = Field(
        default="", description="The policy that was last found broken; empty: none lately"
    )
    violation_at: int = Field(default=0, description="When, Unix milliseconds")
    display_name: str = Field(default="", description="The display name that was last decided about")
    name_decision: str = Field(default="", description="APPROVED, REJECTED, DEFERRED or PENDING")
    name_reason: str = Field(default="", description="Why it was rejected")
    security: str = Field(default="", description="What last happened to the PIN; empty: nothing lately")
    security_at: int = Field(default=0, description="When, Unix milliseconds")
    notes: tuple[AccountNote, ...] = Field(default=(), description="What the provider wants looked at")
    history: tuple[ToldNotice, ...] = Field(default=(), description="The last notices, newest first")

    @property
    def silenced(self) -> str:
        """Why nobody may be written to first; empty: one may."""
        if self.standing in ("disabled", "gone"):
            return f"the WhatsApp account is {self.standing} ({self.standing_event})"
        held = [one for one in self.restrictions if one.kind == NO_FIRST_WORD]
        return "the number may not write to people first (restricted by WhatsApp)" if held else ""

    @property
    def silenced_until(self) -> int:
        """When that ends (Unix ms); 0: nobody says."""
        if self.standing in ("disabled", "gone"):
            return 0
        return max((one.until for one in self.restrictions if one.kind == NO_FIRST_WORD), default=0)
