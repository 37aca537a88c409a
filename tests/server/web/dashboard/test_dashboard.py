"""The dashboard as people use it: in a browser, on a desk and on a phone, by keyboard, in any script."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from channels.emulators.base import Written
from channels.emulators.media import ReceivedFile
from tests.fakes.openai_wire import message, polite, schema_of
from tests.support.browser.chromium import needs_chromium
from tests.support.browser.dashboard import PAGES, opened
from tests.support.people.customers import PNG, VOICE, fresh, sends, talk
from tests.support.stack import NUMBER, Stack, text, webhook
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, needs_chromium]


async def test_an_operator_takes_over_writes_and_hands_back(stack: Stack, browser: Browser):
    contact, id = await talk(stack, "How much is the Duo?", name="Anna Petrova")
    page = await opened(browser, stack)
    await page.get_by_label("Search text, name or phone").fill("petrova")
    await page.keyboard.press("Enter")
    row = page.locator(".list li", has_text="Anna Petrova")
    await expect(row.locator(".count")).to_have_text("1 unread")
    await row.first.locator("a").click()
    await expect(page.locator("h1")).to_have_text("Anna Petrova")
    await expect(page.locator(".talk .rule")).to_contain_text("Free text for 23 h")
    await page.get_by_role("button", name="Take over").click()
    await expect(page.locator(".head")).to_contain_text("with a person")
    box = page.get_by_label("Message", exact=True)
    await box.fill("Hello, this is *Marat*")
    await stack.post(webhook(text(contact, "still there?", f"wamid.{id}.x")))
    await expect(page.locator(".bubble.in")).to_have_count(2)
    await expect(box).to_have_value(
        "Hello, this is *Marat*"
    )  # a new message takes nothing away that is being written
    await expect(box).to_be_focused()
    await page.keyboard.press("Enter")
    mine = page.locator(".bubble.person")
    await expect(mine.locator("b")).to_have_text("Marat")
    await expect(mine.locator(".tick")).to_have_attribute(
        "data-status", re.compile("delivered|read"), timeout=15_000
    )
    await expect(box).to_have_value("")
    assert (await until(lambda: stack.replies(contact)[1:]))[-1] == "Hello, this is *Marat*"
    await page.get_by_role("button", name="Hand back to the bot").click()
    await expect(page.get_by_role("button", name="Take over")).to_be_visible()
    assert (await stack.conversation_of(contact))["owner"] == "bot"

    async def read() -> bool:
        return (await stack.conversation_of(contact))["unread"] == 0

    await until(read)
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


def with_a_tool(request: dict[str, Any]) -> Any:
    """A model that looks a price up before it answers, and makes one up at first."""
    if schema_of(request):
        return polite(request)
    if not any(m["role"] == "tool" for m in request["messages"]):
        return message(call=("find_product", {"query": "Duo"}))
    if "123 456" in str(request["messages"]):
        return message("I looked it up: ask a colleague.")
    return message("It costs 123 456 KZT today.")


async def test_a_reply_says_how_it_came_about(stack: Stack, browser: Browser):
    stack.model.answer = with_a_tool
    _, id = await talk(stack, "What does the Duo cost?")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    await page.locator("details.why summary").first.click()
    drawer = page.locator(".drawer")
    for node in ("commands", "moderate", "extract", "retrieve", "decide", "sell", "ground", "remember"):
        await expect(drawer.locator(".step", has_text=node).first).to_be_visible()
    await expect(drawer.locator("summary", has_text="find_product")).to_be_visible()
    await expect(drawer).to_contain_text("written anew")
    await expect(drawer.locator(".quote", has_text="123 456 KZT")).to_be_visible()
    await expect(drawer).to_contain_text("after the contact wrote")
    await expect(drawer).to_contain_text(re.compile(r"sell@[0-9a-f]{8}"))
    await expect(drawer.locator("table")).to_contain_text("openai:gpt-4.1-mini")
    turn = (await stack.http.get(f"/api/conversations/{id}")).json()["messages"][1]["turn_id"]
    trace = (await stack.http.get(f"/api/conversations/{id}/turns/{turn}")).json()
    assert trace["steps"][0]["node"] == "commands" and trace["waited"] >= trace["ms"] > 0
    assert trace["calls"][0]["input_tokens"] == 104 and trace["verdict"] == "answer"
    assert (await stack.http.get(f"/api/conversations/{id}/turns/nothing")).status_code == 404


async def test_what_a_person_enters_stays_and_every_field_says_where_it_is_from(
    stack: Stack, browser: Browser
):
    def knowing(request: dict[str, Any]) -> Any:
        return (
            message(call=("Facts", {"company": "Aurora"}))
            if schema_of(request) == "Facts"
            else polite(request)
        )

    stack.model.answer = knowing
    contact, id = await talk(stack, "I am with Aurora")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    company = page.locator("#f-company")
    await expect(company).to_have_value("Aurora")
    await expect(page.locator(".fields div", has=company)).to_contain_text("they wrote: “I am with Aurora”")
    await company.fill("Borealis")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".fields div", has=company)).to_contain_text("entered by a person")
    await stack.post(webhook(text(contact, "I am with Aurora, really", f"wamid.{id}.2")))
    await until(lambda: stack.replies(contact)[1:])
    found = await stack.conversation_of(contact)
    assert found["profile"]["company"] == "Borealis" and "name" not in found["profile"]
    await page.get_by_role("button", name="Not a client").click()
    await expect(page.get_by_role("button", name="This is a client")).to_be_visible()
    assert (await stack.conversation_of(contact))["class"] == "non_client"


async def test_a_conversation_is_saved_as_a_test(stack: Stack, browser: Browser):
    contact, id = await talk(stack, "What is the weather like?", name="Zarina")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    await page.get_by_text("Save as test").click()
    await page.get_by_label("Name", exact=True).fill("weather")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Download").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(await (await waiting.value).path()).read_bytes()))
    assert sorted(archive.namelist()) == ["weather.tape.yaml", "weather.yaml"]
    saved = archive.read("weather.yaml").decode()
    assert "What is the weather like?" in saved and contact not in saved and "Zarina" not in saved
    assert yaml.safe_load(saved)["turns"]
    refused = await stack.http.get(f"/api/conversations/{id}/saved", params={"bad": "not in the reply"})
    assert refused.status_code == 422 and "--bad" in refused.json()["detail"]


async def test_media_and_quotes_are_shown_and_run_nothing(stack: Stack, browser: Browser):
    contact = await sends(stack, ReceivedFile(PNG, "image/png"), "<b>this one?</b>")
    await until(lambda: stack.replies(contact))
    await stack.emulator.write(NUMBER, Written(contact=contact, text=""), ReceivedFile(b"OggS voice", VOICE))
    await until(lambda: len(stack.replies(contact)) > 1)
    hostile = ReceivedFile(b"<script>alert(1)</script>", "text/html", "<img src=x onerror=alert(1)>.html")
    await stack.emulator.write(NUMBER, Written(contact=contact, text="see file"), hostile)
    await until(lambda: len(stack.replies(contact)) > 2)
    found = await stack.conversation_of(contact)
    first = next(m for m in found["messages"] if m["kind"] == "image")
    await stack.post(
        webhook({**text(contact, "I mean that picture", f"{first['id']}.q"), "context": {"id": first["id"]}})
    )
    await until(lambda: len(stack.replies(contact)) > 3)
    page = await opened(browser, stack, f"/dashboard/default/{found['id']}")
    bubbles = page.locator(".bubble.in")
    await expect(bubbles.nth(0).locator("img.media")).to_have_attribute("src", re.compile(found["id"]))
    await expect(bubbles.nth(0).locator(".words")).to_have_text("<b>this one?</b>")
    await expect(bubbles.nth(1).locator("audio")).to_have_count(1)
    await expect(bubbles.nth(1).locator(".heard")).to_have_text("what does delivery cost")
    await expect(bubbles.nth(2).locator(".file")).to_contain_text("<img src=x onerror=alert(1)>.html")
    await expect(bubbles.nth(3).locator("blockquote")).to_have_text("Photo: <b>this one?</b>")
    path = f"/api/conversations/{found['id']}/media"
    image = await stack.http.get(f"{path}/{first['id']}")
    assert image.content == PNG and image.headers["content-type"] == "image/png"
    document = next(m for m in found["messages"] if m["kind"] == "document")
    file = await stack.http.get(f"{path}/{document['id']}")
    assert (
        file.headers["content-disposition"].startswith("attachment")
        and "<" not in file.headers["content-disposition"]
    )
    assert file.headers["content-security-policy"] == "default-src 'none'; sandbox"
    answer = await stack.http.get(f"{path}/nothing")
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    archive = zipfile.ZipFile(
        io.BytesIO((await stack.http.get(f"/api/contacts/{found['id']}/export")).content)
    )
    kept = [name for name in archive.namelist() if name.startswith("media/")]
    assert len(kept) == 3 and all(re.fullmatch(r"media/\d{3}-[\w.() -]+", name) for name in kept)
    assert json.loads(archive.read("media_missing.json")) == [] and json.loads(archive.read("turns.json"))


async def test_dead_letters_and_tasks_are_worked_off(stack: Stack, browser: Browser):
    def human(request: dict[str, Any]) -> Any:
        return polite(request)

    stack.model.answer = human
    contact, id = await talk(stack, "I want to speak to a human, please")
    page = await opened(browser, stack, "/dashboard/todo")
    row = page.locator("tr", has=page.locator(f'a[href$="{id}"]'))
    await expect(row).to_contain_text("human")
    await row.get_by_role("button", name="Hand back").click()
    await expect(row).to_have_count(0)
    assert (await stack.conversation_of(contact))["task"] == ""
    piece = {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": "1",
                "changes": [
                    {
                        "field": "messages",
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {"display_phone_number": "1", "phone_number_id": NUMBER},
                            "messages": [{"id": "broken"}],
                        },
                    }
                ],
            }
        ],
    }
    await stack.post(piece)
    forget = page.locator("tr", has_text="show").get_by_role("button", name="Forget").first
    await page.reload()
    before = len((await stack.http.get("/api/quarantine")).json()["items"])
    await forget.click()

    async def fewer() -> bool:
        return len((await stack.http.get("/api/quarantine")).json()["items"]) == before - 1

    await until(fewer)


async def test_a_second_enter_is_no_second_message_and_a_failing_server_takes_nothing_away(
    stack: Stack, browser: Browser
):
    contact, id = await talk(stack, "hello")
    page = await opened(browser, stack, f"/dashboard/default/{id}")
    sent: list[str] = []

    async def slowly(route: Any) -> None:
        sent.append(route.request.post_data)
        await released.wait()
        await route.continue_()

    released = asyncio.Event()
    await page.route("**/messages", slowly)
    box = page.get_by_label("Message", exact=True)
    await box.fill("only once")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await box.type("typed meanwhile")
    released.set()
    await expect(page.locator(".bubble.person")).to_have_count(1)
    await expect(box).to_have_value("typed meanwhile")
    assert len(sent) == 1
    await page.unroute("**/messages")
    broken = re.compile(rf"/dashboard/default/{id}$")
    await page.route(
        broken,
        lambda route: route.fulfill(status=503, json={"status": 503, "detail": "Redis is unreachable"}),
    )
    await stack.post(webhook(text(contact, "anybody?", f"wamid.{id}.z")))
    await expect(page.locator("#toast")).to_contain_text("503")
    await expect(box).to_have_value("typed meanwhile")
    await page.unroute(broken)
    await expect(page.locator(".bubble.in")).to_have_count(2, timeout=20_000)


async def test_what_is_not_there_is_a_page_too(stack: Stack, browser: Browser):
    page = await opened(browser, stack)
    for path in ("/dashboard/default/nobody", "/dashboard/nobody/x", "/dashboard/bots/nobody"):
        answer = await page.goto(f"{stack.url}{path}")
        assert answer and answer.status == 404
        await expect(page.get_by_role("link", name="Back to the conversations")).to_be_visible()


@pytest.mark.slow
@pytest.mark.external_data
async def test_no_text_of_the_world_breaks_a_page(stack: Stack, browser: Browser, external_data: Path):
    """As messages and as names: shown as they are, letter by letter, and run by nothing."""
    lines = (external_data / "09_text" / "naughty_texts.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [clean for line in lines if (clean := json.loads(line)["text"].strip())][::4]
    contact, message_id = fresh()
    for start in range(0, len(texts), 40):
        batch = [
            text(contact, said, f"{message_id}.{start + n}")
            for n, said in enumerate(texts[start : start + 40])
        ]
        payload = webhook(*batch)
        payload["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = texts[start]
        assert (await stack.post(payload)).status_code == 200
    for number, said in enumerate(texts[:60]):  # as names of people
        payload = webhook(text(f"7703{number:07}", "hi", f"{message_id}.n{number}"))
        payload["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = said
        await stack.post(payload)
    await until(stack.idle, 60)
    found = await stack.conversation_of(contact)
    page = await opened(browser, stack, f"/dashboard/default/{found['id']}")
    page.on("dialog", lambda dialog: page.problems.append(dialog.message))  # pyright: ignore[reportAttributeAccessIssue]
    stored = [m for m in found["messages"] if m["author"] == "contact" and m["text"]]
    shown = await page.evaluate(
        "[...document.querySelectorAll('.bubble.in .words')].map((each) => each.textContent)"
    )
    assert len(stored) > 100 and len(shown) >= 90
    marks = str.maketrans("", "", "*_~\r")  # WhatsApp's markup is shown, not written
    wanted = {" ".join(m["text"].translate(marks).split()) for m in stored}
    assert [said for said in shown if " ".join(said.translate(marks).split()) not in wanted] == []
    for path in ("/dashboard", "/dashboard/todo", "/dashboard?q=%3Cscript%3E", "/dashboard/outreach"):
        await page.goto(f"{stack.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1440)])
async def test_every_page_is_for_everybody(stack: Stack, browser: Browser, scheme: Any, width: int):
    """axe finds nothing serious, nothing sticks out at the side, and no script fails, in Latin, Cyrillic and
    right-to-left."""
    paths = list(PAGES)
    for said, called in (
        ("How much is the *Duo*?", "Ann"),
        ("Сколько стоит доставка?", "Айгерим"),
        ("كم سعر الماكينة؟", "ليلى"),
    ):
        paths.append(f"/dashboard/default/{(await talk(stack, said, name=called))[1]}")
    page = await opened(
        browser, stack, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True
    )
    for path in [*paths, "/simulator", "/docs"]:
        await page.goto(f"{stack.url}{path}")
        for summary in await page.locator("details > summary:visible").all():
            await summary.evaluate("(each) => (each.parentElement.open = true)")
        await expect(page.get_by_text("Loading…")).to_have_count(0)
        found = (await Axe().run(page)).response["violations"]
        serious = [
            (each["id"], each["nodes"][0]["html"])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious, path
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        for main in await page.locator("main.sheet").all():  # a page fills the window
            assert await main.evaluate("(each) => innerWidth - each.getBoundingClientRect().right") < 1, path
    if width == 1440:  # an Arabic message reads from right to left in a page that does not
        await page.goto(f"{stack.url}{paths[-1]}")
        words = page.locator(".bubble.in .words")
        assert await words.evaluate("(each) => getComputedStyle(each).direction") == "rtl"
    assert not page.problems  # pyright: ignore[reportAttributeAccessIssue]


async def test_the_conversation_list_is_used_by_keyboard_alone(stack: Stack, browser: Browser):
    _, id = await talk(stack, "keys only", name="Keyboard")
    page = await opened(browser, stack)
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Search text, name or phone")).to_be_focused()
    await page.keyboard.type("keys only")
    await page.keyboard.press("Enter")
    row = page.locator(f'.list a[href*="{id}"]')
    await expect(row).to_be_visible()
    while not await row.evaluate("(each) => each === document.activeElement"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Keyboard")
