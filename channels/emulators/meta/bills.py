"""What Meta takes of bills (`order_details`) and their states (`order_status`), written page by page from its
reference and not from our models: payments-in/pg, payments-in/upi-intent/dynamic-vpa, payments-br/orders,
payments-br/offsite-pix, payments-br/payment-links, payments-br/boleto."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from channels.emulators.meta.parts import HeaderFile, MessageBody, MessageFooter, StrictPart
from channels.json_parts import as_dict

# The longest reference, by currency.
LONGEST = {"INR": 35, "BRL": 60}
SETTINGS = {
    "INR": ("payment_gateway", "upi_intent_link", "payment_link"),
    "BRL": ("pix_dynamic_code", "payment_link", "boleto"),
}
Whole = Annotated[int, Field(strict=True, ge=0)]


class _Amount(StrictPart):
    value: Whole
    offset: Literal[100]


class _Described(_Amount):
    description: str = Field("", max_length=60)


class _Discount(_Described):
    discount_program_name: str = Field("", max_length=60)


class _Importer(StrictPart):
    address_line1: str = Field(min_length=1, max_length=100)
    address_line2: str = Field("", max_length=100)
    city: str = Field(min_length=1)
    zone_code: str = Field(min_length=2)
    postal_code: str = Field(pattern=r"^[0-9]{6}$")
    country_code: str = Field(pattern=r"^[A-Z]{2}$")


class _Item(StrictPart):
    retailer_id: str = ""
    name: str = Field(min_length=1, max_length=60)
    amount: _Amount
    sale_amount: _Amount | None = None
    quantity: Annotated[int, Field(strict=True, ge=1)]
    country_of_origin: str = ""
    importer_name: str = ""
    importer_address: _Importer | None = None

    @model_validator(mode="after")
    def _cheaper(self) -> _Item:
        if self.sale_amount and self.sale_amount.value >= self.amount.value:
            raise ValueError("sale_amount should be less than the original amount")
        return self


class _Expiration(StrictPart):
    timestamp: str = Field(pattern=r"^[0-9]+$")
    description: str = Field(min_length=1, max_length=120)


class _Order(StrictPart):
    status: Literal["pending"]
    type: Literal["quick_pay"] | None = None
    catalog_id: str = ""
    expiration: _Expiration | None = None
    items: list[_Item] = Field(min_length=1)
    subtotal: _Amount
    tax: _Described
    shipping: _Described | None = None
    discount: _Discount | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> _Order:
        items = sum((item.sale_amount or item.amount).value * item.quantity for item in self.items)
        if items != self.subtotal.value:
            raise ValueError(f"subtotal must be equal to the sum of the items, {items}")
        return self

    @property
    def total(self) -> int:
        shipping = self.shipping.value if self.shipping else 0
        return self.subtotal.value + self.tax.value + shipping - (self.discount.value if self.discount else 0)


class _Gateway(StrictPart):
    type: Literal["billdesk", "razorpay", "payu", "zaakpay"]
    configuration_name: str = Field(min_length=1, max_length=60)
    enabled_payment_options: list[Literal["upi", "web"]] | None = None


class _Upi(StrictPart):
    link: str = Field(pattern=r"^upi://pay\?(pa|pn|mc|purpose|tr)=[^&\s]+(&(pa|pn|mc|purpose|tr)=[^&\s]+)*$")


class _Page(StrictPart):
    uri: str = Field(pattern=r"^https?://[^\s/]+")


class _Pix(StrictPart):
    code: str = Field(min_length=1)
    merchant_name: str = Field(min_length=1)
    key: str = Field(min_length=1)
    key_type: Literal["CPF", "CNPJ", "EMAIL", "PHONE", "EVP"]


class _Boleto(StrictPart):
    digitable_line: str = Field(min_length=1)


class _Setting(StrictPart):
    type: str
    payment_gateway: _Gateway | None = None
    upi_intent_link: _Upi | None = None
    payment_link: _Page | None = None
    pix_dynamic_code: _Pix | None = None
    boleto: _Boleto | None = None

    @model_validator(mode="after")
    def _one(self) -> _Setting:
        given = [name for name in type(self).model_fields if name != "type" and getattr(self, name)]
        if given != [self.type]:
            raise ValueError(f"a payment setting of type {self.type} has {self.type} and nothing else")
        return self


class _Beneficiary(StrictPart):
    name: str = Field(min_length=1, max_length=200)
    address_line1: str = Field(min_length=1, max_length=100)
    address_line2: str = Field("", max_length=100)
    city: str = Field(min_length=1)
    state: str = Field(min_length=1)
    country: Literal["India"]
    postal_code: str = Field(pattern=r"^[0-9]{6}$")


class _Parameters(StrictPart):
    reference_id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    type: Literal["digital-goods", "physical-goods"]
    payment_type: str = ""
    beneficiaries: list[_Beneficiary] = Field(default_factory=list[_Beneficiary])
    payment_settings: list[_Setting] = Field(default_factory=list[_Setting])
    currency: Literal["INR", "BRL"]
    total_amount: _Amount
    order: _Order | None = None

    @model_validator(mode="after")
    def _of_its_country(self) -> _Parameters:
        if len(self.reference_id) > LONGEST[self.currency]:
            raise ValueError(f"reference_id should not exceed {LONGEST[self.currency]} characters")
        if strange := [s.type for s in self.payment_settings if s.type not in SETTINGS[self.currency]]:
            raise ValueError(f"payment_settings: {strange[0]} is not available for {self.currency}")
        if self.total_amount.value < 1:
            raise ValueError("total_amount: a positive integer")
        if self.order and self.order.total != self.total_amount.value:
            raise ValueError("total_amount must be equal to subtotal + tax + shipping - discount")
        return self._brazilian() if self.currency == "BRL" else self._indian()

    def _brazilian(self) -> _Parameters:
        if self.payment_type != "br":
            raise ValueError("payment_type must be br")
        if self.order and not all(item.retailer_id for item in self.order.items):
            raise ValueError("an item needs its retailer_id")
        return self

    def _indian(self) -> _Parameters:
        if self.order is None or not self.payment_settings or self.payment_type:
            raise ValueError("order and payment_settings are required, and payment_type is no parameter")
        if self.order.shipping and self.type == "physical-goods" and not self.beneficiaries:
            raise ValueError("beneficiaries are required for shipped physical-goods")
        if not self.order.catalog_id and not all(
            item.country_of_origin and item.importer_name and item.importer_address
            for item in self.order.items
        ):
            raise ValueError("without catalog_id an item needs its country_of_origin and importer")
        return self


class _Review(StrictPart):
    name: Literal["review_and_pay"]
    parameters: _Parameters


class _Picture(StrictPart):
    type: Literal["image"]
    image: HeaderFile


class OrderDetailsMessage(StrictPart):
    """ "Send order details interactive message": a bill."""

    type: Literal["order_details"]
    header: _Picture | None = None
    body: MessageBody
    footer: MessageFooter | None = None
    action: _Review


class _State(StrictPart):
    status: Literal["pending", "processing", "partially_shipped", "shipped", "completed", "canceled"]
    description: str = Field("", max_length=120)


class _Payment(StrictPart):
    status: Literal["pending", "captured", "failed"]
    timestamp: Whole | None = None


class _Status(StrictPart):
    reference_id: str = Field(min_length=1)
    order: _State | None = None
    payment: _Payment | None = None

    @model_validator(mode="after")
    def _something(self) -> _Status:
        if not self.order and not self.payment:
            raise ValueError("an order_status has an order or a payment")
        return self


class _Reviewed(StrictPart):
    name: Literal["review_order"]
    parameters: _Status


class OrderStatusMessage(StrictPart):
    """ "Update order status"."""

    type: Literal["order_status"]
    body: MessageBody
    footer: MessageFooter | None = None
    action: _Reviewed


def parameters_of(raw: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """The parameters of a message of one of the two kinds that has been checked; None for any other."""
    interactive = as_dict(raw.get("interactive"))
    if interactive.get("type") != kind:
        return None
    return as_dict(as_dict(interactive.get("action")).get("parameters"))
