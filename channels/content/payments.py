"""WhatsApp's own bill, and what became of it: `order_details` and `order_status`.

Pages of developers.facebook.com/documentation/business-messaging/whatsapp/payments (as of mid-2026):
payments-in/pg ("Receive payments via payment gateways"), payments-in/upi-intent/dynamic-vpa ("Receive UPI
payments"), payments-in/payment-links, payments-br/orders ("Orders"), payments-br/offsite-pix,
payments-br/payment-links, payments-br/boleto. Of Singapore there is no page any more: it is left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from channels.content.media import Image
from channels.content.parts import Address, Body, Footer, Frozen, RetailerId, bounded, counted

# Amounts are written in hundredths: `offset` 100 for INR and BRL.
OFFSET = 100
CURRENCIES = {"IN": "INR", "BR": "BRL"}
# "reference_id": 35 characters in India, 60 in Brazil; the shorter holds for both.
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,35}$")]
Money = Annotated[int, Field(ge=1, description="In hundredths of the currency")]
ItemName = Annotated[str, bounded(60, "the name of an item")]
Gateway = Literal["razorpay", "payu", "billdesk", "zaakpay"]


class ByGateway(Frozen):
    """India: a payment gateway that is linked to the WhatsApp account under a name. `web`: on the gateway's
    page alone, for sums that UPI does not take."""

    way: Literal["payment_gateway"] = "payment_gateway"
    gateway: Gateway
    configuration: Annotated[str, bounded(60, "the name of the payment configuration")]
    web: bool = False


class ByUpi(Frozen):
    """India: any UPI app. The address may have pa, pn, mc, purpose and tr and nothing else."""

    way: Literal["upi_intent_link"] = "upi_intent_link"
    link: str = Field(pattern=r"^upi://pay\?\S+$", max_length=2_000)


class ByPaymentPage(Frozen):
    """A page on the web where the order is paid."""

    way: Literal["payment_link"] = "payment_link"
    uri: Address


class ByPix(Frozen):
    """Brazil: a dynamic Pix code of a bank, to be copied; the rest is shown beside it."""

    way: Literal["pix_dynamic_code"] = "pix_dynamic_code"
    code: str = Field(min_length=1, max_length=1_000)
    merchant_name: str = Field(min_length=1, max_length=200)
    key: str = Field(min_length=1, max_length=200)
    key_type: Literal["CPF", "CNPJ", "EMAIL", "PHONE", "EVP"]


class ByBoleto(Frozen):
    """Brazil: the digits of a boleto, to be copied."""

    way: Literal["boleto"] = "boleto"
    digitable_line: str = Field(pattern=r"^[0-9 .-]{10,80}$")


Settlement = Annotated[ByGateway | ByUpi | ByPaymentPage | ByPix | ByBoleto, Field(discriminator="way")]


class ImporterAddress(Frozen):
    """India: where the importer of goods is that are in no catalogue of Meta's."""

    address_line1: str = Field(min_length=1, max_length=100)
    city: str = Field(min_length=1, max_length=100)
    zone_code: str = Field(pattern=r"^[A-Z]{2}$", description="The state, such as DL")
    postal_code: str = Field(pattern=r"^[0-9]{6}$")
    country_code: Literal["IN"] = "IN"


class GoodsOrigin(Frozen):
    """India: where goods are from and who brought them in, where no catalogue says it."""

    country_of_origin: str = Field(min_length=1, max_length=60)
    importer_name: str = Field(min_length=1, max_length=100)
    importer_address: ImporterAddress


class BilledItem(Frozen):
    """So many of one thing, at the price of one."""

    retailer_id: RetailerId
    name: ItemName
    amount: Money
    quantity: int = Field(ge=1)


class Bill(Frozen):
    """An order with its sum, and a button to pay it (`order_details`). The total is that of its items and of
    shipping. `catalogue_id`: the catalogue of Meta that has them; in India they have an `origin` where there
    is none. (Body 1,024 characters, footer 60, an item's name 60; a header is a picture.)"""

    kind: Literal["order_details"] = "order_details"
    country: Literal["IN", "BR"]
    reference_id: Reference
    body: Body
    items: tuple[BilledItem, ...]
    total: Money
    settlement: Settlement
    goods: Literal["digital-goods", "physical-goods"] = "physical-goods"
    shipping: int = Field(default=0, ge=0, description="In hundredths of the currency")
    header: Image | None = None
    footer: Footer = ""
    catalogue_id: str = Field(default="", max_length=100)
    origin: GoodsOrigin | None = None

    @property
    def currency(self) -> str:
        """The one its country is paid in."""
        return CURRENCIES[self.country]

    @property
    def subtotal(self) -> int:
        """What the items cost together."""
        return sum(item.amount * item.quantity for item in self.items)

    @model_validator(mode="after")
    def _adds_up(self) -> Bill:
        counted(self.items, 1, 200, "items", "leave out none, and send another order for the rest")
        if self.subtotal + self.shipping != self.total:
            raise ValueError(f"total: {self.total} is not what the items ({self.subtotal}) and shipping cost")
        ways = {"IN": ("payment_gateway", "upi_intent_link"), "BR": ("pix_dynamic_code", "boleto")}
        if self.settlement.way not in (*ways[self.country], "payment_link"):
            raise ValueError(f"settlement: {self.settlement.way} is not of {self.country}")
        if self.country == "IN" and bool(self.catalogue_id) == bool(self.origin):
            raise ValueError("origin: say where the goods are from, or name the catalogue that has them")
        if self.header and self.header.caption:
            raise ValueError("header: its caption is not shown: put the words into the body")
        return self


class BillStatus(Frozen):
    """What became of an order whose bill was sent (`order_status`): its state, and in Brazil that it was
    paid. (Body 1,024 characters, description 120.)"""

    kind: Literal["order_status"] = "order_status"
    reference_id: Reference
    body: Body
    status: Literal["", "processing", "partially_shipped", "shipped", "completed", "canceled"] = ""
    paid: bool = False
    description: Annotated[str, bounded(120, "the description", 0)] = ""
    footer: Footer = ""

    @model_validator(mode="after")
    def _says_something(self) -> BillStatus:
        if not self.status and not self.paid:
            raise ValueError("status: say what became of the order, or that it is paid")
        return self


class PaymentReport(Frozen):
    """What Meta says of a payment of a bill (payments-in/pg, "Payment status": a status of type `payment`).
    `captured`: it is paid; anything else: not yet. `amount` is in the currency, not in hundredths; `at`:
    when, Unix seconds."""

    id: str
    account: str
    reference_id: str
    status: str
    amount: Decimal
    currency: str
    contact: str = ""
    transaction: str = ""
    transaction_status: str = ""
    at: int = 0
