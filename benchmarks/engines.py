"""python -m benchmarks.engines [--passages 10000 100000] [--engines memory postgres] [--bots 300]: search
engines side by side.

Recall of the ten best of exact fused search, milliseconds a search (wall and process time), seconds to fill,
bytes of this process for each passage, in memory and in a PostgreSQL server with pgvector, started for it.
Vectors are synthetic, in clusters about a common direction as real ones are; texts are of 72 words whose
frequencies follow Zipf's law; questions are nine such words and a vector near a passage's."""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.embed import Vectors
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.engines.postgres import PostgresSearcher
from knowledge_base.passages import Passage
from knowledge_base.search import allocator, dense
from knowledge_base.search.contract import Searcher
from knowledge_base.search.texts import Pack
from tests.support.servers import postgres

WORDS, WIDE, A_DOCUMENT, QUESTIONS = 60_000, 384, 500, 500
# Documents that are put together.
TOGETHER = 50
# Passages of one of many bots.
SMALL = 200
_ZIPF = np.cumsum(1 / np.arange(1, WORDS + 1))
_ZIPF /= _ZIPF[-1]

Questions = list[tuple[str, Vectors]]
Documents = Iterator[tuple[Pack, Vectors]]
Random = np.random.Generator


def spoken(random: Random, words: int) -> str:
    """So many words, the usual ones more often."""
    return " ".join(f"w{number:x}" for number in np.searchsorted(_ZIPF, random.random(words)))


def unit(rows: NDArray[Any]) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def made(random: Random, passages: int) -> Vectors:
    """Vectors of so many passages."""
    common, centres = random.normal(size=WIDE) * 2, random.normal(size=(2_000, WIDE)) * 0.6
    rows = np.empty((passages, WIDE), np.float32)
    for start in range(0, passages, 10_000):
        some = rows[start : start + 10_000]
        some[:] = common + centres[random.integers(0, 2_000, len(some))] + random.normal(size=some.shape) / 2
        some[:] = unit(some)
    return rows


def documents(vectors: Vectors) -> Documents:
    """The same texts each time."""
    random = np.random.default_rng(1)
    for start in range(0, len(vectors), A_DOCUMENT):
        rows = vectors[start : start + A_DOCUMENT]
        passages = [
            Passage(document=f"{start}.pdf", page=n // 4, text=spoken(random, 72)) for n in range(len(rows))
        ]
        yield Pack(str(start), "1", "en", passages), rows


def asked_near(random: Random, vectors: Vectors, many: int) -> Questions:
    near = vectors[random.integers(0, len(vectors), many)]
    near = unit(near + 0.02 * random.normal(size=near.shape).astype(np.float32))
    return [(spoken(random, 9), row) for row in near]


def resident() -> float:
    """Bytes of this process."""
    gc.collect()
    allocator.give_back()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


async def answers(engine: Searcher, bots: list[str], questions: Questions) -> list[list[str]]:
    """Ask everything, of the bots in turn; prints percentiles."""
    wall: list[float] = []
    cpu: list[float] = []
    found: list[list[str]] = []
    for number, (question, vector) in enumerate(questions):
        begun, used = time.perf_counter(), time.process_time()
        hits = await engine.search(bots[number % len(bots)], question, vector, 10)
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
        found.append([hit.passage.text for hit in hits])
    for name, values in (("wall", wall), ("process", cpu)):
        p50, p99 = np.percentile(values, (50, 99)) * 1e3
        print(f"  {name} ms p50 {p50:.1f} p99 {p99:.1f}", end="", flush=True)
    return found


async def filled(engine: Searcher, coming: Documents) -> float:
    """Put everything; how long that took, without the making of texts."""
    took = 0.0
    while some := list(islice(coming, TOGETHER)):
        begun = time.perf_counter()
        await engine.put("bench", some)
        took += time.perf_counter() - begun
    return took


async def exactly(engine: MemorySearcher, questions: Questions) -> list[list[str]]:
    """What is found where every passage is looked at."""
    read, dense.LISTS_READ = dense.LISTS_READ, 1_000_000
    try:
        hits = [await engine.search("bench", question, vector, 10) for question, vector in questions]
    finally:
        dense.LISTS_READ = read
    return [[hit.passage.text for hit in found] for found in hits]


async def in_memory(vectors: Vectors, questions: Questions, measured: bool) -> list[list[str]]:
    engine, before = MemorySearcher(), resident()
    took = await filled(engine, documents(vectors))
    size = (resident() - before) / len(vectors)
    exact = await exactly(engine, questions)
    if measured:
        print(f"{len(vectors):9,} memory    filled in {took:.0f} s, {size:,.0f} bytes a passage", end="")
        found = await answers(engine, ["bench"], questions)
        print(f"  recall@10 {recall(found, exact):.3f}", flush=True)
    return exact


def recall(found: list[list[str]], exact: list[list[str]]) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, exact, strict=True)]))


