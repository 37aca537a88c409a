"""Takes conversations that are due, one lease each, and works on many of them at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import structlog
from langgraph.graph.state import CompiledStateGraph
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agent.phrases import say
from channels.base import Message, SendError
from server import sending, turns
from server.bots import Desk, Numbers
from server.conversations import Contact, Entry, now_ms
from server.keys import WAKE
from server.mailbox import Work
from server.sending import Reply
from server.settings import Settings

log = structlog.get_logger()

# Longest sleep between looks at the clock of the mailbox, seconds; a publish on WAKE ends it early.
LONGEST_NAP = 1.0
REDIS_RETRY = 0.5
TURN_RETRY_FIRST, TURN_RETRY_LONGEST = 500, 30_000


class Worker:
    """One process's share of the work on all bots."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        desks: dict[str, Desk],
        numbers: Numbers,
        graphs: dict[str, CompiledStateGraph[Any, Any, Any, Any]],
    ) -> None:
        self._settings, self._redis, self._desks, self._numbers, self._graphs = settings, redis, desks, numbers, graphs
        self._woken, self._stopping = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asides: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until `stop`; then finish what is in hand. Without Redis it waits for it to come back."""
        listener = asyncio.create_task(self._listen())
        try:
            while not self._stopping.is_set():
                try:
                    nap = await self._look()
                except (RedisError, OSError) as error:
                    log.error("redis_unreachable", error=repr(error)[:200])
                    await asyncio.sleep(REDIS_RETRY)
                    continue
                if nap > 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), nap)
                self._woken.clear()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=30)
        finally:
            listener.cancel()

    def stop(self) -> None:
        """Take no more conversations."""
        self._stopping.set()
        self._woken.set()

    async def _look(self) -> float:
        """Take what is due and return for how many seconds nothing else will be."""
        nap = LONGEST_NAP
        for desk in self._desks.values():
            free = self._settings.worker_concurrency - len(self._tasks)
            if free <= 0:
                return LONGEST_NAP
            claimed, wait = await desk.mailbox.claim(min(free, 32))
            for conversation_id in claimed:
                task = asyncio.create_task(self._conversation(desk, conversation_id))
                self._tasks.add(task)
                task.add_done_callback(self._done)
            nap = 0 if claimed else min(nap, wait / 1000) if wait >= 0 else nap
        return nap

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._woken.set()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(WAKE)
                    async for _ in pubsub.listen():
                        self._woken.set()
            except (RedisError, OSError):
                await asyncio.sleep(REDIS_RETRY)

    async def _conversation(self, desk: Desk, conversation_id: str) -> None:
        bound = log.bind(bot=desk.bot.id, conversation=conversation_id)
        try:
            work = await desk.mailbox.begin(conversation_id)
            while work.fence and (work.reply or work.batch):
                if work.reply:
                    grace = self._settings.send_grace_seconds * 1000
                    go_on = (
                        await sending.send(desk, self._numbers, conversation_id, work.fence, work.reply, grace)
                        == "go_on"
                    )
                else:
                    go_on = await self._turn(desk, conversation_id, work)
                if not go_on:
                    return
                work = await desk.mailbox.begin(conversation_id, work.fence)
        except (RedisError, OSError) as error:
            bound.error("redis_unreachable", error=repr(error)[:200])  # the lease ends and another worker goes on
        except Exception:  # one conversation's fault must not end the worker; its lease ends and it is tried again
            bound.exception("conversation_failed")

    async def _turn(self, desk: Desk, conversation_id: str, work: Work) -> bool:
        """Run and commit one turn; True when there is a reply to send."""
        mailbox = desk.mailbox
        bound = log.bind(bot=desk.bot.id, conversation=conversation_id, turn=work.turn_id, attempt=work.attempt)
        contact = await desk.conversations.contact(conversation_id)
        if contact is None or work.attempt > self._settings.turn_attempts:
            return await self._bury(desk, conversation_id, work, contact)
        try:
            async with self._lease(desk, conversation_id, work.fence):
                batch = [Message.model_validate_json(raw) for raw in work.batch]
                self._aside(self._mark_read(contact, batch))
                graph = self._graphs[desk.bot.id]
                pairs = await turns.run(graph, desk, contact, work.turn_id, batch, self._settings.max_message_length)
        except (RedisError, OSError):
            raise
        except Exception:  # whatever a graph raises is tried again, then shown among the dead letters
            bound.exception("turn_failed")
            await mailbox.park(conversation_id, work.fence, min(TURN_RETRY_LONGEST, TURN_RETRY_FIRST * 2**work.attempt))
            return False
        code = await mailbox.commit(conversation_id, work.fence, work.turn_id, pairs)
        bound.info("turn_committed" if code else "turn_stale", messages=len(work.batch), replies=len(pairs))
        return code == 1

    async def _bury(self, desk: Desk, conversation_id: str, work: Work, contact: Contact | None) -> bool:
        log.error("turn_given_up", bot=desk.bot.id, conversation=conversation_id, turn=work.turn_id)
        code = await desk.mailbox.bury(conversation_id, work.fence, work.turn_id, f"failed {work.attempt - 1} times")
        if code and contact is not None:
            text = say("apology", contact.profile.get("language", "en"))
            reply = Reply(id=f"{work.turn_id}:0", text=text)
            entry = Entry(id=reply.id, author="bot", text=text, at=now_ms(), turn_id=work.turn_id)
            await desk.mailbox.post(conversation_id, reply.model_dump_json(), entry.model_dump_json(exclude={"status"}))
        return False

    def _aside(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _mark_read(self, contact: Contact, batch: list[Message]) -> None:
        """Blue ticks and typing; a nicety that must never hold up an answer."""
        sender = self._numbers.sender(contact.account)
        heard = [message for message in batch if message.kind != "echo"]
        if sender is None or not heard or contact.owner == "person" or contact.stopped:
            return
        try:
            await sender.mark_read(contact.account, heard[-1].id)
        except SendError as error:
            log.info("mark_read_failed", conversation=contact.id, code=error.code)

    @contextlib.asynccontextmanager
    async def _lease(self, desk: Desk, conversation_id: str, fence: int) -> AsyncIterator[None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(desk.mailbox.lease / 3000)
                with contextlib.suppress(RedisError, OSError):  # the next renewal, or the commit, will tell
                    await desk.mailbox.renew(conversation_id, fence)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
