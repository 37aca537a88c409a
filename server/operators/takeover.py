"""What an operator decides about a conversation, and what they write in it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import structlog
from pydantic import Field

from agent.access_lists import SAID_BY_OPERATOR, TURNED_AWAY
from channels.base import Message
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.attachments import sent
from server.conversations.drafts.draft import settle_draft
from server.conversations.outbox import pair_of
from server.operators.tokens import who
from server.outreach.reach import Reach
from server.outreach.rules import WINDOW
from server.store.contacts import OPERATOR
from server.store.message_templates import MessageTemplate
from server.store.records import AttachedFile, Contact, Record, Reply, TemplateParts
from server.store.wire.confirming import NotConfirmed

ContactClass = Literal["client", "non_client", "unknown"]
CLASSES: tuple[str, ...] = get_args(ContactClass)


class Refused(ValueError):
    """What an operator wants to write must not go out; the message says why."""


class Writing(Record):
    """What may be written to a contact now."""

    text: bool = Field(description="Whether a text may be")
    template: bool = Field(description="Whether an approved template may be")
    until: int = Field(default=0, description="Until when a text may be, Unix milliseconds; 0: at any time")
    why: str = Field(default="", description="Why nothing, or only a template, may be written")


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TemplateValues:
    """What fills a template: the variables of its body, in order, and the rest."""

    variables: Sequence[str] = ()
    parts: TemplateParts | None = None


NO_VALUES = TemplateValues()


@dataclass(frozen=True, slots=True)
class Written:
    """What a person writes: a text, which may reply to a message of the contact's (`quoted_id`); a file with
    the text below it, and its bytes; or a template with its values."""

    text: str = ""
    quoted_id: str = ""
    file: AttachedFile | None = None
    data: bytes = field(default=b"", repr=False)
    template: str = ""
    values: TemplateValues = NO_VALUES


async def take_over(runtime: BotRuntime, conversation_id: str) -> None:
    """A person answers from here on; the bot records and is silent."""
    await runtime.conversations.assign(conversation_id, "person", promised=True)


async def hand_back(runtime: BotRuntime, conversation_id: str) -> None:
    """The bot goes on, knowing what the person wrote; what the person was called for is done."""
    await runtime.conversations.assign(conversation_id, "bot", task="")


async def done(runtime: BotRuntime, conversation_id: str) -> None:
    """What a person had to look after is looked after."""
    await runtime.conversations.set(conversation_id, task="")


async def set_contact_class(runtime: BotRuntime, conversation_id: str, kind: ContactClass) -> None:
    """Whether a contact is a client. It sticks: the moderator does not judge this contact again. Somebody who
    was turned away by mistake is answered from the next message on."""
    facts: dict[str, str | None] = {"class": kind, "class_reason": SAID_BY_OPERATOR, "class_confidence": None}
    if kind != "non_client":
        facts[TURNED_AWAY] = None
    await runtime.conversations.learn(conversation_id, facts, OPERATOR)


def writing(runtime: BotRuntime, contact: Contact, now: int) -> Writing:
    """What the rules of consent and of the provider's 24-hour window allow at `now` (ms)."""
    if contact.stopped:
        why = "the contact asked for no more messages; only they can take that back, with START"
        return Writing(text=False, template=False, why=why)
    if not runtime.bot.windowed(contact.account):
        return Writing(text=True, template=False)
    until = contact.heard_at + WINDOW
    if now > until:
        written = "not written in the last 24 hours" if contact.heard_at else "never written"
        why = f"the contact has {written}: only a template may be sent"
        return Writing(text=False, template=True, why=why)
    return Writing(text=True, template=True, until=until)


async def queue_message(
    runtime: BotRuntime,
    contact: Contact,
    known: Mapping[str, MessageTemplate],
    written: Written,
) -> str:
    """Queue a message of a person's, who has the conversation from now on unless it is a template; its id.
    `known`: the bot's templates. Raises Refused, and MissingVariable for a template without a value."""
    text, template, values = written.text, written.template, written.values
    allowed = writing(runtime, contact, now_ms())
    if not (allowed.template if template else allowed.text) and not (template and allowed.text):
        raise Refused(allowed.why)
    if template:
        held = await Reach(runtime.redis).silenced(runtime, contact.account)
        if held and not allowed.text:
            raise Refused(held.why)
        chosen = known.get(template)
        if chosen and not chosen.usable:
            raise Refused(f"template {chosen.id} is {chosen.status.lower()}")
        if chosen:
            chosen.require(values.parts)
        text = chosen.filled(values.variables) if chosen else f"[{template}]"
    reply = Reply(
        id=f"{uuid.uuid4().hex}:0",
        text=text,
        author="person",
        by=who.get().name,
        template=template,
        variables=tuple(values.variables),
        parts=values.parts,
        attached=written.file,
        quoted_id=written.quoted_id,
    )
    if written.file:  # first: what comes after it must not happen without the file
        await sent.keep(runtime.redis, runtime.bot.id, reply.id, written.data)
    if not template:
        await take_over(runtime, contact.id)
        if contact.draft:  # their own words are the answer
            await settle_draft(runtime, contact)
    await queue_reply(runtime, contact, reply)
    return reply.id


async def queue_reply(runtime: BotRuntime, contact: Contact, reply: Reply, drafted: str = "") -> bool:
    """Queue what a person says, and let the agent know of it; `drafted`: what it had drafted in its place.
    False for a reply that was queued before."""
    _, line = pair_of(reply)
    echo = Message(
        id=reply.id,
        kind="echo",
        text=_as_told(reply),
        account=contact.account,
        wa_id=contact.wa_id,
        user_id=contact.user_id,
    )
    try:
        posted = await runtime.mailbox.post(contact.id, reply, line.model_copy(update={"draft": drafted}))
    except NotConfirmed as error:  # it goes out once replicas are back; sent again it would go twice
        log.warning("reply_not_confirmed", bot=runtime.bot.id, conversation=contact.id, why=str(error))
        posted = bool(error.answer)
    await runtime.mailbox.remember(contact.id, echo)
    return posted


def _as_told(reply: Reply) -> str:
    """What a person sent, as the agent is told of it."""
    file = reply.attached
    return f"[{file.kind} {file.name}] {reply.text}".strip() if file else reply.text
