"""python -m benchmarks.overload: many people at once, far more than one worker can answer in time.

Web and one worker as processes, a stub model that takes `--delay` seconds a call, and meanwhile `--calm`
contacts of a second bot who write one after another. Printed: when replies came, whether in the order people
wrote, how many turns ran more than once, how long webhooks took, and how long the calm ones waited."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load import PORT, Product, Provider, until, up
from benchmarks.webhook import SECRET, body_of
from channels.cloud_webhook import signature

CALM, CALM_NUMBER, TOKEN = "calm", "43", "bench"


def share(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else 0.0


async def storm(people: int, delay: float, calm: int, **settings: str) -> dict[str, float]:
    """The figures, in seconds and counts."""
    provider = Provider()
    server = await provider.serve()
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        counted = Path(folder) / "answers"
        settings = {"BENCH_ANSWERS": str(counted), "DEBOUNCE_SECONDS": "0", **settings}
        product = Product(Path(folder), 1, delay, **settings)
        try:
            await up(provider)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as http:
                await _second_bot(http)
                await asyncio.sleep(1)
                provider.sent.clear()
                warm = len(counted.read_text())
                began, cpu = time.perf_counter(), product.cpu()
                wrote, webhooks = await _write(people, _Connections(http))
                waited = await _calm(http, provider, calm) if calm else []
                await until(lambda: len(provider.sent) >= people + calm, 300)
                took = time.perf_counter() - began
                spent = product.cpu() - cpu
        finally:
            product.stop()
        answers = len(counted.read_text())
    server.close()
    heard = [(at, contact) for at, contact in provider.sent if contact in wrote]
    replies = [at - wrote[contact] for at, contact in heard]
    place = {contact: number for number, contact in enumerate(sorted(wrote, key=lambda who: wrote[who]))}
    moved = [abs(place[contact] - number) for number, (_, contact) in enumerate(heard)]
    return {
        "replies": len(heard),
        "first decile s": share(replies, 0.1),
        "median s": share(replies, 0.5),
        "last s": max(replies),
        "turns a second": people / max(at - began for at, _ in heard),
        "places moved, median": share(moved, 0.5),
        "places moved, p99": share(moved, 0.99),
        "answered twice": len(heard) - len({contact for _, contact in heard}),
        "answers asked twice": answers - warm - people - calm,
        "webhook p99 ms": 1000 * share(webhooks, 0.99),
        "calm: median s": share(waited, 0.5),
        "calm: worst s": max(waited, default=0.0),
        "CPU ms a turn": 1000 * spent / (people + calm),
        "all took s": took,
    }


class _Connections:
    """Posts signed webhooks; says how long each took."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(self, body: bytes) -> float:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(SECRET, body)}
        began = time.perf_counter()
        (await self._http.post("/webhook", content=body, headers=headers)).raise_for_status()
        return time.perf_counter() - began


async def _second_bot(http: httpx.AsyncClient) -> None:
    channel = {"type": "cloud_api", "phone_number_id": CALM_NUMBER, "access_token": "t", "app_secret": SECRET}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    made = await http.put("/api/bots", json={"id": CALM, "channel": channel}, headers=headers)
    made.raise_for_status()


async def _write(people: int, door: _Connections) -> tuple[dict[str, float], list[float]]:
    """(contact -> when their message was acknowledged, seconds of each webhook); in this order, eight at a
    time."""
    wrote, took = dict[str, float](), list[float]()
    waiting = [f"7701{number:07}" for number in range(people)][::-1]

    async def lane() -> None:
        while waiting:
            contact = waiting.pop()
            wrote[contact] = time.perf_counter()
            took.append(await door.post(body_of(contact, "How much is it?")))

    await asyncio.gather(*(lane() for _ in range(8)))
    return wrote, took


async def _calm(http: httpx.AsyncClient, provider: Provider, count: int) -> list[float]:
    """How long each waited for an answer."""
    waited, door = list[float](), _Connections(http)
    for number in range(count):
        contact = f"7702{number:07}"
        body = body_of(contact, "Are you open?").replace(b'"phone_number_id":"42"', b'"phone_number_id":"43"')
        body = body.replace(b'"phone_number_id": "42"', b'"phone_number_id": "43"')
        (change,) = json.loads(body)["entry"][0]["changes"]
        assert change["value"]["metadata"]["phone_number_id"] == CALM_NUMBER
        began = time.perf_counter()
        await door.post(body)
        await until(lambda c=contact: any(c == who for _, who in list(provider.sent)), 120)
        waited.append(time.perf_counter() - began)
    return waited


def main() -> None:
    """The figures that the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds per model call")
    parser.add_argument("--calm", type=int, default=5, help="contacts of another bot, one after another")
    parser.add_argument("--concurrency", help="WORKER_CONCURRENCY")
    given = parser.parse_args()
    settings = {"WORKER_CONCURRENCY": given.concurrency} if given.concurrency else {}
    rows: dict[str, Any] = asyncio.run(storm(given.people, given.delay, given.calm, **settings))
    for name, value in rows.items():
        print(f"{name:26} {value:10.2f}")


if __name__ == "__main__":
    main()
