"""Forms on the simulator's phone, filled in as a person would: every shipped one, one that is drawn from what
the bot expects, and one with every kind of field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.fakes.openai_wire import last_user, message, polite, schema_of
from tests.support.browser.chromium import needs_chromium
from tests.support.browser.flow_phone import new_key
from tests.support.stack import API, Stack, product
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, needs_chromium]

CUSTOM = [
    {"name": "flat_size", "type": "number"},
    {"name": "moving_day", "type": "date"},
    {"name": "house", "type": "choice", "choices": ["flat", "villa"]},
]
FORMS: list[dict[str, Any]] = [
    {"name": "details", "flow_id": "78", "label": "Your details", "screen": "DETAILS", "required": ["email"]},
    {"name": "call", "flow_id": "77", "label": "Book a call", "books": True},
    {
        "name": "flat",
        "flow_id": "79",
        "label": "Your flat",
        "required": ["size"],
        "fields": {"size": "flat_size", "day": "moving_day", "kind": "house", "wish": ""},
    },
    {"name": "survey", "flow_id": "80", "label": "Survey"},
]
OPTIONS = [{"id": "a", "title": "Apples"}, {"id": "b", "title": "Pears"}, {"id": "c", "title": "Plums"}]


def layout(*children: dict[str, Any]) -> dict[str, Any]:
    return {"type": "SingleColumnLayout", "children": list(children)}


def field(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "label": name.capitalize(), "required": True, **more}


def footer(label: str, **action: Any) -> dict[str, Any]:
    return {"type": "Footer", "label": label, "on-click-action": action}


# Two screens with every kind of field, of which the second knows what was filled in on the first.
SURVEY: dict[str, Any] = {
    "version": "7.0",
    "screens": [
        {
            "id": "FIRST",
            "title": "Fruit",
            "layout": layout(
                {"type": "TextHeading", "text": "What do you like?"},
                field("TextArea", "story", **{"max-length": 100}),
                field("RadioButtonsGroup", "best", **{"data-source": OPTIONS}),
                field("CheckboxGroup", "more", **{"data-source": OPTIONS, "max-selected-items": 2}),
                footer(
                    "Next",
                    name="navigate",
                    next={"type": "screen", "name": "LAST"},
                    payload={"best": "${form.best}"},
                ),
            ),
        },
        {
            "id": "LAST",
            "title": "When",
            "terminal": True,
            "data": {"best": {"type": "string", "__example__": "a"}},
            "layout": layout(
                field("DatePicker", "day", **{"min-date": "2026-12-01", "max-date": "2027-12-31"}),
                field("Dropdown", "shop", **{"data-source": OPTIONS}),
                {"type": "If", "condition": "${data.best} == 'b'", "then": [field("TextInput", "pear")]},
                field("OptIn", "agreed", label="You may write to me"),
                footer(
                    "Send",
                    name="complete",
                    payload={
                        "story": "${screen.FIRST.form.story}",
                        "more": "${screen.FIRST.form.more}",
                        "best": "${data.best}",
                        **{name: f"${{form.{name}}}" for name in ("day", "shop", "pear", "agreed")},
                    },
                ),
            ),
        },
    ],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product with a key for Flows, whose bot sends the form that it is asked for."""
    bot = tmp_path_factory.mktemp("bot") / "bot.json"
    bot.write_text(json.dumps({"forms": FORMS, "custom_fields": CUSTOM}))
    more = {"WORKING_DAYS": "Mon-Sun", "HOLIDAYS": "none", "BOT_FILE": str(bot)}
    with product(WHATSAPP_FLOWS_KEY=new_key()[0].replace("\n", "\\n"), **more) as stack:
        stack.model.answer = sends_what_is_asked_for
        yield stack


def sends_what_is_asked_for(request: dict[str, Any]) -> dict[str, Any]:
    asked = next((form["name"] for form in FORMS if last_user(request) == f"Form {form['name']}"), "")
    if schema_of(request) or not asked:
        return polite(request)
    if request["messages"][-1]["role"] == "tool":
        return message("Here it is.")
    return message(call=("send_form", {"name": asked}))


