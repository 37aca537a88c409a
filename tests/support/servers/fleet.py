"""Several web processes and workers on one Redis, each started again when it dies, as a process manager
would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from channels.cloud_webhook import signature
from channels.emulators.cloud_api import CloudApiEmulator
from tests.fakes.serving import free_port
from tests.support.stack import API, NUMBER, SECRET, TOKEN, VERIFY, environment
from tests.support.waiting import slowness

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.servers.crashing"])


def _become(arguments: list[str], env: dict[str, str], log: str) -> None:
    from tests.support.servers.crashing import run

    run(arguments, env, log)


class Doors(CloudApiEmulator):
    """An emulated WhatsApp whose webhooks go to any of several web processes."""

    urls: tuple[str, ...] = ()

    @property
    def webhook(self) -> str:
        return random.choice(self.urls)

    @webhook.setter
    def webhook(self, url: str) -> None:
        self.urls = (url,) if url else ()


@dataclass(frozen=True)
class Outside:
    """What a fleet talks to: Redis, the emulated WhatsApp and where it is served, and a model server."""

    redis_url: str
    emulator: Doors
    graph_url: str
    model_url: str


class Fleet:
    """`webs` and `workers` processes; `crash` maps crash points to how often (see `crashing.py`)."""

    def __init__(
        self,
        folder: Path,
        outside: Outside,
        *,
        webs: int = 2,
        workers: int = 3,
        crash: dict[str, str] | None = None,
        **settings: str,
    ) -> None:
        self.folder, self.emulator = folder, outside.emulator
        self.log, self.crash_log = folder / "fleet.log", folder / "crashes"
        self.ports = [free_port() for _ in range(webs)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.emulator.urls = tuple(f"{url}/webhook" for url in self.urls)
        points = ",".join(f"{point}={chance}" for point, chance in (crash or {}).items())
        given = {
            "REDIS_URL": outside.redis_url,
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": f"{outside.model_url}/v1",
            "WHATSAPP_ACCESS_TOKEN": TOKEN,
            "WHATSAPP_PHONE_NUMBER_ID": NUMBER,
            "WHATSAPP_APP_SECRET": SECRET,
            "WHATSAPP_WEBHOOK_VERIFY_TOKEN": VERIFY,
            "WHATSAPP_GRAPH_URL": outside.graph_url,
            "DEBOUNCE_SECONDS": "0.3",
            "DEBOUNCE_MAX_SECONDS": "3",
            "MODEL_TIMEOUT": "20",
            "LEASE_SECONDS": "3",
            "SEND_GRACE_SECONDS": "10",
            "LOG_LEVEL": "WARNING",
            "CRASH": points,
            "CRASH_LOG": str(self.crash_log),
            "ANONYMIZED_TELEMETRY": "false",
            **settings,
        }
        self.env = environment(folder, 0, **given)
        self.commands = {f"web{n}": ["serve", "--role", "web"] for n in range(webs)} | {
            f"worker{n}": ["work"] for n in range(workers)
        }
        self.processes: dict[str, Any] = {}
        self.deaths: Counter[str] = Counter()
        self.http = httpx.AsyncClient(timeout=30, headers={"Authorization": f"Bearer {API}"})
        self._keeper: asyncio.Task[None] | None = None

    def launch(self, name: str) -> None:
        env = {**self.env, "PORT": str(self.ports[int(name[3:])] if name.startswith("web") else 1)}
        self.processes[name] = FORKS.Process(
            target=_become, args=(self.commands[name], env, str(self.log)), daemon=True
        )
        self.processes[name].start()

    async def start(self) -> None:
        """Start all and wait until they answer; where one does not, none is left."""
        try:
            for name in self.commands:
                await asyncio.to_thread(self.launch, name)
            end = time.monotonic() + 60 * slowness()
            for url in self.urls:
                while not await self._healthy(url):
                    assert time.monotonic() < end, self.log.read_text()[-3000:]
                    await asyncio.sleep(0.05)
        except BaseException:
            await self.stop()
            raise
        self._keeper = asyncio.create_task(self._keep())

    async def _healthy(self, url: str) -> bool:
        try:
            return (await self.http.get(f"{url}/health")).status_code == 200
        except httpx.HTTPError:
            return False

    async def _keep(self) -> None:
        while True:
            for name, process in list(self.processes.items()):
                if not process.is_alive():
                    self.deaths[name.rstrip("0123456789")] += 1
                    await asyncio.to_thread(self.launch, name)
            await asyncio.sleep(0.05)

    def kill(self, kind: str) -> None:
        """kill -9 any one web process or worker."""
        alive = [p for name, p in self.processes.items() if name.startswith(kind) and p.is_alive()]
        if alive:
            os.kill(random.choice(alive).pid, signal.SIGKILL)

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP any one worker for a time."""
        alive = [p for name, p in self.processes.items() if name.startswith("worker") and p.is_alive()]
        if alive:
            pid = random.choice(alive).pid
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def stop(self) -> None:
        if self._keeper:
            self._keeper.cancel()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            await asyncio.to_thread(process.join, 20)
            process.kill()
        await self.http.aclose()

    async def post(self, payload: dict[str, Any]) -> int:
        """A signed webhook to any door; 0 when it did not answer."""
        body = json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(SECRET, body)}
        try:
            answer = await self.http.post(
                f"{random.choice(self.urls)}/webhook", content=body, headers=headers
            )
        except httpx.HTTPError:
            return 0
        return answer.status_code

    async def get(self, path: str) -> Any:
        """From whichever web process answers."""
        began = time.monotonic()
        while time.monotonic() - began < 60 * slowness():
            try:
                answer = await self.http.get(f"{random.choice(self.urls)}{path}")
                if answer.status_code < 500:
                    return answer.json()
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError(f"no web process answers {path}")

    async def idle(self) -> bool:
        """Whether no conversation waits for anything."""
        return all(bot["waiting"] == 0 for bot in (await self.get("/api/stats"))["bots"])

    def crashes(self) -> Counter[str]:
        """How often a process died at each point."""
        return Counter(self.crash_log.read_text().split()) if self.crash_log.exists() else Counter()
