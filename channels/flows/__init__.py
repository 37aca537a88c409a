"""WhatsApp Flows: two that are shipped, the documented rules of their JSON, and the sealed wire of their data
endpoint."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
# The Flows that are shipped: their file -> what each is for.
SHIPPED = {
    "leave_your_details": "asks for name, e-mail, phone and company; needs no endpoint",
    "book_a_call": "books a call; its days and times come from the data endpoint",
}


def shipped_flow(name: str) -> bytes:
    """The Flow JSON of a name in `SHIPPED`, to be put up at Meta. Raises KeyError for any other."""
    if name not in SHIPPED:
        raise KeyError(name)
    return (HERE / f"{name}.json").read_bytes()
