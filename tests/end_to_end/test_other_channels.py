"""Wappi and linked phones on the running product: from the code on the page to the ticks."""

from __future__ import annotations

import uuid

import httpx

from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from tests.support.people.customers import answered, said, write
from tests.support.shop.bots import HOOK, TOKEN, name
from tests.support.stack import Stack
from tests.support.waiting import until


async def test_wappi_from_a_message_to_its_ticks(
    stack: Stack, bots: list[str], wappi: tuple[WappiEmulator, str]
):
    """Webhook with its secrets, echoes of our own dropped, a person who takes over, a group that is nobody's
    business."""
    emulator, url = wappi
    bot, profile, contact = name(), uuid.uuid4().hex[:8], "77015550777"
    bots.append(bot)
    channel = {
        "type": "wappi",
        "profile_id": profile,
        "token": TOKEN,
        "webhook_secret": HOOK,
        "authorization": "from-wappi",
        "url": url,
    }
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    told = await stack.http.post(f"/api/bots/{bot}/webhook", json={"base_url": stack.url})
    assert told.json()["status"] == "done"
    assert emulator.profile(profile).webhook == f"{stack.url}/webhook/wappi/{bot}/{HOOK}"
    await write(url, profile, contact, "what about delivery?", name="Aigul")
    await until(lambda: said(emulator, profile, contact))
    await until(stack.idle)
    assert said(emulator, profile, contact) == ["You asked: what about delivery?"]
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert status["state"] == "connected" and status["last_message"] and status["errors"] == []
    contacts = (await stack.http.get("/api/contacts", params={"bot_id": bot})).json()["items"]
    assert [(c["wa_id"], c["name"], c["owner"]) for c in contacts] == [(contact, "Aigul", "bot")]

    async def read() -> bool:
        seen = (await stack.http.get(f"/api/conversations/{contacts[0]['id']}")).json()["messages"]
        return [m["status"] for m in seen] == ["", "read"]

    await until(read)
    await write(url, profile, contact, "in a group", group="120363@g.us")
    await write(url, profile, contact, "Dana here, I will call you", business=True)

    async def taken() -> bool:
        seen = (await stack.http.get(f"/api/conversations/{contacts[0]['id']}")).json()
        return seen["owner"] == "person" and seen["messages"][-1]["author"] == "person"

    await until(taken)
    await write(url, profile, contact, "thank you")
    await until(stack.idle)
    assert len(said(emulator, profile, contact)) == 1 + 1  # the bot's, and Dana's own
    for path, headers in (
        (f"/webhook/wappi/{bot}/wrong", {"Authorization": "from-wappi"}),
        (f"/webhook/wappi/{bot}/{HOOK}", {"Authorization": "wrong"}),
        (f"/webhook/wappi/{bot}/{HOOK}", {"Authorization": ""}),
        (f"/webhook/wappi/default/{HOOK}", {"Authorization": "from-wappi"}),
        (f"/webhook/pigeon/{bot}/{HOOK}", {"Authorization": "from-wappi"}),
    ):
        assert (await stack.http.post(path, json={"messages": []}, headers=headers)).status_code == 403
    foreign = {
        "messages": [
            {
                "wh_type": "incoming_message",
                "id": "F1",
                "profile_id": "another",
                "type": "chat",
                "body": "hi",
                "chatId": "77010000001@c.us",
            }
        ]
    }
    answer = await stack.http.post(
        f"/webhook/wappi/{bot}/{HOOK}", json=foreign, headers={"Authorization": "from-wappi"}
    )
    assert answer.status_code == 200
    assert len((await stack.http.get("/api/contacts", params={"bot_id": bot})).json()["items"]) == 1


