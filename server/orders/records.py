"""What is kept of carts and orders."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.ordering.cart import Cart
from agent.ordering.rules import PaymentRules
from server.store.records import Record

OrderState = Literal["new", "paid", "packed", "sent", "done", "cancelled"]
# What an order may become, each state once: goods may be paid before they are packed, or at the door.
NEXT: dict[OrderState, tuple[OrderState, ...]] = {
    "new": ("paid", "packed", "sent", "done", "cancelled"),
    "paid": ("packed", "sent", "done", "cancelled"),
    "packed": ("paid", "sent", "done", "cancelled"),
    "sent": ("paid", "done", "cancelled"),
    "done": (),
    "cancelled": (),
}
# Steps whose answers a cart remembers: those of the turn in hand, and of a few before it.
REMEMBERED = 20


class KeptCart(BaseModel):
    """A cart on record, with what was said of the last steps by the key of each: a step that is made again
    after a crash has the same answer."""

    model_config = ConfigDict(frozen=True)

    cart: Cart = Cart()
    done: dict[str, list[dict[str, Any]]] = {}

    def after(self, cart: Cart, key: str, notes: list[Any]) -> KeptCart:
        """The next version of it."""
        last = dict([*self.done.items(), (key, notes)][-REMEMBERED:])
        numbered = cart.model_copy(update={"version": self.cart.version + 1})
        return KeptCart(cart=numbered, done=last)


class OrderLine(Record):
    """So many of a product, at the price that held when the order was placed."""

    ref: str = Field(description="What the product goes by in the price list")
    name: str = Field(description="The product's name")
    variant: str = Field(default="", description="The size, colour or kind that was chosen")
    quantity: int = Field(description="How many")
    price: Decimal = Field(description="Of one, in the order's currency")
    sum: Decimal = Field(description="Of all of them")
    unit: str = Field(default="", description="What the price is for, where its list says")
    retailer_id: str = Field(
        default="",
        description="Its id in the shop's Commerce catalogue; empty: it is not there, or at another price",
    )


class OrderChange(Record):
    """A step of an order."""

    state: OrderState = Field(description="What it became")
    at: int = Field(description="When, Unix milliseconds")
    by: str = Field(default="", description="Who did it: an operator's name, `customer`, or `payment`")
    note: str = Field(default="", description="What was written beside it")


class Payment(Record):
    """How an order is paid."""

    way: str = Field(description="`stripe`, `link`, or `whatsapp`: a bill inside WhatsApp")
    link: str = Field(default="", description="Where the customer pays; empty while it is being made")
    reference: str = Field(default="", description="The provider's id of it")
    account: str = Field(default="", description="The provider's id of the number that asked for it")
    code: str = Field(default="", description="What a bank gave for it: a Pix code, or a boleto's digits")
    rules: PaymentRules | None = Field(
        default=None, description="What was set when the customer was asked for it; null: not asked yet"
    )
    state: Literal["open", "paid", "refused"] = Field(
        default="open", description="`refused`: something was paid that is not what the order costs"
    )
    trouble: str = Field(default="", description="What an operator should look at")


class PlacedOrder(Record):
    """An order of a contact. Its lines and sums never change."""

    number: int = Field(description="Its number, counted for each bot")
    id: str = Field(description="Its id")
    bot_id: str = Field(description="The bot that took it")
    conversation_id: str = Field(description="The conversation it was placed in")
    state: OrderState = Field(default="new", description="How far it is")
    lines: tuple[OrderLine, ...] = Field(description="What was ordered")
    currency: str = Field(description="ISO 4217; empty where the price list names none")
    goods: Decimal = Field(description="What the goods cost")
    delivery: Decimal | None = Field(
        default=None, description="What delivery costs; null: it is not in the total"
    )
    area: str = Field(default="", description="Where it is delivered, as the customer chose")
    total: Decimal = Field(description="What is to be paid")
    name: str = Field(default="", description="The contact's name")
    phone: str = Field(default="", description="The contact's number")
    language: str = Field(default="en", description="The contact's language")
    zone: str = Field(default="UTC", description="The time zone of the bot's days")
    created: int = Field(description="When it was placed, Unix milliseconds")
    changed: int = Field(default=0, description="When its state last changed, Unix milliseconds")
    made_by: str = Field(default="", description="The step of the conversation that placed it")
    payment: Payment | None = Field(default=None, description="How it is paid; null: people arrange it")
    history: tuple[OrderChange, ...] = Field(default=(), description="Its states, the first first")


def following(order: PlacedOrder) -> tuple[OrderState, ...]:
    """What an order may become now."""
    been = {step.state for step in order.history}
    return tuple(state for state in NEXT[order.state] if state not in been)


def order_id_of(conversation_id: str, version: int) -> str:
    """The id of the order of one version of a cart: it is placed once, however often it is confirmed."""
    return hashlib.blake2b(f"order {conversation_id} {version}".encode(), digest_size=12).hexdigest()
