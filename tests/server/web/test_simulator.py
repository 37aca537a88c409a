"""The phone in the browser, driven as a person would."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import needs_chromium
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
