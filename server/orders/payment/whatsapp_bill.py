"""WhatsApp's own bill: an order that is paid inside WhatsApp, in India and Brazil. The wire format is that of
`channels.content.payments`, which names Meta's pages; payments are told by the webhook of the number itself
(payments-in/pg) and looked up before they count, as that page asks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from agent.ordering.bill_rules import BillRules
from channels.base import SendError
from channels.cloud_api import CloudApi
from channels.content.parts import fitted
from channels.content.payments import (
    CURRENCIES,
    OFFSET,
    Bill,
    BilledItem,
    BillStatus,
    ByBoleto,
    ByGateway,
    ByPaymentPage,
    ByPix,
    ByUpi,
    GoodsOrigin,
    ImporterAddress,
    PaymentReport,
)
from channels.json_parts import as_dicts, clean_text
from channels.notices.payments import minor_amount
from server.bots.bot import BotRuntime
from server.observability.health.kept import record_of
from server.orders.payment.contract import NotCharged, NotGenuine, NotYet, PaymentLink, PaymentNotice
from server.orders.payment.wording import words_of_payment
from server.orders.records import OrderState, PlacedOrder

# Whose numbers begin so.
DIALLED = {"IN": "91", "BR": "55"}
# "UPI transactions are limited to 5,00,000 rupees" (payments-in/pg).
UPI_LIMIT = Decimal(500_000)
ITEM_NAME = 60
# What Meta calls a state ("Supported order status"); those of one rank follow one another in any order, and
# one that is said already is not said again.
STATUSES: dict[OrderState, Any] = {
    "paid": "processing",
    "packed": "processing",
    "sent": "shipped",
    "done": "completed",
    "cancelled": "canceled",
}
_ITEMS: TypeAdapter[tuple[BilledItem, ...]] = TypeAdapter(tuple[BilledItem, ...])


class WhatsAppBill:
    """Bills of one bot, by its rules."""

    def __init__(self, rules: BillRules, runtime: BotRuntime) -> None:
        self._rules, self._runtime = rules, runtime

    async def create(self, order: PlacedOrder) -> PaymentLink:
        """The bill of an order, whose reference is the order's id."""
        await self._check_numbers(order)
        rules, payment = self._rules, order.payment
        if order.currency != CURRENCIES[rules.country]:
            named = order.currency or "no currency"
            raise NotCharged(
                f"a bill of {rules.country} is in {CURRENCIES[rules.country]}, not {named}", True
            )
        if rules.country == "IN" and rules.goods == "physical-goods" and order.delivery:
            raise NotCharged(
                "India asks for the address of whom shipped goods go to; an order has none", True
            )
        if rules.by in ("pix", "boleto") and not (payment and payment.code):
            raise NotYet(f"no code of {rules.by} was given yet")
        url = self._filled_in(order)
        try:
            bill = Bill(
                country=rules.country,
                reference_id=order.id,
                body=words_of_payment(order),
                items=_items_of(order),
                total=in_hundredths(order.total),
                shipping=in_hundredths(order.delivery or Decimal(0)),
                settlement=self._settlement(order, url),
                goods=rules.goods,
                catalogue_id=rules.catalogue,
                origin=self._origin(),
            )
        except ValidationError as error:
            raise NotCharged(str(error.errors()[0]["msg"])[:200], final=True) from None
        return PaymentLink(url, order.id, bill)

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> PaymentNotice | None:
        """Payments are told by the webhook of the number, which its channel verifies: `notice_of` reads
        them."""
        raise NotGenuine("payments of bills come with the webhook of the number")

    async def _check_numbers(self, order: PlacedOrder) -> None:
        """Raises NotCharged unless business and customer have numbers of the bill's country, on the Cloud
        API."""
        prefix, bot = DIALLED[self._rules.country], self._runtime.bot
        contact = await self._runtime.conversations.contact(order.conversation_id)
        account = contact.account if contact else ""
        if not bot.windowed(account):
            raise NotCharged("WhatsApp's bill needs a number on the Cloud API", final=True)
        own = (await record_of(self._runtime.redis).identity(bot.id, account)).number
        if not own.startswith(prefix):
            raise NotCharged(f"the business's number is not of {self._rules.country}", final=True)
        if not (contact and contact.wa_id.startswith(prefix)):
            raise NotCharged(f"the customer's number is not of {self._rules.country}", final=True)

    def _filled_in(self, order: PlacedOrder) -> str:
        url = self._rules.address
        known = {"number": str(order.number), "total": f"{order.total:f}", "currency": order.currency}
        for name, value in {**known, "reference": order.id}.items():
            url = url.replace(f"{{{name}}}", quote(value))
        return url

    def _settlement(self, order: PlacedOrder, url: str) -> Any:
        rules, code = self._rules, order.payment.code if order.payment else ""
        if rules.by == "gateway":
            return ByGateway.model_validate(
                {
                    "gateway": rules.gateway,
                    "configuration": rules.configuration,
                    "web": order.total > UPI_LIMIT,
                }
            )
        if rules.by == "upi":
            if order.total > UPI_LIMIT:
                raise NotCharged(f"UPI takes no more than {UPI_LIMIT:f} INR", final=True)
            return ByUpi(link=url)
        if rules.by == "pix":
            pix = {"code": code, "merchant_name": rules.merchant, "key": rules.key}
            return ByPix.model_validate({**pix, "key_type": rules.key_type})
        return ByBoleto(digitable_line=code) if rules.by == "boleto" else ByPaymentPage(uri=url)

    def _origin(self) -> GoodsOrigin | None:
        rules = self._rules
        if rules.country != "IN" or rules.catalogue:
            return None
        there = ImporterAddress(
            address_line1=rules.importer_street,
            city=rules.importer_city,
            zone_code=rules.importer_state,
            postal_code=rules.importer_code,
        )
        return GoodsOrigin(
            country_of_origin=rules.origin, importer_name=rules.importer, importer_address=there
        )


