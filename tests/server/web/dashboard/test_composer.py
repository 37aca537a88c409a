"""The field that a person writes in: files, a reply to a message, emoji; as colleagues, the contact and the
agent see them."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import talk
from tests.support.stack import Stack
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
# One white pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffffff7f0009fb03fd"
    "05a2a1aa0000000049454e44ae426082"
)


def of_kind(stack: Stack, contact: str, kind: str) -> list[dict]:
    to = f"+{contact}"
    return [row for row in stack.emulator.requests if row.get("to") == to and row.get("type") == kind]


async def test_files_go_out_one_by_one_and_are_seen_by_colleagues(stack: Stack, browser: Browser):
    contact, id = await talk(stack, "Do you have a price list?", name="Irma")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    files = [
        {"name": "menu.png", "mimeType": "image/png", "buffer": PNG},
        {"name": "prices.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 prices"},
    ]
    await page.locator("#file").set_input_files(files)
    await expect(page.locator("#chosen li")).to_have_count(2)
    await page.get_by_role("button", name="Do not send menu.png").click()
    await expect(page.locator("#chosen li")).to_have_count(1)
    await page.locator("#file").set_input_files(files[:1])
    await page.get_by_label("Message", exact=True).fill("Here it is")
    await page.keyboard.press("Enter")
    await expect(page.locator("#chosen")).to_be_hidden()
    await until(lambda: of_kind(stack, contact, "image") and of_kind(stack, contact, "document"))
    (document,) = of_kind(stack, contact, "document")
    assert (
        document["document"]["caption"] == "Here it is" and document["document"]["filename"] == "prices.pdf"
    )
    kept = stack.emulator.files.kept
    assert kept[document["document"]["id"]].data == b"%PDF-1.4 prices"
    assert kept[of_kind(stack, contact, "image")[0]["image"]["id"]].data == PNG
    picture = page.locator("#chat img.media")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    await expect(page.get_by_role("link", name="prices.pdf")).to_be_visible()
    found = await Axe().run(page)
    assert found.response["violations"] == []


async def test_what_cannot_be_sent_stays_in_the_field(stack: Stack, browser: Browser):
    contact, id = await talk(stack, "Anything new?", name="Oleg")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    await page.locator("#file").set_input_files([{"name": "all.zip", "mimeType": "", "buffer": b"PK"}])
    await page.get_by_label("Message", exact=True).fill("The news")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#toast")).to_contain_text("WhatsApp takes no .zip")
    await expect(page.locator("#chosen li")).to_have_count(1)
    await expect(page.locator("#text")).to_have_value("The news")
    assert not of_kind(stack, contact, "document")


async def test_a_reply_to_a_message_quotes_it(stack: Stack, browser: Browser):
    contact, id = await talk(stack, "Is the Duo red?", name="Ana")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    asked = (await stack.conversation_of(contact))["messages"][0]
    button = page.get_by_role("button", name="Reply to this message")
    await button.first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#quoting .words")).to_have_text("Is the Duo red?")
    await page.get_by_role("button", name="Not as a reply").click()
    await expect(page.locator("#quoting")).to_be_hidden()
    await button.first.click()
    await page.get_by_label("Message", exact=True).fill("It is black ")
    await page.get_by_role("button", name="Emoji").click()
    await page.locator("#emoji button").first.click()
    await page.keyboard.press("Enter")
    await until(
        lambda: any(row["text"]["body"] == "It is black 😀" for row in of_kind(stack, contact, "text"))
    )
    (sent,) = [row for row in of_kind(stack, contact, "text") if row["text"]["body"] == "It is black 😀"]
    assert sent["context"] == {"message_id": asked["id"]}
    await expect(page.locator("#quoting")).to_be_hidden()
    await expect(page.locator("#chat blockquote")).to_have_text("Is the Duo red?")
