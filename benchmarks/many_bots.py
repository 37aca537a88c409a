"""python -m benchmarks.many_bots: 300 bots on one machine: start-up, memory of an idle bot, idle load, and
all of them busy.

Every bot has a number of its own on the Cloud API; each of its conversations writes once. Web, one worker,
Redis, the sender of webhooks and the receiver of replies share the machine; the model is the stub of
`benchmarks.product`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from redis import Redis

from benchmarks.load import PORT, Product, Provider, post, until, up
from benchmarks.webhook import body_of, request_of

IDLE_SECONDS = 20


def config(number: int) -> dict[str, Any]:
    """One of many bots."""
    channel = {"type": "cloud_api", "phone_number_id": f"{10_000 + number}"}
    return {"id": f"bot-{number:03}", "business": f"Shop number {number}", "channel": channel}


async def idle(product: Product, redis: Redis) -> dict[str, float]:
    """What nobody doing anything costs: CPU of web and worker, and commands to Redis a second."""

    def commands() -> int:
        return int(redis.info("stats")["total_commands_processed"])  # pyright: ignore[reportIndexIssue]

    before, cpu, start = commands(), product.cpu(), time.perf_counter()
    peak = 0
    for _ in range(IDLE_SECONDS * 10):  # the busiest tenth of a second tells a storm from an even load
        tenth = commands()
        await asyncio.sleep(0.1)
        peak = max(peak, commands() - tenth - 1)
    passed = time.perf_counter() - start
    load = {"Redis commands/s": (commands() - before) / passed - 20, "busiest tenth, commands/s": peak * 10}
    return {**load, "CPU %": 100 * (product.cpu() - cpu) / passed}


async def measure(bots: int, conversations: int, workers: int) -> None:
    """Print every figure as it comes."""
    provider = Provider()
    server = await provider.serve()
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        settings = {"DEBOUNCE_SECONDS": "0.5", "ENABLE_FOLLOW_UPS": "true"}
        product = Product(Path(folder), workers, 0, **settings)
        await up(provider)
        redis = Redis.from_url(product.env["REDIS_URL"])
        await asyncio.sleep(2)
        small = product.resident()
        for name, value in (await idle(product, redis)).items():
            print(f"2 bots, idle: {name:28} {value:10.1f}", flush=True)
        async with httpx.AsyncClient(headers={"Authorization": "Bearer bench"}, timeout=120) as client:
            start = time.perf_counter()
            answer = await client.put(
                f"http://127.0.0.1:{PORT}/api/bots", json=[config(n) for n in range(bots)]
            )
            assert answer.status_code == 200, answer.text[:500]
            print(f"{bots} bots stored over the API in {time.perf_counter() - start:.1f} s")
        product.stop()
        start = time.perf_counter()
        product = Product(Path(folder), workers, 0, **settings)
        redis = Redis.from_url(product.env["REDIS_URL"])
        provider.sent.clear()
        await up(provider)
        print(f"start to the first answer, with {bots} bots: {time.perf_counter() - start:.1f} s")
        await asyncio.sleep(2)
        many = product.resident()
        each = (many - small) * 1024 / bots
        print(
            f"web and {workers} worker(s): {small:.0f} MB with 2 bots, {many:.0f} MB with {bots}: "
            f"{each:.0f} KB a bot and process group"
        )
        for name, value in (await idle(product, redis)).items():
            print(f"{bots} bots, idle: {name:26} {value:10.1f}", flush=True)
        provider.sent.clear()
        people = [(n, f"77{n:03}{c:05}") for c in range(conversations) for n in range(bots)]
        requests = [request_of(body_of(contact, "How much is it?", str(10_000 + n))) for n, contact in people]
        start, cpu = time.perf_counter(), product.cpu()
        await post(requests)
        accepted = time.perf_counter() - start
        await until(lambda: len(provider.sent) >= len(people), 3600)
        took = time.perf_counter() - start
        print(
            f"{len(people)} conversations: accepted in {accepted:.0f} s, answered in {took:.0f} s, "
            f"{len(people) / took:.0f} a second"
        )
        spent = (product.cpu() - cpu) * 1000 / len(people)
        held = int(redis.info("memory")["used_memory"]) / 2**20  # pyright: ignore
        print(
            f"CPU {spent:.1f} ms a turn; web and worker(s) hold {product.resident():.0f} MB, Redis "
            f"{held:.0f} MB"
        )
        assert sorted(c for _, c in provider.sent) == sorted(c for _, c in people)
        await asyncio.sleep(5)
        for name, value in (await idle(product, redis)).items():
            print(
                f"{bots} bots with {conversations} silent conversations each: {name:28} {value:10.1f}",
                flush=True,
            )
        redis.close()
        product.stop()
    server.close()


def main() -> None:
    """The figures of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bots", type=int, default=300)
    parser.add_argument("--conversations", type=int, default=100, help="of each bot")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(measure(options.bots, options.conversations, options.workers))


if __name__ == "__main__":
    main()
