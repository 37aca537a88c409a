"""Takes conversations that are due, one lease each, and works on many of them at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog
from redis.exceptions import RedisError

from agent.checkpointer import LeaseLost
from agent.language.phrases import say
from agent.serializer import Poisoned
from server.background import ended, running
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations import retention, working_memory
from server.conversations.drafts import of_turn as drafts
from server.conversations.drafts.draft import UNANSWERED
from server.observability.redis_fitness import Judge
from server.pipeline import sender, turn
from server.pipeline.account import linked_sessions
from server.pipeline.agents import Graph
from server.pipeline.claims.admission import Admission
from server.pipeline.claims.leases import Leases
from server.pipeline.claims.schedule import LONGEST_NAP, PollSchedule, keep_listening
from server.pipeline.typing_indicator import show_typing
from server.pipeline.worker_services import WorkerServices
from server.store.mailbox import Work
from server.store.records import Contact, Entry, Reply

log = structlog.get_logger()

REDIS_RETRY, TURN_RETRY_FIRST, TURN_RETRY_LONGEST = 0.5, 500, 30_000
# Conversations taken at one look, and shown as typing in one go.
HANDFUL = 32
# A turn that ends with its process may be another's fault: it has this many times the tries of one that
# fails.
CRASHES = 4


class Worker:
    """One process's share of the work on all bots."""

    def __init__(
        self,
        runtimes: Mapping[str, BotRuntime],
        graph_of: Callable[[str], Graph],
        services: WorkerServices,
        judge: Judge | None = None,
    ) -> None:
        """`judge` says whether Redis may be worked with."""
        self._settings, self._redis, self._router = services.settings, services.redis, services.router
        self._runtimes, self._graph_of, self._services, self._judge = runtimes, graph_of, services, judge
        self._woken, self._stopping = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asides: set[asyncio.Task[None]] = set()
        self._schedule, self._leases = PollSchedule(), Leases()
        self._admission = Admission(services.settings.worker_concurrency, self._woken.set)

    async def run(self) -> None:
        """Work until `stop`; then finish what is in hand, or hand it back. Without Redis it waits for it to
        come back."""
        each = (self._services.keep_telling, self._services.keep_hooking, self._services.keep_ringing)
        async with running(
            partial(keep_listening, self._redis, self._wake),
            *(self._leases.keep_renewing, self._admission.keep_measuring),
            partial(retention.keep_sweeping, self._redis, self._runtimes),
            partial(linked_sessions.keep_checking, self._runtimes, self._router),
            *(partial(job, self._runtimes) for job in each),
        ):
            while not self._stopping.is_set():
                try:
                    nap = REDIS_RETRY if self._judge and self._judge.refused else await self._look()
                except (RedisError, OSError) as error:
                    log.error("redis_unreachable", error=repr(error)[:200])
                    await asyncio.sleep(REDIS_RETRY)
                    continue
                if nap > 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), nap)
                self._woken.clear()
            await self._drain()

    def stop(self) -> None:
        """Take no more conversations."""
        self._stopping.set()
        self._woken.set()

    async def _drain(self) -> None:
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._settings.drain_seconds)
        if late:
            log.info("handed_back", conversations=len(late))
            await ended(late)

    async def _look(self) -> float:
        """Take what is due and return for how many seconds nothing else will be."""
        nap = self._schedule.longest(len(self._runtimes))
        for bot_id, runtime in self._admission.fewest_first(self._runtimes):
            if not self._admission.free:
                return LONGEST_NAP
            if wait := self._schedule.due_in(bot_id):
                nap = min(nap, wait)
                continue
            if not (room := self._admission.room(bot_id)):
                self._schedule.wake(bot_id)
                continue
            # before the claim: a bot whose shard cannot be asked must not be the first at every look
            self._schedule.looked(bot_id, False, -1, len(self._runtimes))
            claimed = await runtime.mailbox.claim(min(room, HANDFUL))
            for conversation_id in claimed.ids:
                task = asyncio.create_task(self._conversation(runtime, conversation_id))
                self._tasks.add(task)
                self._admission.taken(bot_id)
                task.add_done_callback(partial(self._done, bot_id))
            for conversation_id in claimed.fresh:
                self._aside(show_typing(runtime, self._router, conversation_id))
            nap = min(
                nap, self._schedule.looked(bot_id, bool(claimed.ids), claimed.wait, len(self._runtimes))
            )
        return nap

    def _done(self, bot_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._admission.done(bot_id)
        self._wake(bot_id)

    def _wake(self, bot_id: str) -> None:
        """Look at a bot's mailbox now."""
        self._schedule.wake(bot_id)
        self._woken.set()

    async def _conversation(self, runtime: BotRuntime, conversation_id: str) -> None:
        bound = log.bind(bot=runtime.bot.id, conversation=conversation_id)
        work = Work(0)
        try:
            work = await runtime.mailbox.begin(conversation_id)
            while work.fence and (work.reply or work.size):
                if self._stopping.is_set():
                    await runtime.mailbox.hand_back(conversation_id, work.fence)
                    return
                if work.reply:
                    grace = self._settings.send_grace_seconds * 1000
                    go_on = await sender.send_head(
                        runtime, self._router, conversation_id, work.fence, work.reply, grace
                    )
                else:
                    go_on = await self._turn(runtime, conversation_id, work)
                if not go_on:
                    return
                work = await runtime.mailbox.begin(conversation_id, work.fence)
        except asyncio.CancelledError:
            with contextlib.suppress(RedisError, OSError):  # its lease ends, then
                await runtime.mailbox.hand_back(conversation_id, work.fence)
            raise
        except (RedisError, OSError) as error:
            # the lease ends and another worker goes on
            bound.error("redis_unreachable", error=repr(error)[:200])
        except Exception:
            # one conversation's fault must not end the worker; its lease ends and it is tried again
            bound.exception("conversation_failed")

    async def _turn(self, runtime: BotRuntime, conversation_id: str, work: Work) -> bool:
        """Run and commit one turn; True when there is more to do at once."""
        mailbox, graph = runtime.mailbox, self._graph_of(runtime.bot.id)
        bound = log.bind(
            bot=runtime.bot.id, conversation=conversation_id, turn=work.turn_id, attempt=work.attempt
        )
        contact = await runtime.conversations.contact(conversation_id)
        tries, crashes = self._settings.turn_attempts, work.attempt - 1 - work.failures
        if work.size > 1 and (work.failures >= max(1, tries // 2) or crashes >= CRASHES * tries // 2):
            bound.warning("turn_split", messages=work.size)
            await self._undo(runtime, conversation_id, work)
            return await mailbox.split(conversation_id, work.fence, work.turn_id)
        if contact is None or work.failures >= tries or crashes >= CRASHES * tries:
            return await self._bury(runtime, conversation_id, work, contact)
        # not always in the company of the message that kills the process
        if crashes >= 2 and random.random() < 0.5:
            await mailbox.hand_back(conversation_id, work.fence, random.uniform(0, mailbox.limits.lease))
            return False
        try:
            async with self._leases.held(mailbox, conversation_id, work.fence):
                if work.unread:
                    raise ValueError("; ".join(work.unread))
                pairs, then = await turn.run_turn(graph, runtime, contact, work, self._services)
        except LeaseLost:
            bound.warning("turn_stale", messages=work.size)
            return False
        except (RedisError, OSError):
            raise
        except Poisoned as error:  # the turn is answered from a fresh memory
            bound.error("memory_set_aside", why=str(error))
            await working_memory.set_aside(runtime, conversation_id, str(error))
            await mailbox.park(conversation_id, work.fence, 0, failed=True)
            return False
        except Exception:  # whatever a graph raises is tried again, then shown among the dead letters
            bound.exception("turn_failed")
            delay = min(TURN_RETRY_LONGEST, TURN_RETRY_FIRST * 2 ** (work.failures + 1))
            await mailbox.park(conversation_id, work.fence, delay, failed=True)
            return False
        code = await mailbox.commit(conversation_id, work.fence, work.turn_id, pairs, then)
        if code:
            bound.info("turn_committed", messages=work.size, replies=len(pairs))
        else:
            bound.warning("turn_stale", messages=work.size)
        return code == 1

    async def _bury(
        self, runtime: BotRuntime, conversation_id: str, work: Work, contact: Contact | None
    ) -> bool:
        log.error("turn_given_up", bot=runtime.bot.id, conversation=conversation_id, turn=work.turn_id)
        await self._undo(runtime, conversation_id, work)
        # first, and once however often it is posted: a crash in between loses neither
        if contact is not None and drafts.waits(runtime, contact, work.batch):
            if not contact.task:  # nobody hears an apology that no person has sent
                await runtime.conversations.set(contact.id, task=UNANSWERED)
        elif contact is not None and contact.assignee == "bot":
            text = say("apology", contact.profile.get("language", "en"))
            reply = Reply(id=f"{work.turn_id}:sorry", text=text)
            sorry = [(reply, Entry(id=reply.id, author="bot", text=text, at=now_ms(), turn_id=work.turn_id))]
            for pair in await self._services.appointments.confirm(runtime, contact, work.turn_id, sorry):
                await runtime.mailbox.post(conversation_id, *pair)
        why = f"failed {work.failures} times, began {work.attempt - 1} times"
        return await runtime.mailbox.bury(conversation_id, work.fence, work.turn_id, why) == 1

    async def _undo(self, runtime: BotRuntime, conversation_id: str, work: Work) -> None:
        """Take a given-up batch out of the working memory, or, when that cannot even be read, drop the
        memory."""
        try:
            await turn.undo(self._graph_of(runtime.bot.id), conversation_id, work)
        except (RedisError, OSError, LeaseLost):
            raise
        except Exception:  # whatever is wrong with it, the conversation must go on
            log.exception("memory_dropped", bot=runtime.bot.id, conversation=conversation_id)
            await working_memory.clear_memory(runtime, conversation_id)

    def _aside(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
