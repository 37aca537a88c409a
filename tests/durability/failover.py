"""python -m tests.durability.failover: a thousand messages while the primary of a Redis is lost again and
again and a replica takes over; then the count.

A primary, two replicas and three Sentinels, or a Redis Cluster whose primaries have a replica each. The
primary is killed (-9) and comes back as a replica of the one that was promoted, or is cut off from the others
while web processes and workers still reach it, which needs root for its network namespaces. Everything else
is as in `tests.durability.chaos`."""

from __future__ import annotations

import argparse
import asyncio
import collections
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from server.store.keys import key
from tests.durability.chaos import answering, chat, count
from tests.fakes.openai_wire import FakeOpenAI
from tests.fakes.serving import served
from tests.support.servers.clustered import Clustered
from tests.support.servers.fleet import Doors, Fleet, Outside
from tests.support.servers.replicated import SENTINELS, Network, Watched
from tests.support.stack import SECRET, TOKEN

BROKEN = ("lost", "double turns", "double sends", "out of order")
# What one failover takes, about, until all replicas follow the new primary, seconds.
EACH = 9.0


@dataclass(frozen=True)
class Storm:
    """`failovers`: how many; `cuts`: the share of them in which the primary is cut off; `wait`: what
    REDIS_WAIT is; `keep`: where what the processes logged is kept; `cluster`: a Redis Cluster in place of
    Sentinels."""

    conversations: int
    messages: int
    failovers: int
    wait: str = "1:500"
    cuts: float = 0.3
    webs: int = 2
    workers: int = 3
    keep: Path | None = None
    cluster: bool = False

    @property
    def pace(self) -> float:
        """Mean seconds between two messages of one contact, so that they last as long as the storm."""
        return max(1.0, self.failovers * EACH * self.conversations / self.messages)


async def run(storm: Storm) -> dict[str, int]:
    """The counts; with `wait`, those of BROKEN should be 0."""
    network = made_network() if storm.cuts and not storm.cluster else None
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        place = Path(folder)
        redis = Clustered(place, key("default")) if storm.cluster else Watched(place, network)
        try:
            redis.start()
            return await _storm(storm, redis, Path(folder), network is not None)
        finally:
            redis.stop()
            if network:
                network.stop()


def made_network() -> Network | None:
    """Hosts that can be cut off; None where that is not allowed."""
    network = Network(SENTINELS)
    try:
        network.start()
    except (subprocess.CalledProcessError, OSError):
        network.stop()
        return None
    return network


async def _storm(storm: Storm, redis: Watched | Clustered, folder: Path, can_cut: bool) -> dict[str, int]:
    emulator, model = Doors("", SECRET, TOKEN), FakeOpenAI()
    model.answer, model.hang = answering, lambda request: random.uniform(0.02, 0.6)
    each = storm.messages // storm.conversations
    sent = {f"7704{n:07}": list(range(n * each, (n + 1) * each)) for n in range(storm.conversations)}
    with served(emulator.app) as graph, served(model.app) as wire:
        outside = Outside(redis.url, emulator, graph, wire)
        settings = {"TURN_ATTEMPTS": "50", "SEND_GRACE_SECONDS": "20", "REDIS_WAIT": storm.wait}
        fleet = Fleet(folder, outside, webs=storm.webs, workers=storm.workers, **settings)
        await fleet.start()
        try:
            losing = asyncio.create_task(asyncio.to_thread(_lose, storm, redis, can_cut))
            await asyncio.gather(
                *(chat(fleet, contact, marks, storm.pace) for contact, marks in sent.items())
            )
            lost = await losing
            end = time.monotonic() + 180
            while time.monotonic() < end and not await fleet.idle():
                await asyncio.sleep(0.2)
            counts = await count(fleet, sent)
        finally:
            log = fleet.log.read_text(errors="replace")
            if storm.keep:
                storm.keep.write_text(log)
            await fleet.stop()
    counts["stale commits refused"] = log.count("turn_stale")
    counts["sent again"] = log.count("send_repeated")
    counts["sends put off"] = log.count("send_put_off")
    counts["not confirmed"] = log.count("redis_not_confirmed")
    return {**lost, **counts}


def _lose(storm: Storm, redis: Watched | Clustered, can_cut: bool) -> dict[str, int]:
    lost = collections.Counter({"primaries killed": 0, "primaries cut off": 0})
    for _ in range(storm.failovers):
        time.sleep(random.uniform(0, 2))
        if can_cut and isinstance(redis, Watched) and random.random() < storm.cuts:
            redis.cut_off_primary(random.uniform(0, 3))
            lost["primaries cut off"] += 1
        else:
            redis.lose_primary(random.uniform(0, 2))
            lost["primaries killed"] += 1
    return dict(lost)


def main() -> None:
    """Print the counts, and fail when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--failovers", type=int, default=30)
    parser.add_argument(
        "--wait", default="1:500", help="REDIS_WAIT; 0: without, and then nothing is promised"
    )
    parser.add_argument("--cuts", type=float, default=0.3, help="share in which the primary is cut off")
    parser.add_argument("--cluster", action="store_true", help="a Redis Cluster in place of Sentinels")
    parser.add_argument("--log", type=Path, help="where to keep what the processes logged")
    given = parser.parse_args()
    sizes = (given.conversations, given.messages, given.failovers)
    storm = Storm(*sizes, given.wait, given.cuts, keep=given.log, cluster=given.cluster)
    counts = asyncio.run(run(storm))
    for name, number in counts.items():
        print(f"{name:22} {number:6}")
    raise SystemExit(given.wait != "0" and any(counts[name] for name in BROKEN))


if __name__ == "__main__":
    main()
