"""What the owner of a bot says of WhatsApp's own bill, paid inside WhatsApp (India, Brazil)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# How an order can be paid by the bill of a country.
WAYS = {"IN": ("gateway", "upi", "link"), "BR": ("pix", "boleto", "link")}
# What each of them needs.
NEEDED = {
    "gateway": ("gateway", "configuration"),
    "upi": ("address",),
    "link": ("address",),
    "pix": ("merchant", "key", "key_type"),
    "boleto": (),
}
FILLED_IN = ("{number}", "{total}", "{currency}", "{reference}")


class BillRules(BaseModel):
    """A bill of WhatsApp (`order_details`), for customers and numbers of one country."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Literal["IN", "BR"] = Field(
        description="IN: paid in INR from a number of India; BR: in BRL, of Brazil."
    )
    by: Literal["gateway", "upi", "link", "pix", "boleto"] = Field(
        description="gateway (India): a payment gateway that is linked to the WhatsApp account and tells of "
        "payments; upi (India): an address of UPI; link: a page of your own; pix, boleto (Brazil): a code of "
        "your bank for each order, which a program gives with PUT /api/orders/{id}/payment-code. But for "
        "gateway, an operator says what was paid."
    )
    gateway: Literal["", "razorpay", "payu", "billdesk", "zaakpay"] = Field(
        default="", description="The payment gateway of `gateway`."
    )
    configuration: str = Field(
        default="", max_length=60, description="The name of its payment configuration in WhatsApp Manager."
    )
    address: str = Field(
        default="",
        max_length=1_000,
        pattern=r"^((https://|upi://pay\?)\S+)?$",
        description="Of `upi` (upi://pay?pa=...&pn=...&mc=...&purpose=...&tr={reference}, and no other "
        "parts) or `link` (https://); {number}, {total}, {currency} and {reference} are filled in.",
    )
    merchant: str = Field(default="", max_length=200, description="Of `pix`: who holds the account.")
    key: str = Field(default="", max_length=200, description="Of `pix`: the Pix key that is shown.")
    key_type: Literal["", "CPF", "CNPJ", "EMAIL", "PHONE", "EVP"] = Field(
        default="", description="Of `pix`: what sort of key it is."
    )
    goods: Literal["digital-goods", "physical-goods"] = Field(
        default="physical-goods",
        description="What is sold. India wants the address of whom shipped goods go to, which an order does "
        "not have: of orders with a delivery fee a person is told.",
    )
    catalogue: str = Field(
        default="", max_length=100, description="The id of the catalogue at Meta that has the products."
    )
    origin: str = Field(
        default="", max_length=60, description="India, without a catalogue: the country the goods are from."
    )
    importer: str = Field(default="", max_length=100, description="And who brings them in: the name,")
    importer_street: str = Field(default="", max_length=100, description="the street,")
    importer_city: str = Field(default="", max_length=100, description="the city,")
    importer_state: str = Field(default="", pattern=r"^([A-Z]{2})?$", description="the state, such as DL,")
    importer_code: str = Field(default="", pattern=r"^([0-9]{6})?$", description="and the postal code.")

    @model_validator(mode="after")
    def _is_whole(self) -> BillRules:
        if self.by not in WAYS[self.country]:
            raise ValueError(f"by: in {self.country} it is one of {', '.join(WAYS[self.country])}")
        if missing := [name for name in NEEDED[self.by] if not getattr(self, name)]:
            raise ValueError(f"{missing[0]}: {self.by} needs it")
        begins = {"upi": "upi://", "link": "https://"}.get(self.by, "")
        if not self.address.startswith(begins):
            raise ValueError(f"address: of {self.by} it begins with {begins}")
        left = self.address
        for name in FILLED_IN:
            left = left.replace(name, "")
        if "{" in left or "}" in left:
            raise ValueError(f"address: only {', '.join(FILLED_IN)} stand in braces")
        if self.country == "IN" and not self.catalogue:
            named = ("origin", "importer", "importer_street", "importer_city", "importer_state")
            if missing := [name for name in (*named, "importer_code") if not getattr(self, name)]:
                raise ValueError(f"{missing[0]}: India wants it where no `catalogue` has the goods")
        return self
