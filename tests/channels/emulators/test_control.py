"""The control side of every emulator refuses odd input; it never breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from channels.emulators import base, waha, wappi
from channels.emulators.base import DeliveryFault, Emulator
from channels.emulators.cloud_api import CloudApiEmulator
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator

NOWHERE, READY = "http://127.0.0.1:1", "branch"
CONTACT = "77015550101"
# What stands where a number, a contact, a name or a text is expected.
ODD = ["", "x", "0", "-1", "1e400", "7" * 40, "💥", "a\u0000b", "\u202e7701", "٧٧٠١٥٥٥٠١٠١", "{}", "9" * 5000]
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"{",
    b"\xff\xfe",
    b'"text"',
    b"1" * 5000,
    b"[" * 3000,
    b'{"contact": "77015550101"}',
    b'{"contact": "77015550101", "text": null}',
    b'{"contact": "77015550101", "text": "\\ud800"}',
    b'{"contact": "77015550101", "text": "a", "quoted_id": "\\ud800", "name": "\\u0000"}',
    b'{"contact": "77015550101", "text": "a", "business": true, "group": "g"}',
    b'{"contact": 77015550101, "text": "a"}',
    b'{"times": 1e400}',
    b'{"times": -1}',
    b'{"seconds": -5}',
    b'{"seconds": 1e999}',
    b'{"status": 99999}',
    b'{"status": -1, "code": "x"}',
    b'{"retry_after": NaN}',
    b'{"drop": -1}',
    b'{"reorder": 1e9}',
    b'{"status": "SCAN_QR_CODE"}',
    b'{"status": "NOT A STATUS"}',
    b'{"lids": {"x": 5}}',
    b'{"number": "\\ud800"}',
    b'{"phone": "", "authorized": "perhaps"}',
]


def made(name: str) -> Emulator:
    if name == "cloud_api":
        return CloudApiEmulator(NOWHERE, "secret", "token")
    if name == "wappi":
        return WappiEmulator("secret", lambda number: NOWHERE)
    return WahaEmulator("secret", ready=READY, webhook=NOWHERE)


@pytest.fixture(params=["cloud_api", "wappi", "waha"])
async def emulator(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    found = made(request.param)
    yield found
    await found.close()


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(emulator.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator", timeout=30) as found:
        yield found


def controls(emulator: Emulator) -> list[tuple[str, str]]:
    """(method, path) of the control side, without the streams."""
    own = {WappiEmulator: wappi.control, WahaEmulator: waha.control}.get(type(emulator))
    routes = [*base.control.routes, *(own.routes if own else [])]
    return sorted(
        (method, route.path)
        for route in routes
        if isinstance(route, APIRoute) and not route.path.endswith("/events")
        for method in route.methods
    )


async def test_no_body_breaks_it(emulator: Emulator, client: httpx.AsyncClient) -> None:
    asked = controls(emulator)
    assert len(asked) >= 5
    broken = []
    for method, path in asked:
        where = path.replace("{number}", READY).replace("{name}", READY)
        for body in BODIES:
            emulator.faults.clear()
            emulator.delivery = DeliveryFault()
            headers = {"Content-Type": "application/json"}
            answer = await client.request(method, where, content=body, headers=headers)
            if answer.status_code >= 500:
                broken.append((method, path, body[:60]))
    assert not broken


async def test_no_number_contact_name_or_file_breaks_it(
    emulator: Emulator, client: httpx.AsyncClient
) -> None:
    broken = []
    for odd in ODD:
        number = quote(odd, safe="") or "-"
        asked = {
            "messages": client.get(f"/_control/{number}/messages", params={"contact": odd}),
            "text": client.post(f"/_control/{number}/messages", json={"contact": CONTACT, "text": odd}),
            "contact": client.post(f"/_control/{READY}/messages", json={"contact": odd, "text": "a"}),
            "name": client.post(
                f"/_control/{READY}/messages", json={"contact": CONTACT, "text": "a", "name": odd}
            ),
            "file": client.post(
                f"/_control/{READY}/files",
                data={"contact": odd, "caption": odd},
                files={"file": (odd or "f", b"bytes", "a/b")},
            ),
            "caption": client.post(
                f"/_control/{READY}/files",
                data={"contact": CONTACT, "caption": odd * 70_000},
                files={"file": ("f", b"", odd.encode("ascii", "ignore").decode() or "a/b")},
            ),
        }
        for name, waiting in asked.items():
            if (await waiting).status_code >= 500:
                broken.append((name, odd[:20]))
    assert not broken
