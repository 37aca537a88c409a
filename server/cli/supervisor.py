"""`salesgraph serve`: one process group of embedded Redis, web and worker, put up again when one of them
dies.

Web and worker need the same hundreds of modules, which take seconds to load. On Linux this process loads them
and the others are forks of it, so that they are up sooner, and again at once after a crash, and share the
memory. Elsewhere each loads them for itself: a fork is not safe there."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import importlib
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TypeVar

import httpx
from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape
from setproctitle import setproctitle

from knowledge_base.samples import sample_files
from server.bots.bot import DEMO
from server.cli.common import NO_REDIS, reach, refuse_unfit
from server.config.addresses import hidden, is_loopback
from server.config.settings import Settings
from server.operators.login import login_link
from server.store.client import Redis, client
from server.store.embedded import EmbeddedRedis, die_with_parent
from server.store.keys import key

POLL = 0.2
RESTART_FIRST, RESTART_LONGEST = 0.1, 5.0
# Seconds; a process that ends sooner probably cannot start at all.
YOUNG = 3.0
STOP_SECONDS = 20
# How often it says that it still waits, seconds, and how often a process may end before it was ever up.
STILL, FALLS = 15.0, 5
FILL_AGAIN = 5.0

# What web and worker have in common.
LOADED = ("server.web.app", "server.pipeline.worker", "server.cli.ingest", "tools._mcp", "uvicorn")

console = Console(stderr=True, soft_wrap=True)
_processes = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")

Answer = TypeVar("Answer")


@dataclass
class Child:
    """One process to keep alive."""

    name: str
    arguments: tuple[str, ...]
    process: BaseProcess | None = None
    started: float = 0
    due: float = 0
    pause: float = RESTART_FIRST
    falls: int = 0

    def start(self, not_for_it: int | None) -> None:
        """`not_for_it`: a file that a fork must not hold."""
        self.process = _command(self.arguments, not_for_it)
        self.started = time.monotonic()

    def revive(self, not_for_it: int | None) -> None:
        """Start again what died; at once, unless it died young, and never making another child wait."""
        if self.process is None:
            if time.monotonic() >= self.due:
                self.start(not_for_it)
        elif self.process.exitcode is not None:
            young = time.monotonic() - self.started < YOUNG
            self.falls += 1
            self.pause = min(RESTART_LONGEST, self.pause * 2) if young else RESTART_FIRST
            self.due = time.monotonic() + self.pause
            console.print(
                f"[yellow]{self.name} ended with status {self.process.exitcode}; starting it again[/]"
            )
            self.process = None


def _command(arguments: tuple[str, ...], not_for_it: int | None) -> BaseProcess:
    """A `salesgraph` command in a process of its own."""
    process = _processes.Process(target=_run, args=(arguments, not_for_it))
    process.start()
    return process


def _run(arguments: tuple[str, ...], not_for_it: int | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent()
    if not_for_it is not None:
        os.close(not_for_it)
    sys.argv = ["salesgraph", *arguments]
    setproctitle(f"{sys.executable} -m server {' '.join(arguments)}")
    importlib.import_module("server.cli.main").main()  # it imports this module


def _load() -> None:
    """What the others are to share; left alone by the collection of garbage, which would copy it."""
    if sys.platform == "linux":
        for name in LOADED:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()


class _Stop(KeyboardInterrupt):
    """A signal asked us to end; nothing that catches errors must keep it."""


def supervise(settings: Settings) -> int:
    """Run until a signal; returns the exit status."""
    if problem := _port_taken(settings):
        console.print(f"[red]PORT: {problem}[/]")
        return 2
    if settings.redis_url:
        refuse_unfit(settings, settings.redis_url)
    signal.signal(signal.SIGTERM, _on_signal)
    signal.signal(signal.SIGINT, _on_signal)
    children = [Child("web", ("serve", "--role", "web")), Child("worker", ("work",))]
    embedded: EmbeddedRedis | None = None
    try:
        first = settings.api_token is None and not (settings.data_dir / "api_token").exists()
        token = settings.operator_token
        url, embedded = reach(settings)
        _load()
        lock = embedded.lock if embedded and sys.platform == "linux" else None
        for child in children:
            child.start(lock)
        filled = _fill_demo(url, lock)
        _wait_for_web(settings, children, lock)
        _greet(settings, token if first else "", _link(settings, url))
        looked = time.monotonic()
        while True:
            time.sleep(POLL)
            if not filled and time.monotonic() - looked > FILL_AGAIN:
                filled, looked = _fill_demo(url, lock), time.monotonic()
            if embedded and not embedded.alive:
                console.print("[yellow]the embedded Redis ended; starting it again[/]")
                embedded.start()
            for child in children:
                child.revive(lock)
    except KeyboardInterrupt:
        return 0
    except (RuntimeError, OSError) as error:
        where = f"DATA_DIR: {settings.data_dir}: " if isinstance(error, OSError) else ""
        console.print(f"[red]{escape(f'{where}{error}')}[/]")
        return 1
    finally:
        _stop(children)
        if embedded:
            embedded.stop()


def _on_signal(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise _Stop


def _port_taken(settings: Settings) -> str:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return (
                f"cannot listen on {settings.host}:{settings.port} ({error.strerror}); set HOST or PORT to "
                "something free"
            )
    return ""


def _fill_demo(url: str, lock: int | None) -> bool:
    """The sample shop's documents, unless these very ones are in; False while Redis is away. In a process of
    its own, so that the embedding model does not stay in memory here."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sample_files())).hexdigest()
    marker = key(DEMO, "samples")
    try:
        if _asked(url, lambda redis: redis.get(marker)) == digest.encode():
            return True
        ingesting = _command(("ingest", *map(str, sample_files()), "--bot", DEMO), lock)
        try:
            ingesting.join()
        finally:  # asked to end meanwhile: it goes first
            ingesting.terminate()
        if ingesting.exitcode == 0:
            _asked(url, lambda redis: redis.set(marker, digest))
        return ingesting.exitcode != NO_REDIS
    except (RedisError, OSError) as error:
        why = escape(hidden(str(error)))
        console.print(f"[yellow]Redis does not answer yet; the sample documents wait for it ({why})[/]")
        return False


