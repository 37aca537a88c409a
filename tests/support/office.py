"""One bot's desk in this process: its mailbox on a real Redis, its outbox before an emulated Cloud API, its
worker."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
from redis.asyncio import Redis

from agent.checkpointer import RedisCheckpointer
from agent.graph import build
from agent.models.chat import Models
from channels.base import Message
from channels.emulators.cloud_api import CloudApiEmulator
from server.bots.bot import Bot, BotRuntime, runtimes
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.config.settings import Settings
from server.pipeline import sender
from server.pipeline.worker import Worker
from server.pipeline.worker_services import WorkerServices
from server.store.keys import key, thread_prefix
from server.store.records import Entry, Reply
from tests.support.shop.chatting import Shelf
from tests.support.stack import TOKEN

NUMBER = "4242"


class Office:
    """A desk with one contact, its outbox, and an emulated Cloud API on the other side."""

    def __init__(
        self, redis: Redis, tmp_path: Any, context: Mapping[str, Any] | None = None, **settings: Any
    ) -> None:
        self.redis = redis
        self.workers: list[Worker] = []
        self.emulator = CloudApiEmulator("http://127.0.0.1:9", "secret", TOKEN)
        known = {
            "whatsapp_access_token": TOKEN,
            "whatsapp_graph_url": "http://graph",
            "whatsapp_phone_number_id": NUMBER,
            **settings,
        }
        self.number = str(known["whatsapp_phone_number_id"])
        self.settings = Settings(_env_file=None, data_dir=tmp_path, **known)
        self.runtime: BotRuntime = runtimes(self.settings, redis)["default"]
        if context:
            bot = self.runtime.bot
            known = replace(bot, context=bot.context.model_copy(update=dict(context)))
            self.runtime = replace(self.runtime, bot=known)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.emulator.app))
        self.router = ChannelRouter(
            self.settings, self.client, [self.runtime.bot, Bot("demo", self.runtime.bot.context)]
        )

    async def writes(self, contact: str, text: str, **more: Any) -> str:
        """A contact writes, or taps on something of ours; the conversation's id."""
        known = {"id": f"wamid.{uuid.uuid4().hex}", "kind": "text", **more}
        said = Message(account=self.number, wa_id=contact, text=text, **known)
        conversation = await self.runtime.conversations.identify(said)
        entry = Entry(id=said.id, author="contact", text=text, at=now_ms())
        await self.runtime.mailbox.accept(conversation, said, entry)
        return conversation

    @contextlib.asynccontextmanager
    async def working(self, models: Models, shelf: Any = None) -> AsyncIterator[Worker]:
        """A worker on this desk while the block runs."""
        graph = build(
            models,
            shelf or Shelf(),
            RedisCheckpointer(
                self.redis,
                prefix=thread_prefix("default"),
                holder=lambda thread: key("default", "box", thread),
            ),
        )
        services = WorkerServices.over(self.settings, self.redis, self.router, self.client)
        worker = Worker({"default": self.runtime}, lambda _: graph, services)
        self.workers.append(worker)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await task

    def replies(self, contact: str) -> list[str]:
        """What the contact's phone shows of the bot."""
        return [
            b.text for b in list(self.emulator.phones.bubbles.values()) if b.contact == contact and not b.mine
        ]

    async def idle(self) -> bool:
        """Whether nothing waits."""
        return await self.runtime.mailbox.backlog() == 0

    async def reply(self, contact: str, **more: Any) -> str:
        """Queue a reply to a contact; the conversation's id."""
        known = Message(id="m", account=self.number, kind="text", wa_id=contact)
        conversation = await self.runtime.conversations.identify(known)
        reply = Reply(id=f"{uuid.uuid4().hex}:0", text="the reply", **more)
        entry = Entry(id=reply.id, author="bot", text=reply.text)
        await self.runtime.mailbox.post(conversation, reply, entry)
        return conversation

    async def send(self) -> None:
        """Everything that is due now."""
        while claimed := (await self.runtime.mailbox.claim(10)).ids:
            for name in claimed:
                work = await self.runtime.mailbox.begin(name)
                while work.reply:
                    if not await sender.send_head(
                        self.runtime, self.router, name, work.fence, work.reply, 60_000
                    ):
                        break
                    work = await self.runtime.mailbox.begin(name, work.fence)

    async def next_in(self) -> int:
        """Milliseconds until something is due again, -1 for never."""
        return (await self.runtime.mailbox.claim(10)).wait

    async def status(self, conversation: str) -> str:
        last = (await self.runtime.conversations.transcript(conversation))[-1]
        return f"{last.status} {last.reason}".strip()


async def heard(runtime: BotRuntime, contact: str, said: str, name: str = "") -> str:
    """A contact writes."""
    message = Message(id=f"{contact} {said}", account="1", kind="text", wa_id=contact, text=said, name=name)
    conversation = await runtime.conversations.identify(message)
    entry = Entry(id=message.id, author="contact", text=said, at=1)
    await runtime.mailbox.accept(conversation, message, entry)
    return conversation
