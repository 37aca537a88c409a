"""Searching everything that was said: the plain way through Redis beside the index of a host.

    python -m benchmarks.searching [--lines 1000000]

Ten lines in a conversation, over an embedded Redis, in one process. The plain way stops after so long as a
page waits (PATIENCE); how long it takes to the end is the sum of all its pages."""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from server.bots.bot import BotRuntime, runtimes
from server.config.settings import Settings
from server.conversations.listing import ConversationList
from server.conversations.search.index import NAME, SearchIndex
from server.store.client import Redis, client
from server.store.embedded import EmbeddedRedis
from server.store.keys import key
from server.store.records import Entry

BOT, EACH = "default", 10
LETTERS = "abcdefghiklmnoprstuvабвгдежзиклмнопрстуфхцчшщыэюя"


def vocabulary(chance: random.Random) -> list[str]:
    """Words of two alphabets, the first ones said much more often than the last ones."""
    return ["".join(chance.choices(LETTERS, k=chance.randint(3, 9))) for _ in range(30_000)]


async def fill(redis: Redis, lines: int) -> tuple[str, str]:
    """So many lines, as the scripts leave them; a word that is often said, and one that was said once, in the
    oldest conversation."""
    chance = random.Random(1)
    words = vocabulary(chance)
    weights = [1 / (n + 20) for n in range(len(words))]
    for start in range(0, lines // EACH, 500):
        async with redis.pipeline(transaction=False) as pipe:
            for n in range(start, min(lines // EACH, start + 500)):
                name = f"{n:08x}-0000-5000-8000-000000000000"
                pipe.zadd(key(BOT, "active"), {name: 1_700_000_000_000 + n})
                card = {"wa_id": f"7701{n:07}", "name": f"Contact {n}", "created": 1}
                pipe.hset(key(BOT, "contact", name), mapping=card)
                said = [" ".join(chance.choices(words, weights, k=12)) for _ in range(EACH)]
                said[0] += " rareword" if n == 0 else ""
                rows = [
                    Entry(id=f"{n}.{line}", author="contact", text=text, at=n).model_dump_json()
                    for line, text in enumerate(said)
                ]
                pipe.rpush(key(BOT, "transcript", name), *rows)
            await pipe.execute()
    return words[0], "rareword"


async def took(searched: ConversationList, runtime: BotRuntime, query: str) -> tuple[float, float, int]:
    """Ms to the first answer, to the end or a full page, and how many were found."""
    began, first, cursor, found = time.perf_counter(), 0.0, None, 0
    while True:
        page = await searched.page({BOT: runtime}, query=query, cursor=cursor)
        first = first or (time.perf_counter() - began) * 1000
        cursor, found = page.cursor, found + len(page.rows)
        if found or cursor is None:
            return first, (time.perf_counter() - began) * 1000, found


async def measure(url: str, folder: Path, lines: int) -> None:
    redis = client(url)
    runtime = runtimes(Settings.model_validate({"data_dir": folder}), redis)[BOT]
    frequent, rare = await fill(redis, lines)
    index = SearchIndex(redis, folder)
    asked = {
        "a frequent word": frequent,
        "a word said once": rare,
        "a word nobody said": "nowhere",
        "a number": f"7701{lines // EACH // 2:07}",
        "two words, one of them rare": f"{frequent} {rare}",
    }
    plain = {name: await took(ConversationList(redis), runtime, query) for name, query in asked.items()}
    began = time.perf_counter()
    while await index.catch_up({BOT: runtime}):
        pass
    size = (folder / NAME).stat().st_size / 1e6
    print(f"{lines:,} lines indexed in {time.perf_counter() - began:.0f} s, {size:.0f} MB")
    print(f"{'':28} {'plain: first page':>18} {'to the end':>11} {'index':>10}  found")
    searched = ConversationList(redis, index)
    for name, query in asked.items():
        runs = [await took(searched, runtime, query) for _ in range(5)]
        ms = statistics.median(run[1] for run in runs)
        first, end, found = plain[name]
        if found != runs[0][2]:
            raise SystemExit(f"{name}: {found} found without the index, {runs[0][2]} with it")
        print(f"{name:28} {first:15.0f} ms {end:8.0f} ms {ms:7.0f} ms  {found}")
    await redis.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        server = EmbeddedRedis(Path(folder))
        try:
            asyncio.run(measure(server.start(), Path(folder), asked.lines))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
