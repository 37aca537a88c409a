"""The page of replies at hand: one is written, seen as a contact would, changed, used and deleted, on a phone
too."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import talk
from tests.support.people.operators import operator
from tests.support.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
PATH, API = "/dashboard/replies", "/api/canned-replies"


@pytest.fixture(autouse=True)
async def no_replies(stack: Stack):
    yield
    for row in (await stack.http.get(API)).json():
        await stack.http.delete(f"{API}/{row['shortcut']}")


async def test_a_reply_is_written_previewed_changed_and_deleted(stack: Stack, browser: Browser):
    page = await opened(browser, stack, PATH, viewport={"width": 390, "height": 844})
    form = page.locator("form.form").last
    words = form.locator("[name=text]")
    await form.locator("[name=shortcut]").fill("часы")
    await words.fill("Hello {name}, {nmae} <b>until six</b>")
    await expect(form.locator("[data-previewed]")).to_have_text("Hello Aigerim, {nmae} <b>until six</b>")
    await expect(form.locator("[data-strange]")).to_contain_text("{nmae}: no field of a profile")
    await form.get_by_role("button", name="Keep").click()
    shown = page.locator("#replies li")
    await expect(shown.locator("h2")).to_have_text("/часы")
    await expect(shown.locator(".preview")).to_have_text("Hello Aigerim, {nmae} <b>until six</b>")
    await expect(shown).to_contain_text("{nmae} is no field of a profile")
    await expect(form.locator("[name=shortcut]")).to_have_value("")
    await form.locator("[name=shortcut]").fill("часы")
    await words.fill("something else")
    await form.get_by_role("button", name="Keep").click()
    await expect(page.locator("#toast")).to_contain_text("there is a reply /часы already")
    await expect(words).to_have_value("something else")
    await shown.locator("summary").click()
    change = shown.locator("textarea")
    await change.fill("Hello {name}, until {till_when}")
    await expect(shown.locator(".preview")).to_have_text("Hello Aigerim, until {till_when}")
    await shown.get_by_role("button", name="Save the change").click()
    await expect(shown).to_contain_text("{till_when} is no field")
    assert (await stack.http.get(API)).json() == [
        {"shortcut": "часы", "text": "Hello {name}, until {till_when}"}
    ]
    page.on("dialog", lambda dialog: dialog.accept())
    await shown.get_by_role("button", name="Delete").click()
    await expect(page.locator("#replies")).to_contain_text("None is kept yet")
    assert (await stack.http.get(API)).json() == []


async def test_the_field_of_a_conversation_leads_to_the_page(stack: Stack, browser: Browser):
    _, id = await talk(stack, "How much is the Duo?", name="Irma")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    box = page.get_by_label("Message", exact=True)
    await box.fill("/")
    await page.get_by_role("link", name="No reply is at hand yet").click()
    await page.wait_for_url(f"**{PATH}?bot=default")
    await stack.http.put(f"{API}/hours", json={"text": "Until six, {name}."})
    await page.goto(f"{stack.url}/dashboard/default/{id}")
    await box.fill("/")
    await expect(page.get_by_role("link", name="Write and change them")).to_be_visible()
    await box.fill("/hou")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("Until six, Irma.")
    await box.fill("/nothing like that")
    await expect(page.locator("#canned")).to_be_hidden()


async def test_who_only_reads_changes_nothing(stack: Stack, browser: Browser):
    await stack.http.put(f"{API}/hours", json={"text": "Until six."})
    _, token = await operator(stack, "read_only")
    page = await opened(browser, stack, PATH, token)
    await expect(page.locator("#replies li")).to_contain_text("Until six.")
    await expect(page.locator("main form.form")).to_have_count(0)
    await expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    for name in ("{name}", "{phone}", "{language}"):
        await expect(page.locator("code", has_text=name)).to_be_visible()


async def test_the_page_is_for_everybody(stack: Stack, browser: Browser):
    await stack.http.put(f"{API}/hello", json={"text": "أهلًا {name} في متجرنا " + "x" * 300})
    page = await opened(browser, stack, PATH, viewport={"width": 390, "height": 844}, bypass_csp=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.reload()
        await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        found = (await Axe().run(page)).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not [url for url in asked if not url.startswith(stack.url)]
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]
