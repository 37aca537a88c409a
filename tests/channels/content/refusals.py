"""What WhatsApp does not take: how it is made, and what the error names."""

from __future__ import annotations

from collections.abc import Callable

from channels.content.anything import Content
from channels.content.goods import Carousel, CarouselCard, Item, ProductCarousel, ProductGroup, ProductList
from channels.content.interactive import (
    AddressRequest,
    Button,
    ChoiceList,
    Form,
    LinkButton,
    ReplyButtons,
    Row,
    Section,
)
from channels.content.media import MEGABYTE, Audio, ContactCards, Image, Location, Person
from tests.channels.contents import CATALOGUE, PICTURE, buttons, card, items, rows

Making = Callable[[], Content | CarouselCard | Person | Row | Button]

# name -> (how it is made, words of the error: the field, and what to do)
REFUSED: dict[str, tuple[Making, tuple[str, ...]]] = {
    "a list of 11": (
        lambda: ChoiceList(body="b", button="Choose", sections=(Section(rows=rows(11)),)),
        ("11 rows", "narrow the choice"),
    ),
    "11 rows in two sections": (
        lambda: ChoiceList(
            body="b",
            button="Choose",
            sections=(Section(title="A", rows=rows(6)), Section(title="B", rows=rows(11)[6:])),
        ),
        ("11 rows",),
    ),
    "sections without titles": (
        lambda: ChoiceList(
            body="b", button="Choose", sections=(Section(rows=rows(1)), Section(rows=rows(2)[1:]))
        ),
        ("sections", "title"),
    ),
    "four buttons": (lambda: ReplyButtons(body="b", buttons=buttons(4)), ("4 buttons", "send a list")),
    "no buttons": (lambda: ReplyButtons(body="b", buttons=()), ("0 buttons",)),
    "two buttons alike": (
        lambda: ReplyButtons(body="b", buttons=(Button(id="a", title="Yes"), Button(id="b", title="Yes"))),
        ("Yes", "its own"),
    ),
    "a long title": (lambda: Button(id="a", title="x" * 21), ("21 characters", "20", "shorten")),
    "a title of ten emoji and a letter": (lambda: Button(id="a", title="👍" * 10 + "x"), ("21 characters",)),
    "an id with a blank": (lambda: Button(id="a ", title="A"), ("blanks",)),
    "a long description": (lambda: Row(id="a", title="A", description="x" * 73), ("72", "shorten")),
    "an empty body": (lambda: ReplyButtons(body=" ", buttons=buttons(1)), ("body", "empty")),
    "a long body": (lambda: ReplyButtons(body="x" * 1025, buttons=buttons(1)), ("1024",)),
    "no address": (lambda: LinkButton(body="b", label="Open", url="javascript:1"), ("https://",)),
    "an address elsewhere": (lambda: AddressRequest(body="b", country="KZ"), ("country", "location")),
    "a field of another country": (
        lambda: AddressRequest(body="b", country="SG", values={"in_pin_code": "1"}),
        ("in_pin_code",),
    ),
    "no Flow": (lambda: Form(body="b", label="Answer"), ("flow_id and flow_name",)),
    "an emoji on a Flow": (lambda: Form(body="b", label="Go 🚀", flow_id="1"), ("label", "emoji")),
    "31 products": (
        lambda: ProductList(
            catalogue_id=CATALOGUE, header="h", body="b", groups=(ProductGroup(items=items(31)),)
        ),
        ("31 products", "catalogue"),
    ),
    "a product twice": (
        lambda: ProductCarousel(catalogue_id=CATALOGUE, body="b", items=(Item(retailer_id="a"),) * 2),
        ("a", "twice"),
    ),
    "one card": (lambda: Carousel(body="b", cards=(card(1),)), ("1 cards", "2 to 10")),
    "cards unlike": (
        lambda: Carousel(
            body="b", cards=(card(1), card(2, label="", url="", buttons=(Button(id="a", title="A"),)))
        ),
        ("cards", "alike"),
    ),
    "a card with everything": (lambda: card(1, buttons=(Button(id="a", title="A"),)), ("either",)),
    "a card of many lines": (lambda: card(1, body="a\nb\nc\nd"), ("line breaks",)),
    "a picture of a card in bytes": (
        lambda: card(1, picture=Image(mime_type="image/png", data=b"1")),
        ("picture", "url"),
    ),
    "a GIF": (lambda: Image(mime_type="image/gif", data=b"1"), ("image/gif", "convert")),
    "a picture of 6 MB": (
        lambda: Image(mime_type="image/png", data=b"1" * (5 * MEGABYTE + 1)),
        ("5 MB", "smaller"),
    ),
    "a picture at no address": (
        lambda: Image(mime_type="image/png", url="javascript:alert(1)"),
        ("url", "https://"),
    ),
    "no picture": (lambda: Image(mime_type="image/png"), ("data and url",)),
    "a caption below a recording": (
        lambda: Audio(mime_type="audio/mpeg", data=b"1", caption="c"),
        ("caption",),
    ),
    "a voice message in MP3": (lambda: Audio(mime_type="audio/mpeg", data=b"1", voice=True), ("audio/ogg",)),
    "a caption in a header": (
        lambda: ReplyButtons(
            body="b", buttons=buttons(1), header=PICTURE.model_copy(update={"caption": "c"})
        ),
        ("header", "body"),
    ),
    "a place off the globe": (lambda: Location(latitude=91, longitude=0), ("latitude",)),
    "nobody": (lambda: ContactCards(people=()), ("people",)),
    "somebody out of reach": (lambda: Person(name="Dana"), ("phone",)),
}
