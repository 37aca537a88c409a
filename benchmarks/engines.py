"""python -m benchmarks.engines [--passages 10000 100000] [--bots 300]: search engines side by side.

Recall of the ten best of exact fused search, milliseconds a search (wall and process time), seconds to fill,
and megabytes of the process, in memory and in a PostgreSQL server with pgvector, started for it. Vectors
are synthetic, in clusters about a common direction as real ones are; texts are of 72 words whose frequencies
follow Zipf's law; questions are nine such words and a vector near a passage's."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator

import numpy as np

from knowledge_base.embed import Vectors
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.engines.postgres import PostgresSearcher
from knowledge_base.passages import Passage
from knowledge_base.search import dense
from knowledge_base.search.contract import Searcher
from knowledge_base.search.texts import Pack
from tests.support import postgres

WORDS, WIDE, A_DOCUMENT, QUESTIONS = 60_000, 384, 500, 200
_RNG = np.random.default_rng(0)
_ZIPF = 1 / np.arange(1, WORDS + 1)
_ZIPF /= _ZIPF.sum()


def spoken(words: int) -> str:
    """So many words, the usual ones more often."""
    return " ".join(f"w{number:x}" for number in _RNG.choice(WORDS, words, p=_ZIPF))


def unit(rows: Vectors) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def made(passages: int) -> Vectors:
    """Vectors of so many passages."""
    common, centres = _RNG.normal(size=WIDE) * 2, _RNG.normal(size=(2_000, WIDE)) * 0.6
    rows = common + centres[_RNG.integers(0, 2_000, passages)] + _RNG.normal(size=(passages, WIDE)) * 0.5
    return unit(rows.astype(np.float32))


def documents(vectors: Vectors) -> Iterator[tuple[Pack, Vectors]]:
    for start in range(0, len(vectors), A_DOCUMENT):
        rows = vectors[start : start + A_DOCUMENT]
        passages = [Passage(document=f"{start}.pdf", page=n // 4, text=spoken(72)) for n in range(len(rows))]
        yield Pack(str(start), "1", "en", passages), rows


def resident() -> float:
    """Megabytes of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


async def asked(engine: Searcher, bot: str, questions: list[tuple[str, Vectors]]) -> list[list[str]]:
    """Ask everything; prints percentiles."""
    wall: list[float] = []
    cpu: list[float] = []
    found: list[list[str]] = []
    for question, vector in questions:
        begun, used = time.perf_counter(), time.process_time()
        hits = await engine.search(bot, question, vector, 10)
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
        found.append([hit.passage.text for hit in hits])
    for name, values in (("wall", wall), ("process", cpu)):
        p50, p99 = np.percentile(values, (50, 99)) * 1e3
        print(f"  {name} ms p50 {p50:.1f} p99 {p99:.1f}", end="", flush=True)
    return found


async def one_size(passages: int, engines: dict[str, Searcher]) -> None:
    vectors = made(passages)
    base = list(documents(vectors))
    near = vectors[_RNG.integers(0, passages, QUESTIONS)]
    near = unit(near + 0.02 * _RNG.normal(size=near.shape).astype(np.float32))
    questions = [(spoken(9), row) for row in near]
    best: list[list[str]] = []
    for name, engine in engines.items():
        before, begun = resident(), time.perf_counter()
        for start in range(0, len(base), 50):
            await engine.put("bench", base[start : start + 50])
        took = time.perf_counter() - begun
        print(f"{passages:9,} {name:10} filled in {took:.0f} s, {resident() - before:.0f} MB more", end="")
        await engine.search("bench", *questions[0], 10)
        found = await asked(engine, "bench", questions)
        best = best or found
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, best, strict=True)])
        print(f"  the same of ten as in memory {recall:.3f}", flush=True)
        await engine.remove("bench")


async def many_bots(bots: int, engine: Searcher) -> None:
    """One bot of many with 200 passages each."""
    vectors = made(200)
    for number in range(bots):
        await engine.put(f"bot-{number}", list(documents(vectors)))
    questions = [(spoken(9), row) for row in vectors[:100]]
    await asked(engine, f"bot-{bots // 2}", questions)
    print(f"  one of {bots} bots with 200 passages each, postgres", flush=True)


async def run(sizes: list[int], bots: int, url: str) -> None:
    for size in sizes:
        # beyond EXACT the memory's own index is approximate
        await one_size(size, {"memory": MemorySearcher(), "postgres": (engine := PostgresSearcher(url))})
        await engine.close()
    if bots:
        await many_bots(bots, engine := PostgresSearcher(url))
        await engine.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--bots", type=int, default=300)
    given = parser.parse_args()
    folder = postgres.programs()
    if folder is None:
        raise SystemExit("no PostgreSQL server with pgvector is on this machine: pip install pgserver")
    print(f"exact in memory up to {dense.EXACT:,} passages")
    with postgres.running(folder) as url:
        asyncio.run(run(given.passages, given.bots, url))


if __name__ == "__main__":
    main()
