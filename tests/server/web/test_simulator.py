"""The phone in the browser, driven as a person would."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.fakes.openai_wire import last_user, message, polite, schema_of
from tests.support.browser.chromium import needs_chromium
from tests.support.stack import API, Stack
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, needs_chromium]


async def opened(stack: Stack, page: Page) -> None:
    """The simulator, after a login with the token."""
    await page.goto(f"{stack.url}/simulator")
    await page.get_by_label("Operator token").fill(API)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/simulator")


async def test_what_is_typed_is_answered_with_ticks_and_remembered(stack: Stack, page: Page):
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    stack.model.hang = 0.5
    await opened(stack, page)
    await expect(page.locator("#bot")).to_have_value("demo")
    await page.get_by_placeholder("Message").fill("Is the *Duo* <b>in stock</b>?")
    await page.keyboard.press("Enter")
    mine = page.locator(".bubble.out")
    await expect(mine.locator("span")).to_have_text("Is the Duo <b>in stock</b>?")
    await expect(page.locator("#state")).to_have_text("typing…")
    await expect(mine.locator(".tick")).to_have_attribute("data-status", "read")
    reply = page.locator(".bubble.in")
    await expect(reply.locator("span")).to_contain_text(
        "You asked: Is the Duo <b>in stock</b>?", timeout=15_000
    )
    await expect(reply.locator(".tick")).to_have_attribute("data-status", "read")
    await expect(page.locator("#state")).to_have_text("online")
    await page.reload()
    await expect(page.locator(".bubble")).to_have_count(2)
    await page.get_by_text("New contact").click()
    await expect(page.locator(".bubble")).to_have_count(0)
    assert not problems
    await until(stack.idle)


async def test_the_model_that_answers_is_named(stack: Stack, page: Page):
    await opened(stack, page)
    await expect(page.locator("#model")).to_have_text("openai:gpt-4.1-mini")
    options = await page.locator("#bot option").all_text_contents()
    assert [re.sub(r".*\((\w+)\)", r"\1", option) for option in options] == ["demo", "default"]


async def test_whoever_has_logged_in_finds_the_conversation_on_the_dashboard(stack: Stack, page: Page):
    await opened(stack, page)
    await page.get_by_placeholder("Message").fill("Hello from the phone")
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble.in")).to_have_count(1, timeout=15_000)
    await page.goto(f"{stack.url}/dashboard")
    await page.locator(".conversations li a").first.click()
    await expect(page.locator(".chat")).to_contain_text("Hello from the phone")


async def test_the_channel_can_be_changed_in_the_middle_of_a_conversation(stack: Stack, page: Page):
    await opened(stack, page)
    for number, (wire, label) in enumerate(
        (("cloud_api", ""), ("wappi", "Wappi · "), ("waha", "QR link · ")), 1
    ):
        await page.locator("#wire").select_option(wire)
        await page.get_by_placeholder("Message").fill(f"question {number}")
        await page.keyboard.press("Enter")
        await expect(page.locator(".bubble.in")).to_have_count(number, timeout=15_000)
        await expect(page.locator(".bubble.in small").last).to_contain_text(label)
    await page.reload()
    await expect(page.locator(".bubble")).to_have_count(6, timeout=15_000)
    said = await page.locator(".bubble.out span").all_inner_texts()
    assert said == ["question 1", "question 2", "question 3"]


def asks_by_a_tap(request: dict[str, Any]) -> dict[str, Any]:
    """A model that asks how to send it, and echoes what was tapped on."""
    if schema_of(request) or last_user(request) != "I take it":
        return polite(request)
    if request["messages"][-1]["role"] != "tool":
        options = ["Courier", "Pick-up", "Post | to any town"]
        return message(call=("ask_choice", {"options": options}))
    return message("How shall we send it?")


async def test_a_list_is_opened_and_tapped_on(stack: Stack, page: Page):
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    before, stack.model.answer = stack.model.answer, asks_by_a_tap
    try:
        await opened(stack, page)
        await page.get_by_placeholder("Message").fill("I take it")
        await page.keyboard.press("Enter")
        asked = page.locator(".bubble.in").filter(has_text="How shall we send it?")
        await asked.locator("summary").click(timeout=15_000)
        await expect(asked.locator("button.row")).to_have_count(3)
        await asked.get_by_role("button", name="Post").click()
        await expect(page.locator(".bubble.out").last).to_contain_text("Post")
        await expect(page.locator(".bubble.in").last).to_contain_text("picked “Post”", timeout=15_000)
        await page.goto(f"{stack.url}/dashboard")
        await page.locator(".conversations li a").first.click()
        await expect(page.locator(".chat .shown li")).to_have_count(3)
    finally:
        stack.model.answer = before
    assert not problems


# Everything a phone shows, as Graph writes it: what stands there to be tapped on.
SHOWN: list[tuple[str, dict[str, Any], str]] = [
    ("button", {"buttons": [{"type": "reply", "reply": {"id": "a", "title": "Yes please"}}]}, "Yes please"),
    ("cta_url", {"parameters": {"display_text": "Open", "url": "https://shop.example/a"}}, "Open"),
    ("cta_url", {"parameters": {"display_text": "Bad", "url": "javascript:alert(1)"}}, "Bad"),
    ("location_request_message", {"name": "send_location"}, "Send location"),
    ("flow", {"parameters": {"flow_cta": "Fill in"}}, "Fill in"),
    ("address_message", {"parameters": {"country": "IN"}}, "Provide address"),
    ("product", {"catalog_id": "1", "product_retailer_id": "sku_9"}, "View items"),
    ("catalog_message", {"name": "catalog_message"}, "View catalog"),
    (
        "carousel",
        {"cards": [{"action": {"buttons": [{"quick_reply": {"id": "b", "title": "Take <b>it</b>"}}]}}]},
        "Take <b>it</b>",
    ),
]


async def test_the_phone_shows_everything_there_is(stack: Stack, page: Page):
    await opened(stack, page)
    for number, (kind, action, words) in enumerate(SHOWN):
        content = {"type": "interactive", "interactive": {"type": kind, "action": action}}
        bubble = {
            "id": f"b{number}",
            "text": f"message {number}",
            "at": number,
            "mine": False,
            "status": "read",
        }
        await page.evaluate("(bubble) => show(bubble)", {**bubble, "content": content})
        shown = page.locator(f"#b{number}")
        await expect(shown.locator(".tap").first).to_have_text(words)
    assert await page.locator("a.tap[href^=javascript]").count() == 0
