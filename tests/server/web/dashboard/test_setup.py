"""The first steps of an owner, and the forms of a bot, in a browser."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened, unbroken
from tests.support.people.operators import operator
from tests.support.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
PRICES = "Article;Name;Price\nLN-1;Luna grinder;45 000 KZT\nSL-2;Sol kettle;19 900 KZT\n"


@pytest.fixture
async def bot(stack: Stack):
    """A bot that was made a moment ago."""
    id = f"new-{uuid.uuid4().hex[:8]}"
    made = await stack.http.put("/api/bots", json={"id": id, "model": "offline"})
    assert made.status_code == 200, made.text
    yield id
    await stack.http.delete(f"/api/bots/{id}", params={"erase": True})


async def test_from_nothing_to_an_answer_from_the_price_list(stack: Stack, browser: Browser, bot: str):
    page = await opened(browser, stack, f"/dashboard/setup?bot={bot}")
    steps = page.locator(".steps a")
    await expect(steps).to_have_count(6)
    await expect(page.locator(".steps [aria-current]")).to_contain_text("Your business")
    await page.get_by_label("Business").fill("Luna & Sol, things for coffee")
    await page.get_by_label("Facts").fill("Abay 10. Delivery in two days.")
    await page.get_by_role("button", name="Save and go on").click()
    await page.wait_for_url("**step=documents")
    files = [{"name": "prices.csv", "mimeType": "text/csv", "buffer": PRICES.encode()}]
    await page.locator("input[type=file]").set_input_files(files)
    await expect(page.locator("#read")).to_contain_text("prices.csv: 2 products, 100 % of")
    await page.locator("main .buttons").get_by_role("link", name=re.compile("Later|Go on")).click()
    await page.wait_for_url("**step=questions")
    await page.get_by_role("button", name="How much is Luna grinder?").click()
    await expect(page.locator("[data-answer=reply]")).to_contain_text("45")
    await unbroken(page, "setup-questions")
    await page.get_by_role("link", name="Go on").click()
    await page.get_by_label("Begin with").select_option("warm")
    await page.get_by_label("Name").fill("Sol")
    await page.get_by_label("To", exact=True).fill("20:00")
    await page.get_by_role("button", name="Save and go on").click()
    await page.wait_for_url("**step=connection")
    config = (await stack.http.get(f"/api/bots/{bot}")).json()["config"]
    assert config["business"] == "Luna & Sol, things for coffee" and config["facts"]
    assert config["voice"]["preset"] == "warm" and config["voice"]["name"] == "Sol"
    assert config["hours"]["end"] == "20:00"
    await page.get_by_role("link", name="Later").click()
    await page.get_by_label("Name").fill("Aigerim")
    await page.get_by_role("button", name="Make a token").click()
    await expect(page.locator("output")).to_contain_text("shown this once")
    await page.reload()
    done = page.locator(".steps .done")
    await expect(done).to_contain_text(["Your business", "Documents", "Voice and hours", "Colleagues"])
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_bot_is_set_by_forms(stack: Stack, browser: Browser, bot: str):
    page = await opened(browser, stack, f"/dashboard/bots/{bot}")

    async def config():
        return (await stack.http.get(f"/api/bots/{bot}")).json()["config"]

    replies = page.locator("form", has=page.locator("[name=reply_mode]"))
    await replies.locator("[name=reply_mode]").select_option("draft")
    await replies.locator("[name=operator_number]").fill("77")
    await replies.get_by_role("button").click()
    await expect(replies.locator(".blame")).to_be_visible()
    await replies.locator("[name=operator_number]").fill("+77010000001")
    async with page.expect_response(f"**/api/bots/{bot}"):
        await replies.get_by_role("button").click()
    follow_ups = page.locator("form", has=page.locator("[name='outreach.enabled']"))
    await follow_ups.locator("select").select_option("true")
    await follow_ups.locator("[name='outreach.intervals']").fill("12, 48")
    async with page.expect_response(f"**/api/bots/{bot}"):
        await follow_ups.get_by_role("button").click()
    found = await config()
    assert (found["reply_mode"], found["operator_number"]) == ("draft", "+77010000001")
    assert found["outreach"]["enabled"] is True and list(found["outreach"]["intervals"]) == [12, 48]
    for number, (name, type, choices) in enumerate([("size", "choice", "S, M, L"), ("born", "date", "")]):
        await page.locator(f"[name='custom_fields.{number}.name']").fill(name)
        await page.locator(f"[name='custom_fields.{number}.type']").select_option(type)
        await page.locator(f"[name='custom_fields.{number}.choices']").fill(choices)
        async with page.expect_navigation():
            await page.get_by_role("button", name="Save the fields").click()
    fields = (await config())["custom_fields"]
    assert [(one["name"], one["type"]) for one in fields] == [("size", "choice"), ("born", "date")]
    assert list(fields[0]["choices"]) == ["S", "M", "L"]
    for left in (["born"], []):
        await page.locator("[name='custom_fields.0.name']").fill("")
        async with page.expect_navigation():
            await page.get_by_role("button", name="Save the fields").click()
        assert [one["name"] for one in (await config())["custom_fields"]] == left


async def test_only_owners_set_up(stack: Stack, browser: Browser):
    _, token = await operator(stack, "agent")
    page = await opened(browser, stack, "/dashboard", token)
    for path in ("/dashboard/setup", "/dashboard/system"):
        answer = await page.goto(f"{stack.url}{path}")
        assert answer and answer.status == 403
