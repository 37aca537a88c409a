"""Message templates over the API, with an emulated Meta: written, sent for approval, changed, deleted, and
sent to a customer with their files and buttons."""

from __future__ import annotations

from typing import Any

import pytest

from channels.emulators.media import ReceivedFile
from tests.channels.templates.drafts import CODE, GOOD, PHONE, QUICK, URL
from tests.support.people.customers import PNG, talk
from tests.support.stack import Stack
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("no_templates")
PATH = "/api/templates"


async def asked(stack: Stack, method: str, path: str = "", status: int = 200, **body: Any) -> Any:
    answer = await stack.http.request(method, f"{PATH}{path}", json=body or None)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def decides(stack: Stack, status: str, reason: str = "NONE", **of: str) -> None:
    """Meta decides, and says so in a webhook."""
    url = stack.env["WHATSAPP_GRAPH_URL"]
    told = {"name": GOOD["name"], "language": "en", "status": status, "reason": reason, **of}
    answer = await stack.http.post(f"{url}/_control/templates", json=told)
    assert answer.status_code == 200, answer.text

    async def known() -> bool:
        rows = (await asked(stack, "GET"))["items"]
        return any(row["name"] == told["name"] and row["status"] == status for row in rows)

    await until(known)


async def test_a_template_from_the_first_word_to_its_deletion(stack: Stack):
    draft = await asked(stack, "POST", status=201, **GOOD)
    assert (draft["status"], draft["usable"], draft["provider_id"]) == ("DRAFT", False, "")
    assert stack.emulator.templates == []
    await asked(stack, "POST", status=409, **GOOD)
    sent = await asked(stack, "POST", "/order_ready/en/submit")
    assert sent["status"] == "PENDING" and sent["provider_id"] == stack.emulator.templates[0]["id"]
    await asked(stack, "POST", "/order_ready/en/submit", status=409)
    await asked(stack, "PUT", "/order_ready/en", status=409, **GOOD)  # it is being looked at
    await decides(stack, "APPROVED")
    synced = (await asked(stack, "POST", "/sync"))["items"][0]
    assert {n: synced[n] for n in ("body", "footer", "examples", "category")} == {
        n: GOOD[n] for n in ("body", "footer", "examples", "category")
    }
    changed = await asked(stack, "PUT", "/order_ready/en", **{**GOOD, "footer": "Another"})
    assert changed["status"] == "PENDING" and changed["footer"] == "Another"
    assert stack.emulator.templates[0]["components"][2] == {"type": "FOOTER", "text": "Another"}
    await asked(stack, "DELETE", "/order_ready/en", status=204)
    assert stack.emulator.templates == [] and (await asked(stack, "GET"))["items"] == []


async def test_what_meta_would_not_take_is_refused_field_by_field(stack: Stack):
    bad = {**GOOD, "name": "Bad Name", "footer": "x" * 61, "examples": []}
    refused = await asked(stack, "POST", status=422, **bad)
    assert {one["field"] for one in refused["errors"]} == {"name", "footer", "examples"}
    checked = await asked(stack, "POST", "/check", **bad)
    assert {one["field"] for one in checked["problems"]} == {"name", "footer", "examples"}
    fine = await asked(stack, "POST", "/check", **GOOD)
    assert fine == {
        "problems": [],
        "preview": "Hello Dana, your order is ready since Monday. Come and see it.",
    }


async def test_what_meta_itself_refuses_is_said_and_the_draft_stays(stack: Stack):
    await asked(stack, "POST", status=201, **GOOD)
    taken = {
        "name": "order_ready",
        "language": "en",
        "status": "APPROVED",
        "category": "UTILITY",
        "components": [],
    }
    stack.emulator.templates.append(taken)
    refused = await asked(stack, "POST", "/order_ready/en/submit", status=502)
    assert "already content in this language" in refused["detail"]
    assert (await asked(stack, "GET"))["items"][0]["status"] == "DRAFT"


