"""The list of contacts in a browser: filtered by its address, ticked, changed many at a time, on a phone
too."""

from __future__ import annotations

import csv
import io
import uuid
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import opened
from tests.support.people.customers import fresh, talk
from tests.support.people.operators import operator
from tests.support.shop.bots import name as name_of_bot
from tests.support.shop.orders import placed
from tests.support.stack import Stack, redis_of
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
PATH = "/dashboard/contacts"


@pytest.fixture
async def family(stack: Stack) -> tuple[str, dict[str, str]]:
    """A family name nobody else has, and three of it who wrote: first name -> conversation."""
    family = f"Family{uuid.uuid4().hex[:8]}"
    return family, {
        name: (await talk(stack, "hello there", name=f"{name} {family}"))[1]
        for name in ("Anna", "Ben", "Zoe")
    }


def rows(page: Page):
    return page.locator("#contacts tbody tr")


async def names(page: Page, family: str) -> list[str]:
    return [text.split(" ")[0] for text in await rows(page).locator("a", has_text=family).all_inner_texts()]


async def test_contacts_are_filtered_and_the_address_says_how(
    stack: Stack, browser: Browser, family: tuple[str, dict[str, str]]
):
    called, ids = family
    await stack.http.put(f"/api/conversations/{ids['Ben']}/labels", json={"labels": ["wholesale 2"]})
    async with redis_of(stack) as redis:
        await placed(redis, ids["Ben"])
    page = await opened(browser, stack)
    await page.locator("nav.rail").get_by_role("link", name="Contacts").click()
    await page.get_by_label("Name or number").fill(called)
    await page.get_by_label("Sorted by").select_option(label="name")
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.wait_for_url(f"**{PATH}?q={called}&sort=name")  # nothing that was left empty
    assert await names(page, called) == ["Anna", "Ben", "Zoe"]
    await expect(page.locator("#how-many")).to_have_text("3 contacts")
    await page.locator("#filters [name=label]").select_option("wholesale 2")
    await page.locator("summary", has_text="More filters").click()
    await page.get_by_label("Orders").select_option(label="has ordered")
    await page.get_by_label("Last message from").fill("2020-01-01")
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.wait_for_url("**has_order=yes**")
    assert await names(page, called) == ["Ben"]
    kept = page.url
    again = await opened(browser, stack)
    await again.goto(kept)  # a bookmark
    await expect(again.get_by_label("Orders")).to_have_value("yes")
    await expect(again.get_by_label("Last message from")).to_have_value("2020-01-01")
    assert await names(again, called) == ["Ben"]
    await again.get_by_label("until").fill("2020-01-02")
    await again.get_by_role("button", name="Show", exact=True).click()
    await expect(again.locator("#contacts")).to_contain_text("Nobody is like that")
    await rows(page).get_by_role("link", name="Ben").click()
    await page.wait_for_url(f"**/dashboard/default/{ids['Ben']}")
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("width", [390, 1440])
async def test_something_is_done_to_those_who_are_ticked_and_to_all(
    stack: Stack, browser: Browser, family: tuple[str, dict[str, str]], width: int
):
    called, ids = family
    full = {"labels": [f"l{n}" for n in range(10)]}
    await stack.http.put(f"/api/conversations/{ids['Zoe']}/labels", json=full)
    page = await opened(browser, stack, viewport={"width": width, "height": 844})
    await page.goto(f"{stack.url}{PATH}?q={called}&sort=name")
    page.on("dialog", lambda dialog: dialog.accept())
    ticked = page.get_by_role("button", name="To the ticked")
    await page.locator("summary", has_text="Do something with many").click()
    await expect(ticked).to_be_disabled()
    await rows(page).nth(0).get_by_role("checkbox").check()
    await expect(ticked).to_have_text("To the ticked 1")
    await page.locator("#bulk [name=label]").fill("Vip")
    await ticked.click()
    await expect(page.locator("#outcome")).to_have_text("1 done")
    await expect(rows(page).nth(0)).to_contain_text("#vip")
    await expect(rows(page).nth(0).get_by_role("checkbox")).not_to_be_checked()
    await page.get_by_role("button", name="To all 3").click()
    await expect(page.locator("#outcome")).to_contain_text("2 done, 1 refused")
    refused = page.locator("#outcome li")
    await expect(refused).to_contain_text("labels: at most 10")
    await expect(refused.get_by_role("link")).to_have_attribute("href", f"/dashboard/default/{ids['Zoe']}")
    await expect(rows(page).nth(1)).to_contain_text("#vip")
    await page.locator("#bulk [name=action]").select_option(label="stop all messages")
    await page.get_by_label("Tick all on this page").check()
    await expect(ticked).to_have_text("To the ticked 3")
    await ticked.click()
    await expect(page.locator("#outcome")).to_have_text("3 done")
    await expect(rows(page).locator(".tag", has_text="stopped")).to_have_count(3)
    await page.locator("#bulk [name=action]").select_option(label="give to a colleague")
    await page.locator("#bulk [name=colleague]").select_option(label="me")
    await page.get_by_role("button", name="To all 3").click()
    await expect(rows(page).nth(2)).to_contain_text("API_TOKEN")
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_csv_of_those_who_are_ticked(
    stack: Stack, browser: Browser, family: tuple[str, dict[str, str]]
):
    called, ids = family
    page = await opened(browser, stack)
    await page.goto(f"{stack.url}{PATH}?q={called}&sort=name")
    await expect(page.get_by_role("button", name="CSV of the ticked")).to_be_disabled()
    for number in (0, 2):
        await rows(page).nth(number).get_by_role("checkbox").check()

    async def table(button: str, kind: str) -> list[str]:
        async with page.expect_download() as waiting:
            await page.get_by_role("button" if kind == "button" else "link", name=button).click()
        text = Path(await (await waiting.value).path()).read_text(encoding="utf-8")
        return sorted(row["id"] for row in csv.DictReader(io.StringIO(text)))

    assert await table("CSV of the ticked", "button") == sorted([ids["Anna"], ids["Zoe"]])
    assert await table("CSV of all", "link") == sorted(ids.values())


