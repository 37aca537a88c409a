"""What a way to pay is: it makes a link for an order, and reads what its provider says of a payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from channels.content.anything import Content
from server.orders.records import PlacedOrder


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """Where a customer pays; `reference` is the provider's id of it. `content`: what is sent in place of the
    words, where the provider has a message of its own."""

    url: str
    reference: str = ""
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """What a provider says of a payment: `amount` in `currency` (ISO 4217). `open`: it is on its way;
    `failed`: it was refused, or its page has expired."""

    id: str
    order_id: str
    reference: str
    state: Literal["paid", "open", "failed"]
    amount: Decimal
    currency: str


class NotCharged(Exception):
    """A link could not be made. `final`: it never will be as the order and the settings are."""

    def __init__(self, why: str, final: bool) -> None:
        super().__init__(why)
        self.final = final


class NotYet(NotCharged):
    """What a link needs is still to come, and will come by itself."""

    def __init__(self, why: str) -> None:
        super().__init__(why, final=False)


class NotGenuine(ValueError):
    """A webhook that its provider did not send, or not now; the message says why."""


class PaymentWay(Protocol):
    """One way to pay."""

    async def create(self, order: PlacedOrder) -> PaymentLink:
        """A link for an order, the same however often it is asked for. Raises NotCharged."""
        ...

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> PaymentNotice | None:
        """What a webhook says, `now` in Unix seconds; None for one about something else. Raises
        NotGenuine."""
        ...
