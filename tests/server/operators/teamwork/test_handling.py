"""Working as a team: whose a conversation is, labels, what is put off, comments, and replies at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from channels.base import Message
from server import clock
from server.clock import now_ms
from server.operators import privacy
from server.operators.teamwork import comments, handling
from server.operators.tokens import MASTER, create_operator
from server.pipeline.merging import Merging
from server.store.keys import key
from tests.support.office import NUMBER, Office
from tests.support.servers.front_door import FrontDoor, front_door, settings_of
from tests.support.stack import text, webhook

HOUR = 3_600_000


@pytest.fixture(autouse=True)
def real_time():
    yield
    clock.move_to(0)


@pytest.fixture
async def door(redis: Redis, tmp_path: Path) -> AsyncIterator[FrontDoor]:
    async with front_door(settings_of(tmp_path), redis) as found:
        yield found


async def writes(door: FrontDoor, contact: str = "77010000001", said: str = "hello") -> str:
    """A contact writes; the conversation's id."""
    assert (await door.post(webhook(text(contact, said, f"wamid.{said}.{contact}")))).status_code == 200
    (found,) = (await door.read(f"/api/conversations?q={contact}"))["items"]
    return found["id"]


async def shown(door: FrontDoor, query: str) -> list[str]:
    return [row["id"] for row in (await door.read(f"/api/conversations?{query}"))["items"]]