async def test_a_tick_stays_while_the_page_renews_itself(
    stack: Stack, browser: Browser, family: tuple[str, dict[str, str]]
):
    called, ids = family
    page = await opened(browser, stack)
    await page.goto(f"{stack.url}{PATH}?q={called}&sort=name")
    await rows(page).nth(1).get_by_role("checkbox").check()
    await stack.http.put(f"/api/conversations/{ids['Anna']}/labels", json={"labels": ["fresh"]})
    await page.get_by_label("Name or number").focus()
    await page.evaluate("show()")
    await expect(rows(page).nth(0)).to_contain_text("#fresh")
    await expect(rows(page).nth(1).get_by_role("checkbox")).to_be_checked()
    await expect(page.get_by_role("button", name="To the ticked")).to_have_text("To the ticked 1")


@pytest.mark.parametrize("sort", ["latest", "name"])
async def test_contacts_are_turned_over_page_by_page(
    stack: Stack, browser: Browser, bots: list[str], sort: str
):
    bots.append(bot := name_of_bot())
    assert (await stack.http.put("/api/bots", json={"id": bot})).status_code == 200
    numbers = [f"+7701{n:07}" for n in range(53)]
    for number in numbers:
        asked = {"number": number, "bot_id": bot}
        assert (await stack.http.post("/api/contacts", json=asked)).status_code == 200
    page = await opened(browser, stack)
    await page.goto(f"{stack.url}{PATH}?bot={bot}&sort={sort}")
    await expect(page.locator("#how-many")).to_have_text("53 contacts")
    first = await rows(page).get_by_role("link").all_inner_texts()
    await page.get_by_role("link", name="Next page").click()
    await expect(rows(page)).to_have_count(3)
    await expect(page.locator("#how-many")).to_have_text("53 contacts")
    second = await rows(page).get_by_role("link").all_inner_texts()
    assert sorted(first + second) == numbers and len(first) == 50
    assert sort == "latest" or first + second == numbers
    await expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    await page.get_by_role("link", name="First page").click()
    await expect(rows(page)).to_have_count(50)


