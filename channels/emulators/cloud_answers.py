"""What a contact's phone makes of a business's messages, and what a tap on them sends back (webhook
reference, "interactive", "order", "location", "reaction")."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field

from channels.emulators.cloud_requests import SendRequest
from channels.json_parts import as_dict, as_dicts

ContactNumber = Annotated[str, Field(pattern=r"^[0-9]{6,15}$")]
# What is shown as more than its words.
MORE = ("image", "video", "document", "audio", "location", "contacts", "reaction", "interactive", "order")


class Pin(BaseModel):
    """A place on the map."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Line(BaseModel):
    """A line of a cart."""

    product_retailer_id: str
    quantity: int = 1
    item_price: float = 0
    currency: str = ""


class Answer(BaseModel):
    """What the contact taps on. `bubble`: the message it is on; of the rest one: the id of a `choice`, the
    `fields` of a form, their `place`, the lines of a cart (`order`), an `emoji`, or (with `text`) a `product`
    that they ask about. `unasked`: it is sent though no message shows it, as by a forged or very old
    phone."""

    contact: ContactNumber
    name: str = "Simulated contact"
    bubble: str = ""
    choice: str = ""
    fields: dict[str, Any] | None = None
    place: Pin | None = None
    order: list[Line] = []
    emoji: str | None = None
    product: str = ""
    catalogue: str = ""
    text: str = ""
    unasked: bool = False


def shown_of(raw: dict[str, Any]) -> dict[str, Any]:
    """What of a message is more than its words, as it was sent."""
    kind = str(raw.get("type") or "")
    return {"type": kind, kind: raw[kind]} if kind in MORE and kind in raw else {}


def words_of(body: SendRequest) -> str:
    """What a contact reads of a message."""
    if body.text:
        return body.text.body
    if body.interactive:
        said = body.interactive.body
        return said.text if said else "[product]"
    if body.location:
        return f"[location] {body.location.name}".strip()
    if body.contacts:
        return f"[contacts] {', '.join(card.name.formatted_name for card in body.contacts)}"
    if body.reaction:
        return f"[reaction] {body.reaction.emoji}".strip()
    for name in ("image", "video"):
        if part := getattr(body, name):
            return f"[{name}] {part.caption}".strip()
    if body.audio:
        return "[audio]"
    if body.document:
        return f"[document {body.document.filename}] {body.document.caption}".strip()
    return f"[template {body.template.name if body.template else ''}]"


def answered(asked: Any, answer: Answer) -> tuple[str, dict[str, Any]]:
    """(what the contact's phone shows of it, the part of the webhook's message). `asked`: the bubble it is
    on. Raises ValueError for what that does not show."""
    content = as_dict(asked.content if asked else {})
    if answer.choice:
        return _chosen(content, answer)
    if answer.fields is not None:
        return _filled_in(content, answer)
    if answer.place:
        place = {k: v for k, v in answer.place.model_dump().items() if v not in ("", None)}
        return f"[location] {answer.place.name}".strip(), {"type": "location", "location": place}
    if answer.order:
        lines = [line.model_dump() for line in answer.order]
        order = {"catalog_id": answer.catalogue, "product_items": lines, "text": answer.text}
        words = "; ".join(f"{line.quantity} x {line.product_retailer_id}" for line in answer.order)
        return f"[order] {words}", {"type": "order", "order": order}
    if answer.emoji is not None and asked:
        return f"[reaction] {answer.emoji}", {
            "type": "reaction",
            "reaction": {"message_id": asked.id, "emoji": answer.emoji},
        }
    if not answer.text:
        raise ValueError("nothing is tapped on: name a choice, fields, a place, an order, an emoji or a text")
    return answer.text, {"type": "text", "text": {"body": answer.text}}


def _chosen(content: dict[str, Any], answer: Answer) -> tuple[str, dict[str, Any]]:
    interactive = as_dict(content.get("interactive"))
    action = as_dict(interactive.get("action"))
    replies = [as_dict(button.get("reply")) for button in as_dicts(action.get("buttons"))]
    for card in as_dicts(action.get("cards")):
        of_card = as_dicts(as_dict(card.get("action")).get("buttons"))
        replies += [as_dict(button.get("quick_reply")) for button in of_card]
    rows = [row for section in as_dicts(action.get("sections")) for row in as_dicts(section.get("rows"))]
    for sort, choices in (("button_reply", replies), ("list_reply", rows)):
        for one in choices:
            if one.get("id") == answer.choice:
                return str(one["title"]), _reply(sort, one)
    if not answer.unasked:
        raise ValueError(f"the message has no choice {answer.choice}")
    return answer.text or answer.choice, _reply(
        "button_reply", {"id": answer.choice, "title": answer.text or answer.choice}
    )


def _reply(sort: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": sort, sort: one}}


def _filled_in(content: dict[str, Any], answer: Answer) -> tuple[str, dict[str, Any]]:
    interactive = as_dict(content.get("interactive"))
    sort = interactive.get("type")
    if sort not in ("flow", "address_message") and not answer.unasked:
        raise ValueError("the message is no form")
    fields: dict[str, Any] = dict(answer.fields or {})
    parameters = as_dict(as_dict(interactive.get("action")).get("parameters"))
    if sort == "address_message":
        response, name = {"values": fields, "saved_address_id": ""}, "address_message"
    else:
        response, name = {**fields, "flow_token": parameters.get("flow_token", "unused")}, "flow"
    said = {"name": name, "body": "Sent", "response_json": json.dumps(response)}
    return "[form] Sent", {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": said}}
