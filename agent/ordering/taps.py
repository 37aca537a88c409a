"""What the contact did to their cart without a model: a tap on a button of ours, a cart sent from WhatsApp's
catalogue, a yes to the cart that was just shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

from langchain_core.messages import AnyMessage, HumanMessage

from agent.language.order_phrases import order_text
from agent.language.yes_no import decision_in
from agent.state import text_of, without_notes
from tools.ordering import ShownCart, Wish
from tools.runtime import Option, Shown

# How the id of what is tapped on begins, where it is about a cart.
CART = "cart:"
TAPPED, ORDERED = "tapped", "ordered"
# Lines of a cart that a phone may send.
MOST_SENT = 200


@dataclass(frozen=True, slots=True)
class CartTap:
    """`change`: some wishes; `confirm` and `clear`: of the cart that was shown as `version`."""

    what: Literal["change", "confirm", "clear", "show"]
    wishes: tuple[Wish, ...] = ()
    version: int = 0


def as_tapped(message: HumanMessage, id: str, order: Mapping[str, Any] | None) -> HumanMessage:
    """A message with the id of what was tapped on, or with the cart that it is."""
    kept: dict[str, Any] = {TAPPED: id} if id.startswith(CART) else {}
    if order and order.get("items"):
        kept[ORDERED] = dict(order)
    return message.model_copy(update={"additional_kwargs": kept}) if kept else message


def cart_tap(message: AnyMessage, seen: int) -> CartTap | None:
    """What a message does to the cart; None for one that is for the agent. `seen`: the version of the cart
    that the last reply showed to be confirmed, 0 for none."""
    if not isinstance(message, HumanMessage):
        return None
    known = message.additional_kwargs
    if isinstance(order := known.get(ORDERED), dict):
        return CartTap("change", tuple(_sent(cast(dict[str, Any], order))))
    if isinstance(id := known.get(TAPPED), str):
        return _tapped(id)
    if seen and decision_in(without_notes(text_of(message))) == "yes":
        return CartTap("confirm", version=seen)
    return None


def version_shown(presented: Sequence[Shown]) -> int:
    """The version of the cart that went out to be confirmed with a reply; 0 for none."""
    carts = [cast(ShownCart, one.get("cart")) for one in presented if one.get("sort") == "cart"]
    open_ones = [cart for cart in carts if cart["lines"] and not cart["order"] and not cart["areas"]]
    return open_ones[-1]["version"] if open_ones else 0


def with_cart_button(presented: Sequence[Shown], language: str) -> list[Shown]:
    """What goes out, with a button that puts the one product of it into the cart, where it can be."""
    cards = [card for one in presented for card in one.get("products", ())]
    options = [option for one in presented for option in one.get("choice", ())]
    others = [one for one in presented if one.get("sort") not in ("products", "choice")]
    sold = len(cards) == 1 and cards[0]["price"] and cards[0]["stock"] != "no"
    if not sold or others or len(options) > 2 or any(option["description"] for option in options):
        return list(presented)
    button = Option(id=f"{CART}add:{cards[0]['ref']}", title=order_text("add", language), description="")
    return [Shown(sort="products", products=cards), Shown(sort="choice", choice=[button, *options])]


def _tapped(id: str) -> CartTap:
    action, _, rest = id.removeprefix(CART).partition(":")
    if action == "add" and rest:
        return CartTap("change", (Wish("add", rest),))
    if action == "pick":
        number, _, ref = rest.partition(":")
        return CartTap("change", (Wish("add", ref, variant=number),))
    if action == "area":
        return CartTap("change", (Wish("area", rest),))
    if action in ("confirm", "clear"):
        version = int(rest) if rest.isascii() and rest.isdecimal() and len(rest) < 12 else 0
        return CartTap("confirm" if action == "confirm" else "clear", version=version)
    return CartTap("show")


def _sent(order: Mapping[str, Any]) -> list[Wish]:
    """The lines of a cart that came from a phone: so many of each, however often a product stands in it."""
    found: dict[str, Wish] = {}
    items = order.get("items")
    for row in cast(list[Any], items)[:MOST_SENT] if isinstance(items, list) else []:
        given = cast(dict[str, Any], row) if isinstance(row, dict) else {}
        ref = str(given.get("retailer_id") or "").strip()
        if not ref:
            continue
        count = given.get("quantity")
        count = count if isinstance(count, int) else 0
        before = found[ref].quantity if ref in found else 0
        price, currency = _price(given.get("price")), str(given.get("currency") or "").strip().upper()[:3]
        # 0 of a thing is no wish to take it out: a quantity that cannot be read is said to be wrong
        found[ref] = Wish("set", ref, before + count or -1, price=price, currency=currency)
    return list(found.values())


def _price(given: object) -> Decimal | None:
    try:
        price = Decimal(str(given)) if given not in (None, "") else None
    except InvalidOperation:
        return None
    return price if price is not None and price.is_finite() else None