async def test_of_two_who_take_a_conversation_at_once_one_has_it(door: FrontDoor, redis: Redis):
    id = await writes(door)
    olga, token = await create_operator(redis, (), "Olga", "agent")
    place = f"/api/conversations/{id}/assignment"
    hers = {"Authorization": f"Bearer {token}"}
    answers = await asyncio.gather(
        door.http.put(place, json={"colleague": "me", "expected": ""}),
        door.http.put(place, json={"colleague": "me", "expected": ""}, headers=hers),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert winner["colleague_name"] in ("Olga", MASTER.name)
    assert (await door.http.put(place, json={"colleague": olga.id})).json()["colleague_name"] == "Olga"
    assert (await door.http.get("/api/conversations?show=mine", headers=hers)).json()["items"][0]["id"] == id
    assert await shown(door, "show=mine") == []
    refused = await door.http.put(place, json={"colleague": "nobody-we-know"})
    assert refused.status_code == 422 and "colleague:" in refused.json()["detail"]
    assert (await door.http.put(place, json={"colleague": ""})).json()["colleague"] == ""
    assert not await redis.exists(key("default", "colleague", olga.id))


async def test_labels_are_set_listed_counted_and_bounded(door: FrontDoor):
    id, other = await writes(door), await writes(door, "77010000002")
    place = f"/api/conversations/{id}/labels"
    assert (await door.http.put(place, json={"labels": ["Wholesale", " wholesale ", "VIP!"]})).json()[
        "labels"
    ] == ["wholesale", "vip"]
    await door.http.put(f"/api/conversations/{other}/labels", json={"labels": ["vip"]})
    assert await door.read("/api/labels") == [
        {"name": "vip", "conversations": 2},
        {"name": "wholesale", "conversations": 1},
    ]
    assert await shown(door, "label=wholesale") == [id] and set(await shown(door, "label=VIP")) == {id, other}
    await door.http.put(place, json={"labels": ["vip"]})
    assert await shown(door, "label=wholesale") == []
    assert await door.read("/api/labels") == [{"name": "vip", "conversations": 2}]
    for wrong in ([f"l{n}" for n in range(11)], ["x" * 31], ["vip", "!?"]):
        assert (await door.http.put(place, json={"labels": wrong})).status_code == 422
    assert (await door.http.put(place, json={"labels": []})).json()["labels"] == []


async def test_what_is_put_off_comes_back_by_time_or_when_they_write(door: FrontDoor):
    id = await writes(door)
    place = f"/api/conversations/{id}/snooze"
    refused = await door.http.put(place, json={"until": now_ms() + HOUR})
    assert refused.status_code == 409 and "nothing waits" in refused.json()["detail"]
    await door.http.post(f"/api/conversations/{id}/handoff")
    assert (await door.http.put(place, json={"until": 5})).status_code == 409
    until = now_ms() + HOUR
    assert (await door.http.put(place, json={"until": until})).json()["snoozed_until"] == until
    assert await shown(door, "show=needs_person") == [] and await shown(door, "show=snoozed") == [id]
    clock.move_to(2 * HOUR)
    assert await shown(door, "show=needs_person") == [id] and await shown(door, "show=snoozed") == []
    assert (await door.http.put(place, json={"until": now_ms() * 1000})).status_code == 422
    await door.http.put(place, json={"until": now_ms() + HOUR})
    assert await shown(door, "show=needs_person") == []
    await writes(door, said="and now?")
    assert await shown(door, "show=needs_person") == [id] and await shown(door, "show=snoozed") == []


async def test_what_is_resolved_is_open_again_when_they_write(door: FrontDoor):
    id = await writes(door)
    await door.http.post(f"/api/conversations/{id}/handoff")
    await door.http.put(f"/api/conversations/{id}/snooze", json={"until": now_ms() + HOUR})
    done = (await door.http.post(f"/api/conversations/{id}/resolve")).json()
    assert done["owner"] == "bot" and done["resolved_at"] and done["resolved_by"] == MASTER.name
    assert (done["task"], done["snoozed_until"], done["asked_at"]) == ("", 0, 0)
    assert await shown(door, "show=resolved") == [id] and await shown(door, "show=needs_person") == []
    assert (await door.http.post(f"/api/conversations/{id}/reopen")).json()["resolved_at"] == 0
    await door.http.post(f"/api/conversations/{id}/resolve")
    await writes(door, said="one more thing")
    assert await shown(door, "show=resolved") == []


async def test_a_comment_calls_colleagues_and_reaches_nobody_else(door: FrontDoor, redis: Redis):
    id = await writes(door)
    _, token = await create_operator(redis, (), "Olga", "agent")
    for name, bots in (("Marat", ("demo",)), ("Ol", ())):
        await create_operator(redis, bots, name, "agent")
    hers = {"Authorization": f"Bearer {token}"}
    place = f"/api/conversations/{id}/comments"
    written = await door.http.post(place, json={"text": "@olga does he get the old price? @Marat knows"})
    assert written.status_code == 201
    assert written.json()["mentions"] == ["Olga"], "of those who see the bot, by their whole name"
    assert [row["text"] for row in await door.read(place)] == [written.json()["text"]]
    conversation = await door.read(f"/api/conversations/{id}")
    assert "old price" not in str(conversation), "what is said to the contact has no word of it"
    mine = "/api/conversations?show=mentions"
    assert [row["id"] for row in (await door.http.get(mine, headers=hers)).json()["items"]] == [id]
    assert await shown(door, "show=mentions") == []
    assert (await door.http.post(place, json={"text": "@API_TOKEN look"})).json()["mentions"] == ["API_TOKEN"]
    assert await shown(door, "show=mentions") == [id]
    await door.http.post(f"/api/conversations/{id}/seen")
    assert await shown(door, "show=mentions") == []
    await door.http.post(f"/api/conversations/{id}/seen", headers=hers)
    assert (await door.http.get(mine, headers=hers)).json()["items"] == []


async def test_replies_at_hand_are_kept_filled_and_bounded(door: FrontDoor):
    place = "/api/canned-replies"
    assert (
        await door.http.put(f"{place}/hours", json={"text": "Hello {name}, until {till}."})
    ).status_code == 200
    await door.http.put(f"{place}/hours", json={"text": "Hello {name}, open until {till}."})
    assert await door.read(place) == [{"shortcut": "hours", "text": "Hello {name}, open until {till}."}]
    for wrong in ("no%20blank", "x" * 31):
        assert (await door.http.put(f"{place}/{wrong}", json={"text": "x"})).status_code == 422
    for wrong in ("", "  \n", "x" * 4_097):
        assert (await door.http.put(f"{place}/hours", json={"text": wrong})).status_code == 422
    half = {"content": '{"text": "\\ud800"}', "headers": {"Content-Type": "application/json"}}
    assert (await door.http.put(f"{place}/hours", **half)).status_code == 422
    only_new = {"If-None-Match": "*"}
    taken = await door.http.put(f"{place}/hours", json={"text": "mine"}, headers=only_new)
    assert taken.status_code == 412 and "/hours" in taken.json()["detail"]
    assert (await door.read(place))[0]["text"].startswith("Hello"), "nobody's reply is overwritten unseen"
    assert (await door.http.put(f"{place}/fresh", json={"text": "x"}, headers=only_new)).status_code == 200
    assert (await door.http.delete(f"{place}/fresh")).status_code == 204
    assert (await door.http.delete(f"{place}/hours")).status_code == 204
    assert (await door.http.delete(f"{place}/hours")).status_code == 404


def card(phone: str = "", user: str = "") -> Message:
    return Message(id="card", account=NUMBER, kind="system", wa_id=phone, user_id=user)


async def test_handling_goes_along_when_two_records_become_one_and_leaves_with_the_person(
    redis: Redis, tmp_path: Path
):
    office = Office(redis, tmp_path)
    runtime, conversations = office.runtime, office.runtime.conversations
    mine, theirs = (
        await conversations.identify(card("77010000001")),
        await conversations.identify(card(user="KZ.1")),
    )
    olga, _ = await create_operator(redis, (), "Olga", "agent")
    await handling.label(runtime, mine, ["vip", "old"])
    await handling.label(runtime, theirs, ["vip", "new"])
    await handling.assign(runtime, theirs, olga)
    await comments.write_comment(runtime, theirs, MASTER, "for @Olga")
    assert await conversations.identify(card("77010000001", "KZ.1")) == mine
    assert await Merging(office.settings, redis).catch_up(runtime) == 1
    contact: Any = await conversations.contact(mine)
    assert set(contact.labels) == {"vip", "old", "new"} and contact.colleague_name == "Olga"
    assert await handling.labels_of(runtime) == {"new": 1, "old": 1, "vip": 1}
    assert await redis.smembers(key("default", "colleague", olga.id)) == {mine.encode()}  # pyright: ignore[reportGeneralTypeIssues]
    assert [one.text for one in await comments.comments_of(runtime, mine)] == ["for @Olga"]
    assert await redis.smembers(key("default", "mentioned", olga.id)) == {mine.encode()}  # pyright: ignore[reportGeneralTypeIssues]
    other: Any = await conversations.contact(await conversations.identify(card("77010000009")))
    await handling.label(runtime, other.id, ["vip"])
    for _ in range(2):  # as it is done once more for what a turn in hand still wrote
        await privacy.erased(redis, runtime, contact)
    assert await handling.labels_of(runtime) == {"vip": 1}, "of the other contact"
    await privacy.erased(redis, runtime, await conversations.contact(other.id) or other)
    found = await privacy.erased(redis, runtime, contact, verify=True)
    assert found.left == [] and await handling.labels_of(runtime) == {}
    assert not await redis.exists(key("default", "colleague", olga.id), key("default", "comments", mine))
