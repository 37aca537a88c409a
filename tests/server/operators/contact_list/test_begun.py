"""A chat that the business begins: one contact for a number in any spelling, and what may be sent to them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from channels.emulators.wappi import WappiEmulator
from server.operators.tokens import create_operator
from tests.support.people.customers import fresh, said, talk
from tests.support.people.people import WAPPI, Town, town
from tests.support.shop.bots import TOKEN, name
from tests.support.stack import NUMBER, Stack
from tests.support.waiting import until

PLACE = "/api/contacts"


@pytest.fixture
async def shop(redis: Redis, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(redis, tmp_path) as found:
        yield found


async def begin(shop: Town, number: str, **more: Any) -> dict[str, Any]:
    answer = await shop.door.http.post(PLACE, json={"number": number, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_whoever_never_wrote_is_there_from_now_on_and_gets_a_template_only(shop: Town):
    begun = await begin(shop, " +7 (701) 000-00-01 ")
    assert not begun["known"] and begun["wa_id"] == "77010000001" and begun["account"] == NUMBER
    assert begun["writing"]["template"] and not begun["writing"]["text"]
    assert "never written" in begun["writing"]["why"]
    assert await shop.names() == [""], "they are in the list, without a name"
    place = f"/api/conversations/{begun['id']}/messages"
    refused = await shop.door.http.post(place, json={"text": "hello"})
    assert refused.status_code == 409 and "only a template" in refused.json()["detail"]
    assert (await shop.door.read(f"/api/conversations/{begun['id']}"))["messages"] == []
    queued = await shop.door.http.post(place, json={"template": "hello:en"})
    assert queued.status_code == 202
    (line, *_) = (await shop.door.read("/api/conversations"))["items"]
    assert line["id"] == begun["id"] and line["last_message"]["template"] == "hello:en"


@pytest.mark.parametrize(
    "spelling", ["+77010000001", "7 701 000 00 01", "007701 0000001", "+7-701-000-00-01", "7.701.000.0001"]
)
async def test_a_number_is_one_contact_in_every_spelling(shop: Town, spelling: str):
    id = await shop.meet("77010000001", "Anna")
    begun = await begin(shop, spelling)
    assert begun["known"] and begun["id"] == id and begun["name"] == "Anna"
    assert begun["writing"]["text"], "they have just written"


async def test_numbers_that_were_lengthened_since_are_the_same_person(shop: Town):
    id = await shop.meet("551198887766", "Zoe")
    assert (await begin(shop, "+55 11 99888-7766"))["id"] == id
    first = await begin(shop, "+52 1 55 1234 5678")
    assert (await begin(shop, "+52 55 1234 5678"))["id"] == first["id"]


async def test_somebody_who_is_known_stays_on_their_channel(shop: Town):
    id = await shop.meet("77010000001", "Anna", account=WAPPI)
    begun = await begin(shop, "+77010000001", channel="cloud_api")
    assert (begun["id"], begun["account"], begun["known"]) == (id, WAPPI, True)
    assert (await shop.door.read(f"/api/contacts/{id}"))["account"] == WAPPI


async def test_a_channel_without_a_window_takes_a_text_at_once(shop: Town):
    begun = await begin(shop, "+77010000001", channel="wappi")
    assert begun["account"] == WAPPI and begun["writing"] == {
        "text": True,
        "template": False,
        "until": 0,
        "why": "",
    }
    sent = await shop.door.http.post(f"/api/conversations/{begun['id']}/messages", json={"text": "hello"})
    assert sent.status_code == 202


async def test_who_wants_no_messages_gets_none_even_if_they_were_erased(shop: Town):
    id = await shop.meet("77010000001", "Anna", account=WAPPI)
    await shop.door.http.put(f"/api/contacts/{id}/consent", json={"stopped": True})
    assert (await begin(shop, "+77010000001"))["stopped"]
    await shop.door.http.delete(f"/api/contacts/{id}")
    begun = await begin(shop, "+77010000001", channel="wappi")
    assert begun["stopped"] and not begun["known"]
    assert not begun["writing"]["text"] and not begun["writing"]["template"]
    refused = await shop.door.http.post(f"/api/conversations/{begun['id']}/messages", json={"text": "hello"})
    assert refused.status_code == 409 and "no more messages" in refused.json()["detail"]


async def test_of_two_who_begin_at_once_both_have_the_same_contact(shop: Town):
    ways = ["+77010000001", "77010000001", "+7 701 000 00 01"] * 4
    begun = await asyncio.gather(*(begin(shop, way) for way in ways))
    assert len({one["id"] for one in begun}) == 1
    assert len((await shop.door.read(PLACE))["items"]) == 1


@pytest.mark.parametrize(
    ("asked", "status", "word"),
    [
        ({"number": "87010000001"}, 422, "number: 87010000001 is no valid number"),
        ({"number": "+7 701"}, 422, "country code"),
        ({"number": "hello"}, 422, "country code"),
        ({"number": "+7701000000" + "1" * 20}, 422, "number"),
        ({"number": "+77010000001; DROP"}, 422, "number"),
        ({"number": ""}, 422, "number"),
        ({"number": "7" * 41}, 422, "number"),
        ({"number": "\ud800"}, 422, "number"),
        ({"number": "+77010000001", "channel": "waha"}, 422, "channel: bot default has no number"),
        ({"number": "+77010000001", "channel": "fax"}, 422, "channel"),
        ({"number": "+77010000001", "bot_id": "nobody"}, 404, "bot"),
        ({"number": "+77010000001", "text": "hi"}, 422, "text"),
    ],
    ids=str,
)
async def test_what_is_no_number_makes_no_contact(shop: Town, asked: dict[str, Any], status: int, word: str):
    body = {"content": json.dumps(asked), "headers": {"Content-Type": "application/json"}}
    answer = await shop.door.http.post(PLACE, **body)
    assert answer.status_code == status and word in answer.text, answer.text
    assert await shop.names() == []


async def test_it_takes_an_agent_of_the_bot_and_is_put_on_record(shop: Town, redis: Redis):
    for bots, role, status in (
        ((), "read_only", 403),
        (("demo",), "agent", 404),
        (("default",), "agent", 200),
    ):
        _, token = await create_operator(redis, bots, "Olga", role)
        hers = {"Authorization": f"Bearer {token}"}
        answer = await shop.door.http.post(PLACE, json={"number": "+77010000001"}, headers=hers)
        assert answer.status_code == status, (bots, role)
    (line,) = (await shop.door.read("/api/audit"))["items"]
    assert (line["action"], line["bot_id"], line["target"]) == (
        f"POST {PLACE}",
        "default",
        answer.json()["id"],
    )
    assert "7701" not in str(line)


@pytest.mark.usefixtures("no_templates")
async def test_a_template_reaches_somebody_who_never_wrote(stack: Stack):
    stack.emulator.templates = [
        {
            "name": "good_day",
            "language": "en",
            "status": "APPROVED",
            "category": "MARKETING",
            "components": [{"type": "BODY", "text": "Good day, {{1}}!"}],
        }
    ]
    await stack.http.post("/api/templates/sync")
    number, _ = fresh()
    begun = (await stack.http.post(PLACE, json={"number": f"+{number}"})).json()
    sent = {"template": "good_day:en", "variables": ["Anna"]}
    answer = await stack.http.post(f"/api/conversations/{begun['id']}/messages", json=sent)
    assert answer.status_code == 202, answer.text
    await until(lambda: stack.replies(number))
    given = stack.emulator.requests[-1]["template"]
    assert given["name"] == "good_day" and given["components"][0]["parameters"][0]["text"] == "Anna"
    known, _ = await talk(stack, "hello")
    assert (await stack.http.post(PLACE, json={"number": known})).json()["known"]


async def test_a_text_reaches_somebody_who_never_wrote_on_wappi(
    stack: Stack, bots: list[str], wappi: tuple[WappiEmulator, str]
):
    emulator, url = wappi
    bot, profile, number = name(), uuid.uuid4().hex[:8], "77015550778"
    bots.append(bot)
    channel = {"type": "wappi", "profile_id": profile, "token": TOKEN, "url": url}
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    begun = (await stack.http.post(PLACE, json={"number": f"+{number}", "bot_id": bot})).json()
    assert begun["writing"]["text"] and begun["bot_id"] == bot
    sent = await stack.http.post(f"/api/conversations/{begun['id']}/messages", json={"text": "Good day!"})
    assert sent.status_code == 202, sent.text
    assert await until(lambda: said(emulator, profile, number)) == ["Good day!"]
