"""The products of a Commerce catalogue, as Graph lists them (Marketing API, "Product Catalog Products" and
"Product Item").

Meta warns that pages of this list may miss products or name them twice. So each is taken once, and the count
of the summary says whether all are there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.cloud_api import CloudApi
from channels.json_parts import as_dict, as_dicts, clean_text

FIELDS = "retailer_id,name,price,currency,availability,url,image_url"
# Products that are asked for in one go, and pages that are read at most.
PAGE, MOST_PAGES = 100, 200
CATALOGUE_ID = re.compile(r"[0-9]{5,32}")
# `$1,500.00`, `9 000,00 KZT`: signs and letters around a number.
_AROUND = re.compile(r"^[^0-9]+|[^0-9]+$")


@dataclass(frozen=True, slots=True)
class ListedItem:
    """A product of a catalogue. `price` is as Graph writes it, with its currency's sign; `availability` such
    as `in stock`."""

    retailer_id: str
    name: str
    price: str = ""
    currency: str = ""
    availability: str = ""
    url: str = ""
    image_url: str = ""

    @property
    def amount(self) -> str:
        """The number of the price."""
        return _AROUND.sub("", self.price)


@dataclass(frozen=True, slots=True)
class CatalogueListing:
    """What was listed of a catalogue that says it has `total` products."""

    items: tuple[ListedItem, ...]
    total: int

    @property
    def whole(self) -> bool:
        """Whether every product is there."""
        return len(self.items) >= self.total


async def list_items(channel: CloudApi, catalogue_id: str) -> CatalogueListing:
    """Every product of a catalogue. Raises SendError."""
    found, total, unusable, after = dict[str, ListedItem](), 0, 0, ""
    for _ in range(MOST_PAGES):
        asked: dict[str, str | int] = {"fields": FIELDS, "limit": PAGE, "summary": "true"}
        answer = await channel.ask(
            "GET", f"{catalogue_id}/products", params={**asked, **({"after": after} if after else {})}
        )
        for row in as_dicts(answer.get("data")):
            item = _item(row)
            if item.retailer_id and item.name:
                found[item.retailer_id] = item
            else:
                unusable += 1  # nobody can ask for it
        counted = as_dict(answer.get("summary")).get("total_count")
        total = counted if isinstance(counted, int) else total
        paging = as_dict(answer.get("paging"))
        after = clean_text(as_dict(paging.get("cursors")).get("after"))
        if not after or not paging.get("next"):
            break
    return CatalogueListing(tuple(found.values()), total - unusable)


def _item(row: dict[str, object]) -> ListedItem:
    said = {name: " ".join(clean_text(row.get(name)).split()) for name in FIELDS.split(",")}
    return ListedItem(**said)
