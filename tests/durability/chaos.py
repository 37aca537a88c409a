"""python -m tests.durability.chaos: a thousand messages while web, worker and Redis are killed again
and again; then the count.

Real HTTP in and out: webhooks as Meta delivers them (repeated until acknowledged, a fifth of them twice, some
re-batched, some out of order, some at two doors at once), a model server that takes its time, an emulated
WhatsApp whose statuses carry our id. Processes kill themselves at named points and are killed at random;
Redis is killed, and once is gone for ten seconds."""

from __future__ import annotations

import argparse
import asyncio
import collections
import itertools
import os
import random
import re
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from server.store.embedded import EmbeddedRedis
from tests.durability import ordering
from tests.fakes.openai_wire import FakeOpenAI, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.servers.crashing import ALL
from tests.support.servers.fleet import Doors, Fleet, Outside
from tests.support.stack import SECRET, TOKEN, text, webhook

MARK = re.compile(r"<(\d+)>")
BROKEN = ("lost", "double turns", "double sends", "out of order", *ordering.BROKEN)


def answering(request: dict) -> dict:
    """The answer repeats the marks of the messages since the last answer, so that it can be seen what was
    answered. For some of them a tool is asked first."""
    if schema_of(request):
        return polite(request)
    marks: list[str] = []
    for said in reversed(request["messages"]):
        if said["role"] == "assistant" and not said.get("tool_calls"):
            break
        if said["role"] == "user":
            marks = MARK.findall(str(said["content"])) + marks
    if request["messages"][-1]["role"] != "tool" and any(int(mark) % 5 == 0 for mark in marks):
        return message(call=("find_product", {"query": " ".join(marks)}))
    return message("heard " + " ".join(f"<{mark}>" for mark in marks))


async def deliver(fleet: Fleet, *messages: dict) -> None:
    """Post until acknowledged, as Meta does."""
    for _ in range(1000):
        if await fleet.post(webhook(*messages)) == 200:
            return
        await asyncio.sleep(random.uniform(0.05, 0.4))
    raise AssertionError("never acknowledged")


async def chat(fleet: Fleet, contact: str, marks: list[int], pace: float) -> None:
    """One contact writes all of its messages: mostly in order, some twice, some in one body with others."""
    said = [text(contact, f"message <{mark}>", f"wamid.{contact}.{mark}") for mark in marks]
    while said:
        now, said = said[:1], said[1:]
        luck = random.random()
        if luck < 0.1 and said:  # two at once, in either order
            now, said = [*now, said[0]], said[1:]
            await asyncio.gather(*(deliver(fleet, one) for one in random.sample(now, 2)))
        elif luck < 0.2:  # the same at two doors at once
            await asyncio.gather(deliver(fleet, now[0]), deliver(fleet, now[0]))
        elif luck < 0.3:  # again later, in one body with an old one and with a stranger's
            await deliver(fleet, now[0])
            old = text(contact, f"message <{marks[0]}>", f"wamid.{contact}.{marks[0]}")
            await deliver(fleet, *random.sample([old, now[0]], 2))
        else:
            await deliver(fleet, *now)
        await asyncio.sleep(random.expovariate(1 / pace))


async def kill(
    fleet: Fleet,
    redis: EmbeddedRedis,
    until: asyncio.Event,
    pause: float,
    away: float,
    kills: collections.Counter,
) -> None:
    """Kill one process at a time: first Redis, which stays away for `away` seconds, then at random; some
    workers only stop for longer than their leases last, and then go on as if nothing had been."""
    frozen: list[asyncio.Task[None]] = []
    while not until.is_set():
        await asyncio.sleep(random.uniform(0.5, 1.5) * pause)
        victim = random.choices(["worker", "web", "redis", "frozen"], [5, 3, 1, 1])[0] if kills else "redis"
        kills[victim] += 1
        if victim == "frozen":
            frozen.append(asyncio.create_task(fleet.freeze(5)))
            continue
        if victim != "redis":
            fleet.kill(victim)
            continue
        assert redis._process
        os.kill(redis._process.pid, signal.SIGKILL)
        redis._process.wait()
        await asyncio.sleep(away if kills["redis"] == 1 else random.uniform(0, 2))
        redis.start()
    await asyncio.gather(*frozen)


@dataclass(frozen=True)
class Plan:
    """What is sent, and how it is disturbed. `pause`: mean seconds between two random kills (0: none);
    `pace`: mean seconds between two messages of one contact; `chance`: how often a process dies at a named
    point; `callbacks`: whether statuses carry our id; `away`: seconds that Redis is gone the first time;
    `grace`: SEND_GRACE_SECONDS; `keep`: where what the processes logged is kept; `shoppers`: contacts besides
    who order by buttons."""

    conversations: int
    messages: int
    pause: float
    pace: float = 1.5
    chance: str = "once:0.002"
    callbacks: bool = True
    away: float = 10
    grace: float = 20
    keep: Path | None = None
    shoppers: int = 0

    def marks(self) -> dict[str, list[int]]:
        """The numbers each contact sends."""
        each = self.messages // self.conversations
        return {f"7704{n:07}": list(range(n * each, (n + 1) * each)) for n in range(self.conversations)}


