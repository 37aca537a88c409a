"""Every content as plain words, for a channel that cannot show it: choices become numbered lines.

What a body already names is not said again, so a reply that lists its products does not list them twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from channels.content.anything import Content
from channels.content.goods import (
    Carousel,
    CatalogueMessage,
    Item,
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
    ContactCards,
    Document,
    File,
    Image,
    Location,
    Reaction,
    Template,
    Text,
    Video,
)
from channels.content.payments import Bill, BillStatus, ByBoleto, ByPaymentPage, ByPix, ByUpi
from channels.markup import utf16_length

# A caption holds so many characters ("Media").
CAPTION = 1024
# The ids of the buttons of a question of yes or no.
YES_NO = {"yes", "no"}


def simplified(content: Content, shows: frozenset[str]) -> Content:
    """The content as a channel shows it that has only these kinds: itself, a picture with the words below
    it, or the words."""
    if content.kind in shows or isinstance(content, Template):  # which has no words but its provider's
        return content
    words = as_text(content)
    picture = _picture(content)
    if picture and picture.kind in shows and utf16_length(words) <= CAPTION:
        return picture.model_copy(update={"caption": words})
    return Text(body=words)


def as_text(content: Content) -> str:
    """The words of a content, whatever it is; its choices are numbered. Empty for what has none."""
    match content:
        case Text():
            return content.body
        case ReplyButtons():
            return _headed(content, _buttons(content))
        case ChoiceList():
            return _headed(content, _listed(content))
        case LinkButton():
            missing = content.url not in content.body
            return _headed(content, [content.body, f"{content.label}: {content.url}" if missing else ""])
        case LocationRequest() | AddressRequest() | Form() | CatalogueMessage() | Bill() | BillStatus():
            return _headed(content, [content.body, _where_to_pay(content)])
        case ProductMessage() | ProductList() | ProductCarousel():
            return _headed(content, _products(content))
        case Carousel():
            return "\n".join(_carousel(content))
        case Location():
            parts = (content.name, content.address, content.map)
            return "\n".join(part for part in parts if part)
        case ContactCards():
            return "\n\n".join(
                "\n".join(filter(None, (p.name, p.company, p.phone, p.email))) for p in content.people
            )
        case Reaction():
            return content.emoji
        case File():
            return "\n".join(filter(None, (content.caption, content.url)))
        case _:
            return ""


def choices_of(content: Content) -> list[tuple[str, str]]:
    """(id, title) of what can be tapped, in the order of their numbers."""
    match content:
        case ReplyButtons():
            return [(button.id, button.title) for button in content.buttons]
        case ChoiceList():
            return [(row.id, row.title) for row in content.rows]
        case Carousel():
            return [(button.id, button.title) for card in content.cards for button in card.buttons]
        case _:
            return []


def _headed(content: Content, lines: Iterable[str]) -> str:
    header, footer = getattr(content, "header", ""), getattr(content, "footer", "")
    above = f"*{header}*" if isinstance(header, str) and header.strip() else ""
    return "\n".join(line for line in (above, *lines, footer) if line.strip())


def _numbered(body: str, choices: Sequence[tuple[str, str]], first: int = 1) -> list[str]:
    if all(title.casefold() in body.casefold() for title, _ in choices):
        return [body]
    return [body, *(_choice(number, *choice) for number, choice in enumerate(choices, first))]


def _buttons(content: ReplyButtons) -> list[str]:
    """A question of yes or no is answered in words, without numbers."""
    if {button.id for button in content.buttons} == YES_NO:
        return [content.body]
    return _numbered(content.body, [(button.title, "") for button in content.buttons])


def _choice(number: int, title: str, description: str) -> str:
    return f"{number}. {title}" + (f" – {description}" if description else "")


def _listed(content: ChoiceList) -> list[str]:
    if len(content.sections) == 1:
        return _numbered(content.body, [(row.title, row.description) for row in content.rows])
    lines, number = [content.body], 1
    for section in content.sections:
        lines.append(f"*{section.title}*")
        for row in section.rows:
            lines.append(_choice(number, row.title, row.description))
            number += 1
    return lines


def _products(content: ProductMessage | ProductList | ProductCarousel) -> list[str]:
    if isinstance(content, ProductMessage):
        return [content.body, _said(content.item, content.body)]
    if isinstance(content, ProductCarousel) or len(content.groups) == 1:
        return _numbered(content.body, [(item.said or item.retailer_id, "") for item in content.items])
    lines, number = [content.body], 1
    for group in content.groups:
        lines.append(f"*{group.title}*")
        for item in group.items:
            lines.append(_choice(number, item.said or item.retailer_id, ""))
            number += 1
    return lines


def _said(item: Item, body: str) -> str:
    said = item.said or item.retailer_id
    return "" if said in body else said


def _carousel(content: Carousel) -> list[str]:
    """A card's link, or each of its buttons, is a line: what is tapped on has a number."""
    said: list[str] = []
    for card in content.cards:
        words = " ".join(card.body.split())
        ways = [button.title for button in card.buttons] or [f"{card.label}: {card.url}"]
        said += [" – ".join(filter(None, (words, way))) for way in ways]
    return [content.body, *(_choice(number, line, "") for number, line in enumerate(said, 1))]


def _where_to_pay(content: Content) -> str:
    """What is opened or copied to pay a bill, where its words do not have it; nothing of a gateway, which is
    in WhatsApp alone."""
    if not isinstance(content, Bill):
        return ""
    match content.settlement:
        case ByUpi(link=there) | ByPaymentPage(uri=there) | ByPix(code=there):
            pass
        case ByBoleto(digitable_line=there):
            pass
        case _:
            return ""
    return "" if there in content.body else there


def _picture(content: Content) -> Image | Video | Document | None:
    """The file that stands above the words, if one does."""
    header = getattr(content, "header", "")
    return header if isinstance(header, Image | Video | Document) else None
