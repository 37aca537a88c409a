"""Forms on the emulated phone: what it shows of each, what it asks of a data endpoint, and what the business
hears."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from channels.emulators.cloud_api import CloudApiEmulator
from channels.flows import shipped_flow
from channels.flows.sealed import flow_key, unseal
from tests.fakes.serving import served
from tests.support.browser.flow_phone import new_key
from tests.support.waiting import until

NUMBER, CONTACT, OTHER = "106540352242922", "77015550101", "77015550102"
PEM, PUBLIC = new_key()


class Business:
    """A business that is told of messages, and has a data endpoint: it answers with the `answer` of this
    moment."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.asked: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {}
        self.status = 200
        self.app.post("/flows")(self.endpoint)
        self.app.post("/webhook")(self.webhook)

    async def endpoint(self, request: Request) -> Response:
        opened = unseal(await request.body(), flow_key(PEM.encode()))
        self.asked.append(opened.said)
        return PlainTextResponse(opened.sealed(self.answer) if self.answer else "?", self.status)

    async def webhook(self, request: Request) -> Response:
        value = json.loads(await request.body())["entry"][0]["changes"][0]["value"]
        self.told += value.get("messages", [])
        return Response()


class Phone:
    """A contact's phone, on the control side of the emulator."""

    def __init__(self, emulator: CloudApiEmulator, http: httpx.AsyncClient) -> None:
        self.emulator, self.http = emulator, http

    async def gets(self, **parameters: Any) -> str:
        """A form comes; the id of its message."""
        flow = {"flow_message_version": "3", "flow_cta": "Open", "flow_token": "t-1", **parameters}
        content = {"type": "flow", "body": {"text": "Please"}, "action": {"name": "flow", "parameters": flow}}
        body = {"messaging_product": "whatsapp", "to": CONTACT, "type": "interactive", "interactive": content}
        headers = {"Authorization": "Bearer token"}
        answer = await self.http.post(f"/v23.0/{NUMBER}/messages", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["messages"][0]["id"]

    async def does(self, bubble: str, action: str, contact: str = CONTACT, **more: Any) -> httpx.Response:
        step = {"contact": contact, "bubble": bubble, "action": action, **more}
        return await self.http.post(f"/_control/{NUMBER}/forms", json=step)


@pytest.fixture
async def business() -> AsyncIterator[tuple[Business, Phone]]:
    one = Business()
    emulator = CloudApiEmulator("", "secret", "token")
    with served(one.app) as url, served(emulator.app) as graph:
        emulator.webhook = f"{url}/webhook"
        emulator.flows.endpoint, emulator.flows.public_key = lambda number: f"{url}/flows", PUBLIC
        async with httpx.AsyncClient(base_url=graph) as http:
            yield one, Phone(emulator, http)


async def test_a_form_that_nobody_knows_has_a_field_for_whatever_it_was_sent_with(
    business: tuple[Business, Phone],
):
    shop, phone = business
    begins = {"screen": "ABOUT_YOU", "data": {"city": "Almaty"}}
    bubble = await phone.gets(flow_id="7", flow_action_payload=begins)
    opened = (await phone.does(bubble, "open")).json()
    assert (opened["screen"], opened["data"]) == ("ABOUT_YOU", {"city": "Almaty"})
    [screen] = opened["flow"]["screens"]
    named = [child.get("name") for child in screen["layout"]["children"]]
    assert named == ["city", "name", None]
    sent = (await phone.does(bubble, "complete", data={"city": "Astana", "name": "Dana"})).json()["sent"]
    await until(lambda: shop.told)
    [message] = shop.told
    assert (message["id"], message["context"]["id"]) == (sent, bubble)
    said = message["interactive"]["nfm_reply"]
    assert (message["interactive"]["type"], said["name"]) == ("nfm_reply", "flow")
    answers = {"city": "Astana", "name": "Dana", "flow_token": "t-1"}
    assert json.loads(said["response_json"]) == answers
    assert not shop.asked


async def test_screens_come_from_the_data_endpoint_and_its_last_answer_goes_to_the_business(
    business: tuple[Business, Phone],
):
    shop, phone = business
    flow = json.loads(shipped_flow("book_a_call")) | {"data_api_version": "4.0"}
    put = await phone.http.put(f"/_control/{NUMBER}/flows/77", json=flow)
    assert put.status_code == 200, put.text
    bubble = await phone.gets(flow_id="77", flow_action="data_exchange")
    shop.answer = {"screen": "DAY", "data": {"days": [], "free": False, "full": True, "note": "Full"}}
    opened = (await phone.does(bubble, "open")).json()
    assert (opened["screen"], opened["data"]["note"]) == ("DAY", "Full") and opened["flow"] == flow
    shop.answer = {"screen": "TIME", "data": {"slots": [], "name": ""}}
    next_one = (await phone.does(bubble, "data_exchange", screen="DAY", data={"day": "2026-12-01"})).json()
    assert (next_one["screen"], next_one["flow"]) == ("TIME", {})
    await phone.does(bubble, "BACK", screen="TIME")
    params = {"flow_token": "t-1", "slot": "2026-12-01 10:00"}
    shop.answer = {"screen": "SUCCESS", "data": {"extension_message_response": {"params": params}}}
    assert (await phone.does(bubble, "data_exchange", screen="TIME", data={"slot": "x"})).json()["sent"]
    await until(lambda: shop.told)
    assert json.loads(shop.told[0]["interactive"]["nfm_reply"]["response_json"]) == params
    asked = [(one["action"], one["screen"], one["version"], one["flow_token"]) for one in shop.asked]
    assert asked == [
        ("INIT", "", "4.0", "t-1"),
        ("data_exchange", "DAY", "4.0", "t-1"),
        ("BACK", "TIME", "4.0", "t-1"),
        ("data_exchange", "TIME", "4.0", "t-1"),
    ]


async def test_what_goes_wrong_at_the_data_endpoint_is_said_on_the_phone(business: tuple[Business, Phone]):
    shop, phone = business
    phone.emulator.flows.kept[f"{NUMBER}/77"] = json.loads(shipped_flow("book_a_call"))
    bubble = await phone.gets(flow_id="77", flow_action="data_exchange")
    wrong: list[tuple[int, dict[str, Any], str]] = [
        (500, {"screen": "DAY"}, "answered 500"),
        (200, {}, "cannot be read"),
        (200, {"screen": "NIGHT", "data": {}}, "NIGHT"),
    ]
    for status, answer, why in wrong:
        shop.status, shop.answer = status, answer
        refused = await phone.does(bubble, "open")
        assert refused.status_code == 502 and why in refused.json()["detail"]
    assert shop.asked[-1]["data"]["error"] == "invalid-screen-transition"
    shop.status, shop.answer = 427, {"error_msg": "Too late"}
    assert (await phone.does(bubble, "open")).json()["closed"] == "Too late"
    phone.emulator.flows.public_key = None
    assert "WHATSAPP_FLOWS_KEY_FILE" in (await phone.does(bubble, "open")).json()["detail"]
    assert not shop.told


async def test_only_a_form_that_came_to_this_phone_is_opened(business: tuple[Business, Phone]):
    _, phone = business
    bubble = await phone.gets(flow_id="7")
    assert (await phone.does(bubble, "open", OTHER)).status_code == 422
    assert (await phone.does("wamid.NONE", "open")).status_code == 422
    wrong = json.loads(shipped_flow("leave_your_details")) | {"version": "1.0"}
    refused = await phone.http.put(f"/_control/{NUMBER}/flows/7", json=wrong)
    assert refused.status_code == 422 and "version" in refused.json()["detail"]
