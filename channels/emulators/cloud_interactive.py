"""What Meta takes as `interactive`, written page by page from its reference and not from our models: each has
its limits in a table of its own here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from channels.emulators.meta.bills import OrderDetailsMessage, OrderStatusMessage
from channels.emulators.meta.parts import (
    TEXTS,
    HeaderFile,
    MessageBody,
    MessageFooter,
    StrictPart,
    limited_text,
)

MOST = {"buttons": 3, "rows": 10, "sections": 10, "products": 30, "cards": 10, "card buttons": 2, "breaks": 2}


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError("an id may not begin or end with blanks")
    return text


Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+", max_length=2000)]


class Header(StrictPart):
    type: Literal["text", "image", "video", "document"]
    text: str = Field("", max_length=TEXTS["header"])
    image: HeaderFile | None = None
    video: HeaderFile | None = None
    document: HeaderFile | None = None

    @model_validator(mode="after")
    def _one(self) -> Header:
        given = [name for name in ("text", "image", "video", "document") if getattr(self, name)]
        if given != [self.type]:
            raise ValueError(f"a header of type {self.type} has {self.type} and nothing else")
        return self


class TextHeader(StrictPart):
    type: Literal["text"]
    text: str = limited_text("header")


class Reply(StrictPart):
    id: Annotated[str, limited_text("button id"), AfterValidator(_trimmed)]
    title: str = limited_text("button")


class ReplyButton(StrictPart):
    type: Literal["reply"]
    reply: Reply


class Buttons(StrictPart):
    buttons: list[ReplyButton] = Field(min_length=1, max_length=MOST["buttons"])

    @model_validator(mode="after")
    def _apart(self) -> Buttons:
        _distinct([b.reply.id for b in self.buttons], "button id")
        _distinct([b.reply.title for b in self.buttons], "button title")
        return self


class ButtonMessage(StrictPart):
    """ "Interactive reply buttons messages"."""

    type: Literal["button"]
    header: Header | None = None
    body: MessageBody
    footer: MessageFooter | None = None
    action: Buttons


class Row(StrictPart):
    id: str = limited_text("row id")
    title: str = limited_text("row")
    description: str = Field("", max_length=TEXTS["described"])


class ListBody(StrictPart):
    text: str = limited_text("list body")


class Rows(StrictPart):
    title: str = Field("", max_length=TEXTS["section"])
    rows: list[Row] = Field(min_length=1)


class ListAction(StrictPart):
    button: str = limited_text("button")
    sections: list[Rows] = Field(min_length=1, max_length=MOST["sections"])

    @model_validator(mode="after")
    def _within(self) -> ListAction:
        rows = [row for section in self.sections for row in section.rows]
        if len(rows) > MOST["rows"]:
            raise ValueError(f"Total row count exceed max allowed count: {MOST['rows']}")
        _distinct([row.id for row in rows], "row id")
        _titled([section.title for section in self.sections])
        return self


class ListMessage(StrictPart):
    """ "Interactive list messages"."""

    type: Literal["list"]
    header: TextHeader | None = None
    body: ListBody
    footer: MessageFooter | None = None
    action: ListAction


class Link(StrictPart):
    display_text: str = limited_text("button")
    url: Url


class LinkAction(StrictPart):
    name: Literal["cta_url"]
    parameters: Link


class LinkMessage(StrictPart):
    """ "Interactive Call-to-Action URL Button Messages"."""

    type: Literal["cta_url"]
    header: Header | None = None
    body: MessageBody
    footer: MessageFooter | None = None
    action: LinkAction


class PlaceMessage(StrictPart):
    """ "Location request messages"."""

    type: Literal["location_request_message"]
    body: MessageBody
    action: dict[Literal["name"], Literal["send_location"]] = Field(min_length=1)


class AddressParameters(StrictPart):
    country: str
    values: dict[str, str] = Field(default_factory=dict[str, str])
    saved_addresses: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    validation_errors: dict[str, str] = Field(default_factory=dict[str, str])

    @model_validator(mode="after")
    def _there(self) -> AddressParameters:
        if self.country not in ("IN", "SG"):
            raise ValueError(f"address messages are not available in {self.country}")
        return self


class AddressAction(StrictPart):
    name: Literal["address_message"]
    parameters: AddressParameters


class AddressMessage(StrictPart):
    """ "Address messages": India and Singapore."""

    type: Literal["address_message"]
    header: Header | None = None
    body: MessageBody
    footer: MessageFooter | None = None
    action: AddressAction


class Opening(StrictPart):
    screen: str = Field(min_length=1)
    data: dict[str, Any] | None = Field(None, min_length=1)


class FlowParameters(StrictPart):
    flow_message_version: Literal["3"]
    flow_token: str = Field("unused", min_length=1)
    flow_id: str = ""
    flow_name: str = ""
    flow_cta: str = limited_text("flow button")
    mode: Literal["published", "draft"] = "published"
    flow_action: Literal["navigate", "data_exchange"] = "navigate"
    flow_action_payload: Opening | None = None

    @model_validator(mode="after")
    def _named(self) -> FlowParameters:
        if bool(self.flow_id) == bool(self.flow_name):
            raise ValueError("only one of flow_id and flow_name is required")
        if self.flow_action == "data_exchange" and self.flow_action_payload:
            raise ValueError("flow_action_payload should be omitted with data_exchange")
        return self


class FlowAction(StrictPart):
    name: Literal["flow"]
    parameters: FlowParameters


class FlowMessage(StrictPart):
    """ "Sending a Flow"."""

    type: Literal["flow"]
    header: Header | None = None
    body: MessageBody
    footer: MessageFooter | None = None
    action: FlowAction


class OneProduct(StrictPart):
    catalog_id: str = Field(min_length=1)
    product_retailer_id: str = Field(min_length=1)


class ProductMessage(StrictPart):
    """ "Single-product messages": no header."""

    type: Literal["product"]
    body: MessageBody | None = None
    footer: MessageFooter | None = None
    action: OneProduct


class ProductItem(StrictPart):
    product_retailer_id: str = Field(min_length=1)


class ProductSection(StrictPart):
    title: str = Field("", max_length=TEXTS["section"])
    product_items: list[ProductItem] = Field(min_length=1)


class ProductListAction(StrictPart):
    catalog_id: str = Field(min_length=1)
    sections: list[ProductSection] = Field(min_length=1, max_length=MOST["sections"])

    @model_validator(mode="after")
    def _within(self) -> ProductListAction:
        items = [item for section in self.sections for item in section.product_items]
        if len(items) > MOST["products"]:
            raise ValueError(f"a multi-product message takes {MOST['products']} products")
        _titled([section.title for section in self.sections])
        return self


class ProductListMessage(StrictPart):
    """ "Multi-product messages": header and body are required."""

    type: Literal["product_list"]
    header: TextHeader
    body: MessageBody
    footer: MessageFooter | None = None
    action: ProductListAction


class Thumbnail(StrictPart):
    thumbnail_product_retailer_id: str = Field(min_length=1)


class CatalogueAction(StrictPart):
    name: Literal["catalog_message"]
    parameters: Thumbnail | None = None


class CatalogueMessage(StrictPart):
    """ "Catalog messages"."""

    type: Literal["catalog_message"]
    body: MessageBody
    footer: MessageFooter | None = None
    action: CatalogueAction


class CardReply(StrictPart):
    type: Literal["quick_reply"]
    quick_reply: Reply


class CardAction(StrictPart):
    name: Literal["cta_url"] | None = None
    parameters: Link | None = None
    buttons: list[CardReply] | None = Field(None, min_length=1, max_length=MOST["card buttons"])
    product_retailer_id: str | None = None
    catalog_id: str | None = None


class CardBody(StrictPart):
    text: str = limited_text("card")


class SentCard(StrictPart):
    card_index: int = Field(ge=0, lt=MOST["cards"])
    type: Literal["cta_url", "product"]
    header: Header | None = None
    body: CardBody | None = None
    action: CardAction

    @model_validator(mode="after")
    def _whole(self) -> SentCard:
        asked = self.action
        if self.type == "product":
            if not (asked.product_retailer_id and asked.catalog_id) or self.header or self.body:
                raise ValueError("a product card has product_retailer_id and catalog_id, and nothing else")
            return self
        if self.header is None or self.header.type not in ("image", "video"):
            raise ValueError("a card has an image or a video header")
        if bool(asked.parameters) == bool(asked.buttons):
            raise ValueError("a card has one URL button, or quick replies")
        if self.body and self.body.text.count("\n") > MOST["breaks"]:
            raise ValueError(f"card body: at most {MOST['breaks']} line breaks")
        return self


class Cards(StrictPart):
    cards: list[SentCard] = Field(min_length=2, max_length=MOST["cards"])

    @model_validator(mode="after")
    def _alike(self) -> Cards:
        if [card.card_index for card in self.cards] != [*range(len(self.cards))]:
            raise ValueError("card_index counts from 0")
        if len({(c.type, bool(c.action.parameters), len(c.action.buttons or ())) for c in self.cards}) > 1:
            raise ValueError("button types and numbers must match across all cards")
        if len({card.action.catalog_id for card in self.cards}) > 1:
            raise ValueError("each card must reference the same catalog_id")
        return self


class CarouselMessage(StrictPart):
    """ "Interactive media carousel messages" and "Interactive product carousel messages"."""

    type: Literal["carousel"]
    body: MessageBody
    action: Cards


Interactive = Annotated[
    ButtonMessage
    | ListMessage
    | LinkMessage
    | PlaceMessage
    | AddressMessage
    | FlowMessage
    | ProductMessage
    | ProductListMessage
    | CatalogueMessage
    | CarouselMessage
    | OrderDetailsMessage
    | OrderStatusMessage,
    Field(discriminator="type"),
]


def _distinct(ids: list[str], what: str) -> None:
    if len(set(ids)) < len(ids):
        raise ValueError(f"duplicated {what}")


def _titled(titles: list[str]) -> None:
    if len(titles) > 1 and not all(titles):
        raise ValueError("section title is required when there is more than one section")
