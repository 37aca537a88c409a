"""python -m tests.durability.outreach --contacts 1000: forty days of follow-ups on a virtual clock, in three
time zones.

Contacts who answer, hesitate, refuse, opt out or say nothing, on workers that are killed (kill -9) at named
points and at random. Afterwards every rule of outreach is checked on the record, by code that shares nothing
with the product's."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import holidays
from redis.asyncio import Redis

from channels.base import Message
from server import clock
from server.bots.bot import BotRuntime, runtimes
from server.config.settings import Settings
from server.outreach.follow_ups import FollowUps
from server.store.client import client
from server.store.embedded import EmbeddedRedis
from server.store.message_templates import MessageTemplate, store_templates
from server.store.records import Entry
from tests.fakes.serving import served
from tests.support.servers.fleet import Doors, Fleet, Outside
from tests.support.stack import NUMBER, SECRET, TOKEN
from tests.support.waiting import until

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ZONES = {"Asia/Almaty": "KZ", "Europe/Rome": "IT", "America/New_York": "US"}
BEGIN, DAYS = (
    datetime(2026, 3, 2, 7, tzinfo=UTC),
    40,
)  # clocks change in Rome and New York, holidays in all three
INTERVALS = (24, 72, 168, 336, 720)
STEP = 10 * MINUTE
# What a contact says after which touch; `silent` to the end.
ANSWERS = {
    "yes": "yes please",
    "no": "no, not interested",
    "maybe": "I'll think about it",
    "stop": "stop",
    "question": "and what does delivery cost?",
    "person": "operator",
}
CRASHES = {
    "after-commit": "0.01",
    "before-commit": "0.01",
    "before-attempt": "0.01",
    "after-request": "0.005",
}
RULES = (
    "closed, too close, too many, twice, out of order, too early, too late, no window, after the end, "
    "missing, one second"
).split(", ")


@dataclass
class Person:
    """A simulated contact: how they answer and when, in ms."""

    number: str
    answer: str
    after: int
    delay: int
    said: list[tuple[int, str]] = field(default_factory=list)
    conversation: str = ""
    done: bool = False


class World:
    """One deployment in one time zone, with its people."""

    def __init__(self, zone: str, people: int, folder: Path, seed: int) -> None:
        self.zone, self.folder, self.random = zone, folder, random.Random(seed)
        kinds = ["silent"] * 4 + list(ANSWERS)
        self.people = [
            Person(
                f"7701{n:07}",
                self.random.choice(kinds),
                self.random.randint(1, 4),
                self.random.randint(1, 40) * HOUR,
            )
            for n in range(people)
        ]
        self.clock_file = folder / "clock"
        self.calendar: list[str] = []
        self.planned: set[tuple[bytes, int]] = set()

    async def run(self) -> dict[str, Any]:
        """Forty days; what was counted."""
        server = EmbeddedRedis(self.folder)
        redis = cast(Redis, client(server.start()))
        emulator = Doors("", SECRET, TOKEN)
        self.move(int(BEGIN.timestamp() * 1000))
        try:
            with served(emulator.app) as graph_url:
                url = f"unix://{self.folder}/redis/socket"
                options = {
                    "CHAT_MODEL": "offline",
                    "ENABLE_FOLLOW_UPS": "true",
                    "TIMEZONE": self.zone,
                    "DEBOUNCE_SECONDS": "0",
                    "FOLLOW_UP_TEMPLATES": '{"1": "back:en", "2": "back:en", "3": "back:en", "5": "bye:en"}',
                    "CLOCK_FILE": str(self.clock_file),
                    "LEASE_SECONDS": "1",
                    "SEND_GRACE_SECONDS": "1",
                    "DEBOUNCE_MAX_SECONDS": "0",
                }
                fleet = Fleet(
                    self.folder,
                    Outside(url, emulator, graph_url, "http://127.0.0.1:9"),
                    webs=1,
                    workers=1,
                    crash=CRASHES,
                    **options,
                )
                settings = Settings(
                    _env_file=None,
                    data_dir=self.folder,
                    redis_url=url,
                    enable_follow_ups=True,
                    timezone=self.zone,
                    debounce_seconds=0,
                    debounce_max_seconds=0,
                )  # pyright: ignore[reportCallIssue]
                runtime = runtimes(settings, redis)["default"]
                await store_templates(
                    redis,
                    "default",
                    [
                        MessageTemplate(name="back", language="en", body="Is your question still open?"),
                        MessageTemplate(
                            name="bye", language="en", body="We will not write again. Shall we close it?"
                        ),
                    ],
                )
                await fleet.start()
                try:
                    await self._live(runtime, redis, fleet)
                    counts = await self._check(runtime, emulator)
                finally:
                    await fleet.stop()
            counts["killed"] = sum(fleet.deaths.values())
            return counts
        finally:
            await redis.aclose()
            server.stop()
            clock.move_to(0)

    def move(self, now: int) -> None:
        """Let it be `now` (ms) here and in the worker."""
        clock.move_to(now - time.time_ns() // 1_000_000)
        draft = self.clock_file.with_suffix(".draft")
        draft.write_text(str(clock.ahead()))
        draft.replace(self.clock_file)

    async def _live(self, runtime: BotRuntime, redis: Redis, fleet: Fleet) -> None:
        events = sorted(
            (int(BEGIN.timestamp() * 1000) + self.random.randint(0, 2 * DAY), i, "what does delivery cost?")
            for i in range(len(self.people))
        )
        end = int(BEGIN.timestamp() * 1000) + DAYS * DAY
        touched: Counter[int] = Counter()
        while True:
            timers: Any = await redis.zrange("sg:{default}:timers", 0, -1, withscores=True)
            self.planned.update((name, int(at)) for name, at in timers)
            moments = [at for at, _, _ in events[:1]] + [int(at) for _, at in timers[:1]]
            if not moments or min(moments) > end:
                return
            self.move(max(clock.now_ms(), (min(moments) // STEP + 1) * STEP))
            while events and events[0][0] <= clock.now_ms():
                _, index, text = events.pop(0)
                await self._says(runtime, self.people[index], text)
            if self.random.random() < 0.02:
                fleet.kill("worker")
            await until(lambda: self._quiet(redis), 120)
            for index, person in enumerate(self.people):
                if person.done or person.answer == "silent" or not person.conversation:
                    continue
                raw = await redis.get(f"sg:{{default}}:follow:{person.conversation}")
                if raw and _last(raw) >= person.after and not touched[index]:
                    touched[index] = 1
                    events.append((clock.now_ms() + person.delay, index, ANSWERS[person.answer]))
                    events.sort()

    async def _quiet(self, redis: Redis) -> bool:
        up = await redis.zcount("sg:{default}:timers", "-inf", clock.now_ms())
        return not up and not await redis.zcard("sg:{default}:due")

    async def _says(self, runtime: BotRuntime, person: Person, text: str) -> None:
        said = Message(
            id=f"wamid.{person.number}.{len(person.said)}",
            account=NUMBER,
            kind="text",
            wa_id=person.number,
            text=text,
        )
        person.conversation = await runtime.conversations.identify(said)
        person.said.append((clock.now_ms(), text))
        person.done = len(person.said) > 1
        entry = Entry(id=said.id, author="contact", text=text, at=clock.now_ms())
        await runtime.mailbox.accept(person.conversation, said, entry)

    async def _check(self, runtime: BotRuntime, emulator: Doors) -> dict[str, Any]:
        broken: Counter[str] = Counter(dict.fromkeys(RULES, 0))
        seconds = Counter(at // 1000 for _, at in self.planned)
        sent = Counter(request["biz_opaque_callback_data"] for request in emulator.requests)
        arrived = Counter(b.callback for b in emulator.phones.bubbles.values() if not b.mine)
        skipped = defaultdict(set)
        for row in await FollowUps(runtime.redis).skipped(runtime, 100_000):
            skipped[row.conversation_id].add(row.touch)
        touches = 0
        for person in self.people:
            entries = await runtime.conversations.transcript(person.conversation, 500)
            touches += sum(bool(e.touch) for e in entries)
            broken.update(self._broken(person, entries, skipped[person.conversation]))
            for e in entries:
                if e.touch and e.status.split(" ")[0] in ("accepted", "sent", "delivered", "read"):
                    broken["twice"] += arrived[f"{person.conversation}/{e.id}"] > 1
        shown = next((p for p in self.people if p.answer == "maybe"), self.people[0])
        self.calendar = await self._calendar(runtime, shown)
        broken["one second"] += max(seconds.values(), default=0) > max(3, len(self.people) // 50)
        return {"people": len(self.people), "touches": touches, "requests": len(sent), **broken}

    def _broken(self, person: Person, entries: list[Entry], left_out: set[int]) -> list[str]:
        """The rules that this contact's record breaks."""
        found, last_heard, ended, since, before, unanswered = [], 0, False, 0, 0, 0
        silence = 0
        seen: set[int] = set()
        for entry in entries:
            if entry.author == "contact":
                last_heard, unanswered = entry.at, 0
                ended = entry.text in (ANSWERS["yes"], ANSWERS["no"], ANSWERS["stop"], ANSWERS["person"])
                if entry.text != ANSWERS["maybe"]:
                    seen, before = set(), 0
                continue
            if not entry.touch:
                silence = entry.at
                continue
            n, at = entry.touch, entry.at
            found += ["after the end"] * ended + ["closed"] * (not self._open(at))
            found += ["twice"] * (n in seen) + ["out of order"] * (n < before)
            found += ["too close"] * (unanswered > 0 and at - since < DAY) + ["too many"] * (unanswered >= 5)
            # in words it may come earlier by a tenth, so as not to miss the 24-hour window
            soonest = silence + INTERVALS[n - 1] * HOUR * (1 if entry.template else 0.9)
            found += ["too early"] * (at < soonest - MINUTE and person.answer != "maybe")
            found += ["too late"] * (
                unanswered == 0 and at > max(silence, last_heard) + INTERVALS[n - 1] * HOUR + 6 * DAY
            )
            found += ["no window"] * (not entry.template and at > last_heard + DAY)
            seen.add(n)
            before, since, unanswered = n, at, unanswered + 1
        if person.answer == "silent" and seen | left_out != {1, 2, 3, 4, 5}:
            found.append("missing")
        return found

    async def _calendar(self, runtime: BotRuntime, person: Person) -> list[str]:
        """What happened with one contact, by the clock of the business."""
        rows = [(e.at, _line(e)) for e in await runtime.conversations.transcript(person.conversation, 500)]
        for row in await FollowUps(runtime.redis).skipped(runtime, 100_000):
            if row.conversation_id == person.conversation:
                rows.append((row.at, f"-- touch {row.touch} left out: {row.reason}"))
        return [
            f"{datetime.fromtimestamp(at / 1000, ZoneInfo(self.zone)):%a %d %b %H:%M}  {line}"
            for at, line in sorted(rows)
        ]

    def _open(self, at: int) -> bool:
        """By the calendar itself."""
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(self.zone))
        free = holidays.country_holidays(ZONES[self.zone], years=local.year)
        return (
            local.weekday() < 5
            and 10 <= local.hour < 18
            and date(local.year, local.month, local.day) not in free
        )