async def test_a_sync_keeps_drafts_and_tells_rejections_and_quality(stack: Stack):
    await asked(stack, "POST", status=201, **GOOD)
    await asked(stack, "POST", "/order_ready/en/submit")
    await asked(stack, "POST", status=201, **{**GOOD, "name": "still_mine"})
    await decides(stack, "REJECTED", "INVALID_FORMAT", quality="YELLOW")
    rows = {row["name"]: row for row in (await asked(stack, "POST", "/sync"))["items"]}
    assert rows["still_mine"]["status"] == "DRAFT"
    bad = rows["order_ready"]
    assert (bad["status"], bad["reason"], bad["quality"]) == ("REJECTED", "INVALID_FORMAT", "YELLOW")
    await asked(stack, "DELETE", "/still_mine/en", status=204)


async def with_a_picture(stack: Stack) -> str:
    """The address of a picture for a header."""
    id = stack.emulator.files.keep(ReceivedFile(PNG, "image/png", "shop.png"))
    return f"{stack.env['WHATSAPP_GRAPH_URL']}/_control/1/files/{id}"


async def test_a_picture_and_buttons_go_to_the_customer(stack: Stack):
    picture = await with_a_picture(stack)
    made = {**GOOD, "category": "MARKETING", "header": {"format": "image", "url": picture}}
    made["buttons"] = [QUICK, URL, PHONE, CODE]
    await asked(stack, "POST", status=201, **made)
    sent = await asked(stack, "POST", "/order_ready/en/submit")
    assert sent["status"] == "PENDING", sent
    await decides(stack, "APPROVED")
    await asked(stack, "POST", "/sync")
    contact, conversation = await talk(stack, "hello")
    path, written = f"/api/conversations/{conversation}/messages", {"template": "order_ready:en"}
    lacking = await stack.http.post(path, json={**written, "variables": ["Dana", "Monday"]})
    assert lacking.status_code == 422 and "buttons" in lacking.text
    filled = {**written, "variables": ["Dana", "Mon\nday"], "buttons": ["A-7"]}
    answer = await stack.http.post(path, json=filled)
    assert answer.status_code == 202, answer.text
    await until(
        lambda: [r for r in stack.emulator.requests if r["type"] == "template" and contact in r["to"]]
    )
    request = next(r for r in stack.emulator.requests if r["type"] == "template" and contact in r["to"])
    body = [{"type": "text", "text": "Dana"}, {"type": "text", "text": "Mon day"}]
    assert request["template"]["components"] == [
        {"type": "header", "parameters": [{"type": "image", "image": {"link": picture}}]},
        {"type": "body", "parameters": body},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "A-7"}]},
        {
            "type": "button",
            "sub_type": "copy_code",
            "index": "3",
            "parameters": [{"type": "coupon_code", "coupon_code": "SPRING25"}],
        },
    ]


async def test_named_variables_are_sent_by_their_names(stack: Stack):
    named = {**GOOD, "header": {"format": "text", "text": "For {{name}}", "example": "D"}, "buttons": []}
    named |= {"body": "Hello {{name}}, come on {{day}} to us.", "examples": ["Dana", "Monday"]}
    await asked(stack, "POST", status=201, **named)
    await asked(stack, "POST", "/order_ready/en/submit")
    await decides(stack, "APPROVED")
    contact, conversation = await talk(stack, "hello")
    body = {"template": "order_ready:en", "variables": ["Dana", "Friday"], "header": "Dana"}
    answer = await stack.http.post(f"/api/conversations/{conversation}/messages", json=body)
    assert answer.status_code == 202, answer.text
    await until(
        lambda: [r for r in stack.emulator.requests if r["type"] == "template" and contact in r["to"]]
    )
    request = next(r for r in stack.emulator.requests if r["type"] == "template" and contact in r["to"])
    header, text = request["template"]["components"]
    assert header["parameters"][0]["parameter_name"] == "name"
    assert [one["parameter_name"] for one in text["parameters"]] == ["name", "day"]
