"""One thing done to many contacts: by ticking them or by a filter, again without harm, and put on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from server.api.teamwork import bulk as routes
from server.operators.tokens import MASTER, create_operator
from server.store.contacts import OPERATOR
from server.store.keys import key
from tests.support.people.people import Town, town
from tests.support.stack import product, redis_of
from tests.support.waiting import until

PLACE = "/api/contacts/bulk"


@pytest.fixture
async def shop(redis: Redis, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(redis, tmp_path) as found:
        yield found


async def do(shop: Town, action: str, *ids: str, **more: Any) -> dict[str, Any]:
    asked = {"action": action, **more}
    if ids:
        asked["contacts"] = list(ids)
    answer = await shop.door.http.post(PLACE, json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def labels(shop: Town) -> dict[str, int]:
    return {row["name"]: row["conversations"] for row in await shop.door.read("/api/labels")}


async def test_a_label_is_added_and_taken_away_and_the_others_stay(shop: Town):
    ids = [await shop.meet(f"7701000000{n}", f"P{n}") for n in range(3)]
    await shop.door.http.put(f"/api/conversations/{ids[0]}/labels", json={"labels": ["vip"]})
    full = [f"l{n}" for n in range(10)]
    await shop.door.http.put(f"/api/conversations/{ids[2]}/labels", json={"labels": full})
    for _ in range(2):  # again changes nothing more
        done = await do(shop, "add_label", *ids, ids[0], "nobody", label="Spring Sale")
        assert done["done"] == 2 and done["next_cursor"] is None
        assert [(row["id"], row["name"], row["reason"]) for row in done["refused"]] == [
            ("nobody", "", "there is no such contact"),
            (ids[2], "P2", "labels: at most 10"),
        ]
        assert (await shop.door.read(f"/api/contacts/{ids[0]}"))["labels"] == ["vip", "spring sale"]
        assert (await labels(shop))["spring sale"] == 2
    assert (await do(shop, "remove_label", *ids, label="SPRING sale"))["done"] == 3
    assert (await shop.door.read(f"/api/contacts/{ids[0]}"))["labels"] == ["vip"]
    assert "spring sale" not in await labels(shop)
    assert (await shop.door.read(f"/api/contacts/{ids[2]}"))["labels"] == full


async def test_all_that_match_are_taken_in_calls_of_a_bounded_size(
    shop: Town, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(routes, "MOST_AT_ONCE", 7)
    for n in range(20):
        await shop.meet(f"770100{n:05}", "Anna" if n % 2 else "Zoe")
    done, cursor, calls = 0, "", 0
    while cursor is not None:
        asked = {"label": "batch", "matching": {"q": "anna"}, "cursor": cursor}
        answer = await do(shop, "add_label", **asked)
        done, cursor, calls = done + answer["done"], answer["next_cursor"], calls + 1
    assert (done, calls) == (10, 2) and (await labels(shop))["batch"] == 10
    assert set(await shop.names(label="batch", limit=200)) == {"Anna"}
    # the filter itself changes by what is done: nobody is left out all the same
    done, cursor = 0, ""
    while cursor is not None:
        asked = {"label": "batch", "matching": {"label": "batch"}, "cursor": cursor}
        answer = await do(shop, "remove_label", **asked)
        done, cursor = done + answer["done"], answer["next_cursor"]
    assert done == 10 and await labels(shop) == {}


async def test_contacts_are_given_to_a_colleague_of_their_bot(shop: Town, redis: Redis):
    mine = await shop.meet("77010000001", "Anna")
    other = await shop.meet("77010000002", "Zoe", account="sim-demo", bot_id="demo")
    olga, _ = await create_operator(redis, ("default",), "Olga", "agent")
    done = await do(shop, "assign", mine, other, colleague=olga.id)
    assert done["done"] == 1 and [row["id"] for row in done["refused"]] == [other]
    assert "nobody of this id answers contacts of this bot" in done["refused"][0]["reason"]
    assert (await shop.door.read(f"/api/contacts/{mine}"))["colleague_name"] == "Olga"
    assert (await do(shop, "assign", mine, other, colleague="me"))["done"] == 2
    assert (await shop.door.read(f"/api/contacts/{other}"))["colleague_name"] == MASTER.name
    assert (await do(shop, "assign", mine, other))["done"] == 2
    assert (await shop.door.read(f"/api/contacts/{mine}"))["colleague"] == ""
    lines = (await shop.door.read("/api/audit"))["items"]
    bulk = [(row["bot_id"], row["detail"]) for row in lines if row["action"] == f"POST {PLACE}"]
    assert bulk[-2:] == [("demo", "assign: 0 done, 1 refused"), ("default", "assign: 1 done, 0 refused")]


async def test_resolving_again_counts_once(shop: Town, redis: Redis):
    ids = [await shop.meet(f"7701000000{n}") for n in range(2)]
    await shop.door.http.post(f"/api/conversations/{ids[0]}/handoff")
    for _ in range(2):
        assert (await do(shop, "resolve", *ids))["done"] == 2
    found = await shop.door.read(f"/api/contacts/{ids[0]}")
    assert found["resolved_at"] and found["owner"] == "bot" and found["resolved_by"] == MASTER.name
    assert await redis.hget(key("default", "totals"), "resolved") == b"2"


async def test_who_is_opted_out_is_on_record_once_also_after_a_call_that_was_cut_short(
    shop: Town, redis: Redis
):
    ids = [await shop.meet(f"7701000000{n}") for n in range(3)]
    # a process that died between its two steps: the profile says so, the list of suppressions does not yet
    await shop.runtime.conversations.learn(ids[1], {"consent": "stopped"}, OPERATOR)
    for _ in range(2):
        assert (await do(shop, "opt_out", *ids))["done"] == 3
    rows = (await shop.door.read("/api/suppressions"))["items"]
    assert {row["conversation_id"] for row in rows} == set(ids)
    changes = (await shop.door.read("/api/consents"))["items"]
    assert sorted(row["conversation_id"] for row in changes) == sorted(ids)
    refused = await shop.door.http.post(f"/api/conversations/{ids[0]}/messages", json={"text": "hi"})
    assert refused.status_code == 409


async def test_a_call_that_is_cut_short_is_made_again(shop: Town):
    ids = [await shop.meet(f"770100{n:05}") for n in range(200)]
    asked = {"action": "add_label", "label": "cut", "contacts": ids}
    for _ in range(3):
        call = asyncio.create_task(shop.door.http.post(PLACE, json=asked))
        while not call.done() and (await labels(shop)).get("cut", 0) < 1:
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    assert (await do(shop, "add_label", *ids, label="cut"))["done"] == 200
    assert (await labels(shop))["cut"] == 200
    assert (await shop.door.read(f"/api/contacts/{ids[7]}"))["labels"] == ["cut"]


@pytest.mark.slow
async def test_the_process_is_killed_in_the_middle_and_the_call_is_made_again():
    with product() as stack:
        numbers = [f"+7701{n:07}" for n in range(400)]
        ids = [
            (await stack.http.post("/api/contacts", json={"number": number})).json()["id"]
            for number in numbers
        ]
        asked = {"action": "opt_out", "contacts": ids}
        call = asyncio.create_task(stack.http.post(PLACE, json=asked))

        async def begun() -> int:
            async with redis_of(stack) as redis:
                return await redis.zcard("sg:{default}:suppressed")

        await until(begun)
        stack.kill("web")
        await asyncio.gather(call, return_exceptions=True)
        left = len(ids) - await begun()

        async def up() -> bool:
            try:
                return (await stack.http.get("/health")).status_code == 200
            except httpx.HTTPError:
                return False

        await until(up)
        again = await stack.http.post(PLACE, json=asked)
        assert again.status_code == 200 and again.json() == {"done": 400, "refused": [], "next_cursor": None}
        assert await begun() == 400, f"{left} were left"
        changes = (await stack.http.get("/api/consents", params={"limit": 200})).json()["items"]
        assert len({row["conversation_id"] for row in changes}) == 200, "each is on record once"


async def test_two_who_label_the_same_people_lose_no_label(shop: Town):
    ids = [await shop.meet(f"770100{n:05}") for n in range(40)]
    await asyncio.gather(*(do(shop, "add_label", *ids, label=name) for name in ("one", "two", "three")))
    assert await labels(shop) == {"one": 40, "two": 40, "three": 40}
    for id in ids[:5]:
        assert sorted((await shop.door.read(f"/api/contacts/{id}"))["labels"]) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("asked", "status", "word"),
    [
        ({"action": "add_label", "label": "x"}, 422, "one of both"),
        ({"action": "add_label", "label": "x", "contacts": ["a"], "matching": {}}, 422, "one of both"),
        ({"action": "add_label", "contacts": ["a"]}, 422, "label"),
        ({"action": "add_label", "label": "!?", "contacts": ["a"]}, 422, "neither letters nor digits"),
        ({"action": "add_label", "label": "x" * 31, "contacts": ["a"]}, 422, "30 characters"),
        ({"action": "erase", "contacts": ["a"]}, 422, "action"),
        ({"action": "resolve", "contacts": []}, 422, "contacts"),
        ({"action": "resolve", "contacts": ["x"] * 501}, 422, "500"),
        ({"action": "resolve", "matching": {"lable": "x"}}, 422, "lable"),
        ({"action": "resolve", "matching": {}, "cursor": "x"}, 400, "cursor"),
        ({"action": "resolve", "matching": {}, "bot_id": "nobody"}, 404, "bot"),
        ({"action": "resolve", "contacts": ["\x00", "*", "x{y}:z"]}, 200, "no such contact"),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused(shop: Town, asked: dict[str, Any], status: int, word: str):
    answer = await shop.door.http.post(PLACE, json=asked)
    assert answer.status_code == status and word in answer.text, answer.text


async def test_nobody_does_it_to_contacts_they_may_not_see(shop: Town, redis: Redis):
    id = await shop.meet("77010000001")
    for bots, role, status in (((), "read_only", 403), (("demo",), "agent", 200)):
        _, token = await create_operator(redis, bots, "Olga", role)
        hers = {"Authorization": f"Bearer {token}"}
        for whom in ({"contacts": [id]}, {"matching": {}}):
            asked = {"action": "add_label", "label": "x", **whom}
            answer = await shop.door.http.post(PLACE, json=asked, headers=hers)
            assert answer.status_code == status
            assert status == 403 or answer.json()["done"] == 0
    assert await labels(shop) == {}
