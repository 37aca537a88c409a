"""python -m tests.chaos: a thousand messages while web, worker and Redis are killed again and again; then the count.

Real HTTP in and out: webhooks as Meta delivers them (repeated until acknowledged, a fifth of them twice, some re-batched,
some out of order), a model server that takes its time, an emulated WhatsApp whose statuses carry our id.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import itertools
import random
import re
import tempfile
import time
from pathlib import Path

import httpx

from channels.emulators.cloud_api import CloudApiEmulator
from tests.fakes.openai_wire import FakeOpenAI, message, polite, schema_of
from tests.fakes.serving import served
from tests.server.stack import SECRET, TOKEN, Stack, text, webhook

MARK = re.compile(r"<(\d+)>")


def answering(request: dict) -> dict:
    """The answer repeats the marks of the messages since the last answer, so that it can be seen what was answered."""
    if schema_of(request):
        return polite(request)
    marks: list[str] = []
    for said in reversed(request["messages"]):
        if said["role"] == "assistant":
            break
        if said["role"] == "user":
            marks = MARK.findall(str(said["content"])) + marks
    return message("heard " + " ".join(f"<{mark}>" for mark in marks))


async def deliver(stack: Stack, *messages: dict) -> int:
    """Post until acknowledged; returns how many tries it took."""
    for attempt in range(1, 1000):
        try:
            if (await stack.post(webhook(*messages))).status_code == 200:
                return attempt
        except httpx.HTTPError:
            pass
        await asyncio.sleep(random.uniform(0.05, 0.4))
    raise AssertionError("never acknowledged")


async def chat(stack: Stack, contact: str, marks: list[int], sent: dict[str, list[int]]) -> None:
    """One contact writes all of its messages, in order, some of them twice."""
    for mark in marks:
        said = text(contact, f"message <{mark}>", f"wamid.{contact}.{mark}")
        await deliver(stack, said)
        sent[contact].append(mark)
        if random.random() < 0.2:
            again = text(contact, f"message <{marks[0]}>", f"wamid.{contact}.{marks[0]}")
            await deliver(stack, *random.sample([said, again], 2) if again != said else [said])
        await asyncio.sleep(random.expovariate(0.7))


async def kill(stack: Stack, until: asyncio.Event, kills: collections.Counter[str], pause: float) -> None:
    """Kill one process at a time, at random."""
    while not until.is_set():
        await asyncio.sleep(random.uniform(0.5, 1.5) * pause)
        victim = random.choices(["worker", "web", "redis"], [6, 3, 1])[0]
        try:
            stack.kill(victim)
            kills[victim] += 1
        except (AssertionError, ProcessLookupError, FileNotFoundError):
            continue


async def run(conversations: int, messages: int, seconds_between_kills: float) -> dict[str, int]:
    """The counts; `lost`, `double turns`, `double sends` and `out of order` should be 0."""
    emulator, model = CloudApiEmulator("", SECRET, TOKEN), FakeOpenAI()
    model.answer, model.hang = answering, lambda request: random.uniform(0.02, 0.6)
    sent: dict[str, list[int]] = collections.defaultdict(list)
    kills: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="sg") as folder, served(emulator.app) as graph, served(model.app) as wire:
        stack = Stack(
            Path(folder), emulator, graph, model, wire, TURN_ATTEMPTS="50", LOG_LEVEL="WARNING", SEND_GRACE_SECONDS="20"
        )
        stack.start()
        people = [f"7704{number:07}" for number in range(conversations)]
        each = messages // conversations
        done = asyncio.Event()
        killer = asyncio.create_task(kill(stack, done, kills, seconds_between_kills))
        await asyncio.gather(
            *(chat(stack, c, list(range(i * each, (i + 1) * each)), sent) for i, c in enumerate(people))
        )
        done.set()
        await killer
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                if await stack.idle():
                    break
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)
        counts = count(stack, sent)
        counts["sent again"] = stack.log.read_text(errors="replace").count("send_repeated")
        stack.stop()
    return {"kills": sum(kills.values()), **counts}


def count(stack: Stack, sent: dict[str, list[int]]) -> dict[str, int]:
    """Hold what the phones received against what was sent."""
    counts = collections.Counter(
        {"accepted": 0, "answered": 0, "lost": 0, "double turns": 0, "double sends": 0, "out of order": 0}
    )
    for contact, marks in sent.items():
        bubbles = [b for b in stack.emulator.phones.bubbles.values() if b.contact == contact and not b.mine]
        ids = [bubble.callback for bubble in bubbles]
        first = {bubble.callback: bubble for bubble in reversed(bubbles)}
        heard = [int(mark) for bubble in dict.fromkeys(ids) for mark in MARK.findall(first[bubble].text)]
        counts["accepted"] += len(marks)
        counts["answered"] += len(set(heard) & set(marks))
        counts["lost"] += len(set(marks) - set(heard))
        counts["double turns"] += len(heard) - len(set(heard))
        counts["double sends"] += len(ids) - len(set(ids))
        counts["out of order"] += sum(a > b for a, b in itertools.pairwise(heard))
    return dict(counts)


def main() -> None:
    """Print the counts, and fail when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--pause", type=float, default=3.0, help="mean seconds between two kills")
    options = parser.parse_args()
    counts = asyncio.run(run(options.conversations, options.messages, options.pause))
    for name, number in counts.items():
        print(f"{name:14} {number:6}")
    raise SystemExit(any(counts[name] for name in ("lost", "double turns", "double sends", "out of order")))


if __name__ == "__main__":
    main()
