"""What a worker has for its turns besides the graph: the batch read, the bill kept, a person called, the
conversation taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import httpx
import structlog

from agent.models.usage import Call
from agent.state import State
from channels.base import Message
from server.background import running
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.config.settings import Settings
from server.notifications import to_operators
from server.notifications.webhooks import Hooks
from server.observability import turn_traces, unanswered
from server.observability.costs import Spending
from server.observability.turn_traces import Trace
from server.orders.announcing import announce
from server.orders.book import OrderBook
from server.orders.paying import Cashier
from server.outreach import consent
from server.outreach.appointments import Appointments
from server.outreach.follow_ups import FollowUps
from server.pipeline.account.notices import keep_looking_after
from server.pipeline.inputs import Inputs
from server.pipeline.merging import Merging
from server.store.client import Redis
from server.store.records import Contact

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """What a turn needs of its process besides the graph, the same for every turn; one per process. What is
    there for one turn alone is `agent.turn_services.TurnServices`."""

    settings: Settings
    redis: Redis
    router: ChannelRouter
    http: httpx.AsyncClient
    inputs: Inputs
    spending: Spending
    follow_ups: FollowUps
    appointments: Appointments
    orders: OrderBook

    @classmethod
    def over(cls, settings: Settings, redis: Redis, router: ChannelRouter, http: httpx.AsyncClient) -> Self:
        """`http` carries voice messages to their provider and notices to the operator."""
        inputs = Inputs(settings, router, http)
        return cls(
            settings,
            redis,
            router,
            http,
            inputs,
            Spending(settings, redis),
            FollowUps(redis),
            Appointments(redis),
            OrderBook(redis),
        )

    async def keep_telling(self, runtimes: Mapping[str, BotRuntime]) -> None:
        """Deliver what operators are to know, until cancelled."""
        await to_operators.keep_telling(self.settings, self.redis, runtimes, self.router, self.http)

    async def keep_hooking(self, runtimes: Mapping[str, BotRuntime]) -> None:
        """Tell outgoing webhooks what happens, until cancelled."""
        await Hooks(self.settings, self.redis).keep_telling(runtimes)

    async def keep_ringing(self, runtimes: Mapping[str, BotRuntime]) -> None:
        """Let touches and reminders of appointments come when they are due, make one of two records of a
        person, and look after alerts about numbers, until cancelled."""
        merging = Merging(self.settings, self.redis)
        cashier = Cashier(self.settings, self.redis, self.http, self.orders, self.router)

        async def besides(runtime: BotRuntime) -> None:
            await self.appointments.remind(runtime)
            await announce(self.orders, runtime)
            await cashier.ask_for_payment(runtime)
            await cashier.settle_reports(runtime)
            await merging.catch_up(runtime)

        async with running(partial(keep_looking_after, runtimes, self.router)):
            await self.follow_ups.timers.keep_ringing(runtimes, besides)

    async def learn(
        self, runtime: BotRuntime, contact: Contact, written: Sequence[State], source: str, turn_id: str
    ) -> None:
        """What a node found out is on record before the next node runs, each fact with the message it stands
        in, else with `source`; a person it asks for is told."""
        for part in written:
            by_source: dict[str, dict[str, str | None]] = {}
            said_in = part.get("said_in") or {}
            for name, value in (part.get("profile") or {}).items():
                by_source.setdefault(said_in.get(name) or source, {})[name] = value
            for message_id, facts in by_source.items():
                await runtime.conversations.learn(contact.id, facts, message_id)
                if "consent" in facts:
                    await consent.record_consent(
                        self.redis, runtime.bot.id, contact.id, bool(facts["consent"]), "words", message_id
                    )
            if owner := part.get("owner"):
                await runtime.conversations.assign(contact.id, owner)
            if part.get("owner") == "person" or part.get("task"):
                reason = part.get("task") or part.get("reason") or "asks for a person"
                await self.tell_operators(
                    runtime, contact, turn_id, "handoff" if part.get("owner") else "task", reason
                )

    async def record(
        self,
        runtime: BotRuntime,
        contact: Contact,
        calls: Sequence[Call],
        trace: Trace,
        batch: Sequence[Message],
    ) -> None:
        """At the end of a turn: what it cost, and how it came about."""
        await self.spending.record(runtime.bot.id, contact.id, calls)
        parent = next((message.traceparent for message in batch if message.traceparent), "")
        await turn_traces.keep_trace(
            self.redis, runtime, contact.id, turn_traces.export_trace(runtime, contact.id, trace, parent)
        )
        await unanswered.note_unanswered(self.redis, runtime.bot.id, contact.id, trace, batch)

    async def tell_operators(
        self, runtime: BotRuntime, contact: Contact, turn_id: str, event: str, reason: str
    ) -> None:
        """Show on the dashboard that a conversation needs a person, and tell the operator; once for a turn.
        What it needed one for before is not forgotten over it."""
        notice = await to_operators.call_person(runtime, contact, turn_id, event, reason)
        minutes = self.settings.answer_minutes
        if event == "handoff" and minutes:
            late = {"id": f"{turn_id}:again", "again": True, "next": notice.at + minutes * 60_000}
            reason = f"nobody has answered for {minutes} minutes: {notice.reason}"[:500]
            await to_operators.leave(self.redis, notice.model_copy(update={**late, "reason": reason}))

    async def back_to_bot(self, runtime: BotRuntime, contact: Contact) -> Contact:
        """The contact; the bot's again once the pause after a person's last message is over."""
        if not pause_is_over(contact, runtime.bot.context.handoff_minutes, now_ms()):
            return contact
        await runtime.conversations.assign(contact.id, "bot")
        log.info("taken_back", bot=runtime.bot.id, conversation=contact.id)
        return contact.model_copy(update={"assignee": "bot"})

    async def reached(self, runtime: BotRuntime, contact: Contact, source: str) -> Contact:
        """The contact, who has just written in the message `source` and so can be reached, whatever a message
        to them that failed has said."""
        if "undeliverable" not in contact.profile:
            return contact
        await runtime.conversations.learn(contact.id, {"undeliverable": None}, source)
        profile = {name: value for name, value in contact.profile.items() if name != "undeliverable"}
        return contact.model_copy(update={"profile": profile})


def pause_is_over(contact: Contact, minutes: int, now: int) -> bool:
    """Whether a person has said nothing for so long that the bot goes on; never with 0 `minutes`. `now`: Unix
    ms."""
    return contact.assignee == "person" and bool(minutes) and now - contact.assigned_at >= minutes * 60_000