def in_hundredths(amount: Decimal) -> int:
    """A sum as a bill has it. Raises NotCharged for one with more than two decimals."""
    minor = amount * OFFSET
    if minor != minor.to_integral_value():
        raise NotCharged(f"{amount:f} is no sum of two decimals", final=True)
    return int(minor)


def notice_of(report: PaymentReport) -> PaymentNotice:
    """What a report says of a payment: only what is captured is paid; who failed may try again."""
    paid = report.status == "captured" and report.transaction_status in ("", "success")
    return PaymentNotice(
        id=report.transaction or report.id,
        order_id=report.reference_id,
        reference=report.reference_id,
        state="paid" if paid else "open",
        amount=report.amount,
        currency=report.currency,
    )


async def looked_up(
    channel: CloudApi, account: str, configuration: str, report: PaymentReport
) -> PaymentReport:
    """What Meta answers about a payment that was reported (payments-in/pg, "Confirm payment"). Raises
    SendError."""
    path = f"{account}/payments/{quote(configuration, safe='')}/{quote(report.reference_id, safe='')}"
    found = as_dicts((await channel.ask("GET", path)).get("payments"))
    said = next((one for one in found if one.get("reference_id") == report.reference_id), None)
    if said is None:
        raise SendError("change", "the look-up names no such payment")
    try:
        amount = minor_amount(said.get("amount"))
    except ValueError as error:
        raise SendError("change", str(error)) from None
    status, currency = clean_text(said.get("status"))[:60], clean_text(said.get("currency"))[:3].upper()
    return report.model_copy(update={"status": status, "amount": amount, "currency": currency})


def bill_status(order: PlacedOrder, state: OrderState, words: str) -> BillStatus | None:
    """The message that tells a state of an order whose bill was sent; None where it was not, or where
    WhatsApp takes no such step ("Order status transitions"): it is told in words then."""
    payment = order.payment
    if payment is None or payment.way != "whatsapp" or not payment.reference or state == "new":
        return None
    earlier = [step.state for step in order.history]
    earlier = earlier[: earlier.index(state)] if state in earlier else earlier
    said = {STATUSES[one] for one in earlier if one in STATUSES}
    brazil = state == "paid" and order.currency == CURRENCIES["BR"]
    wanted = STATUSES[state]
    if state == "cancelled" and "paid" in earlier:
        return None  # a bill that is paid cannot be cancelled (2047)
    if wanted in said or (state == "paid" and said):
        wanted = ""  # it is said already, or the order is further than that
    if not wanted and not brazil:
        return None
    return BillStatus(reference_id=payment.reference, body=words, status=wanted, paid=brazil)


def _items_of(order: PlacedOrder) -> tuple[BilledItem, ...]:
    rows = [
        {
            "retailer_id": line.retailer_id or line.ref,
            "name": fitted(f"{line.name} ({line.variant})" if line.variant else line.name, ITEM_NAME),
            "amount": in_hundredths(line.price),
            "quantity": line.quantity,
        }
        for line in order.lines
    ]
    return _ITEMS.validate_python(rows)