async def test_a_qr_linked_session_from_its_code_to_a_conversation(
    stack: Stack, bots: list[str], gateway: tuple[WahaEmulator, str]
):
    emulator, url = gateway
    bot, contact = name(), "77015550778"
    bots.append(bot)
    channel = {
        "type": "waha",
        "url": url,
        "api_key": "gateway-key",
        "hmac_key": "gateway-hmac",
        "webhook_url": f"{stack.url}/webhook/waha",
    }
    made = (await stack.http.put("/api/bots", json={"id": bot, "channel": channel})).json()
    assert made["status"] == "created" and "terms of service" in made["notice"]
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert (status["state"], status["channel"]) == ("scan_qr", "waha")
    assert status["qr"]["value"].startswith("2@") and status["qr"]["png"].startswith("iVBOR")
    assert "banned" in status["notice"]
    picture = await stack.http.get(f"/api/bots/{bot}/qr.png")
    assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
    code = await stack.http.post(f"/api/bots/{bot}/session/code", json={"phone": "+77001112233"})
    assert code.json() == {"code": "WAHA-2233"}
    async with httpx.AsyncClient() as client:
        await client.post(f"{url}/_control/{bot}/scan")
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert (status["state"], status["phone"], status["qr"]) == ("connected", "77001112233", None)
    await write(url, bot, contact, "do you deliver?")
    await until(lambda: said(emulator, bot, contact))
    await until(stack.idle)
    assert said(emulator, bot, contact) == ["You asked: do you deliver?"]
    stopped = await stack.http.post(f"/api/bots/{bot}/session/stop")
    assert stopped.json()["state"] == "stopped"
    assert (await stack.http.post(f"/api/bots/{bot}/session/start")).json()["state"] == "connected"
    bad = await stack.http.post("/webhook/waha", content=b"{}", headers={"X-Webhook-Hmac": "0" * 128})
    assert bad.status_code == 403
    await stack.http.delete(f"/api/bots/{bot}", params={"erase": True})
    assert bot not in emulator.sessions
    assert not [row for row in (await stack.http.get("/api/stats")).json()["alerts"] if row["bot_id"] == bot]


async def test_an_unlinked_profile_shows_its_code_in_the_status(
    stack: Stack, bots: list[str], wappi: tuple[WappiEmulator, str]
):
    emulator, url = wappi
    bot, profile = name(), uuid.uuid4().hex[:8]
    bots.append(bot)
    channel = {"type": "wappi", "profile_id": profile, "token": TOKEN, "webhook_secret": HOOK, "url": url}
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    assert (await stack.http.post(f"/api/bots/{bot}/session/logout")).json()["state"] == "scan_qr"
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert status["qr"]["png"].startswith("iVBOR") and status["state"] == "scan_qr"
    emulator.profile(profile).settings.authorized = True
    assert (await stack.http.get(f"/api/bots/{bot}/status")).json()["state"] == "connected"


async def test_one_person_with_and_without_a_number_is_one_contact(
    stack: Stack, bots: list[str], gateway: tuple[WahaEmulator, str]
):
    _, url = gateway
    bot, contact = name(), "77015550779"
    bots.append(bot)
    channel = {
        "type": "waha",
        "url": url,
        "api_key": "gateway-key",
        "hmac_key": "gateway-hmac",
        "webhook_url": f"{stack.url}/webhook/waha",
    }
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    async with httpx.AsyncClient() as client:
        await client.post(f"{url}/_control/{bot}/scan")
        await write(url, bot, contact, "hello with a number")
        await client.post(f"{url}/_control/{bot}/lids", json={"contact": contact, "lid": "5544@lid"})
        await write(url, bot, contact, "hello with a lid")
    path = "/api/contacts"

    async def both() -> bool:
        rows = (await stack.http.get(path, params={"bot_id": bot})).json()["items"]
        if len(rows) != 1 or rows[0]["user_id"] != "5544@lid":
            return False
        return len((await stack.http.get(f"/api/conversations/{rows[0]['id']}")).json()["messages"]) >= 3

    await until(both)


async def test_sessions_beyond_the_limit_are_refused(stack: Stack, gateway: tuple[WahaEmulator, str]):
    many = [
        {
            "id": f"w{n:02}",
            "channel": {"type": "waha", "url": gateway[1], "api_key": "gateway-key", "hmac_key": "k"},
        }
        for n in range(31)
    ]
    answer = await stack.http.put("/api/bots", json=many)
    rows = answer.json()["items"]
    assert [row["status"] for row in rows] == ["created"] * 30 + ["refused"]
    assert "WHATSAPP_MAX_CLIENTS" in rows[-1]["problems"][0]["problem"]
    for row in rows[:30]:
        await stack.http.delete(f"/api/bots/{row['id']}", params={"erase": True})


async def test_the_same_conversation_on_three_wires(stack: Stack):
    contact = f"7706{uuid.uuid4().int % 10**7:07}"
    for number, (wire, account) in enumerate(
        (("cloud-api", "sim-demo"), ("wappi", "simwappi-demo"), ("waha", "simwaha-demo"))
    ):
        await write(f"{stack.url}/simulator/{wire}", account, contact, f"question {number}")
        await until(lambda w=wire, a=account: answered(stack, w, a, contact))
        await until(stack.idle)
    seen = await stack.conversation_of(contact)
    assert [m["text"] for m in seen["messages"] if m["author"] == "contact"] == [
        "question 0",
        "question 1",
        "question 2",
    ]
    assert [m["text"] for m in seen["messages"] if m["author"] == "bot"] == [
        f"You asked: question {n}" for n in range(3)
    ]
