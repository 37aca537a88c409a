"""python -m benchmarks.soak: 50,000 messages over 2,000 conversations; what Redis holds per conversation as
time goes on.

Transcripts are kept to 20 messages here, so that their bound is reached on the way; everything else is as it
comes."""

from __future__ import annotations

import argparse
import asyncio
import collections
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks.load import Product, Provider, post, until, up
from benchmarks.webhook import body_of, request_of
from server.store.keys import key

SAMPLE = 100


def held(redis: Redis, names: list[str]) -> dict[str, float]:
    """Bytes per conversation by kind of key, over a sample of conversations; `all`: everything in Redis over
    all of them."""
    kinds: collections.Counter[str] = collections.Counter()
    for name in random.sample(names, min(SAMPLE, len(names))):
        for kind in ("thread", "transcript", "status", "seen", "box", "inbox", "outbox", "ids", "contact"):
            kinds[kind] += int(redis.memory_usage(key("default", kind, name), samples=0) or 0)  # pyright: ignore[reportArgumentType]
    rest = len(list(redis.scan_iter("sg:*", count=1000))) / len(names)
    used: Any = redis.info("memory")
    sampled = min(SAMPLE, len(names))
    return {
        **{kind: bytes_ / sampled for kind, bytes_ in kinds.items()},
        "keys": rest,
        "all": used["used_memory_dataset"] / len(names),
    }


async def soak(conversations: int, rounds: int, shown: int) -> None:
    """Every conversation writes once a round."""
    provider = Provider()
    server = await provider.serve()
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        settings = {"DEBOUNCE_SECONDS": "0", "TRANSCRIPT_MESSAGES": "20"}
        product = Product(Path(folder), 2, 0, **settings)
        await up(provider)
        redis = Redis.from_url(product.env["REDIS_URL"])
        people, began = [f"7701{number:07}" for number in range(conversations)], time.perf_counter()
        provider.sent.clear()
        for turn in range(1, rounds + 1):
            await post([request_of(body_of(c, f"How much is number {turn}?")) for c in people])
            await until(lambda n=turn: len(provider.sent) >= n * conversations, 300)
            if turn == 1 or turn % shown == 0:
                await asyncio.sleep(1)
                names = [name.decode() for name in redis.zrange(key("default", "active"), 0, -1)]  # pyright: ignore[reportGeneralTypeIssues, reportOptionalIterable]
                row = {
                    "messages": turn * conversations,
                    **{k: round(v, 1) for k, v in held(redis, names).items()},
                }
                if turn == 1:
                    print(" ".join(f"{name:>10}" for name in row))
                print(" ".join(f"{value:>10}" for value in row.values()), flush=True)
        answered = collections.Counter(contact for _, contact in provider.sent)
        wrong = sum(answered[contact] != rounds for contact in people)
        print(
            f"{len(provider.sent)} replies in {time.perf_counter() - began:.0f} s; {wrong} conversations not "
            "answered once a message"
        )
        redis.close()
        product.stop()
    server.close()


def main() -> None:
    """Print what is held after every few rounds, in bytes per conversation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=50_000)
    options = parser.parse_args()
    rounds = options.messages // options.conversations
    asyncio.run(soak(options.conversations, rounds, max(1, rounds // 5)))


if __name__ == "__main__":
    main()
