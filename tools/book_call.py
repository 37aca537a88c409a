"""Makes an appointment for a call with the business: free slots, booking, moving, cancelling."""

from __future__ import annotations

from typing import Literal

from langchain_core.tools import tool

from tools.runtime import Runtime, services_of


@tool
async def book_call(
    runtime: Runtime,
    action: Literal["free", "book", "cancel"],
    start: str = "",
    day: str = "",
    about: str = "",
) -> str:
    """Arrange a phone call of a colleague with the customer. Times are YYYY-MM-DD HH:MM by the shop's clock.

    action "free" lists free slots, of one `day` (YYYY-MM-DD) or the next ones: propose two or three of them.
    "book" takes the slot `start` that the customer chose, with what it is `about`; a call they already have
    is moved to it. "cancel" cancels it."""
    services = services_of(runtime)
    book = services.calendar
    if book is None:
        return "calls cannot be booked here"
    if action == "cancel":
        return "cancelled" if await book.cancel() else "there was no call"
    if action == "book":
        if await book.book(start, about, services.idempotency_key):
            return f"booked for {start}; a confirmation with a calendar file is on its way"
        free = await book.free(start[:10]) or await book.free()
        return f"{start} is not free. Free: {', '.join(free) or 'nothing'}"
    mine = await book.mine()
    booked = f" Booked already: {', '.join(mine)}." if mine else ""
    free = await book.free(day) or (await book.free() if day else [])
    return f"Free: {', '.join(free) or 'nothing in two weeks'}.{booked}"
