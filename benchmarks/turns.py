"""python -m benchmarks.turns: what turn 200 of a conversation costs against turn 10, in time, Redis bytes and
prompt.

The whole turn is real (graph, checkpointer on the embedded Redis, a 24-message window); the chat model is
replaced by one that answers at once, so that what is measured is ours."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage

from agent.checkpointer import RedisCheckpointer
from agent.context import Context
from agent.graph import build
from agent.models.chat import Models
from agent.models.usage import Meter
from agent.state import Quoted
from benchmarks.product import FILLER, Stub
from server.observability import logs
from server.store.client import client
from server.store.embedded import EmbeddedRedis
from tools.price_list import Rows

TURNS, SPAN = 205, 5


class Shelf:
    """Five passages, always the same."""

    async def passages(
        self, bot_id: str, question: str, before: str, count: int, meter: Meter
    ) -> list[Quoted]:
        return [Quoted(document="a.pdf", page=i, text=FILLER, language="en", strong=True) for i in range(5)]

    async def price_list(self, bot_id: str) -> Rows:
        return []


async def main() -> None:
    """Run one conversation and print the two points and their ratios."""
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        embedded = EmbeddedRedis(Path(folder))
        redis = client(embedded.start())
        model = Stub(prompts=[])
        graph = build(Models(model), Shelf(), RedisCheckpointer(redis, prefix="b"))
        config: Any = {"configurable": {"thread_id": "c"}}
        milliseconds, written, stored = [], [], []
        for turn in range(TURNS):
            start = {
                "messages": [HumanMessage(f"question {turn}: {FILLER}", id=str(turn))],
                "bot_id": "b",
                "turn_id": str(turn),
            }
            before = int((await redis.info("stats"))["total_net_input_bytes"])
            began = time.process_time()
            await graph.ainvoke(start, config, context=Context(), durability="sync")
            milliseconds.append((time.process_time() - began) * 1000)
            written.append(int((await redis.info("stats"))["total_net_input_bytes"]) - before)
            stored.append(await redis.memory_usage("b:c", samples=0))
        rows = {
            "CPU ms": milliseconds,
            "bytes to Redis": written,
            "bytes stored": stored,
            "prompt characters": model.prompts,
        }
        print(f"{'':20} {'turn 10':>10} {'turn 200':>10} {'200/10':>8}")
        for name, values in rows.items():
            ten, last = (statistics.median(values[at - SPAN : at + SPAN]) for at in (10, 200))
            print(f"{name:20} {ten:10,.0f} {last:10,.0f} {last / ten:8.2f}")
        await redis.aclose()
        embedded.stop()


if __name__ == "__main__":
    logs.configure("WARNING")
    asyncio.run(main())