async def opened(shop: Stack, page: Page, name: str) -> Locator:
    """The sheet of a form that the agent has sent to a new contact."""
    await page.goto(f"{shop.url}/simulator?bot=default")
    if "login" in page.url or await page.get_by_label("Operator token").count():
        await page.get_by_label("Operator token").fill(API)
        await page.get_by_role("button", name="Log in").click()
        await page.wait_for_url("**/simulator*")
        await page.goto(f"{shop.url}/simulator?bot=default")
    await expect(page.locator("#bot")).to_have_value("default")
    await page.get_by_placeholder("Message").fill(f"Form {name}")
    await page.keyboard.press("Enter")
    label = next(form["label"] for form in FORMS if form["name"] == name)
    await page.locator(".bubble.in").get_by_role("button", name=label).click(timeout=20_000)
    sheet = page.get_by_role("dialog")
    await expect(sheet).to_be_visible()
    return sheet


async def conversation(shop: Stack, page: Page) -> dict[str, Any]:
    digits = await page.evaluate("localStorage.getItem('contact')")
    return await shop.conversation_of(digits)


async def answers(shop: Stack, page: Page) -> dict[str, str]:
    """What the form brought, as the transcript has it."""

    async def found() -> list[dict[str, str]]:
        rows = (await conversation(shop, page))["messages"]
        return [row["answers"] for row in rows if row.get("answers")]

    await until(found)
    await until(shop.idle)
    [said] = await found()
    return said


async def test_the_details_are_held_back_until_they_are_right_and_then_sent(shop: Stack, page: Page):
    sheet = await opened(shop, page, "details")
    await expect(sheet.get_by_role("heading", name="Your details")).to_be_visible()
    await sheet.get_by_label("E-mail").fill("nonsense")
    await sheet.get_by_role("button", name="Send").click()
    await expect(sheet.locator("#field-name-wrong")).to_have_text("Fill this in")
    await expect(sheet.locator("#field-email-wrong")).to_have_text("This is no e-mail address")
    await expect(sheet.get_by_label("First name")).to_be_focused()
    await expect(page.locator(".bubble.out")).to_have_count(1)
    await sheet.get_by_label("First name").fill("Aigul")
    await expect(sheet.locator("#field-name-wrong")).to_have_text("")
    await sheet.get_by_label("E-mail").fill("aigul@example.kz")
    await sheet.get_by_label("Company").fill("Dostyk Coffee")
    await sheet.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator(".bubble.out").last).to_contain_text("[form] Sent")
    expected = {"name": "Aigul", "email": "aigul@example.kz", "company": "Dostyk Coffee"}
    assert await answers(shop, page) == expected
    profile = (await conversation(shop, page))["profile"]
    assert {name: profile.get(name) for name in expected} == expected


async def test_a_call_is_booked_screen_by_screen(shop: Stack, page: Page):
    sheet = await opened(shop, page, "call")
    await sheet.get_by_role("button", name="Next").click()
    await expect(sheet.locator("#field-day-wrong")).to_have_text("Fill this in")
    day = sheet.get_by_label("Day")
    await day.select_option(index=3)
    chosen = await day.input_value()
    await sheet.get_by_role("button", name="Next").click()
    await expect(sheet.get_by_label("Your name")).to_have_value("Simulated contact")
    await sheet.get_by_role("button", name="Back").click()
    await expect(day).to_have_value(chosen)
    await sheet.get_by_role("button", name="Next").click()
    await sheet.get_by_label("Time").select_option(index=2)
    slot = await sheet.get_by_label("Time").input_value()
    await sheet.get_by_label("Your name").fill("Dana")
    await sheet.get_by_label("What about").fill("a grinder")
    await sheet.get_by_role("button", name="Book the call").click()
    await expect(page.locator(".bubble.out").last).to_contain_text("[form] Sent")
    assert slot.startswith(chosen)
    assert await answers(shop, page) == {"slot": slot, "name": "Dana", "about": "a grinder"}
    kept = await conversation(shop, page)
    rows = (await shop.http.get("/api/calls")).json()["items"]
    [call] = [row for row in rows if row["conversation_id"] == kept["id"]]
    assert (call["name"], call["about"]) == ("Dana", "a grinder")
    await expect(page.locator(".bubble.in").filter(has_text="call.ics")).to_be_visible(timeout=20_000)


