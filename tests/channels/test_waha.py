"""WAHA's own ways: sessions that are created, linked, lost and deleted; signatures; people without a
number."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from channels.base import Recipient, SendError
from channels.content.media import Text
from channels.emulators.base import SendFault
from channels.waha_webhook import bare_message_id, parse, sent_id, signature
from tests.channels.contents import EVERYTHING, reaction
from tests.channels.wires import CONTACT, Provider, Wire
from tests.support.waiting import until


@pytest.fixture
def line(waha: Provider) -> Wire:
    return waha.wire()


async def control(line: Wire, path: str, **more: Any) -> None:
    answer = await line.client.post(f"{line.provider}/_control/{path}", **more)
    assert answer.status_code == 200


def test_the_published_vector_of_the_signature():
    body = b'{"event":"message","session":"default","engine":"WEBJS"}'
    assert signature("my-secret-key", body) == (
        "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
        "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
    )


async def test_an_event_that_comes_days_late_is_a_replay(line: Wire):
    for days, fresh in ((0, True), (6, True), (8, False)):
        body = json.dumps(
            {"event": "message", "timestamp": int((time.time() - days * 86_400) * 1000)}
        ).encode()
        assert line.channel.authentic(body, {"x-webhook-hmac": signature("a-secret", body)}) is fresh


async def test_a_session_from_nothing_to_linked_to_gone(line: Wire):
    made = line.remade(session="new-branch")
    assert (await made.state()).state == "stopped"
    assert await made.qr() is None
    await made.session("start")
    await made.session("start")
    assert (await made.state()).state == "scan_qr"
    first = await made.qr()
    assert first.value.startswith("2@") and first.png.startswith("iVBOR")
    assert (await made.qr()).value == first.value
    await control(line, "new-branch/rotate")
    assert (await made.qr()).value != first.value
    assert await made.pairing_code("77001112233") == "WAHA-2233"
    await control(line, "new-branch/scan", params={"phone": "77001112233"})
    state = await made.state()
    assert (state.state, state.phone) == ("connected", "77001112233")
    assert await made.qr() is None

    def told() -> list[str]:
        bodies = [body for body, _ in line.home.posted if b"new-branch" in body]
        return [link.state for body in bodies for link in parse(body).links]

    await until(lambda: told() == ["scan_qr", "connected"])
    for action, after in (
        ("restart", "connected"),
        ("stop", "stopped"),
        ("start", "connected"),
        ("logout", "stopped"),
    ):
        await made.session(action)
        assert (await made.state()).state == after
    for _ in range(2):
        await made.session("delete")
    assert (await made.state()).reason == "the gateway has no such session yet"


async def test_codes_that_nobody_scans_end_in_failure_and_a_restart_shows_new_ones(line: Wire):
    made = line.remade(session="slow")
    await made.session("start")
    for _ in range(6):
        await control(line, "slow/rotate")
    assert (await made.state()).state == "failed"
    await made.session("restart")
    assert (await made.state()).state == "scan_qr"


async def test_many_sessions_side_by_side_keep_apart(line: Wire):
    names = [f"branch-{n}" for n in range(12)]
    channels = [line.remade(session=name) for name in names]
    for made in channels:
        await made.session("start")
        await control(line, f"{made.credentials.session}/scan")
    for made in channels:
        to = Recipient(account=made.credentials.session, wa_id=CONTACT)
        await made.send(to, Text(body=f"from {made.credentials.session}"), f"{made.credentials.session}/r:0")
    for name in names:
        assert [b.text for b in line.emulator.phones.conversation(name, CONTACT)] == [f"from {name}"]


async def test_a_session_that_is_not_linked_pauses_the_number(line: Wire):
    made = line.remade(session="unlinked")
    await made.session("start")
    with pytest.raises(SendError) as refused:
        await made.send(Recipient(account="unlinked", wa_id=CONTACT), Text(body="hello"), "c/r:0")
    assert (refused.value.kind, refused.value.code) == ("stop", 422)


async def test_the_same_send_twice_is_one_message(line: Wire):
    line.emulator.faults.append(SendFault(status=502, html=True, deliver=True))
    with pytest.raises(SendError) as lost:
        await line.channel.send(line.to, Text(body="only once"), "c/r:0")
    assert lost.value.kind == "unknown"
    await line.channel.send(line.to, Text(body="only once"), "c/r:0")
    assert line.shown() == ["only once"]
    await line.channel.send(line.to, Text(body="only once"), "c/r:1")
    assert len(line.shown()) == 2


@pytest.mark.parametrize("told", [True, False])
async def test_a_person_known_by_lid(line: Wire, told: bool):
    lid = {"contact": CONTACT, "lid": "998877@lid", "told": told}
    await control(line, f"{line.account}/lids", json=lid)
    await line.write("who am I?")
    message = await line.message()
    assert (message.user_id, message.wa_id) == ("998877@lid", CONTACT if told else "")
    assert await line.channel.phone_of("998877@lid") == CONTACT
    assert await line.channel.phone_of("111@lid") == ""
    sent = await line.channel.send(
        Recipient(account=line.account, user_id="998877@lid"), Text(body="you"), "c/r:0"
    )
    assert sent and line.emulator.requests[-1]["chatId"] == "998877@lid"


@pytest.mark.parametrize("chat", ["status@broadcast", "123@newsletter"])
def test_stories_and_channels_are_nobody(chat: str):
    event = {
        "event": "message",
        "session": "s",
        "payload": {"id": f"false_{chat}_AA", "from": chat, "body": "buy"},
    }
    assert parse(json.dumps(event).encode()).messages == []


def test_ids_in_every_form():
    assert bare_message_id("false_77015550101@c.us_AAAA") == bare_message_id("true_998877@lid_AAAA") == "AAAA"
    assert bare_message_id("false_120363@g.us_AAAA_77015550101@c.us") == "AAAA"
    assert bare_message_id("AAAA") == "AAAA"
    assert sent_id({"id": "true_7@c.us_BB"}) == sent_id({"id": {"_serialized": "true_7@c.us_BB"}}) == "BB"
    assert sent_id({"key": {"id": "BB"}}) == sent_id({"_data": {"key": {"id": "BB"}}}) == "BB"
    assert sent_id({}) == ""


@pytest.mark.skipif(
    not os.environ.get("WAHA_OPENAPI"), reason="WAHA_OPENAPI does not name the gateway's openapi.json"
)
async def test_our_requests_keep_the_vendors_schema(line: Wire):
    """Every body we send, against the published OpenAPI with its known slips mended: enums and booleans of
    another type."""
    import jsonschema

    spec = json.loads(Path(os.environ["WAHA_OPENAPI"]).read_text())
    schemas = spec["components"]["schemas"]
    schemas["WebhookConfig"]["properties"]["events"]["items"] = {"type": "string"}
    for name in ("VoiceBinaryFile", "VoiceRemoteFile"):
        for part in ("mimetype", "filename"):
            schemas[name]["properties"].get(part, {})["type"] = "string"
    bodies: list[tuple[str, str, Any]] = []
    original = line.client.request

    async def noted(method: str, url: str, **request: Any):
        if request.get("json") is not None and "/_control" not in url:
            bodies.append((method.lower(), url.removeprefix(line.provider), request["json"]))
        return await original(method, url, **request)

    line.client.request = noted  # pyright: ignore[reportAttributeAccessIssue]
    made = line.remade(session="checked")
    await made.session("start")
    await made.session("start")
    await made.pairing_code("77001112233")
    await control(line, "checked/scan")
    to = Recipient(account="checked", wa_id=CONTACT)
    await made.typing(to, "AA")
    await made.send(to, Text(body="hello", quoted_id="AA"), "c/r:0")
    for content, _ in EVERYTHING.values():
        await made.send(to, content, "c/r:1")
    await made.send(to, reaction("AA"), "c/r:2")
    assert len(bodies) >= 10
    for method, path, body in bodies:
        path = path.replace("/api/sessions/checked", "/api/sessions/{session}").replace(
            "/api/checked/", "/api/{session}/"
        )
        operation = spec["paths"][path][method]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.Draft7Validator({**schema, "components": spec["components"]}).validate(body)
        known = schemas[schema["$ref"].rsplit("/", 1)[1]]["properties"]
        assert set(body) <= set(known), f"{path}: {set(body) - set(known)}"