def _line(entry: Entry) -> str:
    if entry.author == "contact":
        return f">> {entry.text}"
    how = (
        f"touch {entry.touch}, template {entry.template}: "
        if entry.template
        else f"touch {entry.touch}: "
        if entry.touch
        else ""
    )
    return f"<< {how}{' '.join(entry.text.split())[:90]}"


def _last(raw: bytes) -> int:
    return int(json.loads(raw)["last"])


async def run(contacts: int, seed: int = 1) -> dict[str, dict[str, Any]]:
    """Every zone with its share of the contacts; what was counted, by zone."""
    found = {}
    for n, zone in enumerate(ZONES):
        with tempfile.TemporaryDirectory(prefix="sg") as folder:
            share = contacts // 3 + (n < contacts % 3)
            world = World(zone, share, Path(folder), seed + n)
            found[zone] = {**await world.run(), "calendar": world.calendar}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    found = asyncio.run(run(options.contacts, options.seed))
    print("\n".join(found["Asia/Almaty"]["calendar"]), end="\n\n")
    names = [name for name in next(iter(found.values())) if name != "calendar"]
    print(f"{'':16}" + "".join(f"{zone:>20}" for zone in found))
    for name in names:
        print(f"{name:16}" + "".join(f"{counts[name]:20,}" for counts in found.values()))
    print(f"{DAYS} days in {time.monotonic() - began:.0f} s")
    raise SystemExit(any(counts[rule] for counts in found.values() for rule in RULES))


if __name__ == "__main__":
    main()
