"""A Commerce catalogue is read page by page, each product once, and what is missing is known."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from channels.base import SendError
from channels.cloud_api import CloudApi, CloudCredentials
from channels.commerce.reading import list_items
from channels.emulators.cloud_api import CloudApiEmulator

CATALOGUE = "1234567890"


def row(number: int, **changes: Any) -> dict[str, Any]:
    known = {"retailer_id": f"A-{number}", "name": f"Vase {number}", "price": "KZT9,000.00"}
    return {**known, "currency": "KZT", "availability": "in stock", **changes}


@pytest.fixture
def meta() -> CloudApiEmulator:
    return CloudApiEmulator("", "secret", "token")


def channel(meta: CloudApiEmulator, token: str = "token") -> CloudApi:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(meta.app))
    given = {"phone_number_id": "1", "access_token": token, "url": "http://graph"}
    return CloudApi(client, CloudCredentials.model_validate(given))


async def test_all_pages_are_read_and_each_product_once(meta: CloudApiEmulator):
    rows = [row(number) for number in range(230)]
    meta.catalogues.kept[CATALOGUE] = rows
    found = await list_items(channel(meta), CATALOGUE)
    assert [item.retailer_id for item in found.items] == [one["retailer_id"] for one in rows]
    assert (found.total, found.whole) == (230, True)
    first = found.items[0]
    assert (first.name, first.amount, first.currency, first.availability) == (
        "Vase 0",
        "9,000.00",
        "KZT",
        "in stock",
    )


async def test_products_that_pages_name_twice_or_leave_out_are_noticed(meta: CloudApiEmulator):
    meta.catalogues.kept[CATALOGUE] = [row(1), row(1), row(2), {"name": "without an id"}]
    found = await list_items(channel(meta), CATALOGUE)
    assert [item.retailer_id for item in found.items] == ["A-1", "A-2"]
    assert (found.total, found.whole) == (3, False)


@pytest.mark.parametrize("written", ["$1,500.50", "1,500.50 USD", "US$ 1,500.50", "1,500.50"])
async def test_signs_around_a_price_are_left_out(meta: CloudApiEmulator, written: str):
    meta.catalogues.kept[CATALOGUE] = [row(1, price=written)]
    assert (await list_items(channel(meta), CATALOGUE)).items[0].amount == "1,500.50"


async def test_a_catalogue_that_is_not_there_or_not_ours_is_said_to_be(meta: CloudApiEmulator):
    with pytest.raises(SendError, match="does not exist"):
        await list_items(channel(meta), "99999")
    with pytest.raises(SendError, match="access token"):
        await list_items(channel(meta, "another"), CATALOGUE)
