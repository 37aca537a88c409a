"""An address of the business's own, such as a Kaspi link: an operator says what was paid."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from server.orders.payment.contract import NotGenuine, PaymentLink, PaymentNotice
from server.orders.records import PlacedOrder


class OwnLink:
    """`template` names the order by {number}, {total} and {currency}."""

    def __init__(self, template: str) -> None:
        self._template = template

    async def create(self, order: PlacedOrder) -> PaymentLink:
        """The address, filled in."""
        url = self._template
        known = {"number": str(order.number), "total": f"{order.total:f}", "currency": order.currency}
        for name, value in known.items():
            url = url.replace(f"{{{name}}}", quote(value))
        return PaymentLink(url)

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> PaymentNotice | None:
        """Nobody tells of payments there."""
        raise NotGenuine("this way to pay has no webhook")
