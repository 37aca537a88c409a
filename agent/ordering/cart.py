"""A cart: what is in it, how it changes, what it comes to.

Every step holds it against the price list: a product that left it goes, a price is that of its row, and there
are never more of a thing than there are. What could not be done as asked is said in notes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from agent.ordering.rules import OrderRules
from tools.ordering import CartNote, Remark, ShownCart, ShownLine, Wish
from tools.price_list import PriceList
from tools.runtime import ShownProduct

# Different things in a cart, and pieces of one.
MOST_LINES, MOST_PIECES = 50, 9_999
# Characters of what a contact or a model calls something.
CALLED = 200


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class CartLine(_Kept):
    """So many of a product, at the price of its row."""

    ref: str
    name: str
    variant: str = ""
    quantity: int = Field(ge=1)
    price: Decimal
    unit: str = ""

    @property
    def sum(self) -> Decimal:
        """What they cost together."""
        return tidy(self.price * self.quantity)


class Cart(_Kept):
    """What a contact wants to order. Lines of one currency; `area` is where it is delivered. `version` tells
    one state of it from another."""

    version: int = 0
    currency: str = ""
    lines: tuple[CartLine, ...] = ()
    area: str = ""

    @property
    def goods(self) -> Decimal:
        """What the goods cost."""
        return tidy(sum((line.sum for line in self.lines), Decimal(0)))


def cart_after(
    cart: Cart, wishes: Sequence[Wish], goods: PriceList, rules: OrderRules
) -> tuple[Cart, list[CartNote]]:
    """The cart after some wishes, and what is to be said of them. It keeps its version."""
    cart, notes = as_priced(cart, goods, rules)
    for wish in wishes:
        if wish.action == "clear":
            cart = cart.model_copy(update={"lines": (), "area": "", "currency": ""})
        elif wish.action == "area":
            cart = _delivered(cart, wish, rules, notes)
        elif wish.action == "remove":
            cart = _without(cart, wish, notes)
        else:
            cart = _with(cart, wish, goods, rules, notes)
    return cart, notes


def as_priced(cart: Cart, goods: PriceList, rules: OrderRules) -> tuple[Cart, list[CartNote]]:
    """The cart as the price list has its products now."""
    notes: list[CartNote] = []
    lines: list[CartLine] = []
    for line in cart.lines:
        card = _only(goods, line.ref)
        if card is None:
            notes.append(remark("gone", line.name))
        elif why := _unsold(card):
            notes.append(remark(why, card["name"]))
        elif (currency := card["currency"] or rules.currency) != cart.currency:
            notes.append(remark("other_currency", card["name"], price=cart.currency, other=currency))
        elif line.variant and card.get("variants") and line.variant not in card["variants"]:
            notes.append(remark("gone", f"{line.name} ({line.variant})"))
        else:
            now = {"ref": card["ref"], "name": card["name"], "price": Decimal(card["price"])}
            lines.append(line.model_copy(update=now))
            if line.price != lines[-1].price:
                notes.append(remark("new_price", line.name, price=_money(lines[-1].price, cart.currency)))
            lines[-1] = _within_stock(lines[-1], card, lines[:-1], notes)
            if lines[-1].quantity < 1:
                lines.pop()
    areas = {area.name for area in rules.areas}
    area = cart.area if cart.area in areas else ""
    currency = cart.currency if lines else ""
    return cart.model_copy(update={"lines": tuple(lines), "area": area, "currency": currency}), notes


def as_shown(cart: Cart, rules: OrderRules, notes: Sequence[CartNote] = (), order: int = 0) -> ShownCart:
    """The cart with what it comes to, as it is shown."""
    fee, is_open = delivery_fee(cart, rules)
    total = cart.goods + (fee or 0)
    lines = [
        ShownLine(
            ref=line.ref,
            name=line.name,
            variant=line.variant,
            quantity=line.quantity,
            price=plain_sum(line.price),
            sum=plain_sum(line.sum),
        )
        for line in cart.lines
    ]
    return ShownCart(
        version=cart.version,
        lines=lines,
        currency=cart.currency,
        goods=plain_sum(cart.goods),
        delivery="" if fee is None or not lines else plain_sum(fee),
        delivery_open=is_open and bool(lines),
        area=cart.area,
        areas=[area.name for area in rules.areas] if lines and not cart.area else [],
        total=plain_sum(total),
        notes=list(notes),
        order=order,
    )


def delivery_fee(cart: Cart, rules: OrderRules) -> tuple[Decimal | None, bool]:
    """(fee, whether a person has to say what delivery costs). No fee where the owner set none, or where it is
    in another currency than the goods."""
    chosen = next((area for area in rules.areas if area.name == cart.area), None)
    fee, free_from = (chosen.fee, chosen.free_from) if chosen else (rules.fee, rules.free_from)
    if rules.areas and chosen is None:
        return None, False
    if fee is None:
        return None, False
    if cart.currency != rules.currency:
        return (Decimal(0), False) if fee == 0 else (None, True)
    return (Decimal(0) if free_from is not None and cart.goods >= free_from else fee), False


def tidy(amount: Decimal) -> Decimal:
    """A sum without zeros behind its decimals."""
    return Decimal(plain_sum(amount))


def plain_sum(amount: Decimal) -> str:
    """A sum as a plain number: `1290.5`."""
    return f"{amount.normalize():f}" if amount else "0"


def remark(
    kind: Remark,
    what: str,
    *,
    n: object = "",
    price: str = "",
    other: str = "",
    options: Sequence[str] = (),
) -> CartNote:
    """Something to be said of a step."""
    return CartNote(kind=kind, what=what[:CALLED], n=str(n), price=price, other=other, options=list(options))


def _money(amount: Decimal, currency: str) -> str:
    return f"{plain_sum(amount)} {currency}".strip()


def _only(goods: PriceList, ref: str) -> ShownProduct | None:
    """The card of the one product that goes by a name."""
    cards: list[ShownProduct] = goods.cards(ref)
    return cards[0] if len(cards) == 1 else None


def _unsold(card: ShownProduct) -> Remark | None:
    """Why a product cannot be put into a cart."""
    if not card["price"]:
        return "price_unsure"
    return "sold_out" if card["stock"] == "no" else None


def _within_stock(
    line: CartLine, card: ShownProduct, others: Sequence[CartLine], notes: list[CartNote]
) -> CartLine:
    """The line with no more pieces than there are; 0 of them where others of the cart take them all."""
    left = card.get("left", "")
    taken = sum(other.quantity for other in others if other.ref == line.ref)
    most = min(MOST_PIECES, int(left) - taken) if left else MOST_PIECES
    if line.quantity <= most:
        return line
    notes.append(remark("fewer", line.name, n=max(0, most)))
    return line.model_copy(update={"quantity": max(0, most)})


def _with(cart: Cart, wish: Wish, goods: PriceList, rules: OrderRules, notes: list[CartNote]) -> Cart:
    """The cart with more of a product (`add`), or so many of it (`set`)."""
    called = " ".join(wish.product.split())[:CALLED]
    cards: list[ShownProduct] = goods.cards(called) if called else []
    if len(cards) != 1:
        named = [card["article"] or card["name"] for card in cards[:10]]
        notes.append(remark("several" if cards else "unknown", called, options=named))
        return cart
    card = cards[0]
    if wish.action == "set" and wish.quantity == 0:
        return _without(cart, wish, notes)
    if not 1 <= wish.quantity <= MOST_PIECES:
        notes.append(remark("bad_quantity", card["name"], n=MOST_PIECES))
        return cart
    currency = card["currency"] or rules.currency
    if why := _unsold(card):
        notes.append(remark(why, card["name"]))
        return cart
    if cart.lines and currency != cart.currency:
        notes.append(remark("other_currency", card["name"], price=cart.currency, other=currency))
        return cart
    variant, choices = _variant(card, wish.variant)
    if choices:
        notes.append(remark("which", card["name"], other=card["ref"], options=choices))
        return cart
    price = Decimal(card["price"])
    if wish.price is not None and (wish.price, wish.currency or currency) != (price, currency):
        theirs = _money(wish.price, wish.currency or currency)
        notes.append(remark("other_price", card["name"], price=_money(price, currency), other=theirs))
    return _placed_in(cart, wish, (card, variant, currency), notes)


def _placed_in(cart: Cart, wish: Wish, what: tuple[ShownProduct, str, str], notes: list[CartNote]) -> Cart:
    """The cart with the line of a product as its row has it."""
    card, variant, currency = what
    at = next(
        (n for n, line in enumerate(cart.lines) if (line.ref, line.variant) == (card["ref"], variant)), -1
    )
    if at < 0 and len(cart.lines) >= MOST_LINES:
        notes.append(remark("too_many", card["name"], n=MOST_LINES))
        return cart
    before = cart.lines[at].quantity if at >= 0 and wish.action == "add" else 0
    line = CartLine(
        ref=card["ref"],
        name=card["name"],
        variant=variant,
        quantity=before + wish.quantity,
        price=Decimal(card["price"]),
        unit=card["unit"],
    )
    others = [other for n, other in enumerate(cart.lines) if n != at]
    line = _within_stock(line, card, others, notes)
    lines = list(cart.lines)
    lines[at if at >= 0 else len(lines) :] = [line, *(lines[at + 1 :] if at >= 0 else [])]
    kept = tuple(one for one in lines if one.quantity >= 1)
    return cart.model_copy(update={"lines": kept, "currency": currency if kept else ""})


def _variant(card: ShownProduct, wanted: str) -> tuple[str, list[str]]:
    """(the variant that is meant, those to choose from where none is)."""
    choices = card.get("variants") or []
    wanted = " ".join(wanted.split())
    if not choices:
        return "", []
    if (
        wanted.isdecimal()
        and wanted.isascii()
        and wanted not in choices
        and 0 < int(wanted[:3]) <= len(choices)
    ):
        return choices[int(wanted[:3]) - 1], []
    meant = [choice for choice in choices if choice.casefold() == wanted.casefold()]
    return (meant[0], []) if meant else ("", choices)


def _without(cart: Cart, wish: Wish, notes: list[CartNote]) -> Cart:
    """The cart without a product, or without one variant of it."""
    called = " ".join(wish.product.split()).casefold()
    gone = [
        line
        for line in cart.lines
        if called in (line.ref.casefold(), line.name.casefold())
        and (not wish.variant or line.variant.casefold() == wish.variant.strip().casefold())
    ]
    if not gone:
        notes.append(remark("not_in_cart", wish.product))
    kept = tuple(line for line in cart.lines if line not in gone)
    return cart.model_copy(update={"lines": kept, "currency": cart.currency if kept else ""})


def _delivered(cart: Cart, wish: Wish, rules: OrderRules, notes: list[CartNote]) -> Cart:
    """The cart, to be delivered to an area, by its name or its number from 1."""
    named = wish.product.strip()
    names = [area.name for area in rules.areas]
    meant = [name for name in names if name.casefold() == named.casefold()]
    if not meant and named.isascii() and named.isdecimal() and 0 < int(named[:3]) <= len(names):
        meant = [names[int(named[:3]) - 1]]
    if not meant:
        notes.append(remark("unknown_area", named, options=names))
        return cart
    return cart.model_copy(update={"area": meant[0]})
