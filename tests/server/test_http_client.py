"""What the errors of the HTTP client say about whether a request arrived: a sender builds on it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import resource
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from pydantic import SecretStr

from channels.base import Recipient, SendError
from channels.cloud_api import CloudApi, CloudCredentials
from channels.content.media import Text
from channels.downloads import DownloadError, fetch
from server.http_client import MOST, PROVIDER_IDLE, http_client
from tests.support.waiting import slowness, until

TO = Recipient(account="42", wa_id="77010000001")
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def provider(answer: Answer) -> AsyncIterator[tuple[CloudApi, list[bytes]]]:
    """A server on bare sockets, and a sender to it that waits 0.5 s."""
    seen: list[bytes] = []

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
                seen.append(await reader.readexactly(length))
                await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with http_client(httpx.Timeout(0.5)) as client:
        yield (
            CloudApi(
                client,
                CloudCredentials(
                    phone_number_id="42", url=f"http://127.0.0.1:{port}", access_token=SecretStr("token")
                ),
            ),
            seen,
        )
    server.close()


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def stops_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"mess')
    writer.close()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 nonsense\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("answer", [closes, resets, hangs, stops_in_the_body, drips, babbles])
async def test_a_request_without_a_whole_answer_may_have_arrived_and_went_out_once(answer: Answer):
    async with provider(answer) as (sender, seen):
        with pytest.raises(SendError) as failed:
            await sender.send(TO, Text(body="Hello"), "c/r")
        assert failed.value.kind == "unknown"
        await until(lambda: bool(seen))  # a loaded machine reads it after the sender has given up
        assert len(seen) == 1


async def test_a_request_that_found_nobody_certainly_did_not_arrive():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with http_client(httpx.Timeout(0.3)) as client:
            nobody = CloudApi(
                client,
                CloudCredentials(
                    phone_number_id="42",
                    url=f"http://127.0.0.1:{taken.getsockname()[1]}",
                    access_token=SecretStr("token"),
                ),
            )
            with pytest.raises(SendError) as failed:
                await nobody.send(TO, Text(body="Hello"), "c/r")
    assert failed.value.kind == "retry"


async def test_connections_are_kept_and_one_that_hangs_holds_up_no_other():
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        if len(ports) == 1 and len(seen) == 1:
            await asyncio.sleep(0.2)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n{"messages":[{"id":"wamid"}]}')

    ports: set[int] = set()
    async with provider(answers) as (sender, seen):
        slow = asyncio.create_task(sender.send(TO, Text(body="slow"), "c/r"))
        while not seen:
            await asyncio.sleep(0)
        for _ in range(5):
            assert await sender.send(TO, Text(body="quick"), "c/r") == "wamid"
        assert not slow.done()
        assert await slow == "wamid"
    assert len(ports) == 2


async def test_an_idle_connection_is_closed_by_us_before_the_provider_may():
    ended: asyncio.Queue[bytes] = asyncio.Queue()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        ended.put_nowait(await reader.read())
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with http_client(10, idle=0.05) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/")).text == "ok"
        assert await asyncio.wait_for(ended.get(), 20 * slowness()) == b""
    server.close()
    assert PROVIDER_IDLE < 5  # what Node and Apache keep theirs for


def bomb(size: int) -> bytes:
    """So many bytes of nothing, packed a thousand times."""
    return gzip.compress(bytes(size), 9)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (f"Content-Length: {MOST + 1}", b""),
        ("Transfer-Encoding: chunked", b""),
        (f"Content-Encoding: gzip\r\nContent-Length: {len(bomb(4 * MOST))}", bomb(4 * MOST)),
        ("Content-Encoding: br\r\nContent-Length: 4", b"abcd"),
        ("Content-Encoding: gzip\r\nContent-Length: 4", b"abcd"),
    ],
)
async def test_no_answer_is_read_beyond_what_an_answer_may_have(head: str, body: bytes):
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
        chunk = b"10000\r\n" + bytes(65_536) + b"\r\n"
        while "chunked" in head and not writer.is_closing():
            writer.write(chunk)
            await writer.drain()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with provider(answers) as (sender, _):
        with pytest.raises(SendError) as failed:
            await sender.send(TO, Text(body="Hello"), "c/r")
    assert failed.value.kind == "unknown"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4 * MOST // 1024


async def test_a_packed_answer_is_understood():
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = gzip.compress(b'{"messages":[{"id":"wamid"}]}')
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    async with provider(answers) as (sender, _):
        assert await sender.send(TO, Text(body="Hello"), "c/r") == "wamid"


@pytest.mark.parametrize("way", ["endless", "long", "packed"])
async def test_a_file_is_fetched_as_it_comes_and_not_beyond_its_limit(way: str):
    sent = 0

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        heads = {"endless": "X: y", "long": "Content-Length: 700000000", "packed": "Content-Encoding: gzip"}
        writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{heads[way]}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            while sent < 700_000_000:
                writer.write(bytes(65_536))
                sent += 65_536
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with http_client(httpx.Timeout(10)) as client:
        with pytest.raises(DownloadError) as failed:
            await fetch(client, f"{origin}/file", {}, 2_000_000, (), origin)
    assert failed.value.kind == ("refused" if way == "packed" else "too_large")
    assert sent < 20_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8_000
    server.close()
