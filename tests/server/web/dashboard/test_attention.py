"""Who waits is noticed by somebody who looks elsewhere, and a day's work is done by keyboard."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import fresh, talk
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, needs_chromium]

# What the system would show is kept, and nobody looks at the page.
ELSEWHERE = """
window.shown = [];
window.Notification = class { constructor(title, options) { window.shown.push(options.body); }
  static permission = "default";
  static async requestPermission() { return (this.permission = "granted"); } };
document.hasFocus = () => false;
"""


async def test_one_more_who_waits_is_told_by_title_icon_and_notification(stack: Stack, browser: Browser):
    page = await opened(browser, stack)
    await page.context.add_init_script(ELSEWHERE)
    await page.reload()
    before = int(await page.locator("#rail-items").get_attribute("data-waiting") or 0)
    bell = page.get_by_role("button", name="Notify me")
    await expect(bell).to_have_attribute("aria-pressed", "false")
    await bell.click()
    await expect(bell).to_have_attribute("aria-pressed", "true")
    contact, id = fresh()
    await stack.post(webhook(text(contact, "I want to talk to a human", id)))
    await expect(page).to_have_title(re.compile(rf"^\({before + 1}\) Conversations"))
    assert await page.locator("link[rel=icon]").get_attribute("href") != "data:,"
    (told,) = await page.evaluate("shown")
    assert told.endswith("person.") and contact not in told
    await bell.click()
    second, id = fresh()
    await stack.post(webhook(text(second, "I want to talk to a human", id)))
    await expect(page).to_have_title(re.compile(rf"^\({before + 2}\) "))
    assert len(await page.evaluate("shown")) == 1, "whoever does not want it is not told"
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_conversation_is_found_taken_answered_and_handed_back_by_keys(stack: Stack, browser: Browser):
    contact, _ = await talk(stack, "How much is the Duo?", name="Keys Kelly")
    page = await opened(browser, stack)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert (await Axe().run(page)).violations_count == 0
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("/")
    await page.keyboard.type("kelly")
    await page.keyboard.press("Enter")
    await expect(page.locator("#rows a")).to_have_count(1)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Keys Kelly")
    await page.keyboard.press("t")
    await expect(page.locator(".head")).to_contain_text("with a person")
    await page.keyboard.press("r")
    await page.keyboard.type("It is 300, jet")  # letters that are keys elsewhere
    await page.keyboard.press("Control+Enter")
    assert (await until(lambda: stack.replies(contact)[1:]))[-1] == "It is 300, jet"
    await expect(page.locator("form.write:not([data-busy])")).to_have_count(1)
    await page.keyboard.press("Escape")
    await page.keyboard.press("e")
    await expect(page.get_by_role("button", name="Take over")).to_be_visible()
    assert (await stack.conversation_of(contact))["owner"] == "bot"
    await page.keyboard.press("Escape")
    await expect(page.locator("h1")).to_have_text("Conversations")
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]
