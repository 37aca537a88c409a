"""python -m benchmarks.drain: what restarting web processes and workers one by one under load costs, as
Kubernetes does it.

Two of each run, and `--rate` new people write a second. Then `--restarts` times one web process and one
worker are replaced: a new one is put up and waited for, and the old one gets SIGTERM. A web process is
sent to for `LATE` seconds longer, as long as a cluster takes to tell everybody, and gets its SIGTERM
after `--prestop`. A webhook without an answer is sent again, as Meta does. Printed: how long they took to
end, what was killed because it took longer than its grace, what was lost and doubled, and how long people
waited."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.load import PORT, Product, Provider, until
from benchmarks.webhook import SECRET, body_of
from channels.cloud_webhook import signature

# Seconds between the order to stop a web process and the last one who hears that it is not to be used.
LATE = 2.0
# terminationGracePeriodSeconds of deploy/helm, beyond preStop and DRAIN_SECONDS.
WEB_GRACE, WORKER_GRACE = 20.0, 25.0
AGAIN = 0.5
# A busy machine loads a process for minutes.
STARTING = 600


@dataclass
class Load:
    """People who write, each once, to whichever web processes are up; `wrote` is when each was taken."""

    rate: float
    ports: list[int]
    wrote: dict[str, float] = field(default_factory=dict[str, float])
    again: int = 0
    begun: int = 0

    async def run(self) -> None:
        """Write until cancelled; then all that was begun is taken."""
        async with httpx.AsyncClient(timeout=30) as http, asyncio.TaskGroup() as group:
            try:
                for number in itertools.count():
                    self.begun += 1
                    group.create_task(self._write(http, number))
                    await asyncio.sleep(1 / self.rate)
            except asyncio.CancelledError:
                pass

    async def _write(self, http: httpx.AsyncClient, number: int) -> None:
        contact = f"7701{number:07}"
        body = body_of(contact, "How much is it?")
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(SECRET, body)}
        for attempt in itertools.count(number):
            port = self.ports[attempt % len(self.ports)]
            try:
                answer = await http.post(f"http://127.0.0.1:{port}/webhook", content=body, headers=headers)
                if answer.status_code == 200:
                    self.wrote[contact] = time.perf_counter()
                    return
            except httpx.HTTPError:
                pass
            self.again += 1
            await asyncio.sleep(AGAIN)


@dataclass
class Ends:
    """How long processes of one kind took to end, and how many had to be killed."""

    took: list[float] = field(default_factory=list[float])
    killed: int = 0

    async def end(self, process: subprocess.Popen[bytes], grace: float) -> None:
        """SIGTERM, and kill -9 after `grace` seconds."""
        began = time.perf_counter()
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, grace)
        except subprocess.TimeoutExpired:
            self.killed += 1
            process.kill()
            process.wait()
        self.took.append(time.perf_counter() - began)

    def __str__(self) -> str:
        low, middle, high = (sorted(self.took)[n] for n in (0, len(self.took) // 2, -1))
        times = f"{low:.1f} / {middle:.1f} / {high:.1f} s (min, median, max)"
        return f"{len(self.took)} ended in {times}, {self.killed} killed"


class Cluster:
    """Two web processes and two workers, replaced one by one."""

    def __init__(self, product: Product, folder: Path, load: Load, prestop: float, drain: float) -> None:
        self._product, self._folder, self._load = product, folder, load
        self._prestop, self._drain = prestop, drain
        self._ports = itertools.count(PORT + 10)
        self._workers: list[subprocess.Popen[bytes]] = []
        self._webs: list[tuple[int, subprocess.Popen[bytes]]] = []
        self.webs, self.workers = Ends(), Ends()

    async def start(self) -> None:
        """Two of each; the product has brought one web process."""
        self._webs = [(PORT, self._product.processes[0])]
        await asyncio.gather(self._ready(PORT), self.add_web(), self.add_worker(), self.add_worker())

    async def add_worker(self) -> None:
        sign = self._folder / f"alive-{time.monotonic_ns()}"
        settings = {"ALIVE_FILE": str(sign), "DRAIN_SECONDS": str(self._drain)}
        self._workers.append(self._product.start("work", **settings))
        await until(sign.exists, STARTING)

    async def add_web(self) -> None:
        port = next(self._ports)
        self._webs.append((port, self._product.start("serve", "--role", "web", PORT=str(port))))
        await self._ready(port)

    async def _ready(self, port: int) -> None:
        async with httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200:
                        break
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        self._load.ports.append(port)

    async def replace_worker(self) -> None:
        await self.add_worker()
        await self.workers.end(self._workers.pop(0), self._drain + WORKER_GRACE)

    async def replace_web(self) -> None:
        await self.add_web()
        port, process = self._webs.pop(0)
        await asyncio.sleep(min(LATE, self._prestop))
        if self._prestop:
            self._load.ports.remove(port)
            await asyncio.sleep(max(0.0, self._prestop - LATE))
        await self.webs.end(process, WEB_GRACE)
        if not self._prestop:
            self._load.ports.remove(port)

    async def stop(self) -> None:
        for process in (*self._workers, *(process for _, process in self._webs)):
            process.terminate()
            await asyncio.to_thread(process.wait)


async def measure(restarts: int, rate: float, delay: float, prestop: float, drain: float) -> list[str]:
    """The lines of the report."""
    provider, load = Provider(), Load(rate, [])
    server = await provider.serve()
    with tempfile.TemporaryDirectory(prefix="sg") as name:
        folder = Path(name)
        product = Product(folder, 0, delay)
        cluster = Cluster(product, folder, load, prestop, drain)
        try:
            await cluster.start()
            writing = asyncio.create_task(load.run())
            for done in range(restarts):
                await asyncio.gather(cluster.replace_worker(), cluster.replace_web())
                print(f"{done + 1} of {restarts}: {load.begun} written", file=sys.stderr)
            writing.cancel()
            await asyncio.wait([writing])
            try:
                await until(lambda: load.wrote.keys() <= {who for _, who in provider.sent}, 120)
            except AssertionError:
                pass  # what is missing by now is lost
            await asyncio.sleep(3 * delay)  # a second answer would come now
        finally:
            await cluster.stop()
            product.stop()
    server.close()
    heard = Counter(contact for _, contact in provider.sent)
    first = {who: at for at, who in reversed(provider.sent)}
    lost = sum(who not in heard for who in load.wrote)
    doubled = sum(count > 1 for count in heard.values())
    waited = sorted(first[who] - at for who, at in load.wrote.items() if who in first)
    return [
        f"workers   {cluster.workers}",
        f"web       {cluster.webs}",
        f"messages  {load.begun} written, {len(load.wrote)} taken, {load.again} sent again",
        f"answers   {lost} lost, {doubled} doubled",
        f"waited    median {waited[len(waited) // 2]:.1f} s, longest {waited[-1]:.1f} s",
    ]


def main() -> None:
    """The figures that the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=10, help="of workers, and of web processes")
    parser.add_argument("--rate", type=float, default=5.0, help="people who write a second")
    parser.add_argument("--delay", type=float, default=2.0, help="seconds per model call")
    parser.add_argument("--prestop", type=float, default=10.0, help="web.preStopSeconds")
    parser.add_argument("--drain", type=float, default=15.0, help="DRAIN_SECONDS")
    given = parser.parse_args()
    lines = asyncio.run(measure(given.restarts, given.rate, given.delay, given.prestop, given.drain))
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
