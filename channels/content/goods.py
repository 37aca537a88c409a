"""Products: of Meta's Commerce catalogue, by their retailer ids, and cards with pictures that need none.

`said` of an item is what a channel that knows no catalogue says of it: its name and its price."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from channels.content.interactive import Button
from channels.content.media import Image, Video
from channels.content.parts import (
    Address,
    Body,
    CatalogueId,
    Footer,
    Frozen,
    Label,
    OptionalBody,
    RetailerId,
    bounded,
    counted,
    unlike,
)
from channels.markup import utf16_length

PRODUCTS, GROUPS, CARDS = 30, 10, 10
# Buttons of a card, its text, the line breaks in that, and the id of a button.
CARD_BUTTONS, CARD_TEXT, CARD_BREAKS, CARD_ID = 2, 160, 2, 20


class Item(Frozen):
    """A product of the catalogue."""

    retailer_id: RetailerId
    said: str = ""


class ProductMessage(Frozen):
    """One product. ("Single-product messages": body 1,024 characters and footer 60, both optional; no
    header.)"""

    kind: Literal["product"] = "product"
    catalogue_id: CatalogueId
    item: Item
    body: OptionalBody = ""
    footer: Footer = ""


class ProductGroup(Frozen):
    """Products under a title."""

    items: tuple[Item, ...]
    title: Annotated[str, bounded(24, "the title of a group", 0)] = ""


class ProductList(Frozen):
    """Up to 30 products in up to 10 groups. ("Multi-product messages": header 60 characters and body 1,024,
    both required; group title 24.)"""

    kind: Literal["products"] = "products"
    catalogue_id: CatalogueId
    header: Annotated[str, bounded(60, "the header")]
    body: Body
    groups: tuple[ProductGroup, ...]
    footer: Footer = ""

    @property
    def items(self) -> tuple[Item, ...]:
        """The products of all groups."""
        return tuple(item for group in self.groups for item in group.items)

    @model_validator(mode="after")
    def _few(self) -> ProductList:
        counted(self.groups, 1, GROUPS, "groups", "join some of them")
        counted(self.items, 1, PRODUCTS, "products", "narrow the choice, or send the catalogue")
        if any(not group.items for group in self.groups):
            raise ValueError("groups: one has no products: leave it out")
        if len(self.groups) > 1 and not all(group.title.strip() for group in self.groups):
            raise ValueError("groups: with more than one of them each needs a title")
        unlike([item.retailer_id for item in self.items], "the product")
        return self


class CatalogueMessage(Frozen):
    """A button that opens the whole catalogue. ("Catalog messages": body 1,024 characters, footer 60;
    `thumbnail` is the product whose picture stands above.)"""

    kind: Literal["catalogue"] = "catalogue"
    body: Body
    footer: Footer = ""
    thumbnail: str = ""


class CarouselCard(Frozen):
    """A card of a carousel: a picture or a film, a text, and either buttons or one link."""

    picture: Image | Video
    body: Annotated[str, bounded(CARD_TEXT, "the text of a card", 0)] = ""
    buttons: tuple[Button, ...] = ()
    label: Label | Literal[""] = ""
    url: Address | Literal[""] = ""

    @model_validator(mode="after")
    def _one_way(self) -> CarouselCard:
        if bool(self.label) != bool(self.url):
            raise ValueError("label and url: a link has both")
        if bool(self.buttons) == bool(self.url):
            raise ValueError("buttons and url: a card has either buttons or one link")
        if self.picture.data:
            raise ValueError("picture: WhatsApp fetches that of a card by its address: give its url")
        if any(utf16_length(button.id) > CARD_ID for button in self.buttons):
            raise ValueError(f"buttons: the id of one on a card has at most {CARD_ID} characters: shorten it")
        if self.buttons:
            counted(self.buttons, 1, CARD_BUTTONS, "buttons of a card", "leave some out")
        if self.body.count("\n") > CARD_BREAKS:
            raise ValueError(f"body: a card has at most {CARD_BREAKS} line breaks: join some lines")
        return self


class Carousel(Frozen):
    """Cards side by side, 2 to 10, all with the same sort and number of buttons. ("Interactive media carousel
    messages": body 1,024 characters, text of a card 160 with two line breaks, label 20; no header and no
    footer.)"""

    kind: Literal["carousel"] = "carousel"
    body: Body
    cards: tuple[CarouselCard, ...]

    @model_validator(mode="after")
    def _alike(self) -> Carousel:
        counted(self.cards, 2, CARDS, "cards", "show a single one as a picture, more of them as a list")
        if len({(len(card.buttons), bool(card.url)) for card in self.cards}) > 1:
            raise ValueError("cards: all have the same sort and number of buttons; make them alike")
        if len({type(card.picture) for card in self.cards}) > 1:
            raise ValueError("cards: all have pictures, or all have films; make them alike")
        unlike([button.id for card in self.cards for button in card.buttons], "the id of a button")
        return self


class ProductCarousel(Frozen):
    """Products of one catalogue side by side, 2 to 10. ("Interactive product carousel messages": body 1,024
    characters; no header and no footer.)"""

    kind: Literal["product_carousel"] = "product_carousel"
    catalogue_id: CatalogueId
    body: Body
    items: tuple[Item, ...]

    @model_validator(mode="after")
    def _few(self) -> ProductCarousel:
        counted(self.items, 2, CARDS, "products", "send one as a product, more of them as a product list")
        unlike([item.retailer_id for item in self.items], "the product")
        return self
