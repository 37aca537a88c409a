"""An address of the business's own, such as a Kaspi link: an operator says what was paid."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from agent.language.order_phrases import order_text
from channels.content.interactive import LinkButton
from channels.content.media import Image
from channels.content.qr import png_of
from server.orders.payment.contract import NotGenuine, PaymentLink, PaymentNotice
from server.orders.payment.wording import words_of_payment
from server.orders.records import PlacedOrder


class OwnLink:
    """`template` names the order by {number}, {total} and {currency}; `picture`: it goes out as a QR code
    too."""

    def __init__(self, template: str, picture: bool = False) -> None:
        self._template, self._picture = template, picture

    async def create(self, order: PlacedOrder) -> PaymentLink:
        """The address, filled in."""
        url = self._template
        known = {"number": str(order.number), "total": f"{order.total:f}", "currency": order.currency}
        for name, value in known.items():
            url = url.replace(f"{{{name}}}", quote(value))
        if not self._picture:
            return PaymentLink(url)
        code = await asyncio.to_thread(png_of, url)
        content = LinkButton(
            body=words_of_payment(order),
            label=order_text("pay_button", order.language),
            url=url,
            header=Image(mime_type="image/png", data=code, name="pay.png"),
        )
        return PaymentLink(url, content=content)

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> PaymentNotice | None:
        """Nobody tells of payments there."""
        raise NotGenuine("this way to pay has no webhook")
