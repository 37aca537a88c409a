"""What the contact does to their cart by taps is done by code, without a model, and answered at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.context import Context
from agent.language.order_phrases import order_text
from agent.nodes.retrieve import Knowledge
from agent.ordering.cart import remark
from agent.ordering.taps import CartTap, cart_tap
from agent.ordering.wording import money_text, note_lines
from agent.state import State, burst
from agent.turn_services import turn_services_of
from tools.ordering import CartNote, OrderDesk, ShownCart, Wish
from tools.price_list import PriceList
from tools.runtime import Shown

Next = Literal["moderate", "extract", "retrieve", "remember"]
# Who wrote a reply, where no model did.
BY_CODE = "cart"


async def tend_cart(
    state: State, runtime: Runtime[Context], config: RunnableConfig, knowledge: Knowledge
) -> Command[Next]:
    """Make the steps of a burst in their order, each once however often the turn runs, and show the cart.
    What else was said goes on to the agent, without them in its memory."""
    desk = turn_services_of(config).desk
    waiting, seen = burst(state), state.get("cart_seen", 0)
    taps = [(message, tap) for message in waiting if (tap := cart_tap(message, seen))]
    if desk is None or not taps:
        return Command(goto=["moderate", "extract", "retrieve"])
    goods = await knowledge.price_list(runtime.context.knowledge_base or state.get("bot_id", "default"))
    steps = [await _made(desk, tap, goods, f"tap:{message.id}") for message, tap in taps]
    notes: list[CartNote] = [note for step in steps for note in step["notes"]]
    shown = _noted(steps[-1], notes)
    language = state.get("profile", {}).get("language") or "en"
    rest = [message for message in waiting if all(message is not done for done, _ in taps)]
    return _answered(state, shown, language, [message for message, _ in taps], rest)


async def _made(desk: OrderDesk, tap: CartTap, goods: PriceList, key: str) -> ShownCart:
    if tap.what == "confirm":
        return await desk.confirm(tap.version, goods, key)
    if tap.what == "show":
        return await desk.show(goods, key)
    if tap.what == "change":
        return await desk.change(list(tap.wishes), goods, key)
    now = await desk.show(goods, f"{key}:before")
    if now["lines"] and now["version"] != tap.version:
        return _noted(now, [*now["notes"], remark("stale", "")])
    return await desk.change([Wish("clear")], goods, key)


def _noted(cart: ShownCart, notes: list[CartNote]) -> ShownCart:
    return cast(ShownCart, {**cart, "notes": notes})


def _answered(
    state: State,
    shown: ShownCart,
    language: str,
    taps: Sequence[HumanMessage],
    rest: Sequence[HumanMessage],
) -> Command[Next]:
    text = reply_text(shown, language)
    update: dict[str, Any] = {"replies": [*state.get("replies", []), text], "model": BY_CODE}
    if shown["order"] and not any(note["kind"] == "placed_before" for note in shown["notes"]):
        update["task"] = f"order {shown['order']}: {money_text(shown['total'], shown['currency'])}"
    cart = [Shown(sort="cart", cart=shown)]
    if rest:
        gone = [RemoveMessage(id=message.id) for message in taps if message.id]
        return Command(
            update={**update, "messages": gone, "shown": cart}, goto=["moderate", "extract", "retrieve"]
        )
    return Command(update={**update, "messages": [AIMessage(text)], "presented": cart}, goto="remember")


def reply_text(shown: ShownCart, language: str) -> str:
    """What is said of a step; the cart itself stands below it."""
    notes = note_lines(shown, language)
    if shown["order"]:
        if notes:
            return "\n".join(notes)
        total = money_text(shown["total"], shown["currency"])
        return order_text("placed", language, number=str(shown["order"]), sum=total)
    return "\n".join(notes) or order_text("cart" if shown["lines"] else "empty", language)
