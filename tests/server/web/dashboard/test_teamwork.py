"""Working as a team, in a browser: comments, colleagues, labels, replies at hand, resolving."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import talk
from tests.support.stack import Stack
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]


async def test_a_conversation_is_shared_labelled_commented_put_off_and_resolved(
    stack: Stack, browser: Browser
):
    contact, id = await talk(stack, "How much is the Duo?", name="Inbox Irma")
    await stack.http.put("/api/canned-replies/hours", json={"text": "Hello {name}, we are open until six."})
    await stack.http.put("/api/canned-replies/\u0447\u0430\u0441\u044b", json={"text": "Until six."})
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    await page.get_by_role("button", name="Take over").click()
    await expect(page.locator(".head")).to_contain_text("with a person")
    await page.get_by_label("Whose it is").select_option(label="API_TOKEN (you)")
    await expect(page.locator(".head")).to_contain_text("API_TOKEN")
    await page.get_by_label("Labels, with commas").fill("Wholesale, vip")
    await page.locator("form", has=page.get_by_label("Labels, with commas")).get_by_role("button").click()
    await expect(page.locator("#rows li", has_text="Inbox Irma").first).to_contain_text("#wholesale")
    await page.locator("summary", has_text="Comment for colleagues").click()
    await page.get_by_label("Comment", exact=True).fill("he gets the <old> price")
    await page.get_by_role("button", name="Keep").click()
    await expect(page.locator(".chat .comment")).to_contain_text("he gets the <old> price")
    box = page.get_by_label("Message", exact=True)
    await box.fill("/\u0447")  # a shortcut in any letters
    await expect(page.locator("#canned button:visible")).to_have_count(1)
    await box.fill("/ho")
    await expect(page.locator("#canned button", has_text="/hours")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("Hello Inbox Irma, we are open until six.")
    await page.keyboard.press("Enter")
    assert (await until(lambda: stack.replies(contact)[1:]))[-1] == "Hello Inbox Irma, we are open until six."
    assert not any("old" in reply for reply in stack.replies(contact))
    await expect(page.locator(".bubble.person .mark")).to_contain_text("API_TOKEN")
    assert (await Axe().run(page)).violations_count == 0
    await page.get_by_role("button", name="Put off for an hour").click()
    await expect(page.locator(".head")).to_contain_text("put off until")
    await page.get_by_role("button", name="Resolve").click()
    await expect(page.locator(".head")).to_contain_text("resolved by API_TOKEN")
    assert (await stack.conversation_of(contact))["owner"] == "bot"
    await page.goto(f"{stack.url}/dashboard?show=resolved")
    await expect(page.locator("#rows li", has_text="Inbox Irma")).to_have_count(1)
    await page.get_by_role("link", name=re.compile("^#vip")).click()
    await expect(page.locator("#rows li", has_text="Inbox Irma")).to_have_count(1)
    assert (await Axe().run(page)).violations_count == 0
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]
