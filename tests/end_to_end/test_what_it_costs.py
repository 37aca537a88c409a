"""What WhatsApp says about prices arrives where people read it: in the API, metrics, the CSV and on pages."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from channels.emulators.meta.pricing import EmulatedTariff
from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import fresh
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until


@pytest.fixture
async def charging(stack: Stack) -> AsyncIterator[Stack]:
    """A WhatsApp that charges for every reply."""
    stack.emulator.pricing.tariff = EmulatedTariff(free_service=0)
    yield stack
    stack.emulator.pricing.tariff = EmulatedTariff()


async def stats(stack: Stack) -> dict[str, Any]:
    bots = (await stack.http.get("/api/stats")).json()["bots"]
    return next(row for row in bots if row["bot_id"] == "default")


async def burst(stack: Stack, count: int) -> str:
    """Somebody in Kazakhstan writes several messages at once; their number, when all is told and paid."""
    contact, message_id = fresh()
    messages = [text(contact, f"Do you sell machine {n}?", f"{message_id}.{n}") for n in range(count)]
    await stack.post(webhook(*messages))

    async def told() -> bool:
        if not stack.replies(contact):
            return False
        said = (await stack.conversation_of(contact))["messages"]
        charges = [line["charge"] for line in said if line["author"] == "bot"]
        return bool(charges) and all(charge and charge["told"] for charge in charges)

    await until(told)
    return contact


async def test_a_paid_reply_stands_in_the_api_the_metrics_and_the_csv(charging: Stack):
    before = await stats(charging)
    contact = await burst(charging, 8)
    found = await charging.conversation_of(contact)
    assert found["cost"]["whatsapp"] == 0.018 and found["cost"]["model"] >= 0
    assert (found["paid_messages"], found["free_messages"], found["saved_messages"]) == (1, 0, 7)
    [charge] = [line["charge"] for line in found["messages"] if line["author"] == "bot"]
    assert charge == {
        "category": "service",
        "state": "paid",
        "cost": 0.018,
        "reason": "regular",
        "told": True,
    }
    after = await stats(charging)
    assert after["today"]["paid_messages"] == before["today"]["paid_messages"] + 1
    assert after["today"]["whatsapp_cost"] == pytest.approx(before["today"]["whatsapp_cost"] + 0.018)
    assert after["saved_today"]["saved"] == before["saved_today"]["saved"] + 7
    lines = (await charging.http.get("/metrics")).text.splitlines()
    told = [line for line in lines if 'bot="default"' in line and "whatsapp" in line]
    assert any(line.startswith("salesgraph_whatsapp_cost_dollars{") for line in told)
    assert any('what="paid"' in line for line in told) and any(
        'what="whatsapp_cost"' in line for line in told
    )
    answer = await charging.http.get("/api/analytics", params={"bot_id": "default", "format": "csv"})
    [*_, today] = csv.DictReader(io.StringIO(answer.text))
    assert int(today["paid_messages"]) == after["today"]["paid_messages"]
    assert float(today["whatsapp_cost"]) == pytest.approx(after["today"]["whatsapp_cost"])
    assert int(today["saved_messages"]) == after["saved_today"]["saved"]
    table = (await charging.http.get("/api/contacts", params={"format": "csv"})).text
    mine = next(row for row in csv.DictReader(io.StringIO(table)) if row["id"] == found["id"])
    assert (mine["whatsapp_cost"], mine["paid_messages"]) == ("0.018", "1")
    report = (await charging.http.get("/api/analytics", params={"bot_id": "default"})).json()
    spent = report["usage"]["cost"] + report["usage"]["whatsapp_cost"]
    assert report["unit_costs"]["total"] == pytest.approx(spent)


async def test_a_reply_of_the_free_share_and_one_after_an_ad_cost_nothing(stack: Stack):
    contact = await burst(stack, 1)
    found = await stack.conversation_of(contact)
    assert (found["paid_messages"], found["free_messages"], found["cost"]["whatsapp"]) == (0, 1, 0)
    stack.emulator.pricing.tariff = EmulatedTariff(free_service=0, entry_points={fresh()[0]})
    [from_ad] = stack.emulator.pricing.tariff.entry_points
    message = text(from_ad, "Do you sell machines?", fresh()[1])
    await stack.post(webhook({**message, "referral": {"source_type": "ad", "ctwa_clid": "c"}}))

    async def told() -> bool:
        said = (await stack.conversation_of(from_ad))["messages"] if stack.replies(from_ad) else []
        return any(line["charge"] and line["charge"]["told"] for line in said)

    await until(told)
    stack.emulator.pricing.tariff = EmulatedTariff()
    found = await stack.conversation_of(from_ad)
    assert (found["paid_messages"], found["free_messages"]) == (0, 1)
    [charge] = [line["charge"] for line in found["messages"] if line["author"] == "bot"]
    assert charge["reason"] == "free_entry_point"


@pytest.mark.browser
@needs_chromium
async def test_pages_show_what_models_and_whatsapp_cost(charging: Stack, browser: Browser):
    contact = await burst(charging, 3)
    conversation = (await charging.conversation_of(contact))["id"]
    page = await opened(browser, charging, f"/dashboard/default/{conversation}")
    await expect(page.locator("body")).to_contain_text("WhatsApp: $0.0180 (1 paid message, 0 free)")
    await expect(page.locator("body")).to_contain_text("Answering together saved 2 messages.")
    await page.goto(f"{charging.url}/dashboard/analytics?bot=default")
    for words in ("saved by answering together", "Cost of a conversation", "paid messages", "WhatsApp $"):
        await expect(page.locator("body")).to_contain_text(words)
    await page.goto(f"{charging.url}/dashboard/bots")
    await expect(page.locator("#bots-list")).to_contain_text("paid messages")
