"""Every content as the body of Graph's `POST /{phone-number-id}/messages` (Cloud API, "Message API"); each
type has a page, which its model names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from channels.content.anything import Content
from channels.content.goods import (
    Carousel,
    CarouselCard,
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
    File,
    Location,
    Person,
    Reaction,
    Template,
    TemplateTap,
    Text,
)
from channels.content.payments import Bill, BillStatus
from channels.content.payments_graph import bill_parameters, status_parameters

# Where a file is for Meta: `{"id": ...}` of one that was put up, or `{"link": ...}`.
Place = Callable[[File], Awaitable[dict[str, str]]]
JSON = dict[str, Any]


async def message_of(content: Content, place: Place) -> JSON:
    """`type` and the part of that name, `context` where it replies to something."""
    match content:
        case Text():
            quoted = {"context": {"message_id": content.quoted_id}} if content.quoted_id else {}
            return {"type": "text", "text": {"body": content.body, "preview_url": False}, **quoted}
        case Template():
            return {"type": "template", "template": await _template(content, place)}
        case File():
            return {"type": content.kind, content.kind: await _file(content, place)}
        case Location():
            return {"type": "location", "location": _location(content)}
        case ContactCards():
            return {"type": "contacts", "contacts": [_card(person) for person in content.people]}
        case Reaction():
            return {
                "type": "reaction",
                "reaction": {"message_id": content.message_id, "emoji": content.emoji},
            }
        case _:
            return {"type": "interactive", "interactive": await _interactive(content, place)}


async def _template(content: Template, place: Place) -> JSON:
    name, _, language = content.name.partition(":")
    filled: JSON = {"name": name, "language": {"code": language or "en"}}
    parts: list[JSON] = []
    if isinstance(content.header, File):
        header = {"type": content.header.kind, content.header.kind: await _file(content.header, place)}
        parts.append({"type": "header", "parameters": [header]})
    elif content.header:
        parts.append({"type": "header", "parameters": [_value(content.header, content.header_name)]})
    if content.variables:
        names = content.names or ("",) * len(content.variables)
        values = [_value(*pair) for pair in zip(content.variables, names, strict=True)]
        parts.append({"type": "body", "parameters": values})
    parts += [_tap(tap) for tap in content.taps]
    return {**filled, "components": parts} if parts else filled


def _value(text: str, name: str) -> JSON:
    """The value of a variable, in one line: Meta takes no line ends, tabs or rows of blanks (132018)."""
    named = {"parameter_name": name} if name else {}
    return {"type": "text", **named, "text": " ".join(text.split())}


def _tap(tap: TemplateTap) -> JSON:
    shape = {"url": "text", "copy_code": "coupon_code", "quick_reply": "payload"}[tap.kind]
    value = {"type": shape, shape: tap.value}
    return {"type": "button", "sub_type": tap.kind, "index": str(tap.index), "parameters": [value]}


async def _file(content: File, place: Place) -> JSON:
    part: JSON = dict(await place(content))
    if content.caption:
        part["caption"] = content.caption
    if isinstance(content, Document):
        part["filename"] = content.name
    if isinstance(content, Audio) and content.voice:
        part["voice"] = True
    return part


def _location(content: Location) -> JSON:
    named = {"name": content.name or content.address, "address": content.address}
    return {
        "latitude": content.latitude,
        "longitude": content.longitude,
        **{name: value for name, value in named.items() if value},
    }


def _card(person: Person) -> JSON:
    first, _, last = person.name.partition(" ")
    name = {"formatted_name": person.name, "first_name": first, **({"last_name": last} if last else {})}
    card: JSON = {"name": name}
    if person.phone:
        card["phones"] = [{"phone": person.phone, "type": "WORK", "wa_id": person.digits}]
    if person.email:
        card["emails"] = [{"email": person.email, "type": "WORK"}]
    if person.company:
        card["org"] = {"company": person.company}
    return card


async def _interactive(content: Content, place: Place) -> JSON:
    part: JSON = {"type": _TYPES[type(content)]}
    if header := await _header(content, place):
        part["header"] = header
    if body := getattr(content, "body", ""):
        part["body"] = {"text": body}
    if footer := getattr(content, "footer", ""):
        part["footer"] = {"text": footer}
    part["action"] = await _action(content, place)
    return part


_TYPES: dict[type, str] = {
    ReplyButtons: "button",
    ChoiceList: "list",
    LinkButton: "cta_url",
    LocationRequest: "location_request_message",
    AddressRequest: "address_message",
    Form: "flow",
    ProductMessage: "product",
    ProductList: "product_list",
    CatalogueMessage: "catalog_message",
    Carousel: "carousel",
    ProductCarousel: "carousel",
    Bill: "order_details",
    BillStatus: "order_status",
}


async def _header(content: Content, place: Place) -> JSON:
    header = getattr(content, "header", "") or ""
    if isinstance(header, str):
        return {"type": "text", "text": header} if header else {}
    part: JSON = dict(await place(header))
    if isinstance(header, Document):
        part["filename"] = header.name
    return {"type": header.kind, header.kind: part}


async def _action(content: Content, place: Place) -> JSON:
    match content:
        case ReplyButtons():
            buttons = [{"type": "reply", "reply": b.model_dump()} for b in content.buttons]
            return {"buttons": buttons}
        case ChoiceList():
            return {
                "button": content.button,
                "sections": [_section(s.title, s.rows) for s in content.sections],
            }
        case LinkButton():
            return _link(content.label, content.url)
        case LocationRequest():
            return {"name": "send_location"}
        case AddressRequest():
            values = {"values": content.values} if content.values else {}
            return {"name": "address_message", "parameters": {"country": content.country, **values}}
        case Form():
            return {"name": "flow", "parameters": _flow(content)}
        case Bill():
            return {"name": "review_and_pay", "parameters": bill_parameters(content)}
        case BillStatus():
            return {"name": "review_order", "parameters": status_parameters(content)}
        case _:
            return await _goods(content, place)


def _section(title: str, rows: Any) -> JSON:
    found = [{k: v for k, v in row.model_dump().items() if v} for row in rows]
    return {**({"title": title} if title else {}), "rows": found}


def _link(label: str, url: str) -> JSON:
    return {"name": "cta_url", "parameters": {"display_text": label, "url": url}}


def _flow(content: Form) -> JSON:
    named = {"flow_id": content.flow_id} if content.flow_id else {"flow_name": content.flow_name}
    parameters: JSON = {"flow_message_version": "3", **named, "flow_cta": content.label}
    if content.token:
        parameters["flow_token"] = content.token
    if content.exchange:
        parameters["flow_action"] = "data_exchange"
    elif content.screen:
        data = {"data": content.data} if content.data else {}
        parameters |= {"flow_action": "navigate", "flow_action_payload": {"screen": content.screen, **data}}
    return {**parameters, **({"mode": "draft"} if content.draft else {})}


async def _goods(content: Content, place: Place) -> JSON:
    match content:
        case ProductMessage():
            item = content.item.retailer_id
            return {"catalog_id": content.catalogue_id, "product_retailer_id": item}
        case ProductList():
            sections: list[JSON] = []
            for group in content.groups:
                items = [{"product_retailer_id": item.retailer_id} for item in group.items]
                sections.append({**({"title": group.title} if group.title else {}), "product_items": items})
            return {"catalog_id": content.catalogue_id, "sections": sections}
        case CatalogueMessage():
            shown = {"parameters": {"thumbnail_product_retailer_id": content.thumbnail}}
            return {"name": "catalog_message", **(shown if content.thumbnail else {})}
        case Carousel():
            cards = [await _carousel_card(number, card, place) for number, card in enumerate(content.cards)]
            return {"cards": cards}
        case ProductCarousel():
            return {
                "cards": [
                    {
                        "card_index": number,
                        "type": "product",
                        "action": {
                            "product_retailer_id": item.retailer_id,
                            "catalog_id": content.catalogue_id,
                        },
                    }
                    for number, item in enumerate(content.items)
                ]
            }
        case _:
            raise TypeError(f"{content.kind} is no interactive message")


async def _carousel_card(number: int, card: CarouselCard, place: Place) -> JSON:
    header: JSON = {"type": card.picture.kind, card.picture.kind: dict(await place(card.picture))}
    body = {"body": {"text": card.body}} if card.body else {}
    if card.url:
        action = _link(card.label, card.url)
    else:
        replies = [{"type": "quick_reply", "quick_reply": b.model_dump()} for b in card.buttons]
        action = {"buttons": replies}
    # the page has this type for cards with buttons too
    return {"card_index": number, "type": "cta_url", "header": header, **body, "action": action}
