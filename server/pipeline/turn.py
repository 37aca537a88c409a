"""One turn: a batch of messages through the graph, to replies for the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import structlog
from langchain_core.messages import RemoveMessage
from langgraph.checkpoint.base import BaseCheckpointSaver

from agent.models.usage import Call, Meter
from agent.state import State
from agent.turn_services import TurnServices
from channels.base import Message
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.drafts import of_turn as drafts
from server.conversations.drafts.draft import ASKS
from server.conversations.outbox import Pair, pairs_of
from server.conversations.working_memory import sound
from server.observability.answered_otherwise import with_reason
from server.observability.charges.merged import with_merged
from server.observability.turn_traces import Tracing
from server.orders.desk import ContactDesk
from server.outreach.appointments import ContactCalendar
from server.outreach.rules import WINDOW, TouchDecision
from server.pipeline.agents import Graph
from server.pipeline.speaking.replies import spoken
from server.pipeline.turn_start import start_of, touch_of
from server.pipeline.worker_services import WorkerServices
from server.store.mailbox import TurnOutcome, Work
from server.store.records import Contact, Plan

log = structlog.get_logger()

Done = tuple[list[Pair], TurnOutcome]


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a turn ends: what was `said` in it, or the touch that was `due`."""

    services: WorkerServices
    runtime: BotRuntime
    contact: Contact
    work: Work
    said: Sequence[Message]
    due: tuple[Plan, TouchDecision] | None

    async def done(self, values: State, calls: Sequence[Call]) -> Done:
        """What the graph ended with, as replies and what is planned after them."""
        follow_ups, bot = self.services.follow_ups, self.runtime.bot
        account = self.contact.account
        touched = _touched(*self.due, self.contact, bot.windowed(account)) if self.due else {}
        pairs = pairs_of(self.work.turn_id, values, calls, touched, bot.context, bot.says_at_once(account))
        if self.due:
            return pairs, follow_ups.sent(self.runtime, self.contact, self.due[0], bool(pairs))
        held = drafts.waits(self.runtime, self.contact, self.work.batch)
        if not held:
            pairs = await spoken(self.services, self.runtime, self.contact, self.said, pairs)
        pairs = await self.services.appointments.confirm(self.runtime, self.contact, self.work.turn_id, pairs)
        pairs = await drafts.going_out(self.runtime, self.contact, self.work, pairs, values)
        decision = values.get("decision", "")
        then = await follow_ups.answered(self.runtime, self.contact.id, decision, bool(pairs))
        then = with_merged(then, self.runtime, self.contact, self.said, len(pairs))
        return pairs, with_reason(then, bot.context, values, self.said)


