"""Every channel against its provider's emulator, over real HTTP."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from pydantic import SecretStr

from channels.base import Channel, Message, Parsed, Recipient
from channels.cloud_api import CloudApi, CloudCredentials
from channels.emulators.base import DeliveryFault, Emulator
from channels.emulators.cloud_api import CloudApiEmulator
from channels.emulators.media import ReceivedFile
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from channels.waha import Waha, WahaCredentials
from channels.wappi import Wappi, WappiCredentials
from tests.fakes.serving import served
from tests.support.waiting import until

CONTACT, SECRET = "77015550101", "a-secret"


@dataclass
class Provider:
    """One emulated provider with everything it has posted; shared by tests, each with a number of its own."""

    name: str
    emulator: Any
    url: str
    sink: str
    client: httpx.AsyncClient
    posted: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def channel(self, account: str, **changes: Any) -> Channel:
        """A number of this provider; `changes` are credentials that differ."""
        secret = SecretStr(SECRET)
        if self.name == "cloud_api":
            known: dict[str, Any] = {"phone_number_id": account, "access_token": secret, "app_secret": secret}
            return CloudApi(self.client, CloudCredentials(**{**known, "url": self.url, **changes}))
        if self.name == "wappi":
            known = {"profile_id": account, "token": secret, "authorization": secret}
            return Wappi(self.client, WappiCredentials(**{**known, "url": self.url, **changes}))
        known = {"session": account, "api_key": secret, "hmac_key": secret, "webhook_url": self.sink}
        return Waha(self.client, WahaCredentials(**{**known, "url": self.url, **changes}))

    def wire(self) -> Wire:
        """A linked number that nobody has used."""
        number = next(_NUMBERS)
        account = {"cloud_api": f"42{number:06}", "wappi": f"0a1b{number:06}", "waha": f"branch{number:06}"}[
            self.name
        ]
        if self.name == "wappi":
            self.emulator.profile(account).auth = SECRET
        self.emulator.faults.clear()
        self.emulator.delivery = DeliveryFault()
        return Wire(self, self.channel(account), account)


_NUMBERS = itertools.count(1)


@dataclass
class Wire:
    """A number: its channel, the other side of it, and the webhooks that came from there."""

    home: Provider
    channel: Any
    account: str
    seen: int = 0

    @property
    def emulator(self) -> Any:
        return self.home.emulator

    @property
    def client(self) -> httpx.AsyncClient:
        return self.home.client

    @property
    def provider(self) -> str:
        return self.home.url

    @property
    def hooks(self) -> list[tuple[bytes, dict[str, str]]]:
        """What was posted about this number since it was last forgotten."""
        return [row for row in self.home.posted[self.seen :] if self.account.encode() in row[0]]

    def forget(self) -> None:
        self.seen = len(self.home.posted)

    def remade(self, **changes: Any) -> Channel:
        """The same number with other credentials."""
        return self.home.channel(self.account, **changes)

    @property
    def to(self) -> Recipient:
        return Recipient(account=self.account, wa_id=CONTACT)

    async def write(self, text: str, file: ReceivedFile | None = None, **more: Any) -> str:
        """The contact writes; the message's id."""
        control = f"{self.provider}/_control/{self.account}"
        if file:
            form, parts = (
                {"contact": CONTACT, "caption": text},
                {"file": (file.name or "voice.ogg", file.data, file.mime_type)},
            )
            answer = await self.client.post(f"{control}/files", data=form, files=parts)
        else:
            answer = await self.client.post(
                f"{control}/messages", json={"contact": CONTACT, "text": text, **more}
            )
        return answer.json()["id"]

    def parsed(self) -> Parsed:
        """All that has come, as one."""
        whole = Parsed()
        for body, _ in self.hooks:
            found = self.channel.parse(body)
            for name in ("messages", "statuses", "quarantined", "links"):
                getattr(whole, name).extend(getattr(found, name))
        return whole

    async def message(self, kind: str = "") -> Message:
        """The first message that comes, of a kind."""

        def look() -> list[Message]:
            return [m for m in self.parsed().messages if kind in ("", m.kind)]

        return (await until(look))[0]

    def shown(self) -> list[str]:
        """What the contact's phone shows of the business."""
        return [b.text for b in self.emulator.phones.conversation(self.account, CONTACT) if not b.mine]


@contextlib.asynccontextmanager
async def provider(name: str) -> AsyncIterator[Provider]:
    """A provider by the name of its channel, and somewhere for its webhooks to go."""
    posted: list[tuple[bytes, dict[str, str]]] = []
    sink = FastAPI()

    @sink.post("/hook")
    async def hook(request: Request) -> PlainTextResponse:
        posted.append((await request.body(), dict(request.headers)))
        return PlainTextResponse("ok")

    with served(sink) as sink_url:
        url = f"{sink_url}/hook"
        emulator: Emulator = (
            CloudApiEmulator(url, SECRET, SECRET)
            if name == "cloud_api"
            else WappiEmulator(SECRET, lambda _: url)
            if name == "wappi"
            else WahaEmulator(SECRET, ready="branch", webhook=url, hmac_key=SECRET)
        )
        with served(emulator.app) as address:
            async with httpx.AsyncClient(timeout=60) as client:
                yield Provider(name, emulator, address, url, client, posted)
