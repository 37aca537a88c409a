"""Commerce catalogues on Graph: their products a page at a time ("Product Catalog Products", "Paginated
results"), and the products that messages may name (131009 for one that is not there)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from channels.emulators.base import emulator_of
from channels.emulators.meta.errors import graph_error, not_allowed
from channels.emulators.meta.templates import Refusal
from channels.json_parts import as_dict, as_dicts, clean_text

routes = APIRouter()
# The emulator of the Cloud API, which has this module's routes.
Meta = Annotated[Any, Depends(emulator_of)]
JSON = dict[str, Any]


class EmulatedCatalogues:
    """The catalogues of a business, by id: their products as Graph lists them."""

    def __init__(self) -> None:
        self.kept: dict[str, list[JSON]] = {}

    def fits(self, message: JSON) -> None:
        """Raises Refusal for a message that names a product which its catalogue has not."""
        action = as_dict(as_dict(message.get("interactive")).get("action"))
        for catalogue, product in _named(action):
            known = self.kept.get(catalogue)
            if known is not None and product not in {str(row.get("retailer_id")) for row in known}:
                raise Refusal(131009, f"Product not found for product_retailer_id {product}")

    def page(self, catalogue_id: str, fields: list[str], limit: int, after: int) -> JSON:
        """Products from the place `after` on."""
        rows = self.kept[catalogue_id]
        shown = rows[after : after + limit]
        data = [
            {"id": str(n), **{f: row[f] for f in fields if f in row}} for n, row in enumerate(shown, after)
        ]
        end = after + len(shown)
        paging: JSON = {"cursors": {"before": str(after), "after": str(end)}} if shown else {}
        return {"data": data, "paging": {**paging, **({"next": "the next page"} if end < len(rows) else {})}}


def _named(action: JSON) -> Iterator[tuple[str, str]]:
    """(catalogue, product) of everything that an action shows."""
    parts = [action, *(as_dict(card.get("action")) for card in as_dicts(action.get("cards")))]
    parts += [
        {**item, "catalog_id": action.get("catalog_id")}
        for section in as_dicts(action.get("sections"))
        for item in as_dicts(section.get("product_items"))
    ]
    for part in parts:
        if product := part.get("product_retailer_id"):
            yield clean_text(part.get("catalog_id")), clean_text(product)


@routes.get("/{version}/{catalogue_id}/products")
async def products(  # noqa: PLR0913 - one each of Graph's parameters
    meta: Meta,
    catalogue_id: str,
    request: Request,
    fields: str = "name,retailer_id",
    limit: Annotated[int, Query(ge=1, le=1000)] = 25,
    after: str = "0",
    summary: bool = False,
) -> Response:
    """A page of a catalogue."""
    if not meta.allows(request):
        return not_allowed()
    if catalogue_id not in meta.catalogues.kept or not after.isdecimal():
        return graph_error(400, 100, f"Object with ID '{catalogue_id}' does not exist")
    found = meta.catalogues.page(catalogue_id, fields.split(","), limit, int(after))
    counted = {"summary": {"total_count": len(meta.catalogues.kept[catalogue_id])}} if summary else {}
    return JSONResponse({**found, **counted})
