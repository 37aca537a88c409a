"""The product with crash points: a process kills itself (SIGKILL) when it comes to one, as often as it is
told.

Nothing of the product knows of this: the points are wrapped around its public steps. Importing this module
imports the whole product, so that a fork server that has it starts a process in no time."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tools
from agent.models.chat import Models
from channels.cloud_api import CloudApi
from server import clock
from server.cli import main
from server.orders.book import OrderBook
from server.outreach import timers
from server.pipeline.agents import RedisLedger
from server.pipeline.worker_services import WorkerServices
from server.store.mailbox import Mailbox

# What is wrapped, and what the points before and after it are called.
POINTS: dict[str, tuple[Any, str]] = {
    "accept": (Mailbox, "accept"),
    "claim": (Mailbox, "claim"),
    "node": (WorkerServices, "learn"),
    "model": (Models, "ask"),
    "tool-record": (RedisLedger, "write"),
    "cart": (OrderBook, "keep"),
    "order": (OrderBook, "place"),
    "commit": (Mailbox, "commit"),
    "attempt": (Mailbox, "send_begin"),
    "request": (CloudApi, "send"),
    "result": (Mailbox, "send_done"),
    "status": (Mailbox, "status"),
}
ALL = [f"{when}-{name}" for name in POINTS for when in ("before", "after")]


def die_at(point: str) -> None:
    """Die here if told to: the first time that any process comes by (`once`), with a probability, or both
    (`once:0.01`)."""
    chance = _wanted().get(point)
    if chance is None:
        return
    log = Path(os.environ["CRASH_LOG"])
    probability = chance.removeprefix("once").removeprefix(":")
    if not (chance.startswith("once") and _first(log.with_suffix(f".{point}"))):
        if random.random() >= float(probability or 0):
            return
    with open(log, "a") as file:
        file.write(point + "\n")
    os.kill(os.getpid(), signal.SIGKILL)


def _first(mark: Path) -> bool:
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _wanted() -> dict[str, str]:
    pairs = (pair.partition("=") for pair in os.environ.get("CRASH", "").split(",") if pair)
    return {point: chance for point, _, chance in pairs}


def _wrapped(step: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(step)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        die_at(f"before-{name}")
        result = await step(*args, **kwargs)
        die_at(f"after-{name}")
        return result

    return wrapper


def _follow_clock(file: Path) -> None:
    """A simulation says in a file by how many ms the clock is ahead."""
    while True:
        with contextlib.suppress(ValueError, OSError):
            clock.move_to(int(file.read_text()))
        time.sleep(0.005)


def run(arguments: list[str], env: dict[str, str], log: str) -> None:
    """Become `salesgraph ARGUMENTS` in this environment, with the crash points that CRASH names."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(env["DATA_DIR"])
    output = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    random.seed(os.urandom(8))
    for name, (owner, attribute) in POINTS.items():
        setattr(owner, attribute, _wrapped(getattr(owner, attribute), name))
    if folder := env.get("CRASH_TOOLS"):
        tools.__path__.append(folder)
        tools.installed.cache_clear()
    if watch := env.get("CLOCK_FILE"):
        timers.PAUSE = 0.02  # the clock runs much faster than they look
        threading.Thread(target=_follow_clock, args=(Path(watch),), daemon=True).start()
    sys.argv = ["salesgraph", *arguments]
    main.main()
