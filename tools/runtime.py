"""What a tool may ask for while it runs: the shop's rows, a key that names the tool's call, the appointments
of the contact."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Literal, Protocol

Rows = list[dict[str, str]]


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


# The price list of the bot whose turn this is; the graph sets it before it runs a tool.
price_list: ContextVar[PriceList | None] = ContextVar("price_list", default=None)


# The same for a tool call however often its turn is run again; a tool that books or pays elsewhere passes it
# on.
idempotency_key: ContextVar[str] = ContextVar("idempotency_key", default="")


class Calendar(Protocol):
    """The business's appointments, for the contact whose turn this is."""

    async def free(self, day: str = "") -> list[str]: ...
    async def mine(self) -> list[str]: ...
    async def book(self, start: str, about: str) -> bool: ...
    async def cancel(self) -> bool: ...


# Whoever runs a turn sets it; None: no appointments are made here.
calendar: ContextVar[Calendar | None] = ContextVar("calendar", default=None)
