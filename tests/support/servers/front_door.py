"""The web application in this process: webhooks come to it signed, and operators ask it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from channels.cloud_webhook import signature
from server.config.settings import Settings
from server.web.app import create
from tests.support.stack import API, NUMBER, SECRET, TOKEN


def settings_of(folder: Path, **more: Any) -> Settings:
    """One number of the Cloud API, and the offline model."""
    known: dict[str, Any] = {
        "whatsapp_access_token": TOKEN,
        "whatsapp_phone_number_id": NUMBER,
        "whatsapp_app_secret": SECRET,
        "api_token": API,
        "chat_model": "offline",
        **more,
    }
    return Settings(_env_file=None, data_dir=folder, **known)


class FrontDoor:
    """Speaks to it as WhatsApp and as an operator."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, payload: Mapping[str, Any], secret: str = SECRET) -> httpx.Response:
        """A webhook, signed as Meta signs it."""
        body = json.dumps(payload).encode()
        signed = {"X-Hub-Signature-256": signature(secret, body), "Content-Type": "application/json"}
        return await self.http.post("/webhook", content=body, headers=signed)

    async def read(self, path: str) -> Any:
        """What an operator reads."""
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text


@contextlib.asynccontextmanager
async def front_door(settings: Settings, redis: Redis) -> AsyncIterator[FrontDoor]:
    transport = httpx.ASGITransport(create(settings, redis))  # pyright: ignore[reportArgumentType]
    headers = {"Authorization": f"Bearer {API}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
        yield FrontDoor(http)
