"""Carts and orders that are thrown away afterwards, for playing saved conversations.

What is worked out is worked out by the desk of the product, whenever a conversation is played: the tape holds
only what the price list said of the products that were asked for. A rule of carts that changes is noticed so,
like a changed prompt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from server.bots.bot import Bot
from server.orders.book import Whose
from server.orders.desk import ContactDesk
from server.orders.records import KeptCart, PlacedOrder
from server.orders.stock import CountedLine, Taken
from server.replay.tape import Tape
from server.store.records import Contact
from tools.ordering import ShownCart, Wish, told_of
from tools.price_list import PriceList
from tools.runtime import Shown, ShownProduct


def cart_told(presented: Sequence[Shown]) -> str:
    """The cart or order that went out with a reply, as its tool tells it; empty for none."""
    carts = [cast(ShownCart, one.get("cart")) for one in presented if one.get("sort") == "cart"]
    return told_of(carts[-1]) if carts else ""


@dataclass
class PaperBook:
    """The cart of the one contact, and their orders by id, as the order book keeps them."""

    kept: KeptCart = field(default_factory=KeptCart)
    orders: dict[str, PlacedOrder] = field(default_factory=dict[str, PlacedOrder])

    def copy(self) -> PaperBook:
        """Another with the same in it."""
        return PaperBook(self.kept, dict(self.orders))

    async def cart(self, bot_id: str, conversation_id: str) -> KeptCart:
        """The cart as it stands."""
        return self.kept

    async def keep(
        self, bot_id: str, conversation_id: str, expected: int, kept: KeptCart, fence: str
    ) -> bool:
        """Keep the next version of it."""
        self.kept = kept
        return True

    async def taken(self, bot_id: str, refs: Collection[str]) -> dict[str, list[Taken]]:
        """Nothing: nobody else orders here."""
        return {}

    async def place(
        self,
        order: PlacedOrder,
        expected: int,
        emptied: KeptCart,
        whose: Whose,
        counted: Sequence[CountedLine] = (),
    ) -> PlacedOrder | None:
        """Make an order of it, with the next number."""
        placed = order.model_copy(update={"number": len(self.orders) + 1})
        self.orders[order.id], self.kept = placed, emptied
        return placed

    async def order(self, bot_id: str, order_id: str) -> PlacedOrder | None:
        """The order of an id."""
        return self.orders.get(order_id)


class TapedDesk:
    """The desk of one turn, whose products are those on tape."""

    def __init__(self, book: PaperBook, bot: Bot, contact: Contact, tape: Tape) -> None:
        self._desk, self._tape = ContactDesk(book, bot, contact, ""), tape

    async def change(self, wishes: list[Wish], goods: PriceList, key: str) -> ShownCart:
        """Make the changes that can be made."""
        return await self._desk.change(wishes, self._taped(goods), key)

    async def show(self, goods: PriceList, key: str) -> ShownCart:
        """The cart as it stands, held against the price list."""
        return await self._desk.show(self._taped(goods), key)

    async def confirm(self, version: int, goods: PriceList, key: str) -> ShownCart:
        """Place the order of a cart that was shown as this version."""
        return await self._desk.confirm(version, self._taped(goods), key)

    async def left(self, rows: Sequence[Mapping[str, str]], goods: PriceList) -> list[dict[str, str]]:
        """Nothing was taken: what the price list says holds."""
        return []

    def _taped(self, goods: PriceList) -> PriceList:
        return cast(PriceList, _TapedGoods(self._tape, goods))


class _TapedGoods:
    """The products that a cart is held against, by what they were asked for as."""

    def __init__(self, tape: Tape, live: PriceList) -> None:
        self._tape, self._live = tape, live

    def counted(self, ref: str) -> int:
        """Nobody notes it on paper."""
        return 0

    def cards(self, ref: str) -> list[ShownProduct]:
        """The cards on tape; those of the price list, and onto the tape, where nothing is and may be asked
        for."""
        old = self._tape.old.cards.get(ref)
        if old is None and self._tape.mode == "replay" and self._tape.old:
            self._tape.missing(f"cards of {ref}")  # the turn goes on without the product
            return []
        live = self._tape.mode in ("record", "live") or old is None
        found: list[Any] = self._live.cards(ref) if live else list(old or ())
        self._tape.cards[ref] = found
        return found
