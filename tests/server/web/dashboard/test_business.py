"""Bots, documents and operators on the dashboard, in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from channels.emulators.waha import WahaEmulator
from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.shop.bots import name
from tests.support.stack import Stack
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
PAGES = (
    "/dashboard /dashboard/todo /dashboard/outreach /dashboard/knowledge?bot=demo /dashboard/bots "
    "/dashboard/bots/demo /dashboard/analytics /dashboard/people"
).split()


async def test_a_document_is_dropped_tried_and_deleted(stack: Stack, browser: Browser, tmp_path: Path):
    page = await opened(browser, stack, "/dashboard/knowledge?bot=default")
    data = json.dumps(
        {
            "name": "opening hours <b>.md",
            "text": "# Opening hours\n\nThe workshop is open on Saturdays from nine to one.",
        }
    )
    await page.evaluate(
        """(raw) => {
          const { name, text } = JSON.parse(raw), files = new DataTransfer();
          files.items.add(new File([text], name, { type: "text/markdown" }));
          const how = { dataTransfer: files, bubbles: true, cancelable: true };
          document.querySelector(".drop").dispatchEvent(new DragEvent("drop", how));
        }""",
        data,
    )
    await expect(page.locator(".uploads li")).to_contain_text("1 passage", timeout=30_000)
    row = page.locator("#documents tr", has_text="opening hours <b>.md")
    await expect(row).to_contain_text("in use")
    await page.get_by_placeholder("How long does delivery take?").fill("When is the workshop open?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".hits li").first).to_contain_text("from nine to one")
    await expect(page.locator(".hits li").first).to_contain_text("meaning 0.")
    await row.get_by_role("button", name="Re-index").click()
    await expect(page.locator("#toast")).to_have_text("Done")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    await page.locator("input[type=file]").set_input_files(tmp_path / "broken.pdf")
    await expect(page.locator(".uploads li.wrong")).to_contain_text("broken.pdf", timeout=30_000)
    page.on("dialog", lambda dialog: dialog.accept())
    await row.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)


async def test_a_bot_is_made_changed_and_deleted(stack: Stack, browser: Browser):
    page = await opened(browser, stack, "/dashboard/bots")
    await page.locator("input[name=id]").fill("riga")
    await page.locator("input[name=business]").fill("Rīgas kafija")
    await page.get_by_role("button", name="Create").click()
    await page.wait_for_url("**/dashboard/bots/riga")
    await expect(page.locator(".link-state")).to_contain_text("simulator only")
    await page.locator("textarea[name=facts]").fill("Open daily.")
    await (
        page.locator("form", has=page.locator("textarea[name=facts]"))
        .get_by_role("button", name="Save")
        .click()
    )
    await expect(page.locator("#toast")).to_have_text("Done")
    await page.locator("summary", has_text="sell").first.click()
    prompt = page.locator("textarea[name=sell_prompt]")
    await prompt.fill("You sell for {buisness}.")
    await page.locator("form", has=prompt).get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_contain_text("{buisness}")
    await expect(prompt).to_have_value("You sell for {buisness}.")
    config = (await stack.http.get("/api/bots/riga")).json()["config"]
    assert config == {
        "id": "riga",
        "business": "Rīgas kafija",
        "channel": {"type": "simulator"},
        "facts": "Open daily.",
    }
    await page.locator("fieldset, form.tools").locator("input[type=checkbox]").first.uncheck()
    await page.locator("form.tools").get_by_role("button", name="Save").click()
    await until(lambda: _tools(stack))
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Delete the bot").click()
    await page.wait_for_url("**/dashboard/bots")
    assert (await stack.http.get("/api/bots/riga")).status_code == 404


async def _tools(stack: Stack) -> list[str]:
    return (await stack.http.get("/api/bots/riga")).json()["config"].get("tools", [])


async def test_an_owner_makes_an_agent_who_sees_less(stack: Stack, browser: Browser):
    page = await opened(browser, stack, "/dashboard/people")
    form = page.locator("form", has=page.get_by_text("Make a token"))
    await form.get_by_label("Name").fill("Dina")
    await form.get_by_label("demo").check()
    await form.get_by_role("button", name="Make a token").click()
    await expect(form.locator("output")).to_contain_text("shown this once")
    shown = await form.locator("output").text_content()
    assert shown is not None
    await expect(page.locator("#operators tr", has_text="Dina")).to_contain_text("agent")
    theirs = await opened(browser, stack, token=shown.split()[0])
    await expect(theirs.locator("nav.rail")).not_to_contain_text("People")
    assert (await theirs.goto(f"{stack.url}/dashboard/bots/default")).status == 404  # pyright: ignore[reportOptionalMemberAccess]
    page.on("dialog", lambda dialog: dialog.accept())
    await page.locator("#operators tr", has_text="Dina").get_by_role("button", name="Revoke").click()
    await expect(page.locator("#operators tr", has_text="Dina")).to_have_count(0)
    await theirs.goto(f"{stack.url}/dashboard")
    await expect(theirs.get_by_label("Operator token")).to_be_visible()


async def test_a_phone_is_linked_by_the_code_on_the_page(
    stack: Stack,
    browser: Browser,
    bots: list[str],
    gateway: tuple[WahaEmulator, str],
):
    bot = name()
    bots.append(bot)
    channel = {
        "type": "waha",
        "url": gateway[1],
        "api_key": "gateway-key",
        "hmac_key": "gateway-hmac",
        "webhook_url": f"{stack.url}/webhook/waha",
    }
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    page = await opened(browser, stack, f"/dashboard/bots/{bot}")
    await expect(page.locator("img.qr")).to_have_attribute("src", re.compile("^data:image/png;base64,iVBOR"))
    async with httpx.AsyncClient() as phone:
        await phone.post(f"{gateway[1]}/_control/{bot}/scan")
    await expect(page.locator(".link-state .state")).to_have_text("connected", timeout=20_000)
    await expect(page.locator("img.qr")).to_have_count(0)
