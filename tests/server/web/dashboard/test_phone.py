"""The dashboard on a phone: tables keep their heads, nothing covers anything, everything can be reached and
touched."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import PAGES, opened
from tests.support.people.customers import talk
from tests.support.stack import Stack, redis_of
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALL: ViewportSize = {"width": 320, "height": 640}
# How many tables with heads each page has when there is something in all of them.
TABLES = {
    "/dashboard/todo": 4,
    "/dashboard/outreach": 2,
    "/dashboard/knowledge?bot=demo": 1,
    "/dashboard/analytics": 1,
    "/dashboard/people": 3,
    "/dashboard/contacts": 1,
}

# Cells on the screen whose label, what stands in `::before`, is not seen or is not what the head of their
# column says.
UNNAMED = """() => [...document.querySelectorAll("main table:has(thead)")].flatMap((table) => {
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent.trim());
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  return rows.flatMap((row) => [...row.cells].map((cell, number) => {
    if (!cell.checkVisibility({ visibilityProperty: true })) return "";
    const label = getComputedStyle(cell, "::before");
    const said = label.content.match(/^"(.*?)"/)?.[1];
    const seen = label.display !== "none" && label.visibility === "visible" && label.opacity === "1"
      && parseFloat(label.fontSize) >= 10 && parseFloat(label.width) > 10 && parseFloat(label.height) > 10;
    const wrong = `${heads[number]}: ${label.content} on ${cell.outerHTML.slice(0, 99)}`;
    return seen && said === heads[number] ? "" : wrong;
  }).filter(Boolean));
})"""

# What sticks out at the side of the window or of what it is in, be it by scrolling: a page scrolls up and
# down only.
SIDEWAYS = """() => {
  const wide = document.scrollingElement.scrollWidth > innerWidth ? ["the page"] : [];
  for (const each of document.querySelectorAll("body, body *")) {
    const shown = each.checkVisibility({ visibilityProperty: true });
    if (!shown || each.closest("svg, .skip, .hidden, option")) continue;
    const { left, right, width } = each.getBoundingClientRect(), style = getComputedStyle(each);
    const wider = each.scrollWidth > each.clientWidth && each.clientWidth;
    const scrolls = /auto|scroll/.test(style.overflowX) && wider;
    const outside = width > 1 && (left < -0.5 || right > innerWidth + 0.5);
    if (scrolls || outside) wide.push(each.outerHTML.slice(0, 120));
  }
  return wide;
}"""

# What is to be touched and is too low for a finger. A checkbox and a choice of files are touched by their
# labels.
LOW = """() => [
  ...document.querySelectorAll("a, button, summary, select, textarea, input"),
  ...document.querySelectorAll("label:has([type=checkbox], [type=file])")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }))
  .filter((each) => !each.matches("[type=hidden], .skip, .hidden"))
  .filter((each) => !each.matches("[type=checkbox], [type=file], svg *"))
  .map((each) => [each.getBoundingClientRect().height, each.outerHTML.slice(0, 120)])
  .filter(([height]) => height < 39.9)"""


@pytest.fixture
async def rows(stack: Stack) -> AsyncIterator[str]:
    """Something in every table, in three scripts, until the test is over; the address of a conversation."""
    asks = "أريد أن أتحدث مع إنسان. I want to speak to a human, please"
    _, id = await talk(stack, asks, name="ليلى عبد الرحمن")
    _, silent = await talk(stack, "Сколько стоит доставка?", name="Айгерим " * 8)
    skipped = await stack.http.post(f"/api/follow-ups/{silent}/skip")
    assert skipped.status_code == 200, skipped.text
    token = (
        await stack.http.post("/api/tokens", json={"name": "ليلى", "role": "agent", "bots": ["demo"]})
    ).json()
    now, long = int(time.time() * 1000), "x" * 300
    said = json.dumps({"id": "m", "kind": "text", "text": "كم سعر الماكينة؟ " + long, "timestamp": now})
    letter = {"conversation_id": id, "reason": f"the model said {long}", "at": now, "batch": [said]}
    call: dict[str, Any] = {
        "id": "phone",
        "bot_id": "default",
        "conversation_id": id,
        "start": now + 90_000_000,
    }
    call |= {"minutes": 30, "about": "أريد معرفة سعر ماكينة القهوة", "name": "", "phone": "+77010000000"}
    piece = json.dumps({"id": "phone", "at": now, "reason": "message without a sender", "piece": long})
    hook = {"id": "phone", "bot_id": "default", "url": f"http://127.0.0.1:9/{long}", "created": 1}
    async with redis_of(stack) as redis:
        await redis.hset("sg:{default}:dead", "phone", json.dumps(letter))
        await redis.hset("sg:{default}:call_rows", "phone", json.dumps(call))
        await redis.zadd("sg:{default}:call_starts", {"phone": call["start"]})
        await redis.lpush("sg:{default}:quarantine", piece)
        await redis.hset("sg:{default}:hooks", "phone", json.dumps(hook))
        await redis.sadd("sg:{*}:hooked", "default")
        await stack.http.post("/api/hooks/phone/ping")
        await until(lambda: redis.hlen("sg:{default}:deliveries"))
        yield f"/dashboard/default/{id}"
        await stack.http.delete("/api/hooks/phone")
        await stack.http.delete(f"/api/tokens/{token['id']}")
        await redis.lrem("sg:{default}:quarantine", 0, piece)
        await redis.zrem("sg:{default}:call_starts", "phone")
        for name in ("dead", "call_rows"):
            await redis.hdel(f"sg:{{default}}:{name}", "phone")


async def test_every_page_is_for_a_phone(stack: Stack, browser: Browser, rows: str):
    """Every cell says what its column is, nothing sticks out at the side, and a finger hits what it aims
    at."""
    page = await opened(browser, stack, viewport=PHONE)
    for path in [*PAGES, rows]:
        await page.goto(f"{stack.url}{path}")
        await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        await expect(page.get_by_text("Loading…")).to_have_count(0)
        tables = await page.locator("main table:has(thead):has(tbody td)").count()
        assert tables >= TABLES.get(path, 0), path
        assert await page.evaluate(UNNAMED) == [], path
        assert await page.evaluate(LOW) == [], path
        for size in (PHONE, SMALL):
            await page.set_viewport_size(size)
            assert await page.evaluate(SIDEWAYS) == [], (path, size)
        await page.set_viewport_size(PHONE)
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_screen_reader_is_told_of_tables_that_look_like_cards(
    stack: Stack, browser: Browser, rows: str
):
    page = await opened(browser, stack, "/dashboard/todo", viewport=PHONE)
    client = await page.context.new_cdp_session(page)
    nodes = (await client.send("Accessibility.getFullAXTree"))["nodes"]
    roles = [
        (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if "role" in node
    ]
    assert sum(role == "table" for role, _ in roles) == 4
    assert {"Contact", "What", "Waiting", "Actions"} <= {
        name for role, name in roles if role == "columnheader"
    }
    # the label that is painted on a card is not read out: a reader says the head of the column by itself
    assert not [name for role, name in roles if role == "cell" and name.startswith("Contact")]
    assert sum(role == "cell" for role, _ in roles) >= 4 * sum(role == "table" for role, _ in roles)


async def test_the_label_of_a_cell_stays_where_it_is_whatever_is_written_in_it(
    stack: Stack, browser: Browser, rows: str
):
    """Arabic runs from right to left beside a label that stands on the left, as those of other rows do."""
    page = await opened(browser, stack, "/dashboard/outreach", viewport=PHONE)
    about = page.locator("td[data-label=About]", has_text="أريد")
    assert await about.evaluate("(cell) => getComputedStyle(cell).direction") == "ltr"
    assert await about.locator("[dir=auto]").evaluate("(each) => getComputedStyle(each).direction") == "rtl"


@pytest.mark.parametrize(
    "viewport", [PHONE, SMALL, {"width": 1440, "height": 900}], ids=lambda v: str(v["width"])
)
async def test_a_count_covers_neither_icon_nor_label(
    stack: Stack, browser: Browser, rows: str, viewport: Any
):
    page = await opened(browser, stack, viewport=viewport)
    item = page.locator("nav.rail a", has=page.locator(".count"))
    await expect(item).to_contain_text("waiting")
    for count in ("7", "42", "128"):
        await item.locator(".count").evaluate("(each, count) => (each.firstChild.data = count)", count)
        badge, icon, label, whole = [
            box
            for each in (".count", ".icon", ".text", "xpath=.")
            if (box := await item.locator(each).bounding_box())
        ]
        assert badge["width"] >= 12 and badge["height"] >= 12
        for other in (icon, label):
            beside = badge["x"] >= other["x"] + other["width"] or other["x"] >= badge["x"] + badge["width"]
            assert (
                beside
                or badge["y"] + badge["height"] <= other["y"]
                or other["y"] + other["height"] <= badge["y"]
            )
        assert whole["x"] <= badge["x"] and badge["x"] + badge["width"] <= whole["x"] + whole["width"]
        assert whole["y"] <= badge["y"] and badge["y"] + badge["height"] <= whole["y"] + whole["height"]
        assert await page.evaluate(SIDEWAYS) == []


async def _more(page: Page, name: str) -> None:
    """Choose something of the menu."""
    await page.get_by_role("button", name="More").click()
    item = page.locator("nav.rail").get_by_role("button" if name == "Log out" else "link", name=name)
    await expect(item).to_be_in_viewport(ratio=1)
    await item.click()


@pytest.mark.parametrize("viewport", [PHONE, SMALL], ids=lambda v: str(v["width"]))
async def test_everything_is_reached_without_a_script(stack: Stack, browser: Browser, viewport: Any):
    page = await opened(browser, stack, viewport=viewport, java_script_enabled=False)
    for name, where in (
        ("Bots", "dashboard/bots"),
        ("Analytics", "dashboard/analytics"),
        ("People", "dashboard/people"),
    ):
        await _more(page, name)
        await page.wait_for_url(f"**/{where}")
    for name, where in (("Simulator", "simulator*"), ("API", "docs")):
        await _more(page, name)
        await page.wait_for_url(f"**/{where}")
        await page.goto(f"{stack.url}/dashboard/todo")
    await _more(page, "Log out")
    await page.wait_for_url("**/login")
    await page.goto(f"{stack.url}/dashboard")
    await expect(page.get_by_label("Operator token")).to_be_visible()


async def test_the_menu_is_for_everybody(stack: Stack, browser: Browser):
    """By keyboard, with axe, in both colours; on a desk there is no menu, all of it is on the rail."""
    page = await opened(browser, stack, "/dashboard/people", viewport=PHONE, bypass_csp=True)
    more, logout = page.get_by_role("button", name="More"), page.get_by_role("button", name="Log out")
    await expect(logout).to_be_hidden()
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(logout).to_be_in_viewport(ratio=1)
    await page.keyboard.press("Tab")
    await expect(page.locator("nav.rail").get_by_role("link", name="Contacts")).to_be_focused()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        found = (await Axe().run(page)).response["violations"]
        assert not [each["id"] for each in found if each["impact"] in ("serious", "critical")], scheme
    assert await page.evaluate(LOW) == []
    await page.keyboard.press("Escape")
    await expect(logout).to_be_hidden()
    await expect(more).to_be_focused()
    await page.set_viewport_size({"width": 1440, "height": 900})
    await expect(more).to_be_hidden()
    for name in ("Conversations", "People", "Simulator", "API"):
        await expect(page.locator("nav.rail").get_by_role("link", name=name)).to_be_in_viewport(ratio=1)
    await expect(logout).to_be_in_viewport(ratio=1)