async def run_turn(
    graph: Graph, runtime: BotRuntime, contact: Contact, work: Work, services: WorkerServices
) -> Done:
    """Replies of a turn, each with its line of the transcript, and what it leaves planned.

    After a crash the same turn comes again with the same batch: it resumes at the interrupted node, or only
    reads off what it had decided. Raises LeaseLost when another worker has taken the turn over."""
    turn_id, config = work.turn_id, _config(contact.id, work)
    said = [message for message in work.batch if message.kind not in ("touch", ASKS)]
    # nobody wrote: a touch is due; where they have written since, there is none
    quiet = all(message.kind == "touch" for message in work.batch)
    due = await services.follow_ups.judged(runtime, contact) if quiet else None
    if due and due[1].what != "go":
        return [], await services.follow_ups.left_out(runtime, contact, *due)
    values = await _remembered(graph, config)
    source = work.batch[-1].id if work.batch else turn_id
    meter = Meter(await services.spending.allowance(runtime.bot))
    ending = _Ending(services, runtime, contact, work, said, due)
    resumed = values.get("turn_id") == turn_id
    if resumed:
        before = await graph.aget_state(config)
        if not (before.next or before.tasks):
            await _settle(services, runtime, contact, values, source)
            return await ending.done(values, meter.calls)
    contact = await services.back_to_bot(runtime, contact)
    contact = await services.reached(runtime, contact, source) if said else contact
    read = await services.inputs.read(runtime, contact, said, meter, patient=work.failures < 2)
    contact = read.forms.learned_by(contact)
    start: Any = None
    if not resumed:
        contact = await drafts.begun(runtime, contact)
        unsaid, whose = drafts.unsaid(contact, values), drafts.as_answered(runtime, contact, work.batch)
        start = start_of(runtime.bot, whose, turn_id, [*unsaid, *read.messages], values, now_ms())
        start |= {"form": read.forms.said, "touch": touch_of(runtime.bot, *due) if due else None}
        start |= {"presented": [], "pictured": []} if unsaid else {}  # nobody saw what was shown with it
    calendar = ContactCalendar(services.appointments, runtime, contact, turn_id)
    desk = ContactDesk(services.orders, runtime.bot, contact, str(work.fence))
    own = TurnServices(meter, read.attachments, calendar, desk)
    # langgraph leaves open what a Command carries
    stream: Any = graph.astream(  # pyright: ignore[reportUnknownMemberType]
        start,
        own.within(**config["configurable"]),
        context=runtime.bot.context,
        durability="sync",
        stream_mode=["updates", "values"],
    )
    tracing = Tracing(resumed)
    async for mode, chunk in stream:
        if mode == "values":
            values = chunk
            tracing.stepped()
            continue
        for node, update in chunk.items():
            written = drafts.without_call(runtime, contact, work.batch, _written(update))
            tracing.saw(node, written)
            await services.learn(runtime, contact, written, source, turn_id)
    if resumed:
        await _settle(services, runtime, contact, values, source)
    trace = tracing.trace(turn_id, values, meter.calls, contact.asked_at)
    await services.record(runtime, contact, meter.calls, trace, work.batch)
    return await replace(ending, contact=contact).done(values, meter.calls)


def _config(conversation_id: str, work: Work) -> Any:
    return {"configurable": {"thread_id": conversation_id, "fence": work.fence}}


def _written(update: object) -> list[State]:
    """What a node wrote to the working memory: in one piece, or where tools ran in one piece each."""
    parts = cast(list[object], update) if isinstance(update, list) else [update]
    return [cast(State, part) for part in parts if isinstance(part, dict)]


async def _remembered(graph: Graph, config: Any) -> State:
    """The working memory, without the tasks that `aget_state` would prepare."""
    # langgraph leaves the type of its versions open
    saver = cast(BaseCheckpointSaver[str], graph.checkpointer)  # pyright: ignore[reportUnknownMemberType]
    found = await saver.aget_tuple(config)
    return sound(found.checkpoint["channel_values"]) if found else State(messages=[])


async def undo(graph: Graph, conversation_id: str, work: Work) -> None:
    """Take the messages of a turn that was given up out of the working memory, so that they do not spoil the
    next."""
    config = _config(conversation_id, work)
    known = {message.id for message in (await graph.aget_state(config)).values.get("messages", [])}
    gone = [RemoveMessage(id=message.id) for message in work.batch if message.id in known]
    if gone:
        await graph.aupdate_state(config, {"messages": gone, "turn_id": ""}, as_node="remember")


async def _settle(
    services: WorkerServices, runtime: BotRuntime, contact: Contact, values: State, source: str
) -> None:
    """Put on record what nodes found out before a crash came between their checkpoint and `_learn`."""
    if "started_with" not in values or "turn_id" not in values:  # no node has run
        return
    before, profile = values["started_with"], values.get("profile", {})
    facts = {name: value for name, value in profile.items() if before["profile"].get(name) != value}
    gone = dict.fromkeys(before["profile"].keys() - profile.keys(), None)
    found = State(messages=[], profile={**facts, **gone}, said_in=values.get("said_in", {}))
    found["task"] = values.get("task", "")
    if values.get("owner") == "person" != before["owner"]:
        found["owner"] = "person"
    await services.learn(runtime, contact, [found], source, values["turn_id"])


def _touched(plan: Plan, decision: TouchDecision, contact: Contact, windowed: bool) -> dict[str, Any]:
    until = contact.heard_at + WINDOW if windowed and not decision.template else 0
    kept = {"touch": plan.touch, "since": contact.heard_at, "until": until}
    return {**kept, "template": decision.template, "variables": decision.variables}
