"""What a tool may ask for while it runs: the shop's rows, a key that names the call, the diary of
appointments."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

Rows = list[dict[str, str]]


# The price list of the bot whose turn this is; the graph sets it before it runs a tool.
price_list: ContextVar[Rows] = ContextVar("price_list")


# The same for a tool call however often its turn is run again; a tool that books or pays elsewhere passes it
# on.
idempotency_key: ContextVar[str] = ContextVar("idempotency_key", default="")


class Calendar(Protocol):
    """The business's book of calls, for the contact whose turn this is."""

    async def free(self, day: str = "") -> list[str]: ...
    async def mine(self) -> list[str]: ...
    async def book(self, start: str, about: str) -> bool: ...
    async def cancel(self) -> bool: ...


# Whoever runs a turn sets it; None: no calls are booked here.
calendar: ContextVar[Calendar | None] = ContextVar("diary", default=None)
