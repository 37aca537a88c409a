"""Orders: what was placed, how far each is, and what it may become."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from server.conversations.listing import BadCursor, cursor_of, place_of
from server.orders.book import OrderBook
from server.orders.records import OrderState, PlacedOrder, following
from server.web.dashboard.layout import PageContext
from server.web.languages import formats

ROWS = 50
STATES: tuple[OrderState, ...] = get_args(OrderState)


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the pages on the dashboard."""
    book = OrderBook(frame.redis)

    @routes.get("/orders", response_class=HTMLResponse)
    async def orders(request: Request) -> Response:
        asked = request.query_params
        state, bot_id = asked.get("state", ""), asked.get("bot", "")
        state = state if state in STATES else ""
        try:
            before = place_of(asked.get("cursor"))
        except BadCursor:
            before = None
        runtimes = frame.chosen(bot_id)
        found = await book.newest(runtimes, ROWS + 1, lambda order: state in ("", order.state), before)
        last = found[ROWS - 1] if len(found) > ROWS else None
        kept = {name: value for name, value in (("state", state), ("bot", bot_id)) if value}
        older = {**kept, "cursor": cursor_of((last.created, last.id))} if last else {}
        exported = {"format": "csv", **({"state": state} if state else {})}
        exported |= {"bot_id": bot_id} if bot_id in frame.runtimes else {}
        shown: dict[str, Any] = {
            "orders": [(order, sum_of(order)) for order in found[:ROWS]],
            "states": STATES,
            "state": state,
            "bot": bot_id if bot_id in frame.runtimes else "",
            "older": urlencode(older),
            "csv": f"/api/orders?{urlencode(exported)}",
            "taking": any(runtime.bot.context.orders.taking for runtime in runtimes.values()),
        }
        return await frame.page(request, "orders.html", shown)

    @routes.get("/order", response_class=HTMLResponse)
    async def order(request: Request) -> Response:
        wanted = request.query_params.get("id", "")
        for runtime in frame.runtimes.values():
            if found := await book.order(runtime.bot.id, wanted):
                told = {"order": found, "total": sum_of(found), "next": following(found)}
                return await frame.page(request, "order.html", told)
        raise HTTPException(404, "there is no order of this id")


def sum_of(order: PlacedOrder) -> str:
    """What an order comes to, as people read it."""
    return formats.money(order.total, order.currency)
