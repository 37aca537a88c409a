"""Contacts who have written, of one bot, over the web application in this process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from channels.base import Message
from server import clock
from server.bots.bot import BotRuntime, runtimes
from server.clock import now_ms
from server.config.settings import Settings
from server.store.records import Entry
from tests.support.servers.front_door import FrontDoor, front_door, settings_of
from tests.support.stack import NUMBER

WAPPI = "profile-1"


@dataclass(frozen=True)
class Town:
    """The web application, and the bot `default` with a number of the Cloud API and one of Wappi."""

    door: FrontDoor
    runtime: BotRuntime
    settings: Settings

    async def meet(
        self, number: str, name: str = "", said: str = "hello", account: str = NUMBER, bot_id: str = "default"
    ) -> str:
        """Somebody writes; the conversation's id."""
        runtime = self.runtime if bot_id == "default" else runtimes(self.settings, self.runtime.redis)[bot_id]
        message = Message(
            id=f"{number} {said} {now_ms()}", account=account, kind="text", wa_id=number, text=said, name=name
        )
        conversation = await runtime.conversations.identify(message)
        entry = Entry(id=message.id, author="contact", text=said, at=now_ms())
        await runtime.mailbox.accept(conversation, message, entry)
        return conversation

    async def names(self, **asked: Any) -> list[str]:
        """The names on a page of contacts."""
        answer = await self.door.http.get("/api/contacts", params=asked)
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json()["items"]]


@contextlib.asynccontextmanager
async def town(redis: Redis, folder: Path) -> AsyncIterator[Town]:
    """An empty one."""
    settings = settings_of(folder, wappi_profile_id=WAPPI, wappi_token="t")
    try:
        async with front_door(settings, redis) as door:
            yield Town(door, runtimes(settings, redis)["default"], settings)
    finally:
        clock.move_to(0)
