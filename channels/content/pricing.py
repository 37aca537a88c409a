"""What Meta says about the price of a message, in the statuses of it: never how much, only whether it is
charged, and in which category.

Source: "Pricing on the WhatsApp Business Platform" and the webhook reference ("statuses", `pricing`,
`conversation`), as of November 2026. One charge a message (`PMP`) since 1 July 2025; before that one a
conversation of 24 hours (`CBP`), which is named in `conversation.id`."""

from __future__ import annotations

from pydantic import Field

from channels.content.parts import Frozen


class MessagePricing(Frozen):
    """The `pricing` of a status. Words that are not known are kept as they are."""

    model: str = Field(default="", description="`pmp`: a charge for each message; `cbp`: for a conversation")
    category: str = Field(default="", description="`service`, `utility`, `marketing`, `authentication`, ...")
    type: str = Field(default="", description="`regular`, `free_customer_service` or `free_entry_point`")
    billable: bool | None = Field(default=None, description="As Meta says; null: it does not")
    conversation: str = Field(default="", description="The conversation that is charged, of the older model")

    @property
    def charged(self) -> bool | None:
        """Whether the message costs something; None where the status leaves it open. The type decides: Meta
        means to give `billable` up, and sends it true beside a free type."""
        if self.type.startswith("free_") or self.category == "referral_conversion":
            return False
        return True if self.type == "regular" else self.billable

    @property
    def by_conversation(self) -> bool:
        """Whether one charge stands for all messages of a conversation of 24 hours."""
        return self.model == "cbp" or (not (self.model or self.type) and bool(self.conversation))
