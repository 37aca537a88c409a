"""The page Suggestions in a browser: what a person answered is accepted, proven or dismissed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened, unbroken
from tests.support.people.customers import talk
from tests.support.people.operators import operator
from tests.support.stack import Stack, product
from tests.support.waiting import until

PLACE = "/dashboard/knowledge/suggestions?bot=default"
pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    with product(CHAT_MODEL="offline") as stack:
        yield stack


@pytest.fixture(autouse=True)
async def reconnected(shop: Stack) -> None:
    """Each test has an event loop of its own."""
    shop.http = httpx.AsyncClient(base_url=shop.url, timeout=60, headers=dict(shop.http.headers))


async def test_what_a_person_answered_is_learned_on_the_page(shop: Stack, browser: Browser):
    page = await opened(browser, shop, PLACE)
    await expect(page.locator("main")).to_contain_text("Nothing waits for you")
    await expect(page.locator("main")).to_contain_text("nothing was asked that the documents do not answer")
    await unbroken(page, "suggestions-none")
    hostile = "<img src=x onerror=alert(1)> do you sell obelisks?"
    _, conversation = await talk(shop, "Do you engrave goblets?", name="Zenobia")
    await shop.http.post(
        f"/api/conversations/{conversation}/messages", json={"text": "Yes, Zenobia, for 700 KZT."}
    )
    await talk(shop, hostile)
    await until(shop.idle)
    await page.reload()
    card = page.locator("article", has_text="goblets")
    await expect(card.locator("[name=text]")).to_have_value("Yes, [name], for 700 KZT.")
    await expect(page.locator("article", has_text="obelisks")).to_contain_text(hostile)
    await card.get_by_text("Where it comes from").click()
    await expect(card.get_by_role("link", name="Question")).to_have_attribute(
        "href", f"/dashboard/default/{conversation}"
    )
    await unbroken(page, "suggestions")
    await card.get_by_role("button", name="Learn it").click()
    await expect(page.locator("#toast")).to_contain_text("write something else in the place of [name]")
    page.problems.clear()  # pyright: ignore[reportAttributeAccessIssue] - the browser says that it was refused
    await card.locator("[name=text]").fill("We engrave any goblet for 700 KZT.")
    await card.get_by_role("button", name="Learn it").click()
    await page.wait_for_url("**state=accepted")
    learned = page.locator("article", has_text="goblets")
    await expect(learned.locator(".proof")).to_contain_text("Learned: Do you engrave goblets")
    await expect(learned.locator(".proof")).to_contain_text("not answered")
    await expect(learned.locator(".proof")).to_contain_text("We engrave any goblet for 700 KZT.")
    await unbroken(page, "suggestions-accepted")
    await page.get_by_role("link", name="Open").click()
    other = page.locator("article", has_text="obelisks")
    await other.get_by_label("Why not").fill("we never will")
    await other.get_by_role("button", name="Dismiss").click()
    await expect(page.locator("article")).to_have_count(0)
    await page.get_by_role("link", name="Dismissed").click()
    await expect(page.locator("article", has_text="obelisks")).to_contain_text("we never will")
    await page.locator("td", has_text="2 questions").locator("summary").click()
    await expect(page.locator("td", has_text="2 questions")).to_contain_text("1 asked, 1 answered, accepted")
    _, reader = await operator(shop, "read_only")
    seen = await opened(
        browser, shop, PLACE, reader, viewport={"width": 390, "height": 800}, color_scheme="dark"
    )
    await expect(seen.get_by_role("button", name="Learn it")).to_have_count(0)
    await unbroken(seen, "suggestions-phone")
