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
from server.conversations.drafts.draft import (
    ASKS,
    UNANSWERED,
    WAITING,
    Draft,
    kept_draft,
    mode_of,
    settle_draft,
)
from server.conversations.outbox import Pair
from server.store.keys import key
from server.store.mailbox import Work
from server.store.records import Contact


def is_asked_for(runtime: BotRuntime, contact: Contact, batch: Sequence[Message]) -> bool:
    """Whether a person wants to see what the agent would say; where it answers by itself it just does."""
    asked = any(message.kind == ASKS for message in batch)
    return asked and (contact.assignee == "person" or mode_of(runtime, contact) != "auto")


def unsaid(contact: Contact, values: State) -> list[RemoveMessage]:
    """What the agent remembers as said and was not: the draft before, which nobody sent."""
    before = kept_draft(contact)
    if before and before.taken_at:  # somebody is sending it
        return []
    known = {message.id for message in values.get("messages", [])}
    return [RemoveMessage(id=id) for id in (before.remembered if before else ()) if id in known]


def as_answered(runtime: BotRuntime, contact: Contact, batch: Sequence[Message]) -> Contact:
    """The contact with the assignee that a turn of this batch begins with: the agent where a person asks it
    for a draft, a person where it does not answer."""
    if is_asked_for(runtime, contact, batch):
        return contact.model_copy(update={"assignee": "bot"})
    silent = mode_of(runtime, contact) == "off"
    return contact.model_copy(update={"assignee": "person"}) if silent else contact


def without_call(
    runtime: BotRuntime, contact: Contact, batch: Sequence[Message], written: list[State]
) -> list[State]:
    """What nodes wrote, without a call for a person where one who has the conversation asked for a draft."""
    if contact.assignee != "person" or not is_asked_for(runtime, contact, batch):
        return written
    return [cast(State, {k: v for k, v in part.items() if k not in ("owner", "task")}) for part in written]


async def begun(runtime: BotRuntime, contact: Contact) -> Contact:
    """A turn has begun, which answers what the draft before it was for: nobody sends that one any more. The
    contact with the draft as it stands now: one that somebody is just sending stays theirs."""
    if not contact.draft:
        return contact
    await settle_draft(runtime, contact)
    now = await runtime.conversations.contact(contact.id)
    return contact.model_copy(update={"draft": now.draft if now else ""})


def waits(runtime: BotRuntime, contact: Contact, batch: Sequence[Message]) -> bool:
    """Whether what a turn says does not go out by itself."""
    held = contact.assignee == "bot" and mode_of(runtime, contact) != "auto"
    return held or is_asked_for(runtime, contact, batch)


async def going_out(
    runtime: BotRuntime, contact: Contact, work: Work, pairs: list[Pair], values: State
) -> list[Pair]:
    """What goes out at once of what a turn said; the rest waits as a draft. A notice, such as that messages
    stop or that a person takes over, never waits; only the first goes out where a draft was asked for."""
    asked, mode = is_asked_for(runtime, contact, work.batch), mode_of(runtime, contact)
    now = await runtime.conversations.contact(contact.id) or contact  # with what the turn found out
    if not waits(runtime, contact, work.batch):
        if now.draft:  # it was forgotten when the turn began
            await _keep(runtime, now, "", "")
        return pairs
    stopped = values.get("profile", {}).get("consent") == "stopped"
    at_once = [pair for pair in pairs if pair[0].notice and (stopped or not asked)]
    if mode == "off" and not asked:
        silent = Draft(turn_id=work.turn_id, at=now_ms(), settled=True)
        await _keep(runtime, now, "" if at_once else silent.model_dump_json(), "" if at_once else UNANSWERED)
        return at_once
    held = [pair for pair in pairs if not pair[0].notice]
    if held or asked:
        draft = await _drafted(runtime, now, work, held, values)
        await _keep(runtime, now, draft.model_dump_json(), WAITING if held and not asked else "")
    elif now.draft:
        await _keep(runtime, now, "", "")
    return at_once


async def _keep(runtime: BotRuntime, contact: Contact, draft: str, task: str) -> None:
    """`task`: what a person is to look after, where nothing else is."""
    ours = contact.task in ("", WAITING, UNANSWERED)
    told = {"task": task} if ours and contact.task != task else {}
    await runtime.conversations.set(contact.id, draft=draft, **told)


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
        settled=not left and not is_asked_for(runtime, contact, work.batch),
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