async def in_postgres(url: str, vectors: Vectors, questions: Questions, exact: list[list[str]]) -> None:
    """The index of the nearest is made once all is there."""
    engine, coming = PostgresSearcher(url, exact=len(vectors)), documents(vectors)
    took = await filled(engine, islice(coming, len(vectors) // A_DOCUMENT - 1))
    await engine.close()
    engine, begun = PostgresSearcher(url), time.perf_counter()
    await filled(engine, coming)
    indexed = time.perf_counter() - begun
    await answers(engine, ["bench"], questions[:50])  # what was just written is read once
    print(f"\n{len(vectors):9,} postgres  filled in {took:.0f} s, indexed in {indexed:.0f} s", end="")
    found = await answers(engine, ["bench"], questions)
    print(f"  recall@10 {recall(found, exact):.3f}", flush=True)
    await engine.remove("bench")
    await engine.close()


async def one_size(passages: int, engines: list[str], url: str) -> None:
    random = np.random.default_rng(0)
    vectors = made(random, passages)
    questions = asked_near(random, vectors, QUESTIONS)
    exact = await in_memory(vectors, questions, "memory" in engines)
    if "postgres" in engines:
        await in_postgres(url, vectors, questions, exact)


async def many_bots(name: str, bots: int, engine: Searcher) -> None:
    """Many bots that are asked in turn: what none was asked before, and again."""
    random = np.random.default_rng(0)
    vectors, before = made(random, SMALL), resident()
    names = [f"bot-{number}" for number in range(bots)]
    for bot in names:
        await engine.put(bot, list(documents(vectors)))
    grown = (resident() - before) / bots / 1e3
    questions = asked_near(random, vectors, bots)
    for time_of_asking in ("the first time", "again"):
        print(f"  {bots} bots with {SMALL} passages each, {name}, {time_of_asking}:", end="")
        await answers(engine, names, questions)
        print(f"  {grown:.0f} KB a bot", flush=True)


async def run(given: argparse.Namespace, url: str) -> None:
    for size in given.passages:
        await one_size(size, given.engines, url)
    if given.bots and "memory" in given.engines:
        await many_bots("memory", given.bots, MemorySearcher())
    if given.bots and "postgres" in given.engines:
        engine = PostgresSearcher(url)
        await many_bots("postgres", given.bots, engine)
        await engine.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument(
        "--engines", nargs="*", choices=["memory", "postgres"], default=["memory", "postgres"]
    )
    parser.add_argument("--bots", type=int, default=300)
    given = parser.parse_args()
    print(f"exact in memory up to {dense.EXACT:,} passages")
    if "postgres" not in given.engines:
        asyncio.run(run(given, ""))
        return
    folder = postgres.programs()
    if folder is None:
        raise SystemExit("no PostgreSQL server with pgvector is on this machine: pip install pgserver")
    with postgres.running(folder) as url:
        asyncio.run(run(given, url))


if __name__ == "__main__":
    main()
