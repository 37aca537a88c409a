"""The dashboard in a browser, opened by somebody who has logged in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.support.stack import API, Stack

PAGES = (
    "/dashboard /dashboard/todo /dashboard/outreach /dashboard/orders /dashboard/knowledge?bot=demo "
    "/dashboard/bots /dashboard/bots/demo /dashboard/analytics /dashboard/people /dashboard/templates "
    "/dashboard/replies /dashboard/contacts /dashboard/knowledge/suggestions?bot=demo "
    "/dashboard/setup /dashboard/setup?step=documents&bot=demo /dashboard/setup?step=questions&bot=demo "
    "/dashboard/setup?step=voice /dashboard/setup?step=connection /dashboard/setup?step=colleagues "
    "/dashboard/system"
).split()


async def opened(
    browser: Browser, stack: Stack, path: str = "/dashboard", token: str = API, **options: Any
) -> Page:
    """A page of somebody who has logged in; whatever goes wrong in it is in `page.problems`."""
    context = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    page = await context.new_page()
    page.problems = []  # pyright: ignore[reportAttributeAccessIssue]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # pyright: ignore[reportAttributeAccessIssue]
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)  # pyright: ignore[reportAttributeAccessIssue]
    await page.goto(f"{stack.url}/login?next={path.replace('?', '%3F')}")
    await page.get_by_label("Operator token").fill(token)
    await page.keyboard.press("Enter")
    await expect(page.locator("nav.rail")).to_be_visible()
    await page.wait_for_load_state("load")
    return page


async def unbroken(page: Page, name: str) -> None:
    """No finding of axe, no error, nothing wider than the screen; a picture where one is asked for."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]
