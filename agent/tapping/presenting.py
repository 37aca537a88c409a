"""What goes out to be tapped with a reply that has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, cast

from langgraph.types import Command

from agent.context import Context
from agent.ordering.taps import with_cart_button
from agent.state import State
from agent.tapping.cards import as_listed
from agent.tapping.rule import choices
from tools.price_list import PriceList
from tools.runtime import Shown

# Where a reply that has passed goes, until what goes out with it is known.
PASSED = "passed"
# Products whose pictures are not sent again while they are spoken of.
PICTURED = 20


class Lists(Protocol):
    """Where the price list of a bot is."""

    async def price_list(self, bot_id: str) -> PriceList: ...


async def with_taps(command: Command[Any], state: State, context: Context, lists: Lists) -> Command[Any]:
    """What becomes of a reply, and, where it has passed, what goes out with it to be tapped."""
    if command.goto != PASSED:
        return command
    update = cast(dict[str, Any], command.update or {})
    now = cast(State, {**state, **update})
    return Command(update={**update, **await _presented(now, context, lists)}, goto="remember")


async def _presented(state: State, context: Context, lists: Lists) -> dict[str, Any]:
    """The cards, choices, files and forms that tools asked for, else what a person would tap; every card as
    its row of the price list is now."""
    replies = state.get("replies", [])
    if not replies or state.get("owner") == "person":
        return {"presented": []}
    goods = await lists.price_list(context.knowledge_base or state.get("bot_id", "default"))
    wanted: Sequence[Shown] = state.get("shown", [])
    return await asyncio.to_thread(_chosen, state, context, wanted, goods)  # a price list may be long


def _chosen(state: State, context: Context, wanted: Sequence[Shown], goods: PriceList) -> dict[str, Any]:
    replies = state.get("replies", [])
    if not wanted and context.tap_choices and not state.get("touch"):
        language = state.get("profile", {}).get("language") or "en"
        taking = context.orders.taking
        found = choices(replies[-1], state["messages"], goods, language, plain_cards=taking)
        wanted = found if taking else _without_repeats(found, state)
    presented, checked = _checked(wanted, context, goods)
    if context.orders.taking:
        presented = with_cart_button(presented, state.get("profile", {}).get("language") or "en")
    products = [one.get("products", []) for one in presented]
    pictured = [cards[0]["ref"] for cards in products if len(cards) == 1 and cards[0]["picture"]]
    update: dict[str, Any] = {"presented": presented}
    if checked:
        update["checked"] = [*state.get("checked", []), *checked]
    if pictured:
        update["pictured"] = list(dict.fromkeys([*pictured, *state.get("pictured", [])]))[:PICTURED]
    return update


def _without_repeats(found: Sequence[Shown], state: State) -> list[Shown]:
    """Without the card of a product whose picture went out already."""
    known = set(state.get("pictured", []))
    return [one for one in found if not _seen(one, known)]


def _seen(one: Shown, known: set[str]) -> bool:
    cards = one.get("products", [])
    return len(cards) == 1 and cards[0]["ref"] in known


def _checked(wanted: Sequence[Shown], context: Context, goods: PriceList) -> tuple[list[Shown], list[str]]:
    """What of it may go out: products as they are listed, all of them as one; files and forms that the owner
    has put up."""
    cards = [card for one in wanted for card in one.get("products", ())]
    listed, checked = as_listed(cards, goods)
    presented = [Shown(sort="products", products=listed)] if listed else []
    files, forms = {file.name for file in context.files}, {form.name for form in context.forms}
    for one in wanted:
        known = {"file": one.get("file") in files, "form": one.get("form") in forms}
        if one.get("sort") != "products" and known.get(one.get("sort", ""), True) and one not in presented:
            presented.append(one)
    return presented, checked
