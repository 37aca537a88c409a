"""python -m benchmarks.webhook: accepting a webhook (signature, parse, dedupe, durable) against the least one
can do.

The least: a bare FastAPI route that checks the HMAC and makes one Redis write. Both run as one uvicorn
process on the same embedded Redis, one after the other, in turns; prints requests/s, p99 and CPU time a
request of each, and the ratios. What else the machine does changes the rates more than the CPU time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import httpx
import psutil
import uvicorn
from fastapi import FastAPI, Request, Response
from redis.asyncio import Redis

from server.store.embedded import EmbeddedRedis

SECRET, PORT, REQUESTS, CONCURRENCY, ROUNDS = "secret", 8765, 4000, 50, 3


def bare(redis: Redis) -> FastAPI:
    """The route to compare with."""
    app = FastAPI()

    @app.post("/webhook")
    async def receive(request: Request) -> Response:
        body = await request.body()
        digest = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(digest, request.headers.get("x-hub-signature-256", "")):
            return Response(status_code=403)
        await redis.rpush("inbox", body)  # pyright: ignore[reportGeneralTypeIssues]
        return Response("ok")

    return app


def body_of(contact: str, text: str, number: str = "42") -> bytes:
    """A webhook with one new message to a number."""
    message = {
        "from": contact,
        "id": f"wamid.{uuid.uuid4().hex}",
        "timestamp": "1786000000",
        "type": "text",
        "text": {"body": text},
    }
    value = {"metadata": {"phone_number_id": number}, "contacts": [{"wa_id": contact}], "messages": [message]}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


def request_of(body: bytes) -> bytes:
    """The signed HTTP request of a body."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    lines = [
        "POST /webhook HTTP/1.1",
        "Host: test",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, f"X-Hub-Signature-256: sha256={digest}", "", ""]).encode() + body


async def load() -> tuple[float, float]:
    """(requests/s, p99 in ms) of one round. Bare sockets: a full client would cost more than what is
    measured."""
    work = [request_of(body_of(f"7701{number % 200:07}", "How much?")) for number in range(REQUESTS)]
    times: list[float] = []

    async def lane() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        while work:
            request = work.pop()
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            times.append((time.perf_counter() - began) * 1000)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONCURRENCY)))
    return REQUESTS / (time.perf_counter() - began), sorted(times)[int(len(times) * 0.99)]


async def up() -> None:
    """Wait for the server."""
    async with httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(f"http://127.0.0.1:{PORT}/health")
                return
            except httpx.HTTPError:
                await asyncio.sleep(0.05)


def main() -> None:
    """Alternate the two and print the medians."""
    rates: dict[str, list[tuple[float, float, float]]] = {"salesgraph": [], "bare": []}
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        embedded = EmbeddedRedis(Path(folder))
        embedded.start()
        env = {
            **os.environ,
            "DATA_DIR": folder,
            "PORT": str(PORT),
            "WHATSAPP_APP_SECRET": SECRET,
            "WHATSAPP_PHONE_NUMBER_ID": "42",
            "LOG_LEVEL": "WARNING",
        }
        commands = {
            "salesgraph": ["-m", "server", "serve", "--role", "web"],
            "bare": ["-m", "benchmarks.webhook", "bare", embedded.url],
        }
        for _ in range(ROUNDS):
            for name, command in commands.items():
                process = subprocess.Popen([sys.executable, *command], env=env)
                asyncio.run(up())
                asyncio.run(load())  # connections and caches as in service
                before = cpu_seconds(process.pid)
                rate, slowest = asyncio.run(load())
                rates[name].append((rate, slowest, (cpu_seconds(process.pid) - before) / REQUESTS * 1e6))
                process.send_signal(signal.SIGTERM)
                process.wait()
        embedded.stop()
    for name, found in rates.items():
        rate, slowest, cpu = (statistics.median(figure) for figure in zip(*found, strict=True))
        print(f"{name:12} {rate:8,.0f} requests/s   p99 {slowest:6.1f} ms   CPU {cpu:4.0f} µs a request")
    pairs = list(zip(rates["salesgraph"], rates["bare"], strict=True))
    print(f"{'ratio':12} {statistics.median(a[0] / b[0] for a, b in pairs):8.2f} of the rate")
    print(f"{'':12} {statistics.median(a[2] / b[2] for a, b in pairs):8.2f} of the CPU time")


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor."""
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        uvicorn.run(bare(Redis.from_url(sys.argv[2])), port=PORT, log_level="warning", access_log=False)
    else:
        main()
