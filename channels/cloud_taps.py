"""What a contact's tap says in the Cloud API's webhook, in parts: a choice, a cart, a product, a place, the
fields of a form (webhook reference, "interactive", "button", "order", "location", "context")."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from channels.content.inbound import Choice, Order, OrderedItem, Place, ProductReference
from channels.json_parts import as_dict, as_dicts, clean_text

# Fields of a form, characters of an answer, and lines of a cart that are kept: forms of Meta have fewer.
FIELDS, ANSWER, LINES = 100, 4_000, 500
# Nobody orders more of a thing at once; more digits are no number of things.
MOST_OF_ONE = 1_000_000


def tapped(raw: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `Message` that a tap fills in."""
    kind = str(raw.get("type") or "")
    content = as_dict(raw.get(kind))
    product = _product(as_dict(as_dict(raw.get("context")).get("referred_product")))
    found: dict[str, Any] = {"product": product} if product else {}
    if kind == "interactive":
        chosen = as_dict(content.get(str(content.get("type") or "")))
        if "response_json" in chosen:
            return {**found, "answers": answers_in(chosen["response_json"])}
        return {**found, "choice": _choice(chosen)}
    if kind == "button":
        return {**found, "choice": _choice({"id": content.get("payload"), "title": content.get("text")})}
    if kind == "order":
        return {**found, "order": _order(content)}
    if kind == "location":
        return {**found, "place": _place(content)}
    return found


def answers_in(response: object) -> dict[str, str]:
    """The fields of a form by their names, without the token that only its sender may know; none of what is
    no object."""
    try:
        fields: object = json.loads(response) if isinstance(response, str) else response
    except (ValueError, RecursionError):
        return {}
    given = as_dict(fields)
    given = as_dict(given["values"]) if isinstance(given.get("values"), dict) else given
    kept = {clean_text(name)[:200]: value for name, value in list(given.items())[:FIELDS]}
    return {
        name: _written(value)[:ANSWER]
        for name, value in kept.items()
        if "token" not in name.lower() and value not in (None, "", [], {})
    }


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_written(one) for one in cast(list[object], value))
    if isinstance(value, dict):
        return json.dumps(_without_tokens(cast(object, value)), ensure_ascii=False)
    return clean_text(value)


def _without_tokens(value: object) -> object:
    """A value of a form, at every depth without what only the form's sender may know."""
    if isinstance(value, list):
        return [_without_tokens(one) for one in cast(list[object], value)]
    if isinstance(value, dict):
        said = as_dict(cast(object, value)).items()
        return {name: _without_tokens(one) for name, one in said if "token" not in name.lower()}
    return value


def _choice(chosen: dict[str, Any]) -> Choice | None:
    id = clean_text(chosen.get("id"))
    if not id:
        return None
    words = clean_text(chosen.get("description"))
    return Choice(id=id, title=clean_text(chosen.get("title")), description=words)


def _product(named: dict[str, Any]) -> ProductReference | None:
    id = clean_text(named.get("product_retailer_id"))
    catalogue = clean_text(named.get("catalog_id"))
    return ProductReference(retailer_id=id, catalogue_id=catalogue) if id else None


def _order(content: dict[str, Any]) -> Order:
    lines = as_dicts(content.get("product_items"))[:LINES]
    items = [_line(line) for line in lines if clean_text(line.get("product_retailer_id"))]
    note = clean_text(content.get("text"))
    return Order(catalogue_id=clean_text(content.get("catalog_id")), items=tuple(items), note=note)


def _line(line: dict[str, Any]) -> OrderedItem:
    amount = _number(line.get("quantity"))
    quantity = int(amount) if amount is not None and 0 <= amount <= MOST_OF_ONE else 0
    return OrderedItem(
        retailer_id=clean_text(line.get("product_retailer_id")),
        quantity=quantity,
        price=_number(line.get("item_price")),
        currency=clean_text(line.get("currency")),
    )


def _number(value: object) -> Decimal | None:
    try:
        number = Decimal(clean_text(value)[:40])
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _place(content: dict[str, Any]) -> Place | None:
    latitude, longitude = _number(content.get("latitude")), _number(content.get("longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    name, address = clean_text(content.get("name")), clean_text(content.get("address"))
    return Place(latitude=float(latitude), longitude=float(longitude), name=name, address=address)
