"""The server learns the zone of a browser: the first page that is used has its times."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from server.config.settings import Settings
from server.operators.login import login_link
from tests.support.browser.chromium import needs_chromium
from tests.support.people.customers import talk
from tests.support.stack import Stack, redis_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]


async def test_the_first_page_is_by_the_browsers_clock(stack: Stack, browser: Browser):
    await talk(stack, "hello", name="Ann")
    context = await browser.new_context(timezone_id="America/Sao_Paulo")
    page = await context.new_page()
    loads: list[str] = []
    page.on("domcontentloaded", lambda shown: loads.append(shown.url))
    async with redis_of(stack) as redis:
        path = (await login_link(Settings(_env_file=None), redis)).rpartition("/login/")[2]
    await page.goto(f"{stack.url}/login/{path}?next=/dashboard")
    zone = page.locator("meta[name=zone]")
    await expect(zone).to_have_attribute("content", "America/Sao_Paulo")
    await expect(page.locator(".list li").first).to_be_visible()
    assert loads.count(f"{stack.url}/dashboard") <= 2
    loads.clear()
    await page.goto(f"{stack.url}/dashboard/todo")
    await expect(zone).to_have_attribute("content", "America/Sao_Paulo")
    assert loads == [f"{stack.url}/dashboard/todo"]
