"""What the owner of a bot says of orders: whether they are taken, what delivery costs, how they are paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.ordering.bill_rules import BillRules

# A fee, or a sum from which there is none: no more digits than a price has.
Fee = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=3)]
TEMPLATE = r"^([a-z0-9_]{1,512}:[a-z]{2,3}(_[A-Z]{2})?)?$"


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeliveryArea(_Rule):
    """Where the business delivers; a way of its own, such as pick-up, is an area without a fee."""

    name: str = Field(min_length=1, max_length=24, description="As customers choose it, such as City centre.")
    fee: Fee = Field(default=Decimal(0), description="What delivery there costs.")
    free_from: Fee | None = Field(default=None, description="Goods for this sum or more are delivered free.")


class PaymentRules(_Rule):
    """How an order is paid once it is placed."""

    way: Literal["none", "stripe", "link", "whatsapp"] = Field(
        default="none",
        description="stripe: a page of Stripe Checkout; link: an address of your own, and an operator says "
        "what was paid; whatsapp: a bill inside WhatsApp, as `bill` says; none: people arrange it.",
    )
    link: str = Field(
        default="",
        max_length=1_000,
        pattern=r"^(https://\S+)?$",
        description="The address of `link`; {number}, {total} and {currency} are filled in.",
    )

    picture: bool = Field(
        default=False, description="Whether the address of `link` goes out as a QR code too."
    )
    return_to: str = Field(
        default="",
        max_length=1_000,
        pattern=r"^(https?://\S+)?$",
        description="Where customers come back to from stripe, such as https://wa.me/77010000000.",
    )

    bill: BillRules | None = Field(
        default=None, description="WhatsApp's own bill, of numbers in India or Brazil."
    )

    @model_validator(mode="after")
    def _has_its_address(self) -> PaymentRules:
        if self.way == "link" and not self.link:
            raise ValueError("link: say where customers pay, beginning with https://")
        if self.way == "whatsapp" and not self.bill:
            raise ValueError("bill: say how customers pay inside WhatsApp")
        left = self.link.replace("{number}", "").replace("{total}", "").replace("{currency}", "")
        if "{" in left or "}" in left:
            raise ValueError("link: only {number}, {total} and {currency} stand in braces")
        return self


class OrderRules(_Rule):
    """Carts and orders of a bot. What delivery costs is said only where it stands here: `fee` for everywhere,
    or an `areas` entry for each place."""

    taking: bool = Field(default=False, description="Whether the agent takes orders.")
    currency: str = Field(
        default="",
        pattern=r"^([A-Z]{3})?$",
        description="ISO 4217: of fees, and of prices whose list names none.",
    )
    fee: Fee | None = Field(default=None, description="What delivery costs; not set: nothing is said of it.")
    free_from: Fee | None = Field(default=None, description="Goods for this sum or more are delivered free.")
    areas: tuple[DeliveryArea, ...] = Field(
        default=(), max_length=10, description="Where it is delivered; the customer chooses one."
    )
    template: str = Field(
        default="",
        pattern=TEMPLATE,
        description="Approved template, `name:language`, that tells of an order outside the 24-hour window; "
        "its variables are the number and the news.",
    )
    payment: PaymentRules = Field(default=PaymentRules(), description="How orders are paid.")

    @model_validator(mode="after")
    def _in_one_currency(self) -> OrderRules:
        if (self.fee is not None or self.areas) and not self.currency:
            raise ValueError("currency: say in which currency the fees are, such as KZT")
        if self.fee is not None and self.areas:
            raise ValueError("fee: give one fee, or one for each of `areas`, not both")
        names = [area.name.casefold() for area in self.areas]
        if len(set(names)) < len(names):
            raise ValueError("areas: two have the same name")
        return self
