"""The page Knowledge in a browser: what was read is corrected, questions are answered and tried."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened, unbroken
from tests.support.stack import Stack

PLACE = "/api/knowledge/documents"
pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
PRICES = b"Article,Name,Price,No.\nP-1,Tall vase,900 KZT,1\nP-2,Red bowl,950 KZT,2\nP-3,Cup,ask,3\n"


@pytest.fixture(autouse=True)
async def emptied(stack: Stack) -> AsyncIterator[None]:
    yield
    for document in (await stack.http.get(PLACE)).json()["items"]:
        if document["name"] in ("p.csv", "q.csv"):
            await stack.http.delete(f"{PLACE}/{document['id']}")


async def test_products_are_looked_at_corrected_and_tried(stack: Stack, browser: Browser):
    for name, content in (("p.csv", PRICES), ("q.csv", PRICES.replace(b"900", b"990"))):
        await stack.http.post(PLACE, files={"file": (name, content)})
    page = await opened(browser, stack, "/dashboard/knowledge?bot=default")
    asked = page.locator("#asked li", has_text="Tall vase")
    await expect(asked).to_contain_text("which price holds?")
    await unbroken(page, "knowledge")
    await asked.get_by_role("button", name="990 KZT · q.csv, row 2").click()
    await expect(asked).to_have_count(0)
    row = page.locator("#documents tr", has_text="p.csv")
    await row.locator("summary", has_text="3 products, 1 to look at").click()
    cup = row.locator(".goods > li").first
    await expect(cup).to_contain_text("no price: “ask”")
    await cup.locator("summary").click()
    await cup.locator("select").select_option("price")
    await cup.get_by_label("New value of Cup").fill("300 KZT")
    await cup.get_by_role("button", name="Change").click()
    await expect(page.locator("#toast")).to_have_text("Done")
    await expect(row.locator(".goods > li", has_text="300 KZT")).to_have_count(1)  # the row is new now
    await row.locator("summary", has_text="Columns").click()
    await row.get_by_label("No.").select_option("stock")
    await unbroken(page, "knowledge-open")
    await row.get_by_role("button", name="Read it so").click()
    await expect(page.locator("#toast")).to_have_text("Done")
    await page.get_by_label("Their word").fill("ваза")
    await page.get_by_label("What the price list calls it").fill("vase")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#aliases")).to_contain_text("ваза is vase")
    await page.get_by_role("textbox", name="Question").fill("How much is the cup?")
    await page.get_by_role("button", name="Try").click()
    await expect(page.locator("[data-answer=found]")).to_contain_text("300 KZT")
    await expect(page.locator("[data-answer=reply]")).not_to_be_empty()
    await unbroken(page, "knowledge-tried")
    await page.locator("#aliases").get_by_role("button", name="Forget").click()
    await expect(page.locator("#aliases li")).to_have_count(0)
    listed = (await stack.http.get("/api/knowledge/products")).json()["items"]
    assert "3" in [p["stock"] for p in listed if p["article"] == "P-3"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_fits_a_phone_in_light_and_dark(stack: Stack, browser: Browser, scheme: str):
    await stack.http.post(PLACE, files={"file": ("p.csv", PRICES)})
    page = await opened(
        browser,
        stack,
        "/dashboard/knowledge?bot=default",
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,
    )
    row = page.locator("#documents tr", has_text="p.csv")
    await row.locator("summary", has_text="products").click()
    await row.locator(".goods > li").first.locator("summary").click()
    await row.locator("summary", has_text="Columns").click()
    await expect(row.get_by_label("No.")).to_be_visible()
    await unbroken(page, f"knowledge-phone-{scheme}")
