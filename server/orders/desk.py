"""The cart of the contact whose turn it is, as the agent's tool and its taps use it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, cast

from agent.ordering.cart import CALLED, Cart, as_priced, as_shown, cart_after, delivery_fee, remark, tidy
from agent.ordering.rules import OrderRules
from server.bots.bot import Bot
from server.clock import now_ms
from server.orders.book import TRIES, Whose
from server.orders.records import KeptCart, OrderChange, OrderLine, Payment, PlacedOrder, order_id_of
from server.orders.stock import CountedLine, RemainingGoods, Taken, counted_lines
from server.store.records import Contact
from tools.ordering import CartNote, ShownCart, Wish
from tools.price_list import PriceList


class CartBook(Protocol):
    """Where a desk keeps a cart and its orders (`server.orders.book`)."""

    async def cart(self, bot_id: str, conversation_id: str) -> KeptCart: ...
    async def keep(
        self, bot_id: str, conversation_id: str, expected: int, kept: KeptCart, fence: str
    ) -> bool: ...
    async def taken(self, bot_id: str, refs: Collection[str]) -> dict[str, list[Taken]]: ...
    async def place(
        self,
        order: PlacedOrder,
        expected: int,
        emptied: KeptCart,
        whose: Whose,
        counted: Sequence[CountedLine] = (),
    ) -> PlacedOrder | None: ...
    async def order(self, bot_id: str, order_id: str) -> PlacedOrder | None: ...


Step = Callable[[Cart, PriceList], tuple[Cart, list[CartNote]]]


class ContactDesk:
    """One contact's, in one turn: `fence` is that of its worker, who changes nothing once it has lost the
    conversation."""

    def __init__(self, book: CartBook, bot: Bot, contact: Contact, fence: str) -> None:
        self._book, self._bot, self._contact, self._fence = book, bot, contact, fence

    @property
    def _rules(self) -> OrderRules:
        return self._bot.context.orders

    async def change(self, wishes: list[Wish], goods: PriceList, key: str) -> ShownCart:
        """Make the changes that can be made."""

        def changed(cart: Cart, left: PriceList) -> tuple[Cart, list[CartNote]]:
            return cart_after(cart, wishes, left, self._rules)

        named = await asyncio.to_thread(_named, wishes, goods)
        return await self._step(changed, named, goods, key)

    async def show(self, goods: PriceList, key: str) -> ShownCart:
        """The cart as it stands, held against the price list."""
        return await self._step(lambda cart, left: as_priced(cart, left, self._rules), set(), goods, key)

    async def confirm(self, version: int, goods: PriceList, key: str) -> ShownCart:
        """Place the order of a cart that was shown as this version."""
        bot_id, conversation = self._bot.id, self._contact.id
        for _ in range(TRIES):
            kept = await self._book.cart(bot_id, conversation)  # first: its order empties it
            if known := await self._book.order(bot_id, order_id_of(conversation, version)):
                return self._placed(known, key)
            if kept.cart.version != version or not kept.cart.lines:
                notes = [remark("stale", "")] if kept.cart.lines else []
                return as_shown(kept.cart, self._rules, notes)
            left = await self._remaining(kept.cart, set(), goods)
            priced, notes = await asyncio.to_thread(as_priced, kept.cart, left, self._rules)
            if priced != kept.cart:
                if await self._book.order(bot_id, order_id_of(conversation, version)):
                    continue  # placed meanwhile: what is missing is what it took
                return await self.show(goods, key)
            if self._rules.areas and not priced.area:
                return as_shown(priced, self._rules, notes)
            emptied = kept.after(Cart(), key, [])
            pieces = [(line.ref, line.quantity) for line in priced.lines]
            counted = await asyncio.to_thread(counted_lines, pieces, goods)
            whose = Whose(self._fence, self._bot.limits.timezone)
            known = await asyncio.to_thread(_retailer_ids, priced, goods)
            placed = await self._book.place(self._order(priced, key, known), version, emptied, whose, counted)
            if placed:
                return self._placed(placed, key)
        raise RuntimeError("the cart keeps changing")

    async def left(self, rows: Sequence[Mapping[str, str]], goods: PriceList) -> list[dict[str, str]]:
        """Of these rows of the price list, those that orders took pieces of: `name` and `stock` now."""
        cards = await asyncio.to_thread(lambda: [card for row in rows if (card := goods.card_of(row))])
        names = {name for card in cards for name in (card["ref"], card["name"])}
        taken = await self._book.taken(self._bot.id, names)
        now = RemainingGoods(goods, taken)
        less = [(card, now.less(card)) for card in cards]
        return [{"name": card["name"], "stock": one["left"]} for card, one in less if one is not card]

    async def _remaining(self, cart: Cart, named: set[str], goods: PriceList) -> PriceList:
        """The price list less what others ordered of what is in a cart, or named."""
        refs = {line.ref for line in cart.lines} | named
        cards = await asyncio.to_thread(lambda: [card for ref in refs for card in goods.cards(ref)])
        refs |= {name for card in cards for name in (card["ref"], card["name"])}
        return RemainingGoods(goods, await self._book.taken(self._bot.id, refs))

    async def _step(self, step: Step, named: set[str], goods: PriceList, key: str) -> ShownCart:
        """Make a step once for its key."""
        bot_id, conversation = self._bot.id, self._contact.id
        for _ in range(TRIES):
            kept = await self._book.cart(bot_id, conversation)
            if key and key in kept.done:
                return as_shown(kept.cart, self._rules, cast(list[CartNote], kept.done[key]))
            left = await self._remaining(kept.cart, named, goods)
            cart, notes = await asyncio.to_thread(step, kept.cart, left)
            if cart == kept.cart:
                return as_shown(cart, self._rules, notes)
            new = kept.after(cart, key, list(notes))
            if await self._book.keep(bot_id, conversation, kept.cart.version, new, self._fence):
                return as_shown(new.cart, self._rules, notes)
        raise RuntimeError("the cart keeps changing")

    def _order(self, cart: Cart, key: str, known: Mapping[str, str]) -> PlacedOrder:
        """`known`: ids of the shop's Commerce catalogue by what products go by."""
        contact, now, fee = self._contact, now_ms(), delivery_fee(cart, self._rules)[0]
        way = self._rules.payment.way
        lines = tuple(
            OrderLine(**line.model_dump(), sum=line.sum, retailer_id=known.get(line.ref, ""))
            for line in cart.lines
        )
        return PlacedOrder(
            number=0,
            id=order_id_of(contact.id, cart.version),
            bot_id=self._bot.id,
            conversation_id=contact.id,
            lines=lines,
            currency=cart.currency,
            goods=cart.goods,
            delivery=fee,
            area=cart.area,
            total=tidy(cart.goods + (fee or 0)),
            name=contact.profile.get("name") or contact.name,
            phone=contact.profile.get("phone") or (f"+{contact.wa_id}" if contact.wa_id else ""),
            language=contact.profile.get("language") or "en",
            zone=self._bot.limits.timezone,
            created=now,
            changed=now,
            made_by=key,
            payment=Payment(way=way) if way != "none" else None,
            history=(OrderChange(state="new", at=now, by="customer"),),
        )

    def _placed(self, order: PlacedOrder, key: str) -> ShownCart:
        """An order as its cart was shown; that it was placed before, where this step did not place it."""
        cart = Cart.model_validate(
            {
                "currency": order.currency,
                "area": order.area,
                "lines": [line.model_dump(exclude={"sum", "retailer_id"}) for line in order.lines],
            }
        )
        notes = [] if order.made_by == key else [remark("placed_before", "", n=order.number)]
        shown: dict[str, Any] = dict(as_shown(cart, self._rules, notes, order.number))
        fee = "" if order.delivery is None else f"{order.delivery:f}"
        return cast(ShownCart, {**shown, "areas": [], "delivery": fee, "total": f"{order.total:f}"})


def _retailer_ids(cart: Cart, goods: PriceList) -> dict[str, str]:
    """The ids in the shop's Commerce catalogue of what is in a cart, by what it goes by: of products that it
    shows at the same price."""
    cards = {line.ref: goods.cards(line.ref) for line in cart.lines}
    return {ref: found[0].get("retailer_id", "") for ref, found in cards.items() if len(found) == 1}


def _named(wishes: list[Wish], goods: PriceList) -> set[str]:
    """What the products that wishes name go by."""
    called = [" ".join(w.product.split())[:CALLED] for w in wishes if w.action in ("add", "set")]
    return {card["ref"] for name in called if name for card in goods.cards(name)}
