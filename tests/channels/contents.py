"""One of everything that can be sent, at its limits and beside them."""

from __future__ import annotations

from typing import Any

from channels.content.anything import Content
from channels.content.goods import (
    Carousel,
    CarouselCard,
    CatalogueMessage,
    Item,
    ProductCarousel,
    ProductGroup,
    ProductList,
    ProductMessage,
)
from channels.content.interactive import (
    AddressRequest,
    Button,
    ChoiceList,
    Form,
    LinkButton,
    LocationRequest,
    ReplyButtons,
    Row,
    Section,
)
from channels.content.media import Audio, ContactCards, Document, Image, Location, Person, Reaction, Video

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
PICTURE = Image(mime_type="image/jpeg", url="https://shop.example/cup.jpg")
CATALOGUE = "194836987003835"


def buttons(count: int) -> tuple[Button, ...]:
    return tuple(Button(id=f"slot_{n}", title=f"{n} o'clock") for n in range(count))


def rows(count: int) -> tuple[Row, ...]:
    return tuple(Row(id=f"sku_{n}", title=f"Vase {n}", description=f"{n}00 KZT") for n in range(count))


def items(count: int) -> tuple[Item, ...]:
    return tuple(Item(retailer_id=f"sku_{n}", said=f"Vase {n}: {n}00 KZT") for n in range(count))


def card(number: int, **changes: Any) -> CarouselCard:
    link = {"label": "See it", "url": f"https://shop.example/{number}"}
    return CarouselCard(**{"picture": PICTURE, "body": f"Vase {number}", **link, **changes})


# What is sent -> what a reader of plain words finds in it, whatever the channel.
EVERYTHING: dict[str, tuple[Content, tuple[str, ...]]] = {
    "image": (Image(mime_type="image/png", data=PNG, name="cup.png", caption="The cup"), ("The cup",)),
    "video": (Video(mime_type="video/mp4", data=b"\0" * 40, name="a.mp4", caption="So it works"), ("So it",)),
    "document": (
        Document(
            name="a.pdf", mime_type="application/pdf", url="https://shop.example/a.pdf", caption="Prices"
        ),
        ("Prices",),
    ),
    "audio": (Audio(mime_type="audio/ogg", data=b"OggS" + b"\1" * 40, voice=True, name="a.ogg"), ()),
    "location": (
        Location(latitude=43.238949, longitude=76.889709, name="The shop", address="Abay 10"),
        ("The shop",),
    ),
    "contacts": (
        ContactCards(people=(Person(name="Dana Seitova", phone="+7 701 555 0102", company="Shop"),)),
        ("Dana Seitova",),
    ),
    "buttons": (
        ReplyButtons(body="When does it suit you?", buttons=buttons(3), footer="We call you"),
        ("When does it suit you?",),
    ),
    "buttons below a picture": (
        ReplyButtons(body="Do you want it?", buttons=buttons(2), header=PICTURE),
        ("Do you want it?",),
    ),
    "list": (
        ChoiceList(body="Our vases", button="Choose", sections=(Section(rows=rows(10)),), header="Vases"),
        ("Our vases",),
    ),
    "list in sections": (
        ChoiceList(
            body="Our vases",
            button="Choose",
            sections=(Section(title="Small", rows=rows(2)), Section(title="Large", rows=rows(4)[2:])),
        ),
        ("Our vases",),
    ),
    "link": (
        LinkButton(body="It is in our shop", label="Open", url="https://shop.example/cup"),
        ("It is in our shop",),
    ),
    "location request": (LocationRequest(body="Where shall we bring it?"), ("Where shall we bring it?",)),
    "address request": (
        AddressRequest(body="Where to?", country="IN", values={"name": "Asha", "city": "Pune"}),
        ("Where to?",),
    ),
    "form": (
        Form(
            body="A few questions", label="Answer", flow_id="123", token="t-1", screen="START", data={"a": 1}
        ),
        ("A few questions",),
    ),
    "product": (ProductMessage(catalogue_id=CATALOGUE, item=items(1)[0], body="This one?"), ("This one?",)),
    "products": (
        ProductList(
            catalogue_id=CATALOGUE,
            header="Vases",
            body="Thirty of them",
            groups=(
                ProductGroup(title="A", items=items(30)[:10]),
                ProductGroup(title="B", items=items(30)[10:]),
            ),
        ),
        ("Thirty of them",),
    ),
    "catalogue": (CatalogueMessage(body="All we have", thumbnail="sku_1"), ("All we have",)),
    "carousel of links": (Carousel(body="Look", cards=tuple(card(n) for n in range(2))), ("Look",)),
    "carousel of buttons": (
        Carousel(
            body="Which?",
            cards=tuple(
                card(n, label="", url="", buttons=(Button(id=f"buy_{n}", title=f"Take {n}"),))
                for n in range(10)
            ),
        ),
        ("Which?",),
    ),
    "carousel of products": (
        ProductCarousel(catalogue_id=CATALOGUE, body="Which option?", items=items(10)),
        ("Which option?",),
    ),
}


def reaction(message_id: str) -> Reaction:
    return Reaction(message_id=message_id, emoji="👍")
