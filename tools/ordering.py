"""What the tool of the cart and whoever keeps carts say to each other.

Money is a plain number in text, such as `1290.50`, worked out by code; nothing here is a model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from typing_extensions import TypedDict

from tools.price_list import PriceList

WishAction = Literal["add", "set", "remove", "clear", "area"]
# What there may be to say of a step: a phrase of `agent.language.locale_texts.OrderTexts` each.
Remark = Literal[
    "unknown",
    "several",
    "gone",
    "price_unsure",
    "sold_out",
    "fewer",
    "other_price",
    "new_price",
    "other_currency",
    "which",
    "bad_quantity",
    "too_many",
    "not_in_cart",
    "unknown_area",
    "stale",
    "placed_before",
]


@dataclass(frozen=True, slots=True)
class Wish:
    """One change of a cart. `product`: an article number or a whole name; `price` and `currency`: what the
    contact's phone showed, to be held against the price list; `variant` its words, or its number from 1."""

    action: WishAction
    product: str = ""
    quantity: int = 1
    variant: str = ""
    price: Decimal | None = None
    currency: str = ""


class CartNote(TypedDict):
    """Something to be said of a step: of `what` thing, with a number, the price that holds, and another
    one."""

    kind: Remark
    what: str
    n: str
    price: str
    other: str
    options: list[str]


class ShownLine(TypedDict):
    """A line of a cart or of an order."""

    ref: str
    name: str
    variant: str
    quantity: int
    price: str
    sum: str


class ShownCart(TypedDict):
    """A cart as code has worked it out. `delivery` is a fee, `0` where it is free, empty where it is not in
    `total`; `delivery_open` says that it is to be told by a person; `areas` those to choose from first;
    `order`: the number it was placed under, 0 while it was not."""

    version: int
    lines: list[ShownLine]
    currency: str
    goods: str
    delivery: str
    delivery_open: bool
    area: str
    areas: list[str]
    total: str
    notes: list[CartNote]
    order: int


class OrderDesk(Protocol):
    """Keeps the cart of the contact whose turn this is. What is asked for again with the same `key` is done
    once."""

    async def change(self, wishes: list[Wish], goods: PriceList, key: str) -> ShownCart:
        """Make the changes that can be made; `notes` say of the others why not."""
        ...

    async def show(self, goods: PriceList, key: str) -> ShownCart:
        """The cart as it stands, held against the price list."""
        ...

    async def confirm(self, version: int, goods: PriceList, key: str) -> ShownCart:
        """Place the order of a cart that was shown as this version; nothing is placed where it is another
        now."""
        ...

    async def left(self, rows: Sequence[Mapping[str, str]], goods: PriceList) -> list[dict[str, str]]:
        """Of these rows of the price list, those that orders took pieces of: `name` and `stock` now."""
        ...


# What a model is told of a note, for it to say in the customer's language.
_TOLD: dict[Remark, str] = {
    "unknown": "No product has the number or name {what}: look it up with find_product.",
    "several": "Several products are called {what}: name one of {options}.",
    "gone": "{what} is no longer in the price list and was taken out.",
    "price_unsure": "The price of {what} must be confirmed by a colleague first; it is not in the cart.",
    "sold_out": "{what} is not in stock; it is not in the cart.",
    "fewer": "Of {what} there are only {n}; the cart holds no more.",
    "other_price": "{what} costs {price}, not {other} as the customer's phone showed; {price} holds.",
    "new_price": "{what} now costs {price}.",
    "other_currency": "{what} is priced in {other}, the cart in {price}: it has to be ordered apart.",
    "which": "Ask which {what}: {options}.",
    "bad_quantity": "A quantity of {what} is 1 to {n}.",
    "too_many": "A cart holds {n} different products; {what} is not in it.",
    "not_in_cart": "{what} is not in the cart.",
    "unknown_area": "{what} is no place that is delivered to: {options}.",
    "stale": "The cart has changed since it was shown.",
    "placed_before": "This order was placed before. Its number is {n}.",
}


def told_of(cart: ShownCart) -> str:
    """A cart as a model is told of it: all the sums that its reply may state."""
    said = [
        _TOLD[note["kind"]].format(**{**note, "options": ", ".join(note["options"])})
        for note in cart["notes"]
    ]
    if cart["order"]:
        said.append(f"The order is placed. Its number is {cart['order']}.")
    if not cart["lines"]:
        return "\n".join([*said, "The cart is empty."])
    currency = cart["currency"]
    for line in cart["lines"]:
        name = line["name"] + (f" ({line['variant']})" if line["variant"] else "")
        said.append(f"{line['quantity']} x {name} at {line['price']} {currency} = {line['sum']} {currency}")
    if cart["delivery"]:
        said.append(f"Delivery {cart['area']}: {cart['delivery']} {currency}")
    said.append(f"Total: {cart['total']} {currency}")
    if cart["delivery_open"]:
        said.append("Delivery is not in the total; a colleague says what it costs.")
    if cart["areas"] and not cart["order"]:
        said.append(f"The customer has to choose where it is delivered: {', '.join(cart['areas'])}.")
    return "\n".join(said)
