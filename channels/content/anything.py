"""Everything that can be sent, as one type that is told apart by its `kind`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from channels.content.goods import (
    Carousel,
    CatalogueMessage,
    ProductCarousel,
    ProductList,
    ProductMessage,
)
from channels.content.interactive import (
    AddressRequest,
    ChoiceList,
    Form,
    LinkButton,
    LocationRequest,
    ReplyButtons,
)
from channels.content.media import (
    Audio,
    ContactCards,
    Document,
    Image,
    Location,
    Reaction,
    Template,
    Text,
    Video,
)
from channels.content.payments import Bill, BillStatus

Files = Image | Video | Document | Audio
# What asks for a tap.
Interactive = (
    ReplyButtons
    | ChoiceList
    | LinkButton
    | LocationRequest
    | AddressRequest
    | Form
    | ProductMessage
    | ProductList
    | CatalogueMessage
    | Carousel
    | ProductCarousel
    | Bill
    | BillStatus
)
Content = Text | Template | Files | Location | ContactCards | Reaction | Interactive
# The same, read back from a record.
Stored = Annotated[Content, Field(discriminator="kind")]
