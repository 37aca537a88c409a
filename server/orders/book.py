"""The carts and orders of every bot. What changes one is a script (`book.lua`), fenced where a turn does it.

cart:C          HASH    version, row: JSON of a `KeptCart`, said: the cart in words
order_rows      HASH    order id -> JSON of a `PlacedOrder`
order_index     ZSET    order id -> ms it was placed
orders:C        ZSET    order id -> ms, of one contact
order_numbers   STRING  the last number that was given
order_news      SET     `order-id state` that its customer is to be told
order_taken     HASH    a product -> JSON of what orders took of its pieces, and when
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from agent.checkpointer import LeaseLost
from server.clock import now_ms
from server.orders.records import NEXT, KeptCart, OrderChange, OrderState, PlacedOrder, following
from server.orders.stock import CountedLine, Taken
from server.store.client import Redis
from server.store.counters import COUNTING, day_of, worth_of
from server.store.keys import key
from server.store.readable import readable
from server.store.scripts import Scripts

# Tries of a change that others keep overtaking, and orders looked at in one go.
TRIES, HANDFUL = 20, 200
# Orders of one contact that are listed.
MOST_OF_ONE = 1_000

log = structlog.get_logger()


class NotAllowed(ValueError):
    """An order cannot become what it was to become; the message says why."""


@dataclass(frozen=True, slots=True)
class Whose:
    """In whose name an order is placed: the fence of a worker, empty for none, and the zone of its days."""

    fence: str
    zone: str


class OrderBook:
    """Carts and orders in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)

    async def cart(self, bot_id: str, conversation_id: str) -> KeptCart:
        """The cart of a contact; an empty one where there is none, or none that can be read: its version goes
        on."""
        found = await self._redis.hgetall(key(bot_id, "cart", conversation_id))
        rows = readable([found.get(b"row")], KeptCart.model_validate_json, "a cart")
        if rows or not found:
            return rows[0] if rows else KeptCart()
        version = found.get(b"version", b"0")
        return KeptCart.model_validate({"cart": {"version": int(version) if version.isdigit() else 0}})

    async def keep(
        self, bot_id: str, conversation_id: str, expected: int, kept: KeptCart, fence: str
    ) -> bool:
        """Put the next version of a cart on record; False when it was changed meanwhile. Raises LeaseLost."""
        keys = [key(bot_id, part, conversation_id) for part in ("cart", "box")]
        asked = {"fence": fence, "expected": expected, **_cart_arguments(kept)}
        done = await self._scripts.run("keep", keys, asked)
        if done < 0:
            raise LeaseLost(conversation_id)
        return bool(done)

    async def taken(self, bot_id: str, refs: Collection[str]) -> dict[str, list[Taken]]:
        """What orders took of some products, by what these go by."""
        rows = await self._redis.hmget(key(bot_id, "order_taken"), list(refs)) if refs else []
        found: dict[str, list[Taken]] = {}
        for ref, raw in zip(refs, rows, strict=False):
            for read in readable([raw], json.loads, "what orders took"):
                found[ref] = [Taken(int(one["at"]), int(one["pieces"])) for one in read]
        return found

    async def place(
        self,
        order: PlacedOrder,
        expected: int,
        emptied: KeptCart,
        whose: Whose,
        counted: Sequence[CountedLine] = (),
    ) -> PlacedOrder | None:
        """Make an order of a cart, once; as it is on record then. None when the cart was changed meanwhile,
        or somebody was faster with the last pieces of what is `counted`. Raises LeaseLost."""
        own = [key(order.bot_id, part, order.conversation_id) for part in ("cart", "box")]
        shared = [key(order.bot_id, part) for part in ("order_rows", "order_index")]
        more = [key(order.bot_id, "orders", order.conversation_id)]
        more += [key(order.bot_id, part) for part in ("order_numbers", "order_news", "order_taken")]
        asked: dict[str, Any] = {"fence": whose.fence, "expected": expected, **_cart_arguments(emptied)}
        asked |= {"conversation": order.conversation_id, "id": order.id, "order": order.model_dump_json()}
        asked["created"] = order.created
        asked["day"] = day_of(whose.zone)
        takes = [json.dumps(asdict(line)) for line in counted]
        found = await self._scripts.run("place", [*own, *shared, *more], asked, *takes)
        if found[0] < 0:
            raise LeaseLost(order.conversation_id)
        placed = PlacedOrder.model_validate_json(found[1]) if found[0] in (1, 2) else None
        if found[0] == 2 and placed:
            log.info(
                "order_placed", bot=order.bot_id, conversation=order.conversation_id, order=placed.number
            )
        return placed

    async def order(self, bot_id: str, order_id: str) -> PlacedOrder | None:
        """The order of an id; None for no order."""
        raw = await self._redis.hget(key(bot_id, "order_rows"), order_id)
        return next(iter(readable([raw], PlacedOrder.model_validate_json, "an order")), None)

    async def orders_of(self, bot_id: str, conversation_id: str) -> list[PlacedOrder]:
        """A contact's orders, the newest first."""
        rows = await self._redis.zrevrangebyscore(
            key(bot_id, "orders", conversation_id), "+inf", "-inf", 0, MOST_OF_ONE, withscores=True
        )
        return await self._rows(bot_id, [name for name, _ in rows])

    async def page(
        self,
        bot_id: str,
        limit: int,
        wanted: Callable[[PlacedOrder], bool],
        before: tuple[int, str] | None = None,
    ) -> list[PlacedOrder]:
        """At most `limit` orders that are wanted, newest first, all of them placed before `before` (ms,
        id)."""
        found: list[PlacedOrder] = []
        offset, upper = 0, "+inf" if before is None else str(before[0])
        while len(found) < limit:
            ids = await self._redis.zrevrangebyscore(
                key(bot_id, "order_index"), upper, "-inf", offset, HANDFUL, withscores=True
            )
            chosen = [name for name, at in ids if before is None or (int(at), name.decode()) < before]
            found += [order for order in await self._rows(bot_id, chosen) if wanted(order)]
            offset += HANDFUL
            if len(ids) < HANDFUL:
                break
        return found[:limit]

    async def newest(
        self,
        bot_ids: Iterable[str],
        limit: int,
        wanted: Callable[[PlacedOrder], bool],
        before: tuple[int, str] | None = None,
    ) -> list[PlacedOrder]:
        """As `page`, of several bots."""
        pages = [await self.page(bot_id, limit, wanted, before) for bot_id in bot_ids]
        found = [order for page in pages for order in page]
        return sorted(found, key=lambda order: (order.created, order.id), reverse=True)[:limit]

    async def _rows(self, bot_id: str, ids: list[bytes]) -> list[PlacedOrder]:
        rows = await self._redis.hmget(key(bot_id, "order_rows"), ids) if ids else []
        return readable(rows, PlacedOrder.model_validate_json, "an order")

    async def move(
        self, bot_id: str, order_id: str, state: OrderState, by: str, note: str = ""
    ) -> PlacedOrder | None:
        """Let an order become `state`; it stays as it is where it is that already. None for no order. Raises
        NotAllowed."""

        def moved(order: PlacedOrder) -> PlacedOrder:
            if order.state == state:
                return order
            if state not in following(order):
                may = ", ".join(following(order)) or "nothing else"
                raise NotAllowed(f"order {order.number} is {order.state} and can become {may}, not {state}")
            step = OrderChange(state=state, at=now_ms(), by=by[:100], note=note[:500])
            update: dict[str, Any] = {"state": state, "changed": step.at, "history": (*order.history, step)}
            if state == "paid" and order.payment:
                update["payment"] = order.payment.model_copy(update={"state": "paid", "trouble": ""})
            return order.model_copy(update=update)

        return await self.revise(bot_id, order_id, moved, "order_changed")

    async def revise(
        self, bot_id: str, order_id: str, change: Callable[[PlacedOrder], PlacedOrder], event: str = ""
    ) -> PlacedOrder | None:
        """Put `change(order)` in the place of an order, whatever others do meanwhile; as it is then. A new
        state is told to its customer, and `event` to those who asked for it."""
        keys = [key(bot_id, part) for part in ("order_rows", "order_news", "order_taken")]
        for _ in range(TRIES):
            raw = await self._redis.hget(keys[0], order_id)
            order = next(iter(readable([raw], PlacedOrder.model_validate_json, "an order")), None)
            new = change(order) if order else None
            if order is None or new is None or new == order:
                return new
            asked = {"id": order_id, "old": raw, "order": new.model_dump_json()}
            asked |= {"conversation": order.conversation_id, "event": event, "day": day_of(order.zone)}
            asked |= {"value": f"{order.total:f}", "currency": order.currency}
            asked["worth"] = worth_of(order.total)
            asked["state"] = new.state if new.state != order.state else _to_ask_anew(order, new)
            if await self._scripts.run("change", keys, asked):
                if new.state != order.state:
                    log.info("order_changed", bot=bot_id, order=order.number, state=new.state)
                return new
        raise RuntimeError(f"order {order_id} keeps changing")

    async def news(self, bot_id: str) -> list[tuple[str, OrderState]]:
        """(order id, state) that customers are still to be told of."""
        rows = await self._redis.smembers(key(bot_id, "order_news"))
        pairs = (row.decode(errors="replace").partition(" ") for row in rows)
        return [(order_id, state) for order_id, _, state in pairs if state in NEXT]

    async def told(self, bot_id: str, order_id: str, state: str) -> None:
        """A customer was told."""
        await self._redis.srem(key(bot_id, "order_news"), f"{order_id} {state}")


def _to_ask_anew(order: PlacedOrder, new: PlacedOrder) -> str:
    """`new` where the customer is to be asked for the payment once more, with another code."""
    before, after = order.payment, new.payment
    return "new" if before and after and after.code != before.code else ""


def _cart_arguments(kept: KeptCart) -> dict[str, Any]:
    said = "; ".join(f"{line.quantity} x {line.name}" for line in kept.cart.lines)
    return {"version": kept.cart.version, "row": kept.model_dump_json(), "words": said}
