"""Orders on the dashboard, in a browser, on a desk and on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import talk
from tests.support.shop.orders import placed
from tests.support.stack import Stack, redis_of

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]


async def test_an_order_is_found_looked_at_and_moved_on(stack: Stack, browser: Browser):
    _, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        order = await placed(redis, one, name="Ann <b>")
    page = await opened(browser, stack, f"/dashboard/default/{one}")
    await expect(page.get_by_role("link", name=f"Order {order.number}")).to_be_visible()
    await page.goto(f"{stack.url}/dashboard/orders?state=new")
    row = page.locator("#orders tr", has_text=str(order.number)).first
    await expect(row).to_contain_text("265\u00a0001 KZT")
    await row.get_by_role("link", name=str(order.number), exact=True).click()
    await expect(page.locator("h1")).to_contain_text(f"Order {order.number}")
    await expect(page.locator("#order")).to_contain_text("76\u00a0001 KZT")
    await expect(page.get_by_role("link", name="Ann <b>")).to_be_visible()
    await page.get_by_role("button", name="Packed").click()
    await expect(page.locator("h1 .tag")).to_have_text("packed")
    await expect(page.get_by_role("button", name="Packed")).to_have_count(0)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Cancelled").click()
    await expect(page.locator("h1 .tag")).to_have_text("cancelled")
    await expect(page.locator(".buttons form")).to_have_count(0)
    answer = await page.goto(f"{stack.url}/dashboard/order?id=nothing")
    assert answer and answer.status == 404


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_pages_are_for_everybody(stack: Stack, browser: Browser, width: int):
    _, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        order = await placed(redis, one, name="ليلى " + "long" * 20)
    page = await opened(browser, stack, viewport={"width": width, "height": 844}, bypass_csp=True)
    for path in ("/dashboard/orders", f"/dashboard/order?id={order.id}"):
        await page.goto(f"{stack.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert (await Axe().run(page)).response["violations"] == [], path
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]
