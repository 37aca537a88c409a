"""Drafts in a turn: what of it goes out at once and what waits, and what the agent must not remember as
said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage

from agent.state import State
from channels.base import Message
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.drafts.draft import ASKS, UNANSWERED, WAITING, Draft, kept_draft, mode_of
from server.conversations.outbox import Pair
from server.store.keys import key
from server.store.mailbox import Work
from server.store.records import Contact


def is_asked_for(batch: Sequence[Message]) -> bool:
    """Whether a person wants to see what the agent would say."""
    return any(message.kind == ASKS for message in batch)


def unsaid(contact: Contact, values: State) -> list[RemoveMessage]:
    """What the agent remembers as said and was not: the draft before, which nobody sent."""
    before = kept_draft(contact)
    known = {message.id for message in values.get("messages", [])}
    return [RemoveMessage(id=id) for id in (before.remembered if before else ()) if id in known]


def as_answered(runtime: BotRuntime, contact: Contact, batch: Sequence[Message]) -> Contact:
    """The contact with the assignee that a turn of this batch begins with: the agent where a person asks it
    for a draft, a person where it does not answer."""
    if is_asked_for(batch):
        return contact.model_copy(update={"assignee": "bot"})
    silent = mode_of(runtime, contact) == "off"
    return contact.model_copy(update={"assignee": "person"}) if silent else contact


def without_call(batch: Sequence[Message], written: list[State]) -> list[State]:
    """What nodes wrote, without a call for a person where one has asked for a draft: they are there."""
    if not is_asked_for(batch):
        return written
    return [cast(State, {k: v for k, v in part.items() if k not in ("owner", "task")}) for part in written]


async def going_out(
    runtime: BotRuntime, contact: Contact, work: Work, pairs: list[Pair], values: State
) -> list[Pair]:
    """What goes out at once of what a turn said; the rest waits as a draft. A notice, such as that messages
    stop or that a person takes over, never waits."""
    asked, mode = is_asked_for(work.batch), mode_of(runtime, contact)
    if not asked and (mode == "auto" or contact.assignee == "person"):
        if contact.draft:  # it was forgotten when the turn began
            await runtime.conversations.set(contact.id, draft="")
        return pairs
    if not asked and mode == "off":
        if not pairs:
            await _keep(runtime, contact, Draft(turn_id=work.turn_id, at=now_ms(), settled=True), UNANSWERED)
        return pairs
    held = [pair for pair in pairs if not pair[0].notice]
    if held or asked or contact.draft:
        waits = "" if asked or not held else WAITING
        await _keep(runtime, contact, await _drafted(runtime, contact, work, held, values), waits)
    return [] if asked else [pair for pair in pairs if pair[0].notice]


async def _keep(runtime: BotRuntime, contact: Contact, draft: Draft, task: str) -> None:
    """`task`: what a person is to look after, where nothing else is."""
    told = {"task": task} if task and not contact.task else {}
    await runtime.conversations.set(contact.id, draft=draft.model_dump_json(), **told)


async def _drafted(
    runtime: BotRuntime, contact: Contact, work: Work, pairs: Sequence[Pair], values: State
) -> Draft:
    """A draft of what a turn said; a reply of it that went out already is not drafted anew, as after a
    crash."""
    names = [reply.id for reply, _ in pairs]
    states = await runtime.redis.hmget(key(runtime.bot.id, "status", contact.id), names) if names else []
    left = [pair for pair, state in zip(pairs, states, strict=True) if state is None]
    return Draft(
        turn_id=work.turn_id,
        at=now_ms(),
        replies=tuple(reply for reply, _ in left),
        entries=tuple(entry for _, entry in left),
        why="" if pairs else values.get("reason") or "it has nothing to say to this",
        remembered=tuple(_remembered(values.get("messages", []))),
        settled=not left and not is_asked_for(work.batch),
    )


def _remembered(messages: Sequence[AnyMessage]) -> list[str]:
    """The ids of what the agent said since the contact last wrote."""
    said: list[str] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        if isinstance(message, AIMessage) and message.name != "operator" and message.id:
            said.append(message.id)
    return said[::-1]
