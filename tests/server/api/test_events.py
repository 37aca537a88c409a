"""Pages and programs are told at once when something changes, and look at it through the API."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Page, expect
from redis.asyncio import Redis

from server.operators.change_feed import Feed, event_of
from server.store.keys import key
from server.web.shutdown import Stopping
from tests.support.browser.chromium import needs_chromium
from tests.support.people.customers import fresh, write
from tests.support.stack import API, Stack, text, webhook
from tests.support.waiting import until


async def changes(url: str, token: str) -> AsyncIterator[dict[str, Any]]:
    async with (
        httpx.AsyncClient(base_url=url, timeout=60, headers={"Authorization": f"Bearer {token}"}) as client,
        client.stream("GET", "/api/events") as answer,
    ):
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("retry: "):
                yield {}  # listening
            if line.startswith("data: ") and line != "data: {}":
                yield json.loads(line.removeprefix("data: "))


async def test_fifty_watchers_hear_of_a_message_and_of_its_answer(stack: Stack):
    contact, message_id = fresh()
    watchers = [changes(stack.url, API) for _ in range(50)]
    assert await asyncio.gather(*(anext(watcher) for watcher in watchers)) == [{}] * 50
    await stack.post(webhook(text(contact, "is anybody there?", message_id)))
    await until(lambda: stack.replies(contact))
    conversation = (await stack.conversation_of(contact))["id"]

    async def heard(watcher: AsyncIterator[dict[str, Any]]) -> set[str]:
        seen: set[str] = set()
        while not {"message", "status"} <= seen:
            event = await anext(watcher)
            assert event["bot_id"] == "default"
            if event["conversation_id"] == conversation:
                seen.add(event["what"])
        return seen

    assert all(await asyncio.gather(*(asyncio.wait_for(heard(watcher), 30) for watcher in watchers)))
    for watcher in watchers:
        await watcher.aclose()  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_token_of_one_bot_hears_of_no_other(stack: Stack):
    made = (await stack.http.post("/api/tokens", json={"bot_id": "demo", "name": "demo only"})).json()
    own, all_ = changes(stack.url, made["token"]), changes(stack.url, API)
    await asyncio.gather(anext(own), anext(all_))
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "for the default bot", message_id)))
    assert (await asyncio.wait_for(anext(all_), 30))["bot_id"] == "default"
    await write(f"{stack.url}/simulator/cloud-api", "sim-demo", contact, "for the demo bot")
    assert (await asyncio.wait_for(anext(own), 30))["bot_id"] == "demo"
    await until(stack.idle)
    for watcher in (own, all_):
        await watcher.aclose()  # pyright: ignore[reportAttributeAccessIssue]
    await stack.http.delete(f"/api/tokens/{made['id']}")
    async with httpx.AsyncClient(base_url=stack.url) as stranger:
        assert (await stranger.get("/api/events")).status_code == 401


@given(st.text(max_size=60))
def test_what_is_no_change_of_ours_is_none(name: str):
    assert event_of(name) is None


def test_a_change_is_named_by_its_key():
    assert event_of(key("shop", "transcript", "c")) == ("shop", "c", "message")
    assert event_of(key("shop", "contact", "c")) == ("shop", "c", "contact")
    assert event_of(key("shop", "due")) is None


@pytest.mark.browser
@needs_chromium
async def test_the_dashboard_shows_a_message_without_a_reload(stack: Stack, page: Page):
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    await page.goto(f"{stack.url}/login?next=/dashboard")
    await page.locator("input[name=token]").fill(API)
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Conversations")
    await page.evaluate("window.same = true")
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "Where is my parcel?", message_id)))
    row = page.locator("li", has_text="You asked: Where is my parcel?")
    await expect(row).to_be_visible(timeout=15_000)
    assert await page.evaluate("window.same")
    await row.locator("a").click()
    await expect(page.locator(".bubble")).to_have_count(2)
    await stack.post(webhook(text(contact, "Hello?", f"{message_id}.2")))
    await expect(page.locator(".bubble")).to_have_count(4, timeout=15_000)
    assert not problems


@pytest.mark.browser
@needs_chromium
async def test_what_people_write_never_runs(stack: Stack, page: Page):
    """Hostile texts and names on every page that shows them; the policy would report what slipped through."""
    reported: list[str] = []
    page.on("console", lambda message: reported.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: reported.append(dialog.message))
    contact, message_id = fresh()
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}</main>"
    payload = webhook(text(contact, hostile, message_id))
    payload["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = "<svg onload=alert(3)>"
    await stack.post(payload)
    await until(lambda: stack.replies(contact))
    conversation = (await stack.conversation_of(contact))["id"]
    await page.goto(f"{stack.url}/login?next=/dashboard")
    await page.locator("input[name=token]").fill(API)
    await page.keyboard.press("Enter")
    await expect(page.locator("li", has_text="<svg onload=alert(3)>").first).to_be_visible()
    for path in (f"/dashboard/default/{conversation}", "/dashboard/outreach", "/docs", "/simulator"):
        answer = await page.goto(f"{stack.url}{path}")
        assert answer and "script-src 'self'" in answer.headers["content-security-policy"]
        await page.wait_for_load_state("load")
    await page.goto(f"{stack.url}/dashboard/default/{conversation}")
    await expect(page.locator(".bubble").first).to_contain_text(hostile)
    assert not reported
    await until(stack.idle)


async def test_a_stream_ends_when_the_server_does(redis: Redis):
    stopping = asyncio.Event()
    stream = Feed(redis).stream("", stopping)
    assert (await anext(stream)).startswith("retry")
    stopping.set()
    assert [line async for line in stream] == []
    ended = Stopping(uvicorn.Config("x:y"), stopped := asyncio.Event())
    ended.handle_exit(signal.SIGINT, None)
    assert stopped.is_set() and ended.should_exit
