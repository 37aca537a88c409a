"""The operator API of orders: found, looked at, moved on, handed out as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import Response
from pydantic import Field

from server.api.common import (
    Api,
    Body,
    Cursor,
    Format,
    Here,
    Limit,
    OneBot,
    Page,
    attached,
    fails,
    file_answer,
)
from server.bots.bot import BotRuntime
from server.conversations.listing import BadCursor, cursor_of, place_of
from server.operators import audit
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.tables.spreadsheet import csv_text
from server.operators.tokens import who
from server.orders.book import NotAllowed
from server.orders.paying import rules_of
from server.orders.records import OrderState, PlacedOrder, following

routes = APIRouter(prefix="/api", tags=["orders"], route_class=Audited)

# Orders in a table.
MOST_ORDERS = 100_000


class OrderPage(Page[PlacedOrder]):
    """Orders, the last first."""


class OrderIn(Body):
    """What an order becomes."""

    state: Literal["paid", "packed", "sent", "done", "cancelled"] = Field(
        description="Its next state; each comes once, and nothing after `done` and `cancelled`"
    )
    note: str = Field("", max_length=500, description="What to keep beside it, such as a parcel's number")


class PaymentCodeIn(Body):
    """What the bank or payment provider gave for an order."""

    code: str = Field(min_length=10, max_length=1_000, description="A Pix code, or a boleto's digits")


class ShownOrder(PlacedOrder):
    """An order, and what it may become."""

    next: list[OrderState] = Field(description="The states that it may have next")


Wanted = Callable[[PlacedOrder], bool]


def _wanted(
    state: Annotated[OrderState | None, Query(description="only those of this state")] = None,
    conversation_id: Annotated[str | None, Query(max_length=100, description="only of this contact")] = None,
    since: Annotated[int, Query(ge=0, description="placed then or later, Unix milliseconds")] = 0,
    until: Annotated[int | None, Query(ge=0, description="placed before then, Unix milliseconds")] = None,
) -> Wanted:
    """Which orders are asked for."""

    def wanted(order: PlacedOrder) -> bool:
        right = state in (None, order.state) and conversation_id in (None, order.conversation_id)
        return right and since <= order.created and (until is None or order.created < until)

    return wanted


@routes.get(
    "/orders",
    summary="Orders, the last first",
    response_model=OrderPage,
    responses=file_answer("text/csv"),
    dependencies=[READER],
)
async def list_orders(
    api: Here,
    wanted: Annotated[Wanted, Depends(_wanted)],
    bot_id: OneBot = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    format: Format = "json",
) -> OrderPage | Response:
    """As `csv`: all of them, a row for each line of an order."""
    runtimes = api.lookup.some(bot_id)
    if format == "csv":
        rows = await api.orders.newest(runtimes, MOST_ORDERS + 1, wanted)
        if len(rows) > MOST_ORDERS:
            raise HTTPException(422, f"since, until: more than {MOST_ORDERS} orders; choose a shorter time")
        audit.record_disclosure(bot_id or "")
        return attached(csv_text(COLUMNS, _lines(rows)).encode(), "text/csv", "orders.csv")
    try:
        before = place_of(cursor)
    except BadCursor as error:
        raise HTTPException(400, str(error)) from None
    rows = await api.orders.newest(runtimes, limit + 1, wanted, before)
    shown, more = rows[:limit], len(rows) > limit
    return OrderPage(items=shown, next_cursor=cursor_of((shown[-1].created, shown[-1].id)) if more else None)


@routes.get("/orders/{order_id}", summary="An order", dependencies=[READER])
async def get_order(api: Here, order_id: str) -> ShownOrder:
    return as_api_order((await find_order(api, order_id))[1])


@routes.patch(
    "/orders/{order_id}",
    summary="Let an order become paid, packed, sent, done or cancelled",
    responses=fails(409, "The order cannot become that; `detail` says what it can"),
    dependencies=[AGENT],
)
async def change_order(api: Here, order_id: str, change: OrderIn) -> ShownOrder:
    """The customer is told. An order that is so already stays as it is."""
    runtime, _ = await find_order(api, order_id)
    try:
        moved = await api.orders.move(runtime.bot.id, order_id, change.state, who.get().name, change.note)
    except NotAllowed as error:
        raise HTTPException(409, str(error)) from None
    if moved is None:
        raise HTTPException(404, "there is no order of this id")
    return as_api_order(moved)


@routes.put(
    "/orders/{order_id}/payment-code",
    summary="Give the Pix code, or the digits of the boleto, that an order is paid with",
    responses=fails(409, "The order is not paid by a bill in WhatsApp, or its bill was sent"),
    dependencies=[AGENT],
)
async def give_payment_code(api: Here, order_id: str, given: PaymentCodeIn) -> ShownOrder:
    """The bill goes out to the customer then. The same code again changes nothing."""
    runtime, _ = await find_order(api, order_id)

    def with_code(order: PlacedOrder) -> PlacedOrder:
        payment = order.payment
        if payment is None or "whatsapp" not in (payment.way, rules_of(runtime, order).way):
            raise NotAllowed(f"order {order.number} is not paid by a bill in WhatsApp")
        if payment.reference and payment.code != given.code:
            raise NotAllowed(f"the bill of order {order.number} was sent with another code")
        changed = {} if payment.code == given.code else {"code": given.code, "trouble": ""}
        return order.model_copy(update={"payment": payment.model_copy(update=changed)})

    try:
        changed = await api.orders.revise(runtime.bot.id, order_id, with_code)
    except NotAllowed as error:
        raise HTTPException(409, str(error)) from None
    if changed is None:
        raise HTTPException(404, "there is no order of this id")
    return as_api_order(changed)


async def find_order(api: Api, order_id: str) -> tuple[BotRuntime, PlacedOrder]:
    """An order with the runtime of its bot. Raises HTTPException 404."""
    for runtime in api.runtimes.values():
        if order := await api.orders.order(runtime.bot.id, order_id):
            audit.name_subject(runtime.bot.id, order_id)
            return runtime, order
    raise HTTPException(404, "there is no order of this id")


def as_api_order(order: PlacedOrder) -> ShownOrder:
    """An order with what it may become."""
    return ShownOrder(**order.model_dump(), next=list(following(order)))


COLUMNS = (
    *("number", "bot_id", "state", "created", "name", "phone", "article", "product", "variant", "quantity"),
    *("price", "sum", "goods", "delivery", "area", "total", "currency"),
)


def _lines(orders: Iterable[PlacedOrder]) -> Iterator[dict[str, object]]:
    """A row for each line of each order."""
    for order in orders:
        whole = {
            **order.model_dump(include={"number", "bot_id", "state", "created", "name", "phone", "area"}),
            "goods": f"{order.goods:f}",
            "delivery": "" if order.delivery is None else f"{order.delivery:f}",
            "total": f"{order.total:f}",
            "currency": order.currency,
        }
        for line in order.lines:
            what = {"article": line.ref, "product": line.name, "variant": line.variant}
            sums = {"quantity": line.quantity, "price": f"{line.price:f}", "sum": f"{line.sum:f}"}
            yield {**whole, **what, **sums}
