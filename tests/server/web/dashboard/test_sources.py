"""Each sentence of a reply is shown with what it rests on."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.fakes.openai_wire import last_user, message, polite, schema_of
from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import talk
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, needs_chromium]


def with_a_source(request: dict[str, Any]) -> Any:
    """A model that welcomes people, and finds the name of the shop in the bot's facts."""
    if schema_of(request) == "Verified":
        facts = next(line for line in last_user(request).split("\n") if line.startswith("[f1.1] "))
        cited = {"id": "f1.1", "quote": facts.removeprefix("[f1.1] ").split()[0]}
        rows = [{"n": 1, "status": "no_claim"}, {"n": 2, "status": "supported", "cite": [cited]}]
        return message(call=("Verified", {"sentences": rows}))
    return polite(request) if schema_of(request) else message("Good evening! This is the shop you know.")


async def test_a_click_on_a_sentence_opens_what_it_rests_on(stack: Stack, browser: Browser):
    stack.model.answer = with_a_source
    _, id = await talk(stack, "What does the Duo cost?")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    await page.locator("details.why summary").first.click()
    sentence = page.locator(".drawer details.backed")
    await expect(sentence.locator("summary")).to_contain_text("This is the shop you know.")
    await expect(sentence.locator("summary")).to_contain_text("the bot's facts")
    await expect(page.locator(".drawer")).to_contain_text("Good evening! claims nothing")
    await expect(sentence.locator("mark")).to_be_hidden()
    await sentence.locator("summary").click()
    await expect(sentence.locator("mark")).to_be_visible()
    turn = (await stack.http.get(f"/api/conversations/{id}")).json()["messages"][1]["turn_id"]
    trace = (await stack.http.get(f"/api/conversations/{id}/turns/{turn}")).json()
    facts = trace["backed"][1]
    assert [row["source"] for row in trace["backed"]] == ["", "the bot's facts"]
    assert facts["passage"].startswith(await sentence.locator("mark").inner_text())
