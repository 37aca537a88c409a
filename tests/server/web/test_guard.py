"""Who asks is known before a body is read; nothing is larger or slower than its route takes; a stream ends
with its right."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from server.web import connections, guard
from server.web.guard import LARGEST_FORM, LARGEST_JSON, Guard, rule_of
from tests.fakes.serving import free_port
from tests.support.people.operators import client, logged_in, operator
from tests.support.stack import API, SECRET, Stack, product
from tests.support.waiting import slowness, until

MEGABYTE = 1024 * 1024


def memory_of(stack: Stack, name: str) -> int:
    """Bytes that a process of the product has at its highest."""
    found = [
        pid for pid, line in stack.processes() if {"web": "--role web", "worker": "server work"}[name] in line
    ]
    status = Path(f"/proc/{found[0]}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def huge(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield bytes(MEGABYTE)


async def sent(stack: Stack, head: str, megabytes: int) -> bytes:
    """The status line of the answer to a request whose body goes on whatever is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    writer.write(head.encode())
    with contextlib.suppress(ConnectionError):
        for chunk in huge(megabytes):
            writer.write(chunk)
            await writer.drain()
    line = await asyncio.wait_for(reader.readline(), 20 * slowness())
    writer.close()
    return line


ROUTES = [
    ("POST", "/webhook", "", b" 403"),
    ("POST", "/webhook", "X-Hub-Signature-256: sha256=nothing\r\n", b" 403"),
    ("POST", "/webhook", f"X-Hub-Signature-256: sha256={'0' * 64}\r\n", b" 413"),
    ("POST", "/webhook/waha", "", b" 403"),
    ("POST", "/webhook/wappi/default/guess", "", b" 403"),
    ("POST", "/api/messages", "", b" 401"),
    ("PUT", "/api/bots", "Authorization: Bearer wrong\r\n", b" 401"),
    ("POST", "/api/knowledge/documents", "", b" 401"),
    ("POST", "/api/there/is/nothing", "", b" 401"),
    ("POST", "/login", "", b" 413"),
    ("POST", "/logout", "", b" 413"),
    ("POST", "/simulator/cloud-api/_control/sim-demo/messages", "", b" 401"),
    ("POST", "/simulator/cloud-api/v25.0/sim-demo/media", "Authorization: Bearer wrong\r\n", b" 401"),
    ("POST", "/simulator/waha/api/sessions", "", b" 401"),
]


async def test_two_hundred_megabytes_of_nobody_s_cost_nothing_and_are_refused(stack: Stack):
    before = memory_of(stack, "web")
    for number, (method, path, headers, status) in enumerate(ROUTES):
        length = "Transfer-Encoding: chunked" if number % 2 else f"Content-Length: {200 * MEGABYTE}"
        kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{headers}{length}\r\n\r\n"
        megabytes = 200 if number % 3 == 0 else 20
        line = await sent(stack, head + (f"{megabytes * MEGABYTE:x}\r\n" if number % 2 else ""), megabytes)
        assert status in line, (path, line)
    assert memory_of(stack, "web") - before < 20 * MEGABYTE


