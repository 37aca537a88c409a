"""Looks products up in the price lists of the bot's documents."""

from __future__ import annotations

import asyncio
import json
from typing import Literal

from langchain_core.tools import tool

from tools.runtime import price_list

MOST = 5


@tool
async def find_product(
    query: str,
    min_price: float = 0,
    max_price: float = 0,
    sort: Literal["", "cheapest", "dearest"] = "",
) -> str:
    """Find products in the shop's price list by name, kind, size, colour or article number; gives price and
    stock.

    Use it for every question about a price or availability of a product. Bounds of 0 are none.
    """
    catalogue = price_list.get(None)
    if catalogue is None:
        return "nothing found"
    found = await asyncio.to_thread(
        catalogue.find,
        query,
        MOST,
        min_price=min_price or None,
        max_price=max_price or None,
        sort=sort,
    )
    if not found.rows:
        return f"nothing found: no {', '.join(found.missing)}" if found.missing else "nothing found"
    if found.missing:
        said = {"not found": f"no product has all of this: {', '.join(found.missing)}", "nearest": found.rows}
        return json.dumps(said, ensure_ascii=False)
    return json.dumps(found.rows, ensure_ascii=False)
