"""The operators' conversation list: pages at 100,000 conversations beside 1,000, searches, and how soon 50
open dashboards show a message.

    python -m benchmarks.dashboard [--conversations 100000] [--dashboards 50]

Each row is the median of several requests against a running product over an embedded Redis, offline model,
one web process."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from server.store.keys import key
from server.store.records import Entry
from tests.fakes.serving import free_port

TOKEN, BOT = "bench", "default"


async def fill(redis: Redis, first: int, count: int) -> None:
    """Conversations as the scripts leave them, five lines each; one in 50 unread, one in 5,000 of them
    failed."""
    now = int(time.time() * 1000) - 10**9
    for start in range(first, first + count, 2_000):
        async with redis.pipeline(transaction=False) as pipe:
            for n in range(start, min(first + count, start + 2_000)):
                name = f"{n:08x}-0000-5000-8000-000000000000"
                pipe.zadd(key(BOT, "active"), {name: now + n})
                card = {"wa_id": f"7701{n:07}", "name": f"Contact {n}", "created": now, "p:class": "client"}
                pipe.hset(key(BOT, "contact", name), mapping=card)
                for line in range(5):
                    author = "bot" if line % 2 else "contact"
                    said = f"Сколько стоит доставка номер {n}? " + "and some more words " * 5
                    entry = Entry(id=f"{n}.{line}", author=author, text=said, at=now + n)
                    pipe.rpush(key(BOT, "transcript", name), entry.model_dump_json(exclude_defaults=True))
                pipe.sadd(key(BOT, "class:client"), name)
                if n % 50 == 0:
                    pipe.sadd(key(BOT, "unread"), name)
                if n % 5_000 == 0:
                    pipe.sadd(key(BOT, "failed"), name)
            await pipe.execute()


async def took(client: httpx.AsyncClient, path: str, times: int = 7) -> float:
    """Median ms."""
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        answer = await client.get(path)
        answer.raise_for_status()
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent)


async def deep(client: httpx.AsyncClient, pages: int) -> str:
    """The address of a page far down."""
    cursor = ""
    for _ in range(pages):
        answer = await client.get(
            "/api/conversations", params={"limit": 200, **({"cursor": cursor} if cursor else {})}
        )
        following = answer.json()["next_cursor"]
        if not following:
            break
        cursor = following
    return f"/dashboard?cursor={cursor}"


async def rows(client: httpx.AsyncClient, count: int) -> dict[str, float]:
    """Every page that is measured."""
    last = f"{count - 1:08x}-0000-5000-8000-000000000000"
    return {
        "conversations, first page": await took(client, "/dashboard"),
        "conversations, 40 pages of 200 down": await took(client, await deep(client, 40)),
        "filter unread": await took(client, "/dashboard?show=unread"),
        "filter failed sends": await took(client, "/dashboard?show=failed"),
        "filter clients": await took(client, "/dashboard?show=client"),
        "search, a frequent word": await took(
            client, "/dashboard?q=%D0%B4%D0%BE%D1%81%D1%82%D0%B0%D0%B2%D0%BA%D0%B0"
        ),
        "search, a word nobody said": await took(client, "/dashboard?q=nowhere", 3),
        "one conversation": await took(client, f"/dashboard/{BOT}/{last}"),
        "figures of 30 days": await took(client, "/dashboard/analytics"),
    }


async def shown_everywhere(url: str, cookie: dict[str, str], dashboards: int) -> list[float]:
    """Ms until each open dashboard has the new message in its page: told by the stream, fetched like the
    page's script does."""
    contact, said = f"7702{int(time.time()) % 10**7:07}", f"bench {time.time_ns()}"
    ready, began = asyncio.Event(), 0.0
    open_now = 0

    async def one() -> float:
        nonlocal open_now
        async with httpx.AsyncClient(base_url=url, cookies=cookie, timeout=60) as client:
            async with client.stream("GET", "/api/events") as events:
                async for line in events.aiter_lines():
                    if line.startswith("retry"):
                        open_now += 1
                        if open_now == dashboards:
                            ready.set()
                    if line.startswith("event: change"):
                        await asyncio.sleep(0.15)
                        if said in (await client.get("/dashboard")).text:
                            return (time.perf_counter() - began) * 1000
        raise AssertionError("the stream ended")

    watching = [asyncio.create_task(one()) for _ in range(dashboards)]
    await ready.wait()
    began = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, timeout=30) as phone:
        control = "/simulator/cloud-api/_control/sim-demo/messages"
        (await phone.post(control, json={"contact": contact, "text": said})).raise_for_status()
    return sorted(await asyncio.gather(*watching))


async def measure(url: str, socket: Path, count: int, dashboards: int) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        await client.post("/login", data={"token": TOKEN})
        page = await client.get("/dashboard")
        assert re.search('name="csrf"', page.text)
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        redis = Redis.from_url(f"unix://{socket}?db=0")
        await fill(redis, 0, 1_000)
        small = await rows(client, 1_000)
        await fill(redis, 1_000, count - 1_000)
        large = await rows(client, count)
        print(f"{'page':32} {'1,000':>10} {f'{count:,}':>10}  ratio")
        for name, ms in large.items():
            print(f"{name:32} {small[name]:7.0f} ms {ms:7.0f} ms  {ms / small[name]:.1f}")
        spent = await shown_everywhere(url, dict(client.cookies), dashboards)
        print(
            f"{dashboards} dashboards open: a message is on the first after {spent[0]:.0f} ms, on the last "
            f"after {spent[-1]:.0f} ms"
        )
        await redis.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--dashboards", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        port = free_port()
        env = {
            **os.environ,
            "PORT": str(port),
            "DATA_DIR": folder,
            "API_TOKEN": TOKEN,
            "CHAT_MODEL": "offline",
        }
        silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-m", "server", "serve"]
        server = subprocess.Popen(command, env=env, start_new_session=True, **silent)
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    if httpx.get(f"{url}/health", timeout=1).status_code == 200:
                        break
                except httpx.HTTPError:
                    time.sleep(0.1)
            asyncio.run(measure(url, Path(folder) / "redis/socket", asked.conversations, asked.dashboards))
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(40)


if __name__ == "__main__":
    main()