async def run(plan: Plan) -> dict[str, int]:
    """The counts; `lost`, `double turns`, `double sends` and `out of order` should be 0."""
    emulator, model = Doors("", SECRET, TOKEN), FakeOpenAI()
    emulator.callbacks = plan.callbacks
    model.answer, model.hang = answering, lambda request: random.uniform(0.02, 0.6)
    kills: collections.Counter[str] = collections.Counter()
    with (
        tempfile.TemporaryDirectory(prefix="sg") as folder,
        served(emulator.app) as graph,
        served(model.app) as wire,
    ):
        redis = EmbeddedRedis(Path(folder))
        settings = {"TURN_ATTEMPTS": "50", "SEND_GRACE_SECONDS": str(plan.grace)}
        crash = dict.fromkeys(ALL, plan.chance)
        outside = Outside(redis.start(), emulator, graph, wire)
        fleet = Fleet(Path(folder), outside, crash=crash, **settings)
        await fleet.start()
        buyers = ordering.shoppers(plan.shoppers)
        if buyers:
            await ordering.open_the_shop(fleet)
        sent, done = plan.marks(), asyncio.Event()
        killing = kill(fleet, redis, done, plan.pause, plan.away, kills) if plan.pause else None
        killer = asyncio.create_task(killing) if killing else None
        await asyncio.gather(
            *(chat(fleet, contact, marks, plan.pace) for contact, marks in sent.items()),
            *(ordering.shop(fleet, contact, plan.pace) for contact in buyers),
        )
        done.set()
        if killer:
            await killer
        end = time.monotonic() + 180
        while time.monotonic() < end and not await fleet.idle():
            await asyncio.sleep(0.2)
        counts = await count(fleet, sent)
        counts |= await ordering.count_orders(fleet, buyers, await conversations_of(fleet))
        points = fleet.crashes()
        log = fleet.log.read_text(errors="replace")
        await fleet.stop()
        redis.stop()
    if plan.keep:
        plan.keep.write_text(log)
    counts["stale commits refused"] = log.count("turn_stale")
    counts["sent again"] = log.count("send_repeated")
    counts |= {f"killed {victim}": number for victim, number in sorted(kills.items())}
    return {
        "kills": sum(kills.values()) - kills["frozen"] + sum(points.values()),
        **counts,
        **{p: points[p] for p in ALL},
    }


async def count(fleet: Fleet, sent: dict[str, list[int]]) -> dict[str, int]:
    """Hold what the phones received against what was sent, in the order of the transcripts."""
    names = ("accepted", "answered", "lost", "double turns", "double sends", "out of order")
    counts = collections.Counter(dict.fromkeys(names, 0))
    ids = await conversations_of(fleet)
    for contact, marks in sent.items():
        transcript = (
            (await fleet.get(f"/api/conversations/{ids[contact]}"))["messages"] if contact in ids else []
        )
        accepted = [
            int(m)
            for entry in transcript
            if entry["author"] == "contact"
            for m in MARK.findall(entry["text"])
        ]
        bubbles = [b for b in fleet.emulator.phones.bubbles.values() if b.contact == contact and not b.mine]
        callbacks = [bubble.callback for bubble in bubbles]
        first = {bubble.callback: bubble for bubble in reversed(bubbles)}
        heard = [
            int(mark) for bubble in dict.fromkeys(callbacks) for mark in MARK.findall(first[bubble].text)
        ]
        places = [accepted.index(mark) for mark in heard if mark in accepted]
        counts["accepted"] += len(accepted)
        counts["answered"] += len(set(heard) & set(marks))
        counts["lost"] += len(set(marks) - set(heard)) + len(set(marks) - set(accepted))
        counts["double turns"] += len(heard) - len(set(heard)) + len(accepted) - len(set(accepted))
        counts["double sends"] += len(callbacks) - len(set(callbacks))
        counts["out of order"] += sum(a > b for a, b in itertools.pairwise(places))
    return dict(counts)


async def conversations_of(fleet: Fleet) -> dict[str, str]:
    """Conversation ids by phone number."""
    found, cursor = {}, ""
    while cursor is not None:
        page = await fleet.get(f"/api/contacts?limit=200{cursor and f'&cursor={cursor}'}")
        found |= {row["wa_id"]: row["id"] for row in page["items"]}
        cursor = page["next_cursor"]
    return found


def main() -> None:
    """Print the counts, and fail when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two random kills")
    parser.add_argument(
        "--pace", type=float, default=4.0, help="mean seconds between two messages of one contact"
    )
    parser.add_argument("--chance", default="once:0.002", help="how often a process dies at a named point")
    parser.add_argument(
        "--no-callbacks", action="store_true", help="statuses do not carry our id (as with Wappi)"
    )
    parser.add_argument("--shoppers", type=int, default=20, help="contacts besides who order by buttons")
    parser.add_argument("--log", type=Path, help="where to keep what the processes logged")
    options = parser.parse_args()
    counts = asyncio.run(
        run(
            Plan(
                options.conversations,
                options.messages,
                options.pause,
                pace=options.pace,
                chance=options.chance,
                callbacks=not options.no_callbacks,
                keep=options.log,
                shoppers=options.shoppers,
            )
        )
    )
    for name, number in counts.items():
        print(f"{name:22} {number:6}")
    broken = BROKEN if not options.no_callbacks else tuple(name for name in BROKEN if name != "double sends")
    raise SystemExit(any(counts[name] for name in broken))


if __name__ == "__main__":
    main()
