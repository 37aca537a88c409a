"""What a contact's tap says, in parts that code can use: which choice, which products, which answers, which
place."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from channels.content.parts import Frozen


class Choice(Frozen):
    """A pressed button or a chosen row (webhook reference, "interactive": `button_reply`, `list_reply`;
    "button" of a template)."""

    id: str = Field(description="The id that we gave it")
    title: str = Field(default="", description="Its words")
    description: str = Field(default="", description="What stood below the words of a row")


class OrderedItem(Frozen):
    """A line of an order, as the contact's phone shows it: the price is what their catalogue said, and has to
    be checked against ours."""

    retailer_id: str = Field(description="The product's id in the catalogue")
    quantity: int = Field(ge=0, description="How many")
    price: Decimal | None = Field(default=None, description="Of one, as the phone shows it")
    currency: str = Field(default="", description="ISO 4217")


class Order(Frozen):
    """A cart that the contact sent (webhook reference, "order")."""

    catalogue_id: str = Field(default="", description="Whose products they are")
    items: tuple[OrderedItem, ...] = Field(default=(), description="The lines of the cart")
    note: str = Field(default="", description="What they wrote beside it")


class ProductReference(Frozen):
    """The product that a message is about (webhook reference, "context.referred_product")."""

    retailer_id: str = Field(description="The product's id in the catalogue")
    catalogue_id: str = Field(default="", description="Whose product it is")


class Place(Frozen):
    """Where the contact is, or what they point at (webhook reference, "location")."""

    latitude: float = Field(ge=-90, le=90, description="Degrees north")
    longitude: float = Field(ge=-180, le=180, description="Degrees east")
    name: str = Field(default="", description="What the place is called")
    address: str = Field(default="", description="Where it is, in words")