async def test_who_is_known_is_held_to_what_a_route_takes(stack: Stack):
    answer = await stack.http.post("/api/messages", content=b"{" + b" " * LARGEST_JSON + b"}")
    assert answer.status_code == 413 and answer.headers["content-type"] == "application/problem+json"
    body = json.dumps({"object": "x" * (5 * MEGABYTE)}).encode()
    signed = {"X-Hub-Signature-256": f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"}
    assert (await stack.http.post("/webhook", content=body, headers=signed)).status_code == 413
    form = {"token": API, "next": "x" * LARGEST_FORM}
    assert (await httpx.AsyncClient(base_url=stack.url).post("/login", data=form)).status_code == 413


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience is short."""
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.4)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(connections, "REST_SECONDS", 0.5)
    monkeypatch.setattr(guard, "BYTES_A_SECOND", 1e12)


@contextlib.asynccontextmanager
async def web(app: Guard) -> AsyncIterator[int]:
    import uvicorn

    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, http=connections.Connection, log_level="error", lifespan="off"
        )
    )
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield port
    finally:
        server.should_exit = True
        await task


async def nobody_asks(request: object) -> None:
    """Everybody may."""


def echoing() -> Guard:
    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    return Guard(app, None, nobody_asks, lambda path, error: None, asyncio.Event())  # pyright: ignore[reportArgumentType]


HALVES = {
    "nothing at all": b"",
    "half a line": b"GET /hea",
    "half a head": b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: ",
    "half a body": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    "half a chunk": b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "a second half": b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHos",
    "a rest nobody reads": b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nab",
}


@pytest.mark.parametrize("half", HALVES)
async def test_half_a_request_is_not_waited_for(hasty: None, half: str):
    async with web(echoing()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HALVES[half])
        began = time.monotonic()
        said = await asyncio.wait_for(reader.read(), 20 * slowness())  # until it is closed
        assert time.monotonic() - began < 15 * slowness()
        if half in ("half a body", "half a chunk"):
            assert b" 408 " in said
        writer.close()


async def test_of_many_who_only_keep_a_place_the_longest_waiting_goes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections.Connection, "most", 20)
    async with web(echoing()) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/health")).status_code == 200
        gone = [await _closed(reader) for reader, _ in idle]
        assert all(gone[:15]) and not any(gone[25:])
        for _, writer in idle:
            writer.close()


async def test_who_is_idle_after_an_answer_gives_way_to_who_asks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections.Connection, "most", 20)
    async with web(echoing()) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for reader, writer in idle:
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/health")).status_code == 200
        gone = [await _closed(reader) for reader, _ in idle]
        assert gone[0] and not any(gone[1:])
        for _, writer in idle:
            writer.close()


async def _closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), 0.05) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


async def test_the_service_says_how_it_is_while_hundreds_keep_half_a_request_open(stack: Stack):
    halves = []
    for number in range(500):
        one = socket.create_connection(("127.0.0.1", stack.port))
        one.sendall(list(HALVES.values())[number % 5])
        halves.append(one)
    assert (await stack.http.get("/health")).json()["status"] == "ok"
    for one in halves:
        one.close()


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_trouble(stack: Stack):
    log = stack.log.stat().st_size
    for path in ("/login", "/api/messages"):
        _, writer = await asyncio.open_connection("127.0.0.1", stack.port)
        auth = f"Authorization: Bearer {API}\r\n"
        kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\n{auth}Content-Type: {kind}\r\nContent-Length: "
            "900\r\n\r\nhalf"
        )
        writer.write(head.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    await until(lambda: stack.log.read_bytes()[log:].count(b"client_left") == 2)
    assert b"Traceback" not in stack.log.read_bytes()[log:]


async def test_a_stream_ends_when_whoever_reads_it_may_not_any_more(stack: Stack):
    id, token = await operator(stack, "agent")
    paths = ("/api/events", "/simulator/cloud-api/_control/sim-demo/events?contact=77010000999")
    async with client(stack, token) as mine, contextlib.AsyncExitStack() as streams:
        open_ones = [await streams.enter_async_context(mine.stream("GET", path)) for path in paths]
        assert all(one.status_code == 200 for one in open_ones)
        await stack.http.delete(f"/api/tokens/{id}")
        for one in open_ones:
            async with asyncio.timeout(30 * slowness()):
                async for _ in one.aiter_bytes():
                    pass  # it ends in good order: httpx raises when a body is cut off


async def test_the_simulator_asks_a_page_for_its_token_too(stack: Stack):
    browser, csrf = await logged_in(stack, API)
    path, said = (
        "/simulator/cloud-api/_control/sim-demo/messages",
        {"contact": "77010000998", "text": "/info"},
    )
    assert (await browser.post(path, json=said)).status_code == 403
    assert (await browser.post(path, json=said, headers={"X-CSRF-Token": csrf})).status_code == 200
    await browser.aclose()
    await until(stack.idle)


def test_every_route_has_its_rule():
    assert (
        rule_of("POST", "/webhook").largest == guard.LARGEST_BODY and not rule_of("POST", "/webhook").proved
    )
    assert rule_of("POST", "/api/knowledge/documents").largest == guard.LARGEST_UPLOAD
    assert rule_of("POST", "/api/knowledge/documents/x/reindex").largest == LARGEST_JSON
    assert rule_of("POST", "/anything").largest == LARGEST_FORM


@pytest.mark.slow
async def test_a_server_for_others_has_no_simulator_and_takes_no_short_token(tmp_path: Path):
    with product(HOST="0.0.0.0", SIMULATOR="", CHAT_MODEL="offline") as stack:
        assert "login/" not in stack.log.read_text() and "off: SIMULATOR=true" in stack.log.read_text()
        assert (await stack.http.get("/simulator")).status_code == 404
        control = "/simulator/cloud-api/_control/sim-demo/messages"
        assert (await stack.http.get(control, params={"contact": "77010000001"})).status_code == 404
        guesses = [
            (
                await httpx.AsyncClient(base_url=stack.url).get(
                    "/api/me", headers={"Authorization": f"Bearer {n}"}
                )
            ).status_code
            for n in range(30)
        ]
        assert guesses[:10] == [401] * 10 and set(guesses[11:]) == {429}
        assert (
            await stack.http.get("/api/me")
        ).status_code == 200  # nobody guesses a long one, so nobody is locked out
        page = httpx.AsyncClient(base_url=stack.url)
        assert (
            await page.post("/login", data={"token": "guess"})
        ).status_code == 429  # one counter for both doors


async def test_of_bodies_that_nobody_vouches_for_the_slowest_gives_way_to_a_real_webhook(stack: Stack):
    made_up = {"waha": f"X-Webhook-Hmac: {'a' * 128}", "": f"X-Hub-Signature-256: sha256={'a' * 64}"}
    stalled = []
    for place, signature in (*[("waha", made_up["waha"])] * 2, *[("", made_up[""])] * 4):
        path, size = (f"/webhook/{place}", 24 * MEGABYTE) if place else ("/webhook", 3 * MEGABYTE)
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: x\r\n{signature}\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        with contextlib.suppress(ConnectionError):
            for _ in range(size // MEGABYTE - 1):
                writer.write(bytes(MEGABYTE))
                await writer.drain()
            writer.write(bytes(MEGABYTE - 1))
            await writer.drain()
        stalled.append((reader, writer))
    assert (
        await stack.post({"object": "whatsapp_business_account", "entry": [], "padding": "x" * 3_000_000})
    ).status_code == 200
    for place in range(4):
        padded = {"object": "whatsapp_business_account", "entry": [], "padding": "x" * 3_000_000}
        assert (await stack.post(padded)).status_code == 200, place
    for _, writer in stalled:
        writer.close()


async def test_addresses_beside_the_webhooks_are_no_error(stack: Stack):
    for path in ("/webhookx", "/webhook%0a", "/webhooks/a/b", "/webhook/", "/webhook/a/b/c/d"):
        for method in ("GET", "POST", "PUT"):
            answer = await httpx.AsyncClient(base_url=stack.url).request(method, path)
            assert answer.status_code in (403, 404, 405, 307), (method, path)