async def test_an_address_that_makes_no_sense_shows_what_can_be_read(
    stack: Stack, browser: Browser, family: tuple[str, dict[str, str]]
):
    called, _ = family
    page = await opened(browser, stack)
    for wrong in (
        "show=nothing&channel=fax&from=yesterday",
        "until=9999-12-31&has_order=perhaps",
        "sort=size",
    ):
        await page.goto(f"{stack.url}{PATH}?q={called}&{wrong}&bot=nobody&colleague={'x' * 30}")
        assert sorted(await names(page, called)) == ["Anna", "Ben", "Zoe"], wrong
    await page.goto(f"{stack.url}{PATH}?q={called}&cursor=nonsense")
    await expect(page.locator(".alert", has_text="cannot be read")).to_be_visible()
    await page.goto(f"{stack.url}{PATH}?q=%3Cscript%3Ealert(1)%3C/script%3E")
    await expect(page.get_by_label("Name or number")).to_have_value("<script>alert(1)</script>")
    await expect(page.locator("#contacts")).to_contain_text("Nobody is like that")
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.usefixtures("no_templates")
async def test_a_chat_is_begun_with_a_number(stack: Stack, browser: Browser):
    body = {"type": "BODY", "text": "Good day, {{1}}!"}
    row = {"name": "good_day", "language": "en", "status": "APPROVED", "category": "UTILITY"}
    stack.emulator.templates = [{**row, "components": [body]}]
    await stack.http.post("/api/templates/sync")
    number, _ = fresh()
    page = await opened(browser, stack, viewport={"width": 390, "height": 844})
    await page.get_by_role("link", name="Start a chat").click()
    box = page.get_by_label("Number", exact=True)
    await expect(box).to_be_focused()
    await box.fill("8 701")
    await page.get_by_role("button", name="Open").click()
    await expect(page.locator("#toast")).to_contain_text("8 701 is no valid number")
    await expect(box).to_have_value("8 701")
    await box.fill(f"+{number[:1]} ({number[1:4]}) {number[4:]}")
    await page.locator("#chat [name=bot_id]").select_option("default")
    await page.get_by_role("button", name="Open").click()
    await page.wait_for_url("**/dashboard/default/*")
    await expect(page.locator("h1")).to_have_text(f"+{number}")
    await expect(page.locator(".composer")).to_contain_text("never written: only a template may be sent")
    await expect(page.get_by_label("Message", exact=True)).to_be_hidden()
    await page.locator("summary", has_text="Send a template").click()
    await page.locator(".templates input[name='variables[]']").fill("Anna")
    await page.get_by_role("button", name="Send good_day").click()
    await expect(page.locator(".bubble.out")).to_contain_text("Good day, Anna!")
    await until(lambda: stack.replies(number))
    where = page.url
    await page.goto(f"{stack.url}{PATH}#start")
    await box.fill(number)
    await page.locator("#chat [name=bot_id]").select_option("default")
    await page.get_by_role("button", name="Open").click()
    await page.wait_for_url(where)  # whoever is there is opened


async def test_who_only_reads_changes_nothing(
    stack: Stack, browser: Browser, family: tuple[str, dict[str, str]]
):
    _, token = await operator(stack, "read_only")
    page = await opened(browser, stack, PATH, token)
    await expect(rows(page).first).to_be_visible()
    await expect(page.locator("#bulk, #chat")).to_have_count(0)
    await rows(page).first.get_by_role("checkbox").check()
    await expect(page.get_by_role("button", name="CSV of the ticked")).to_be_enabled()
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_page_is_for_everybody(stack: Stack, browser: Browser, width: int):
    await talk(stack, "hello there", name="ليلى " + "long" * 20)
    page = await opened(browser, stack, viewport={"width": width, "height": 844}, bypass_csp=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.goto(f"{stack.url}{PATH}")
        await rows(page).first.get_by_role("checkbox").check()
        await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        found = (await Axe().run(page)).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not [url for url in asked if not url.startswith(stack.url)]
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]
