"""What a provider tells of a number and of the account it belongs to, and of calls to it."""

from __future__ import annotations

from pydantic import Field

from channels.content.parts import Frozen


class Restriction(Frozen):
    """Something that a number may not do for a time."""

    kind: str = Field(description="The provider's word, such as `RESTRICTED_BIZ_INITIATED_MESSAGING`")
    until: int = Field(default=0, description="When it ends, Unix milliseconds; 0: nobody says")


class AccountNotice(Frozen):
    """One notice about a number, or (`number` empty) about the whole business account. `field` is the
    provider's name for notices of this kind, `event` its word for what happened, `at` when (Unix ms, 0: it
    does not say). `limit` is how many people may be written to first within 24 hours (-1: any number, None:
    it says nothing of that), `tier` the same in the provider's word. `topic` and `detail` say what it is
    about and why, `severity` and `status` how bad it is and whether it still holds."""

    field: str
    business_account: str = ""
    number: str = ""
    entity: str = ""
    at: int = 0
    event: str = ""
    limit: int | None = None
    tier: str = ""
    restrictions: tuple[Restriction, ...] | None = None
    topic: str = ""
    detail: str = ""
    severity: str = ""
    status: str = ""


class NumberIdentity(Frozen):
    """The digits of a number, and the business account it belongs to."""

    number: str = ""
    business_account: str = ""


class MissedCall(Frozen):
    """Somebody rang and nobody answered. `id` is the provider's id of the call, `at` Unix seconds."""

    id: str
    account: str
    wa_id: str = ""
    user_id: str = ""
    name: str = ""
    at: int = 0
