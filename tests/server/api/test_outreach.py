"""Reaching out over HTTP, on the running product."""

from __future__ import annotations

from icalendar import Calendar

from tests.support.people.customers import fresh, silent
from tests.support.stack import NUMBER, Stack
from tests.support.waiting import until


async def test_a_touch_is_listed_with_its_form_and_can_be_changed(stack: Stack):
    _, name = await silent(stack)

    async def row() -> dict:
        cursor: str | None = "0"
        while cursor:
            asked = {"limit": "200", "cursor": cursor, "bot_id": "default"}
            answer = (await stack.http.get("/api/follow-ups/active", params=asked)).json()
            if mine := [item for item in answer["items"] if item["id"] == name]:
                return mine[0]
            cursor = answer["next_cursor"]
        return {}

    # after more than a day, so that no opening hours move the first one into the window that is open now
    later = {"intervals": [30, 54, 78, 102, 126]}
    assert (await stack.http.patch(f"/api/follow-ups/{name}", json=later)).status_code == 200
    first = await row()
    assert (first["touch"], first["of"], first["kind"], first["why"]) == (1, 5, "reminder", "silence")
    assert first["form"] is None and "no template is set for touch 1" in first["reason"]
    assert (await stack.http.post(f"/api/follow-ups/{name}/pause")).json()["paused"]
    assert not await row()
    assert not (await stack.http.post(f"/api/follow-ups/{name}/resume")).json()["paused"]
    assert (await stack.http.post(f"/api/follow-ups/{name}/skip")).json()["touch"] == 2
    skipped = (await stack.http.get("/api/follow-ups/skipped")).json()["items"]
    assert any(item["conversation_id"] == name and item["reason"] == "by an operator" for item in skipped)
    refused = await stack.http.patch(f"/api/follow-ups/{name}", json={"intervals": [72, 24]})
    assert refused.status_code == 422 and "rising" in refused.json()["detail"]
    assert (await stack.http.patch(f"/api/follow-ups/{name}", json={"intervals": [20, 30, 40]})).json()[
        "of"
    ] == 3
    assert (await stack.http.delete(f"/api/follow-ups/{name}")).json()["ended"] == "cancelled"
    assert not await row()
    assert (await stack.http.post(f"/api/follow-ups/{name}/skip")).status_code == 409
    assert (await stack.http.delete("/api/follow-ups/nobody")).status_code == 404
    funnel = (await stack.http.get("/api/stats")).json()["bots"][0]["follow_ups"]
    assert funnel.keys() >= {"contacted", "answered", "yes", "no", "opted_out"}


async def test_templates_are_read_previewed_paused_and_sent(stack: Stack):
    stack.emulator.templates = [
        {"name": f"t{n}", "language": "en", "status": "APPROVED", "category": "MARKETING", "components": []}
        for n in range(230)
    ] + [
        {
            "name": "come_back",
            "language": "ru",
            "status": "APPROVED",
            "rejected_reason": "NONE",
            "category": "MARKETING",
            "components": [
                {"type": "HEADER", "text": "x"},
                {"type": "BODY", "text": "{{1}}, ещё актуально? {{2}}"},
            ],
        }
    ]
    listed = (await stack.http.post("/api/templates/sync")).json()["items"]
    assert len(listed) == 231 and listed[0]["variables"] == ["1", "2"]
    address = "/api/templates/come_back/ru/preview"
    shown = await stack.http.get(address, params={"variable": ["Анна", "!"]})
    assert shown.json()["preview"] == "Анна, ещё актуально? !"
    missing = await stack.http.get(address, params={"variable": ["Анна"]})
    assert missing.status_code == 422 and "variable 2 has no value" in missing.json()["detail"]
    number, _ = fresh()
    asked = {"to": f"+{number}", "template": "come_back:ru", "variables": ["Анна", "!"]}
    answer = await stack.http.post("/api/messages", json=asked)
    assert answer.status_code == 202, answer.text
    await until(lambda: stack.replies(number))
    sent = stack.emulator.requests[-1]["template"]
    assert [p["text"] for p in sent["components"][0]["parameters"]] == ["Анна", "!"]
    late = await stack.http.post("/api/messages", json={"to": number, "text": "hello"})
    assert late.status_code == 409 and "never written" in late.json()["detail"]
    paused = {
        "event": "PAUSED",
        "message_template_name": "come_back",
        "message_template_language": "ru",
        "reason": "LOW_QUALITY",
    }
    change = {"field": "message_template_status_update", "value": paused}
    await stack.post({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})
    refused = await stack.http.post("/api/messages", json=asked)
    assert refused.status_code == 409 and "paused" in refused.json()["detail"]
    assert (await stack.http.post("/api/messages", json={"to": number})).status_code == 422


async def test_whatsapps_own_switch_stops_everything_and_an_operator_may_undo_it(stack: Stack):
    number, name = await silent(stack)
    for wanted in ("stop", "stop"):
        preference = {
            "wa_id": number,
            "category": "marketing_messages",
            "value": wanted,
            "timestamp": 1786000200,
        }
        value = {"metadata": {"phone_number_id": NUMBER}, "user_preferences": [preference]}
        change = {"field": "user_preferences", "value": value}
        await stack.post({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})
    rows = (await stack.http.get("/api/suppressions")).json()["items"]
    assert [row["wa_id"] for row in rows if row["conversation_id"] == name] == [number]
    table = (await stack.http.get("/api/suppressions", params={"format": "csv"})).text
    assert table.startswith("bot_id,wa_id") and number in table
    assert (await stack.http.post("/api/messages", json={"to": number, "text": "hi"})).status_code == 409
    assert not (await stack.http.put(f"/api/contacts/{name}/consent", json={"stopped": False})).json()[
        "stopped"
    ]
    log = (await stack.http.get("/api/consents")).json()["items"]
    doors = [(row["stopped"], row["door"]) for row in log if row["conversation_id"] == name]
    assert doors == [(False, "operator"), (True, "preferences")]


async def test_the_calendar_is_open_to_its_secret_address_only(stack: Stack):
    answer = (await stack.http.get("/api/calls")).json()
    address = answer["feeds"]["default"]
    assert (await stack.http.get(address, headers={"Authorization": ""})).status_code == 200
    assert Calendar.from_ical((await stack.http.get(address)).content)["version"] == "2.0"
    assert (await stack.http.get("/calendar/default/wrong.ics")).status_code == 404
    assert (await stack.http.get(address.replace("default", "demo"))).status_code == 404
    assert (await stack.http.delete("/api/calls/none")).status_code == 404
