"""The customer's cart: putting in, taking out, looking, ordering."""

from __future__ import annotations

from typing import Any, Literal, cast

from langchain_core.tools import tool
from langgraph.types import Command

from tools.ordering import ShownCart, Wish, told_of
from tools.runtime import Runtime, Shown, services_of, showing


@tool
async def cart(
    runtime: Runtime,
    action: Literal["add", "set", "remove", "clear", "area", "show", "order"],
    product: str = "",
    quantity: int = 1,
    variant: str = "",
) -> Any:
    """Change or show the customer's cart, and place the order.

    action "add" puts `quantity` of a `product` in (article number or whole name, as find_product gave it; its
    size or colour as `variant`), "set" makes it so many, "remove" takes it out, "clear" takes all out. "area"
    says where to deliver, named in `product`. "show" shows it. "order" places the order that the last message
    showed, after the customer agreed to it; else it shows the cart once more. The cart with its sums and
    buttons is shown below your reply: introduce it in one sentence; state no sum but those you are told."""
    services = services_of(runtime)
    desk, goods, key = services.desk, services.price_list, services.idempotency_key
    if desk is None or goods is None:
        return "orders are not taken here"
    seen = int(runtime.state.get("cart_seen") or 0)
    if action == "order" and seen:
        found = await desk.confirm(seen, goods, key)
    elif action in ("order", "show"):
        found = await desk.show(goods, key)
    else:
        found = await desk.change([Wish(action, product, quantity, variant)], goods, key)
    return _answer(runtime, found, unconfirmed=action == "order" and not found["order"])


def _answer(runtime: Runtime, found: ShownCart, unconfirmed: bool) -> Command[Any]:
    """What goes out with the reply, and what the model is told."""
    asked = unconfirmed and bool(found["lines"])
    told = ("The customer has to confirm what is shown now.\n" if asked else "") + told_of(found)
    given: object = showing(runtime, Shown(sort="cart", cart=found), told).update
    update = cast(dict[str, Any], given)
    if found["order"]:
        update["task"] = f"order {found['order']}: {found['total']} {found['currency']}"
    return Command(update=update)
