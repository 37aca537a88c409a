"""Looks products up in the price lists of the bot's documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from langchain_core.tools import tool

from tools.price_list import Found
from tools.runtime import Runtime, services_of

MOST = 5


@tool
async def find_product(  # noqa: PLR0913 - each narrows the search in its own way
    runtime: Runtime,
    query: str,
    min_price: float = 0,
    max_price: float = 0,
    sort: Literal["", "cheapest", "dearest"] = "",
    category: str = "",
    in_stock: bool = False,
) -> str:
    """Find products in the shop's price list by name, kind, size, colour or article number; gives price and
    stock.

    Use it for every question about a price or availability of a product. Bounds of 0 are none. `category`
    and `in_stock` narrow the list; leave them out where the customer does not ask for them. A price that is
    marked as not confirmed must not be stated.
    """
    services = services_of(runtime)
    catalogue = services.price_list
    if catalogue is None:
        return "nothing found"
    found = await asyncio.to_thread(
        catalogue.find,
        query,
        MOST,
        min_price=min_price or None,
        max_price=max_price or None,
        sort=sort,
        category=category,
        in_stock=in_stock,
        today=services.today,
    )
    left = await services.desk.left(found.rows, catalogue) if services.desk and found.rows else []
    return answer_of(found, left)


def answer_of(found: Found, left: Sequence[Mapping[str, str]] = ()) -> str:
    """What the agent is told of the products that were found; `left`: of those that orders took pieces of,
    how many there are now."""
    said = _answer(found)
    if not left:
        return said if isinstance(said, str) else _json(said)
    return _json({**(said if isinstance(said, dict) else {"found": said}), "left after orders": [*left]})


def _answer(found: Found) -> Any:
    missing = ", ".join(found.missing)
    if not found.rows:
        return f"nothing found: no {missing}" if missing else "nothing found"
    if found.exact and missing:
        return {"found": found.rows, "not found": f"no product has the number {missing}"}
    if missing:
        return {"not found": f"no product has {missing}", "nearest": found.rows}
    if found.apart:
        together = f"no product has all of this together; the nearest lack {', '.join(found.apart)}"
        return {"not found": together, "nearest": found.rows}
    return found.rows


def _json(said: object) -> str:
    return json.dumps(said, ensure_ascii=False)