def _asked(url: str, job: Callable[[Redis], Awaitable[Answer]]) -> Answer:
    """What a job makes of Redis. Raises RedisError."""

    async def run() -> Answer:
        redis = client(url, 2)
        try:
            return await job(redis)
        finally:
            await redis.aclose()

    return asyncio.run(run())


def _link(settings: Settings, url: str) -> str:
    """An address that logs the browser of whoever reads it here in; none where others may read what is
    printed."""
    if not is_loopback(settings.host):
        return ""
    try:
        return _asked(url, lambda redis: login_link(settings, redis))
    except (RedisError, OSError):
        return ""  # `salesgraph login-link` prints one later


def _wait_for_web(settings: Settings, children: list[Child], lock: int | None) -> None:
    """However long a slow machine takes: as long as the process lives, it is starting."""
    said = time.monotonic()
    while True:
        try:
            httpx.get(f"{settings.loopback_url}/health", timeout=5)
            return
        except httpx.HTTPError:
            pass
        for child in children:
            child.revive(lock)
            if child.falls >= FALLS:
                raise RuntimeError(
                    f"{child.name} ended {child.falls} times before it was up; its last words stand above"
                )
        if time.monotonic() - said > STILL:
            said = time.monotonic()
            console.print("still starting...")
        time.sleep(0.1)


def _greet(settings: Settings, new_token: str, link: str) -> None:
    model = (
        "the offline model (set OPENAI_API_KEY or GEMINI_API_KEY for a real one)"
        if settings.model_name == "offline"
        else settings.model_name
    )
    print(f"\n  Open        {link}   (logs one browser in, once)" if link else "")
    off = "" if settings.simulates else "   (off: SIMULATOR=true puts it up)"
    print(f"  Simulator   {settings.loopback_url}/simulator{off}")
    print(f"  Dashboard   {settings.loopback_url}/dashboard")
    print(f"  API         {settings.loopback_url}/docs")
    print(f"  Model       {model}")
    if new_token:
        print(f"  API token   {new_token}   (kept in {settings.data_dir / 'api_token'}, shown once)")
    print("  Ctrl-C stops everything.\n", flush=True)


def _stop(children: list[Child]) -> None:
    """Web first, so that nothing new comes in while the worker finishes."""
    for child in children:
        if child.process and child.process.exitcode is None:
            child.process.terminate()
    end = time.monotonic() + STOP_SECONDS
    for child in children:
        if child.process:
            child.process.join(max(0.1, end - time.monotonic()))
            if child.process.exitcode is None:
                child.process.kill()
                child.process.join()
