"""Every channel against its provider's emulator, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from pydantic import SecretStr

from channels.base import Channel, Message, Parsed, Recipient
from channels.cloud_api import CloudApi, CloudCredentials
from channels.emulators.base import Emulator
from channels.emulators.cloud_api import CloudApiEmulator
from channels.emulators.media import File
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from channels.waha import Waha, WahaCredentials
from channels.wappi import Wappi, WappiCredentials
from tests.fakes.serving import served
from tests.waiting import until

CONTACT, SECRET = "77015550101", "a-secret"


@dataclass
class Wire:
    """A channel, the other side of it, and the webhooks that came from there."""

    channel: Any
    emulator: Any
    account: str
    client: httpx.AsyncClient
    provider: str
    remade: Callable[..., Channel]
    hooks: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    @property
    def to(self) -> Recipient:
        return Recipient(account=self.account, wa_id=CONTACT)

    async def write(self, text: str, file: File | None = None, **more: Any) -> str:
        """The contact writes; the message's id."""
        control = f"{self.provider}/_control/{self.account}"
        if file:
            form, parts = (
                {"contact": CONTACT, "caption": text},
                {"file": (file.name or "voice.ogg", file.data, file.mime_type)},
            )
            answer = await self.client.post(f"{control}/files", data=form, files=parts)
        else:
            answer = await self.client.post(f"{control}/messages", json={"contact": CONTACT, "text": text, **more})
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
async def wire(name: str) -> AsyncIterator[Wire]:
    """A channel by name, linked."""
    hooks: list[tuple[bytes, dict[str, str]]] = []
    sink = FastAPI()

    @sink.post("/hook")
    async def hook(request: Request) -> PlainTextResponse:
        hooks.append((await request.body(), dict(request.headers)))
        return PlainTextResponse("ok")

    emulator: Emulator
    secret = SecretStr(SECRET)
    with served(sink) as sink_url:
        url = f"{sink_url}/hook"
        if name == "cloud_api":
            emulator = CloudApiEmulator(url, SECRET, SECRET)
        elif name == "wappi":
            emulator = WappiEmulator(SECRET, lambda _: url)
            emulator.profile("0a1b2c3d-4e5f").auth = SECRET
        else:
            emulator = WahaEmulator(SECRET, ready="branch", webhook=url, hmac_key=SECRET)
        with served(emulator.app) as provider:
            async with httpx.AsyncClient(timeout=0.7) as client:

                def remade(**changes: Any) -> Channel:
                    if name == "cloud_api":
                        known: dict[str, Any] = {
                            "phone_number_id": "4242",
                            "access_token": secret,
                            "app_secret": secret,
                        }
                        made = CloudApi(client, CloudCredentials(**{**known, "url": provider, **changes}))
                    elif name == "wappi":
                        known = {"profile_id": "0a1b2c3d-4e5f", "token": secret, "authorization": secret}
                        made = Wappi(client, WappiCredentials(**{**known, "url": provider, **changes}))
                    else:
                        known = {"session": "branch", "api_key": secret, "hmac_key": secret, "webhook_url": url}
                        made = Waha(client, WahaCredentials(**{**known, "url": provider, **changes}))
                    return made

                channel = remade()
                yield Wire(channel, emulator, channel.credentials.account, client, provider, remade, hooks)
