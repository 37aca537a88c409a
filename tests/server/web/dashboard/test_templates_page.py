"""The page of message templates: one is written, put right where Meta would not take it, sent for approval,
changed and deleted, on a phone too."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.stack import Stack
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium, pytest.mark.usefixtures("no_templates")]
PATH = "/dashboard/templates"


async def written(page: Page) -> None:
    """A template with a line above, two variables and two buttons."""
    form = page.locator("form.form").last
    await form.locator("[name=name]").fill("order_ready")
    await form.locator("[name=language]").fill("en")
    await form.locator("[name='header.format']").select_option("text")
    await form.locator("[name='header.text']").fill("Your order")
    await form.locator("[name=body]").fill("Hello {{1}}, it is ready since {{2}}. Come and see it.")
    await form.locator("[name='examples[]']").first.fill("Dana")
    await form.locator("summary", has_text="Buttons").click()
    await form.locator("[name='buttons.0.type']").select_option("quick_reply")
    await form.locator("[name='buttons.0.text']").fill("Thank you")
    await form.locator("[name='buttons.1.type']").select_option("url")
    await form.locator("[name='buttons.1.text']").fill("See it")
    await form.locator("[name='buttons.1.url']").fill("https://shop.example/o/{{1}}")
    await form.locator("[name='buttons.1.example'] >> visible=true").fill("77")


async def test_a_template_is_written_put_right_approved_changed_and_deleted(stack: Stack, browser: Browser):
    page = await opened(browser, stack, PATH, viewport={"width": 390, "height": 844})
    await written(page)
    form = page.locator("form.form").last
    await form.get_by_role("button", name="Save as a draft").click()
    await expect(form.locator(".blame")).to_contain_text("2 variables")
    await form.locator("[name='examples[]']").nth(1).fill("Monday")
    await form.get_by_role("button", name="Save as a draft").click()
    shown = page.locator(".template-list li")
    await expect(shown).to_contain_text("Hello Dana, it is ready since Monday")
    await expect(shown).to_contain_text("draft")
    await shown.get_by_role("button", name="Send for approval").click()
    await expect(shown).to_contain_text("pending")
    told = {"name": "order_ready", "language": "en", "status": "APPROVED", "quality": "GREEN"}
    await stack.http.post(f"{stack.env['WHATSAPP_GRAPH_URL']}/_control/templates", json=told)
    await until(lambda: stack.emulator.templates[0]["status"] == "APPROVED")
    await page.get_by_role("button", name="Read them from Meta").click()
    await expect(shown).to_contain_text("approved")
    await expect(shown).to_contain_text("quality green")
    await shown.locator("summary").click()
    change = shown.locator("form.form")
    await expect(change.locator("[name='buttons.1.url']")).to_have_value("https://shop.example/o/{{1}}")
    await change.locator("[name=footer]").fill("Blue Vase")
    await change.get_by_role("button", name="Save the change").click()
    await expect(shown).to_contain_text("pending")
    assert {"type": "FOOTER", "text": "Blue Vase"} in stack.emulator.templates[0]["components"]
    page.on("dialog", lambda dialog: dialog.accept())
    await shown.get_by_role("button", name="Delete").click()
    await expect(page.locator("#templates")).to_contain_text("None is known yet")
    assert stack.emulator.templates == []


async def test_the_page_is_for_everybody(stack: Stack, browser: Browser):
    draft = {"name": "hello", "language": "ar", "body": "أهلًا {{1}} في متجرنا", "examples": ["ليلى"]}
    answer = await stack.http.post("/api/templates", json=draft)
    assert answer.status_code == 201, answer.text
    page = await opened(browser, stack, PATH, viewport={"width": 390, "height": 844}, bypass_csp=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    await expect(page.get_by_text("Loading")).to_have_count(0)
    found = (await Axe().run(page)).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not [url for url in asked if not url.startswith(stack.url)]
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]
