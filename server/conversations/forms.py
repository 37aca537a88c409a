"""Forms that contacts filled in (WhatsApp Flows): what is valid is learned at once, each fact with its
message; what is not is handed on to be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from agent.profile import region_of
from agent.state import FilledForm
from agent.tapping.form_answers import ReadForm, filled_form, form_of, read_answers
from channels.base import Message
from server.bots.bot import BotRuntime
from server.store.contacts import OPERATOR
from server.store.records import Contact

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a batch: `facts` that were learned, a line (`notes`) for each message that is one, and
    what is to be `said` of them."""

    facts: dict[str, str] = field(default_factory=dict[str, str])
    notes: dict[str, str] = field(default_factory=dict[str, str])
    said: FilledForm | None = None

    def learned_by(self, contact: Contact) -> Contact:
        """The contact with what is known of them now."""
        return (
            contact.model_copy(update={"profile": {**contact.profile, **self.facts}})
            if self.facts
            else contact
        )


NO_FORMS = Forms()


async def read_forms(runtime: BotRuntime, contact: Contact, batch: Sequence[Message]) -> Forms:
    """Read the forms of a batch, and put on record what they say. As often as the batch comes, the same."""
    filled = [message for message in batch if message.answers]
    if not filled:
        return NO_FORMS
    facts, notes, kept = dict[str, str](), dict[str, str](), dict[str, str]()
    read = list[ReadForm]()
    for message in filled:
        one = await _read(runtime, contact, message)
        read.append(one)
        notes[message.id] = one.note
        theirs = {name for name in one.facts if contact.sources.get(name) == OPERATOR}
        kept |= {n: one.facts[n] for n in theirs if one.facts[n] != contact.profile.get(n)}
        new = {name: value for name, value in one.facts.items() if name not in theirs}
        await runtime.conversations.learn(contact.id, new, message.id)
        facts |= new
        log.info(
            "form_read",
            bot=runtime.bot.id,
            conversation=contact.id,
            form=one.name,
            facts=sorted(new),
            wrong=sorted(one.wrong),
            missing=len(one.missing),
            unknown=len(one.unknown),
        )
    alone = len(filled) == len([message for message in batch if message.kind != "echo"])
    return Forms(facts, notes, filled_form(read, kept, alone))


async def _read(runtime: BotRuntime, contact: Contact, message: Message) -> ReadForm:
    ours = await runtime.conversations.quoted(contact, message.quoted_id) if message.quoted_id else None
    flow_id = str((ours.content or {}).get("flow_id", "")) if ours else ""
    context = runtime.bot.context
    region = region_of(contact.profile.get("phone", "") or contact.wa_id)
    return read_answers(message.answers, form_of(message.answers, context.forms, flow_id), context, region)