async def test_a_form_of_ones_own_is_drawn_from_what_the_bot_expects(shop: Stack, page: Page):
    sheet = await opened(shop, page, "flat")
    await sheet.get_by_label("Size").fill("large")
    await sheet.get_by_role("button", name="Send").click()
    await expect(sheet.locator("#field-size-wrong")).to_have_text("This is no number")
    await sheet.get_by_label("Size").fill("70")
    await sheet.get_by_label("Day").fill("2027-03-01")
    await sheet.get_by_label("villa").check()
    await sheet.get_by_role("button", name="Send").click()
    assert await answers(shop, page) == {"size": "70", "day": "2027-03-01", "kind": "villa"}
    profile = (await conversation(shop, page))["profile"]
    assert {name: profile.get(name) for name in ("flat_size", "moving_day", "house")} == {
        "flat_size": "70",
        "moving_day": "2027-03-01",
        "house": "villa",
    }


async def test_every_kind_of_field_of_a_form_that_was_put_up(shop: Stack, page: Page):
    put = await shop.http.put("/simulator/cloud-api/_control/sim-default/flows/80", json=SURVEY)
    assert put.status_code == 200, put.text
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    sheet = await opened(shop, page, "survey")
    send, next_one = sheet.get_by_role("button", name="Send"), sheet.get_by_role("button", name="Next")
    await next_one.click()
    for name in ("story", "best", "more"):
        await expect(sheet.locator(f"#field-{name}-wrong")).to_have_text("Fill this in")
    await sheet.get_by_label("Story").fill("I like <b>fruit</b>")
    await sheet.get_by_role("group", name="Best").get_by_label("Pears").check()
    more = sheet.get_by_role("group", name="More")
    for fruit in ("Apples", "Pears", "Plums"):
        await more.get_by_label(fruit).check()
    await next_one.click()
    await expect(sheet.locator("#field-more-wrong")).to_have_text("Choose at most 2")
    await more.get_by_label("Plums").uncheck()
    await next_one.click()
    await send.click()
    for name in ("day", "shop", "pear", "agreed"):
        await expect(sheet.locator(f"#field-{name}-wrong")).to_have_text("Fill this in")
    await sheet.get_by_label("Day").fill("2026-11-01")
    await send.click()
    await expect(sheet.locator("#field-day-wrong")).to_have_text("This day cannot be chosen")
    await sheet.get_by_label("Day").fill("2026-12-24")
    await sheet.get_by_label("Shop").select_option("c")
    await sheet.get_by_label("Pear").fill("green")
    await sheet.get_by_label("You may write to me").check()
    await send.click()
    assert await answers(shop, page) == {
        "story": "I like <b>fruit</b>",
        "more": "a, b",
        "best": "b",
        "day": "2026-12-24",
        "shop": "c",
        "pear": "green",
        "agreed": "yes",
    }
    assert not problems


async def test_a_form_that_nobody_answers_for_says_so_and_closes(shop: Stack, page: Page):
    sheet = await opened(shop, page, "call")
    kept = await conversation(shop, page)
    assert (await shop.http.delete(f"/api/contacts/{kept['id']}")).status_code in (200, 204)
    await sheet.get_by_label("Day").select_option(index=1)
    await sheet.get_by_role("button", name="Next").click()
    await expect(sheet.get_by_role("alert")).to_contain_text("no longer valid")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
