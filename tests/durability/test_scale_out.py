"""Web processes and workers apart, on one Redis or a cluster; a worker that is stopped or killed in the
middle of things."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import textwrap
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.fakes.openai_wire import FakeOpenAI, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.servers.cluster import cluster
from tests.support.servers.fleet import Doors, Fleet, Outside
from tests.support.stack import SECRET, TOKEN, text, webhook
from tests.support.waiting import until

pytestmark = pytest.mark.slow

BOOKING = '''
import os
from langchain_core.tools import tool
from tools.runtime import Runtime, services_of

@tool
async def reserve(time: str, runtime: Runtime) -> str:
    """Book a call."""
    with open(os.environ["BOOKINGS"], "a") as file:
        file.write(services_of(runtime).idempotency_key + "\\n")
    return f"booked for {time}"
'''


@contextlib.asynccontextmanager
async def fleet_on(url: str, model: FakeOpenAI, **options) -> AsyncIterator[Fleet]:
    emulator = Doors("", SECRET, TOKEN)
    with (
        tempfile.TemporaryDirectory(prefix="sg") as folder,
        served(emulator.app) as graph,
        served(model.app) as wire,
    ):
        fleet = Fleet(Path(folder), Outside(url, emulator, graph, wire), **options)
        await fleet.start()
        try:
            yield fleet
        finally:
            await fleet.stop()


def replies(fleet: Fleet, contact: str) -> list[str]:
    return [
        b.text for b in list(fleet.emulator.phones.bubbles.values()) if b.contact == contact and not b.mine
    ]


def person() -> str:
    return f"7705{uuid.uuid4().int % 10**7:07}"


def books(request: dict) -> dict:
    if schema_of(request):
        return polite(request)
    if request["messages"][-1]["role"] == "tool":
        return message(f"Done: {request['messages'][-1]['content']}")
    return message(call=("reserve", {"time": "10:00"}))


@pytest.mark.parametrize(("point", "calls"), [("after-tool-record", 1), ("before-tool-record", 2)])
async def test_a_worker_killed_after_a_tool_ran_does_not_book_twice(
    redis: Redis, redis_url, tmp_path, point, calls
):
    """Killed before the answer was on record, the tool is called once more, under the same key."""
    model, bookings = FakeOpenAI(), tmp_path / "bookings"
    model.answer = books
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "reserve.py").write_text(textwrap.dedent(BOOKING))
    more = {"CRASH_TOOLS": str(tmp_path / "tools"), "BOOKINGS": str(bookings)}
    async with fleet_on(redis_url, model, webs=1, workers=1, crash={point: "once"}, **more) as fleet:
        contact = person()
        await fleet.post(webhook(text(contact, "call me at ten", f"wamid.{contact}")))
        await until(lambda: replies(fleet, contact), 60)
        await until(fleet.idle)
        assert replies(fleet, contact) == ["Done: booked for 10:00"]
        assert fleet.crashes()[point] == 1
    keys = bookings.read_text().split()
    assert len(keys) == calls and len(set(keys)) == 1


async def test_a_worker_that_is_told_to_stop_hands_its_turns_to_another_at_once(redis: Redis, redis_url: str):
    """The lease is longer than the test: nobody waits for it to end."""
    model = FakeOpenAI()
    model.hang = lambda request: 0.0 if schema_of(request) else 8.0
    settings = {"LEASE_SECONDS": "300", "DRAIN_SECONDS": "0.2"}
    async with fleet_on(redis_url, model, webs=1, workers=1, **settings) as fleet:
        people = [person() for _ in range(5)]
        for contact in people:
            await fleet.post(webhook(text(contact, "hello", f"wamid.{contact}")))
        await until(lambda: len(model.sales_calls()) == 5)
        model.hang = 0.0
        fleet.processes["worker0"].terminate()
        await until(lambda: all(replies(fleet, contact) for contact in people), 60)
        await until(fleet.idle)
        assert [len(replies(fleet, contact)) for contact in people] == [1] * 5
        assert fleet.deaths["worker"] == 1
        assert fleet.processes["worker0"].exitcode is None


async def test_a_worker_that_is_told_to_stop_finishes_what_it_can(redis: Redis, redis_url: str):
    model = FakeOpenAI()
    model.hang = lambda request: 0.0 if schema_of(request) else 1.0
    async with fleet_on(redis_url, model, webs=1, workers=1, LEASE_SECONDS="300") as fleet:
        contact = person()
        await fleet.post(webhook(text(contact, "hello", f"wamid.{contact}")))
        await until(lambda: len(model.sales_calls()) == 1)
        old = fleet.processes["worker0"]
        old.terminate()
        await until(lambda: replies(fleet, contact))
        await until(lambda: not old.is_alive())
        assert old.exitcode == 0 and len(model.sales_calls()) == 1


async def test_a_cluster_serves_as_well(tmp_path):
    model = FakeOpenAI()
    with cluster() as url:
        async with fleet_on(url, model, webs=2, workers=2) as fleet:
            people = [person() for _ in range(20)]
            for number in range(2):
                await asyncio.gather(
                    *(
                        fleet.post(webhook(text(c, f"message {number}", f"wamid.{c}.{number}")))
                        for c in people
                    )
                )
                await until(lambda n=number: all(len(replies(fleet, c)) == n + 1 for c in people), 60)
            fleet.kill("worker")
            await asyncio.gather(*(fleet.post(webhook(text(c, "last", f"wamid.{c}.9"))) for c in people))
            await until(lambda: all(len(replies(fleet, c)) == 3 for c in people), 60)
            await until(fleet.idle)
            stats = await fleet.get("/api/stats")
            assert stats["conversations"] == 20
            found = await fleet.get("/api/contacts?limit=1")
            entries = (await fleet.get(f"/api/conversations/{found['items'][0]['id']}"))["messages"]
            assert [entry["author"] for entry in entries] == ["contact", "bot"] * 3
            assert not [line for line in fleet.log.read_text().splitlines() if '"level": "error"' in line]


async def test_a_frozen_worker_that_wakes_up_changes_nothing(redis: Redis, redis_url: str):
    """SIGSTOP past the end of its lease: another answers, and what the frozen one brings then is refused."""
    model = FakeOpenAI()
    model.hang = lambda request: 0.0 if schema_of(request) else 2.0
    async with fleet_on(redis_url, model, webs=1, workers=2, LEASE_SECONDS="1") as fleet:
        contact = person()
        await fleet.post(webhook(text(contact, "hello", f"wamid.{contact}")))
        await until(lambda: len(model.sales_calls()) == 1)
        held = [p for n, p in fleet.processes.items() if n.startswith("worker")]
        for process in held:  # whichever has it
            _signal(process.pid, signal.SIGSTOP)
        fresh = "worker9"
        fleet.commands[fresh] = ["work"]
        fleet.launch(fresh)
        await until(lambda: replies(fleet, contact), 60)
        for process in held:
            _signal(process.pid, signal.SIGCONT)
        await until(fleet.idle)
        await until(lambda: "turn_stale" in fleet.log.read_text())
        assert len(replies(fleet, contact)) == 1


def _signal(pid: int, number: int) -> None:
    import os

    os.kill(pid, number)
