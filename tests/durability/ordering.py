"""Contacts who order by buttons in the storm: each fills a cart, taps on an old button, confirms more than
once, and has to end with one order of the right sum."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from decimal import Decimal
from typing import Any

from tests.support.servers.fleet import Fleet
from tests.support.stack import SECRET, TOKEN, webhook
from tests.support.waiting import slowness

PRICES = {"P-1": Decimal("189000"), "P-2": Decimal("38000.50"), "P-3": Decimal("7990")}
FEE = Decimal(1500)
NAMES = ("orders placed", "orders lost", "orders doubled", "wrong totals", "orders told twice")
BROKEN = NAMES[1:]


BOT, ACCOUNT, PROBE = "till", "106540352249999", "77060000000"


async def open_the_shop(fleet: Fleet) -> None:
    """A bot of its own that takes orders, known to every process, with its price list: the others have no
    documents to search while processes die."""
    url = fleet.urls[0]
    rules = {"taking": True, "currency": "KZT", "fee": str(FEE)}
    channel = {"type": "cloud_api", "phone_number_id": ACCOUNT, "access_token": TOKEN, "app_secret": SECRET}
    made = await fleet.http.put(f"{url}/api/bots", json={"id": BOT, "channel": channel, "orders": rules})
    assert made.status_code < 300, made.text
    rows = "".join(f"{sku},Thing {sku},{price},KZT\n" for sku, price in PRICES.items())
    file = {"file": ("prices.csv", f"sku,name,price,currency\n{rows}".encode(), "text/csv")}
    added = await fleet.http.post(f"{url}/api/knowledge/documents?bot_id={BOT}", files=file)
    assert added.status_code < 300, added.text
    known, end = 0, time.monotonic() + 120 * slowness()
    while known < 12:  # any of the processes may be the one that does not know of it yet
        assert time.monotonic() < end, "the price list was not read"
        known = known + 1 if await _is_known(fleet, f"{time.monotonic()}") else 0


async def _is_known(fleet: Fleet, name: str) -> bool:
    """Whether whoever takes a tap now knows the bot and its products."""
    before = _shown(fleet, PROBE)
    await _tap(fleet, PROBE, "cart:add:P-3", name)
    end = time.monotonic() + 20 * slowness()
    while time.monotonic() < end and len(_shown(fleet, PROBE)) == len(before):
        await asyncio.sleep(0.05)
    return "cart:confirm:" in "".join(_shown(fleet, PROBE)[len(before) :])


def _shown(fleet: Fleet, contact: str) -> list[str]:
    bubbles = list(fleet.emulator.phones.bubbles.values())
    return [str(b.content) for b in bubbles if b.contact == contact and not b.mine]


def shoppers(count: int) -> list[str]:
    """Their numbers."""
    return [f"7705{n:07}" for n in range(count)]


async def shop(fleet: Fleet, contact: str, pace: float) -> None:
    """Two things go into the cart; an old button and the new one are tapped on, some of it twice."""
    first, second = random.sample(sorted(PRICES), 2)
    await _tap(fleet, contact, f"cart:add:{first}", "add1")
    old = await _button(fleet, contact, version=1)
    await asyncio.sleep(random.expovariate(1 / pace))
    await _tap(fleet, contact, f"cart:add:{second}", "add2")
    new = await _button(fleet, contact, version=2)
    if random.random() < 0.5:
        await _tap(fleet, contact, old, "old")
    await _tap(fleet, contact, new, "confirm")
    if random.random() < 0.5:
        await _tap(fleet, contact, new, "again")
    if random.random() < 0.3:  # the first tap, as Meta tells it once more
        await _tap(fleet, contact, f"cart:add:{first}", "add1")


async def _tap(fleet: Fleet, contact: str, id: str, name: str) -> None:
    """Post a tap until it is acknowledged, sometimes at two doors at once."""
    reply = {"type": "button_reply", "button_reply": {"id": id, "title": name}}
    message = {"from": contact, "id": f"wamid.{contact}.{name}", "timestamp": "1786000000"}
    message |= {"type": "interactive", "interactive": reply}
    await asyncio.gather(*(_deliver(fleet, message) for _ in range(random.choice((1, 1, 2)))))


async def _deliver(fleet: Fleet, message: dict[str, Any]) -> None:
    for _ in range(1000):
        if await fleet.post(webhook(message, number=ACCOUNT)) == 200:
            return
        await asyncio.sleep(random.uniform(0.05, 0.4))
    raise AssertionError("never acknowledged")


async def _button(fleet: Fleet, contact: str, version: int) -> str:
    """The button that confirms this version, once the phone shows it; what it would be, where it never
    does."""
    wanted, end = f"cart:confirm:{version}", time.monotonic() + 90
    while time.monotonic() < end:
        if any(wanted in content for content in _shown(fleet, contact)):
            return wanted
        await asyncio.sleep(0.1)
    return wanted


async def count_orders(fleet: Fleet, contacts: list[str], ids: dict[str, str]) -> dict[str, int]:
    """Hold the orders of the shoppers against what they tapped on."""
    counts = Counter(dict.fromkeys(NAMES, 0))
    orders: dict[str, list[dict[str, Any]]] = {}
    cursor = ""
    while cursor is not None:
        page = await fleet.get(f"/api/orders?limit=200{cursor and f'&cursor={cursor}'}")
        for order in page["items"]:
            orders.setdefault(order["conversation_id"], []).append(order)
        cursor = page["next_cursor"]
    for contact in contacts:
        mine = orders.pop(ids.get(contact, ""), [])
        counts["orders placed"] += len(mine)
        counts["orders lost"] += not mine
        counts["orders doubled"] += max(0, len(mine) - 1)
        bubbles = [b for b in fleet.emulator.phones.bubbles.values() if b.contact == contact and not b.mine]
        counts["orders told twice"] += len(bubbles) - len({bubble.callback for bubble in bubbles})
        for order in mine:
            lines = {line["ref"]: (line["quantity"], Decimal(line["price"])) for line in order["lines"]}
            right = len(lines) == 2 and all(row == (1, PRICES[ref]) for ref, row in lines.items())
            total = sum((PRICES[ref] for ref in lines), FEE)
            counts["wrong totals"] += not right or Decimal(order["total"]) != total
    counts["orders doubled"] += sum(map(len, orders.values()))  # of nobody who ordered
    return dict(counts)
