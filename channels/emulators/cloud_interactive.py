"""What Meta takes as `interactive`, written page by page from its reference and not from our models: each has
its limits in a table of its own here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from channels.emulators.meta.bills import OrderDetailsMessage, OrderStatusMessage

# Page of the reference -> how long each text may be, and how many things there may be.
TEXTS = {
    **{"header": 60, "body": 1024, "list body": 4096, "footer": 60, "button": 20, "row": 24, "described": 72},
    **{"row id": 200, "button id": 256, "section": 24, "card": 160, "flow button": 30},
}
MOST = {"buttons": 3, "rows": 10, "sections": 10, "products": 30, "cards": 10, "card buttons": 2, "breaks": 2}


class Strict(BaseModel):
    """No field that the page does not name."""

    model_config = ConfigDict(extra="forbid")


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError("an id may not begin or end with blanks")
    return text


def _text(name: str, least: int = 1) -> Any:
    return Field(min_length=least, max_length=TEXTS[name])


Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+", max_length=2000)]


class File(Strict):
    """A file of a header: put up before, or at an address."""

    id: str = ""
    link: str = ""
    filename: str = ""

    @model_validator(mode="after")
    def _somewhere(self) -> File:
        if bool(self.id) == bool(self.link):
            raise ValueError("a file has an id or a link")
        return self


class Header(Strict):
    type: Literal["text", "image", "video", "document"]
    text: str = Field("", max_length=TEXTS["header"])
    image: File | None = None
    video: File | None = None
    document: File | None = None

    @model_validator(mode="after")
    def _one(self) -> Header:
        given = [name for name in ("text", "image", "video", "document") if getattr(self, name)]
        if given != [self.type]:
            raise ValueError(f"a header of type {self.type} has {self.type} and nothing else")
        return self


class TextHeader(Strict):
    type: Literal["text"]
    text: str = _text("header")


class Body(Strict):
    text: str = _text("body")


class Footer(Strict):
    text: str = _text("footer")


class Reply(Strict):
    id: Annotated[str, _text("button id"), AfterValidator(_trimmed)]
    title: str = _text("button")


class ReplyButton(Strict):
    type: Literal["reply"]
    reply: Reply


class Buttons(Strict):
    buttons: list[ReplyButton] = Field(min_length=1, max_length=MOST["buttons"])

    @model_validator(mode="after")
    def _apart(self) -> Buttons:
        _distinct([b.reply.id for b in self.buttons], "button id")
        _distinct([b.reply.title for b in self.buttons], "button title")
        return self


class ButtonMessage(Strict):
    """ "Interactive reply buttons messages"."""

    type: Literal["button"]
    header: Header | None = None
    body: Body
    footer: Footer | None = None
    action: Buttons


class Row(Strict):
    id: str = _text("row id")
    title: str = _text("row")
    description: str = Field("", max_length=TEXTS["described"])


class ListBody(Strict):
    text: str = _text("list body")


class Rows(Strict):
    title: str = Field("", max_length=TEXTS["section"])
    rows: list[Row] = Field(min_length=1)


class ListAction(Strict):
    button: str = _text("button")
    sections: list[Rows] = Field(min_length=1, max_length=MOST["sections"])

    @model_validator(mode="after")
    def _within(self) -> ListAction:
        rows = [row for section in self.sections for row in section.rows]
        if len(rows) > MOST["rows"]:
            raise ValueError(f"Total row count exceed max allowed count: {MOST['rows']}")
        _distinct([row.id for row in rows], "row id")
        _titled([section.title for section in self.sections])
        return self


class ListMessage(Strict):
    """ "Interactive list messages"."""

    type: Literal["list"]
    header: TextHeader | None = None
    body: ListBody
    footer: Footer | None = None
    action: ListAction


class Link(Strict):
    display_text: str = _text("button")
    url: Url


class LinkAction(Strict):
    name: Literal["cta_url"]
    parameters: Link


class LinkMessage(Strict):
    """ "Interactive Call-to-Action URL Button Messages"."""

    type: Literal["cta_url"]
    header: Header | None = None
    body: Body
    footer: Footer | None = None
    action: LinkAction


class PlaceMessage(Strict):
    """ "Location request messages"."""

    type: Literal["location_request_message"]
    body: Body
    action: dict[Literal["name"], Literal["send_location"]] = Field(min_length=1)


class AddressParameters(Strict):
    country: str
    values: dict[str, str] = {}
    saved_addresses: list[dict[str, Any]] = []
    validation_errors: dict[str, str] = {}

    @model_validator(mode="after")
    def _there(self) -> AddressParameters:
        if self.country not in ("IN", "SG"):
            raise ValueError(f"address messages are not available in {self.country}")
        return self


class AddressAction(Strict):
    name: Literal["address_message"]
    parameters: AddressParameters


class AddressMessage(Strict):
    """ "Address messages": India and Singapore."""

    type: Literal["address_message"]
    header: Header | None = None
    body: Body
    footer: Footer | None = None
    action: AddressAction


class Opening(Strict):
    screen: str = Field(min_length=1)
    data: dict[str, Any] | None = Field(None, min_length=1)


class FlowParameters(Strict):
    flow_message_version: Literal["3"]
    flow_token: str = Field("unused", min_length=1)
    flow_id: str = ""
    flow_name: str = ""
    flow_cta: str = _text("flow button")
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


class FlowAction(Strict):
    name: Literal["flow"]
    parameters: FlowParameters


class FlowMessage(Strict):
    """ "Sending a Flow"."""

    type: Literal["flow"]
    header: Header | None = None
    body: Body
    footer: Footer | None = None
    action: FlowAction


class OneProduct(Strict):
    catalog_id: str = Field(min_length=1)
    product_retailer_id: str = Field(min_length=1)


class ProductMessage(Strict):
    """ "Single-product messages": no header."""

    type: Literal["product"]
    body: Body | None = None
    footer: Footer | None = None
    action: OneProduct


class ProductItem(Strict):
    product_retailer_id: str = Field(min_length=1)


class ProductSection(Strict):
    title: str = Field("", max_length=TEXTS["section"])
    product_items: list[ProductItem] = Field(min_length=1)


class ProductListAction(Strict):
    catalog_id: str = Field(min_length=1)
    sections: list[ProductSection] = Field(min_length=1, max_length=MOST["sections"])

    @model_validator(mode="after")
    def _within(self) -> ProductListAction:
        items = [item for section in self.sections for item in section.product_items]
        if len(items) > MOST["products"]:
            raise ValueError(f"a multi-product message takes {MOST['products']} products")
        _titled([section.title for section in self.sections])
        return self


class ProductListMessage(Strict):
    """ "Multi-product messages": header and body are required."""

    type: Literal["product_list"]
    header: TextHeader
    body: Body
    footer: Footer | None = None
    action: ProductListAction


class Thumbnail(Strict):
    thumbnail_product_retailer_id: str = Field(min_length=1)


class CatalogueAction(Strict):
    name: Literal["catalog_message"]
    parameters: Thumbnail | None = None


class CatalogueMessage(Strict):
    """ "Catalog messages"."""

    type: Literal["catalog_message"]
    body: Body
    footer: Footer | None = None
    action: CatalogueAction


class CardReply(Strict):
    type: Literal["quick_reply"]
    quick_reply: Reply


class CardAction(Strict):
    name: Literal["cta_url"] | None = None
    parameters: Link | None = None
    buttons: list[CardReply] | None = Field(None, min_length=1, max_length=MOST["card buttons"])
    product_retailer_id: str | None = None
    catalog_id: str | None = None


class CardBody(Strict):
    text: str = _text("card")


class Card(Strict):
    card_index: int = Field(ge=0, lt=MOST["cards"])
    type: Literal["cta_url", "product"]
    header: Header | None = None
    body: CardBody | None = None
    action: CardAction

    @model_validator(mode="after")
    def _whole(self) -> Card:
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


class Cards(Strict):
    cards: list[Card] = Field(min_length=2, max_length=MOST["cards"])

    @model_validator(mode="after")
    def _alike(self) -> Cards:
        if [card.card_index for card in self.cards] != [*range(len(self.cards))]:
            raise ValueError("card_index counts from 0")
        if len({(c.type, bool(c.action.parameters), len(c.action.buttons or ())) for c in self.cards}) > 1:
            raise ValueError("button types and numbers must match across all cards")
        if len({card.action.catalog_id for card in self.cards}) > 1:
            raise ValueError("each card must reference the same catalog_id")
        return self


class CarouselMessage(Strict):
    """ "Interactive media carousel messages" and "Interactive product carousel messages"."""

    type: Literal["carousel"]
    body: Body
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
