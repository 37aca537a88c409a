"""python -m benchmarks.load: turns per second, many conversations at once, and memory, of web and workers as
processes.

Webhooks go in over HTTP, signed; replies come out over HTTP to a provider that answers at once and sends no
statuses (both ends are bare sockets in this process, so that they cost little of what is measured). The model
is a stub inside the worker (`benchmarks.product`)."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks.webhook import SECRET, body_of, request_of
from server.store.embedded import EmbeddedRedis

PORT, PROVIDER = 8766, 8767
LANES = 50
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Provider:
    """Takes every message; `sent` is (seconds, contact) of each text."""

    sent: list[tuple[float, str]] = field(default_factory=list)

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connection, "127.0.0.1", PROVIDER, backlog=2000)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or b"0")
                body = await reader.readexactly(length)
                if b'"type":"text","text"' in body:
                    contact = body.partition(b'"to":"+')[2].split(b'"', 1)[0].decode()
                    self.sent.append((time.perf_counter(), contact))
                answer = b'{"messages":[{"id":"wamid.%d"}]}' % len(self.sent)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()


class Product:
    """Web and workers on an embedded Redis."""

    def __init__(self, folder: Path, workers: int, delay: float, **settings: str) -> None:
        self.redis = EmbeddedRedis(folder)
        self.env = {
            **os.environ,
            "REDIS_URL": self.redis.start(),
            "DATA_DIR": str(folder),
            "PORT": str(PORT),
            "API_TOKEN": "bench",
            "LOG_LEVEL": "WARNING",
            "BENCH_DELAY": str(delay),
            "OPENAI_API_KEY": "stub",
            "EMBEDDING_MODEL": "bundled",
            "WHATSAPP_APP_SECRET": SECRET,
            "WHATSAPP_ACCESS_TOKEN": "token",
            "WHATSAPP_PHONE_NUMBER_ID": "42",
            "WHATSAPP_GRAPH_URL": f"http://127.0.0.1:{PROVIDER}",
            "WHATSAPP_MESSAGES_PER_SECOND": "1000",
            **settings,
        }
        commands = [["serve", "--role", "web"], *[["work"]] * workers]
        self.processes = [self.start(*command) for command in commands]

    def start(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        """One more process of the product, with further settings of its own."""
        env = {**self.env, **more}
        return subprocess.Popen([sys.executable, "-m", "benchmarks.product", *command], env=env)

    def cpu(self) -> float:
        """Seconds of CPU that web and workers have used."""
        total = 0
        for process in self.processes:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def resident(self) -> float:
        """Megabytes of memory that web and workers hold."""
        pages = [int(Path(f"/proc/{p.pid}/statm").read_text().split()[1]) for p in self.processes]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait()
        self.redis.stop()


async def post(requests: Sequence[bytes]) -> None:
    """Over a few connections, each message acknowledged before the next."""
    waiting = list(requests)[::-1]

    async def lane() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        while waiting:
            writer.write(waiting.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(lane() for _ in range(LANES)))


async def up(provider: Provider) -> None:
    """One conversation, to wait for web and worker and let them load what they load once."""
    while True:
        try:
            await post([request_of(body_of("77099999999", f"warm {time.time()}"))])
            break
        except OSError:
            await asyncio.sleep(0.1)
    await until(lambda: bool(provider.sent))


async def until(done: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "not done in time"
        await asyncio.sleep(0.01)


async def storm(
    conversations: int, workers: int, delay: float, turns: int = 1, **settings: str
) -> dict[str, float]:
    """All conversations write at once, `turns` times; how long until each has its reply, and what it cost."""
    provider = Provider()
    server = await provider.serve()
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        product = Product(Path(folder), workers, delay, **settings)
        await up(provider)
        await asyncio.sleep(1)
        redis = Redis.from_url(product.env["REDIS_URL"])
        stored, memory = int(redis.info("memory")["used_memory"]), product.resident()  # pyright: ignore[reportIndexIssue]
        provider.sent.clear()
        began, cpu, took = time.perf_counter(), product.cpu(), []
        for turn in range(turns):
            people = [f"7701{number:07}" for number in range(conversations)]
            requests = [request_of(body_of(c, f"How much is it? {turn}")) for c in people]
            start, before = time.perf_counter(), len(provider.sent)
            await post(requests)
            accepted = time.perf_counter() - start
            await until(lambda n=before: len(provider.sent) >= n + conversations)
            took.append(provider.sent[-1][0] - start)
        assert sorted(c for _, c in provider.sent) == sorted(people * turns)
        await asyncio.sleep(0.5)
        found = {
            "seconds": sum(took) / turns,
            "accepted in": accepted,
            "turns/s": conversations * turns / (time.perf_counter() - began - 0.5),
            "CPU ms/turn": (product.cpu() - cpu) * 1000 / (conversations * turns),
            "MB": product.resident() - memory,
            "KB Redis": (int(redis.info("memory")["used_memory"]) - stored) / 1024 / conversations,  # pyright: ignore[reportIndexIssue]
        }
        redis.close()
        product.stop()
    server.close()
    return found


def main() -> None:
    """The rows that the options name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--delay", type=float, default=2.0, help="seconds per model call")
    parser.add_argument("--debounce", type=float, default=1.5)
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    debounce = str(options.debounce)
    rows: dict[str, Any] = asyncio.run(
        storm(options.conversations, options.workers, options.delay, options.turns, DEBOUNCE_SECONDS=debounce)
    )
    for name, value in rows.items():
        print(f"{name:14} {value:10.2f}")


if __name__ == "__main__":
    main()
