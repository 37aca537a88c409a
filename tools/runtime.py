"""What a tool may ask for while it runs: the shop's products, the contact's appointments, a key
that names the tool's call.

A tool that wants any of it takes a parameter `runtime: Runtime`, which no model is shown:

    @tool
    async def stock_of(article: str, runtime: Runtime) -> str:
        \"\"\"How many of an article are in stock.\"\"\"
        products = services_of(runtime).price_list

It comes in the config of the run, so that two turns at once cannot see what is the other's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from langgraph.prebuilt import ToolRuntime

Rows = list[dict[str, str]]

# What LangGraph hands to a tool's parameter `runtime`: the config of the run, its state, the id of the call.
Runtime = ToolRuntime[Any, Any]

# Its place in the `configurable` part of the config.
KEY = "tool_services"


class Found(Protocol):
    """What a question found: the best rows, how many products match in all, what no product has, what none
    has together with the rest, and whether an article number named the rows."""

    @property
    def rows(self) -> Rows: ...
    @property
    def matching(self) -> int: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    @property
    def apart(self) -> tuple[str, ...]: ...
    @property
    def exact(self) -> bool: ...


class PriceList(Protocol):
    """The products of a bot, ready to be searched."""

    @property
    def rows(self) -> Rows: ...
    def find(  # noqa: PLR0913 - each narrows the search in its own way
        self,
        query: str,
        most: int = 5,
        *,
        min_price: float | None = None,
        max_price: float | None = None,
        sort: Literal["", "cheapest", "dearest"] = "",
        category: str = "",
        in_stock: bool = False,
    ) -> Found: ...


class Calendar(Protocol):
    """The business's appointments, for the contact whose turn this is."""

    async def free(self, day: str = "") -> list[str]: ...
    async def mine(self) -> list[str]: ...
    async def book(self, start: str, about: str, idempotency_key: str) -> bool: ...
    async def cancel(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ToolServices:
    """What one call of a tool may use. `price_list`: that of the bot whose turn this is; `calendar`: None
    where no appointments are made; `idempotency_key`: the same for a call of the tool however often its turn
    is run again, empty where it is not run again, for a tool that books or pays elsewhere to pass on."""

    price_list: PriceList | None = None
    calendar: Calendar | None = None
    idempotency_key: str = ""


def services_of(runtime: Runtime) -> ToolServices:
    """What the call of a tool was given; nothing, where it was called outside a turn."""
    given = runtime.config.get("configurable", {}).get(KEY)
    return given if isinstance(given, ToolServices) else ToolServices()


def with_services(runtime: Runtime, services: ToolServices) -> Runtime:
    """The runtime of a call that has these."""
    configurable = {**runtime.config.get("configurable", {}), KEY: services}
    return replace(runtime, config={**runtime.config, "configurable": configurable})
