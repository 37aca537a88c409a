"""The list of contacts: filters, orders, pages, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from channels.base import Message
from server import clock
from server.clock import now_ms
from server.operators.contact_list import search
from server.operators.tokens import create_operator
from tests.support.people.people import WAPPI, Town, town
from tests.support.shop.orders import placed

DAY = 86_400_000


@pytest.fixture
async def shop(redis: Redis, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(redis, tmp_path) as found:
        yield found


@pytest.fixture
async def people(shop: Town, redis: Redis) -> dict[str, str]:
    """Name -> id of four people, the last of whom wrote last, two days after the first."""
    ids = {"Anna": await shop.meet("77010000001", "Anna")}
    clock.move_to(DAY)
    ids["Айгерим"] = await shop.meet("77010000002", "Айгерим")
    ids["Zoe"] = await shop.meet("5511998887766", "Zoe", account=WAPPI)
    clock.move_to(2 * DAY)
    ids["Sim"] = await shop.meet("77010000004", "Sim", account="sim-default")
    http = shop.door.http
    await http.put(f"/api/conversations/{ids['Anna']}/labels", json={"labels": ["Wholesale", "vip"]})
    await http.put(f"/api/conversations/{ids['Zoe']}/labels", json={"labels": ["vip"]})
    await http.put(f"/api/conversations/{ids['Айгерим']}/assignment", json={"colleague": "me"})
    await http.put(f"/api/contacts/{ids['Zoe']}/consent", json={"stopped": True})
    profile = {"company": "Borealis", "stage": "closing", "class": "client"}
    await http.patch(f"/api/contacts/{ids['Anna']}", json={"profile": profile})
    await http.post(f"/api/conversations/{ids['Sim']}/handoff")
    await placed(redis, ids["Zoe"])
    return ids


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["Sim", "Zoe", "Айгерим", "Anna"]),
    ({"label": "VIP"}, ["Zoe", "Anna"]),
    ({"label": "wholesale"}, ["Anna"]),
    ({"label": "nothing"}, []),
    ({"label": "!?"}, []),
    ({"colleague": "me"}, ["Айгерим"]),
    ({"colleague": "nobody"}, ["Sim", "Zoe", "Anna"]),
    ({"colleague": "somebody-else"}, []),
    ({"channel": "cloud_api"}, ["Айгерим", "Anna"]),
    ({"channel": "wappi"}, ["Zoe"]),
    ({"channel": "waha"}, []),
    ({"channel": "simulator"}, ["Sim"]),
    ({"stage": "closing"}, ["Anna"]),
    ({"consent": "stopped"}, ["Zoe"]),
    ({"consent": "open"}, ["Sim", "Айгерим", "Anna"]),
    ({"has_order": True}, ["Zoe"]),
    ({"has_order": False}, ["Sim", "Айгерим", "Anna"]),
    ({"is_client": True}, ["Anna"]),
    ({"is_client": False}, ["Sim", "Zoe", "Айгерим"]),
    ({"show": "client"}, ["Anna"]),
    ({"show": "needs_person"}, ["Sim"]),
    ({"show": "unread"}, ["Sim", "Zoe", "Айгерим", "Anna"]),
    ({"show": "resolved"}, []),
    ({"show": "snoozed"}, []),
    ({"show": "follow_up"}, []),
    ({"q": "айГЕРИМ"}, ["Айгерим"]),
    ({"q": "boreal"}, ["Anna"]),
    ({"q": "+7 701 000 00 02"}, ["Айгерим"]),
    ({"q": "+7701"}, ["Sim", "Айгерим", "Anna"]),
    ({"q": "+55 11 9888-7766"}, ["Zoe"]),
    ({"q": "551198887766"}, ["Zoe"]),
    ({"q": "hello"}, []),
    ({"q": "+"}, []),
    ({"q": "%"}, []),
    ({"label": "vip", "consent": "open"}, ["Anna"]),
    ({"label": "vip", "stage": "closing", "q": "anna", "has_order": False}, ["Anna"]),
]


@pytest.mark.parametrize(("asked", "names"), FILTERS, ids=[str(asked) for asked, _ in FILTERS])
async def test_a_filter_shows_those_it_names(
    shop: Town, people: dict[str, str], asked: dict[str, Any], names: list[str]
):
    assert await shop.names(**asked) == names
    if not set(asked) - {"label", "consent", "q"}:  # another order shows the same people
        assert await shop.names(**asked, sort="oldest") == names[::-1]


async def test_the_last_message_lies_between_two_moments(shop: Town, people: dict[str, str]):
    middle = now_ms() - DAY  # a moment after the second and third wrote
    assert await shop.names(active_from=middle) == ["Sim"]
    assert await shop.names(active_until=middle) == ["Zoe", "Айгерим", "Anna"]
    assert await shop.names(active_from=middle - DAY // 2, active_until=middle) == ["Zoe", "Айгерим"]
    assert await shop.names(active_from=middle, active_until=middle - DAY) == []


async def test_every_order_shows_each_contact_once_page_by_page(shop: Town, people: dict[str, str]):
    orders = {
        "latest": ["Sim", "Zoe", "Айгерим", "Anna"],
        "oldest": ["Anna", "Айгерим", "Zoe", "Sim"],
        "name": ["Anna", "Sim", "Zoe", "Айгерим"],
        "created": ["Sim", "Zoe", "Айгерим", "Anna"],
    }
    for sort, names in orders.items():
        found, cursor = list[str](), ""
        while cursor is not None:
            asked = {"sort": sort, "limit": 3, "cursor": cursor}
            page = (await shop.door.http.get("/api/contacts", params=asked)).json()
            found, cursor = found + [row["name"] for row in page["items"]], page["next_cursor"]
        assert found == names, sort


async def test_what_cannot_be_read_is_refused_with_its_reason(shop: Town, monkeypatch: pytest.MonkeyPatch):
    for name in ("Anna", "Zoe", "Ben"):
        await shop.meet(f"7701000000{len(name)}{ord(name[0])}", name)
    wrong = [({"cursor": "x"}, 400), ({"cursor": "-1", "sort": "name"}, 400), ({"sort": "size"}, 422)]
    wrong += [({"cursor": "९", "sort": "name"}, 400), ({"channel": "fax"}, 422), ({"limit": "0"}, 422)]
    wrong += [({"active_from": "yesterday"}, 422), ({"bot_id": "nobody"}, 404), ({"q": "x" * 101}, 422)]
    for asked, status in wrong:
        answer = await shop.door.http.get("/api/contacts", params=asked)
        assert answer.status_code == status, asked
    monkeypatch.setattr(search, "MOST_SORTED", 2)
    answer = await shop.door.http.get("/api/contacts", params={"sort": "name"})
    assert answer.status_code == 409 and "last message only" in answer.json()["detail"]
    assert await shop.names(sort="name", q="an") == ["Anna"]


async def test_a_list_longer_than_a_chunk_is_walked_through(shop: Town, monkeypatch: pytest.MonkeyPatch):
    """Matches far apart are found, whatever the time it takes, without one command for each contact."""
    monkeypatch.setattr(search, "CHUNK", 20)
    rare = {await shop.meet(f"770200{n:05}", "Rare" if n % 30 == 0 else "Many") for n in range(90)}
    assert len(rare) == 90
    assert await shop.names(q="rare") == ["Rare"] * 3
    before = (await shop.runtime.redis.info("stats"))["total_commands_processed"]
    assert len(await shop.names(limit=50, q="many")) == 50
    spent = (await shop.runtime.redis.info("stats"))["total_commands_processed"] - before
    assert spent < 50 * 6, "rows are read, candidates are not"
    monkeypatch.setattr(search, "PATIENCE", 0)
    found, cursor, pages = list[str](), "", 0
    while cursor is not None:
        asked = {"q": "rare", "limit": 2, "cursor": cursor}
        page = (await shop.door.http.get("/api/contacts", params=asked)).json()
        found, cursor, pages = found + [r["name"] for r in page["items"]], page["next_cursor"], pages + 1
    assert found == ["Rare"] * 3 and pages >= 4


async def test_a_csv_has_those_of_the_filter_or_those_who_were_ticked(shop: Town, people: dict[str, str]):
    async def table(**asked: Any) -> list[str]:
        text = (await shop.door.http.get("/api/contacts", params={"format": "csv", **asked})).text
        return [row["name"] for row in csv.DictReader(io.StringIO(text))]

    assert await table(label="vip") == ["Zoe", "Anna"]
    assert await table(q="nobody at all") == []
    ticked = [people["Anna"], people["Sim"], people["Anna"], "nobody"]
    assert await table(id=ticked) == ["Sim", "Anna"]
    (line, *_) = (await shop.door.read("/api/audit"))["items"]
    assert line["action"] == "GET /api/contacts"


async def test_a_token_of_one_bot_finds_nobody_of_another(shop: Town, people: dict[str, str], redis: Redis):
    _, token = await create_operator(redis, ("demo",), "Olga", "agent")
    theirs = {"Authorization": f"Bearer {token}"}
    for asked in ({}, {"sort": "name"}, {"q": "anna"}):
        answer = await shop.door.http.get("/api/contacts", params=asked, headers=theirs)
        assert answer.json()["items"] == []
    listed = {"format": "csv", "id": list(people.values())}
    text = (await shop.door.http.get("/api/contacts", params=listed, headers=theirs)).text
    assert len(text.splitlines()) == 1


async def test_somebody_who_is_gone_is_in_no_list(shop: Town, people: dict[str, str]):
    await shop.door.http.delete(f"/api/contacts/{people['Zoe']}")
    assert await shop.names() == ["Sim", "Айгерим", "Anna"]
    assert await shop.names(label="vip", sort="name") == ["Anna"]


async def test_a_number_is_found_in_every_spelling_of_it(shop: Town):
    card = Message(id="m", account=WAPPI, kind="text", wa_id="5511998887766")
    assert await shop.runtime.conversations.identify(card)
    await shop.meet("5511998887766", "Zoe")
    for way in ("+55 (11) 99888-7766", "5511 9888 7766", "99888-7766", "0055 11 99888 7766"):
        assert await shop.names(q=way) == ["Zoe"], way
