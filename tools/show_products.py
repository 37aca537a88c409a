"""Shows products as cards that the customer can tap."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from langchain_core.tools import tool

from tools.runtime import Runtime, Shown, services_of, showing

# Rows of a list on WhatsApp.
MOST = 10


@tool
async def show_products(runtime: Runtime, products: list[str]) -> Any:
    """Show products of the price list with your reply: one as a card with its picture, two to ten as a list
    the customer taps on.

    `products` are article numbers or whole names, as find_product gave them. Prices, stock and pictures come
    from the price list by themselves. Introduce them in one sentence; do not repeat what the cards say."""
    goods = services_of(runtime).price_list
    wanted = list(dict.fromkeys(name.strip() for name in products if name.strip()))
    if goods is None or not wanted:
        return "nothing to show: there is no price list, or no product was named"
    if len(wanted) > MOST:
        return (
            f"{len(wanted)} products are too many: name at most {MOST}, or ask what the customer needs first"
        )
    found = await asyncio.to_thread(lambda: {name: goods.cards(name) for name in wanted})
    if unknown := [name for name, cards in found.items() if not cards]:
        return f"no product has the number or name {', '.join(unknown)}; look it up with find_product"
    if several := [name for name, cards in found.items() if len(cards) > 1]:
        return f"several products are called {several[0]}: name the article number"
    cards = [found[name][0] for name in wanted]
    told = json.dumps(
        [{k: v for k, v in card.items() if v and k != "retailer_id"} for card in cards], ensure_ascii=False
    )
    return showing(runtime, Shown(sort="products", products=cards), told)
