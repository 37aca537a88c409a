"""What a person does with the agent's draft: send it, put other words in its place, discard it; and how the
agent answers in a conversation."""

from __future__ import annotations

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.drafts.draft import (
    Draft,
    ask_for_draft,
    draft_of,
    end_draft,
    mode_of,
    settle_draft,
    take_draft,
)
from server.operators.learning.edits import note_edit
from server.operators.takeover import Refused, queue_reply, writing
from server.operators.tokens import who
from server.store.records import Contact, Reply

CHANGED = "the draft has changed meanwhile, or somebody else has sent it"


async def send_draft(runtime: BotRuntime, contact: Contact, turn_id: str) -> list[str]:
    """Let the draft of a turn go out as it is; the ids of its messages. Of two who send it at once one is
    Refused, and so is whoever may not write now, or means another draft."""
    draft, taken = await _taken(runtime, contact, turn_id)
    by, at = who.get().name, now_ms()
    for reply, entry in zip(draft.replies, draft.entries, strict=True):
        line = entry.model_copy(update={"by": by, "at": at})
        await runtime.mailbox.post(contact.id, reply.model_copy(update={"by": by}), line)
    await end_draft(runtime, taken, remembered=True)
    return [reply.id for reply in draft.replies]


async def send_instead(runtime: BotRuntime, contact: Contact, turn_id: str, text: str) -> str:
    """Send other words in the place of a draft; the id of the message. What the agent had drafted is kept
    beside them, and it learns what was said. Raises Refused as `send_draft` does."""
    draft, taken = await _taken(runtime, contact, turn_id)
    reply = Reply(id=f"{turn_id}:0", text=text, author="person", by=who.get().name)
    await note_edit(runtime, contact.id, reply.id)
    await queue_reply(runtime, contact, reply, draft.text)
    await end_draft(runtime, taken, remembered=False)
    return reply.id


async def discard_draft(runtime: BotRuntime, contact: Contact, turn_id: str) -> None:
    """Nothing of a draft goes out, and the agent forgets it. Raises Refused where another one stands
    there."""
    _standing(contact, turn_id)
    if not await settle_draft(runtime, contact):
        raise Refused(CHANGED)


async def request_draft(runtime: BotRuntime, contact: Contact) -> None:
    """Let the agent write what it would answer now. Raises Refused where nothing waits for an answer."""
    if contact.assignee == "bot" and mode_of(runtime, contact) == "auto":
        raise Refused("the agent answers here by itself: take the conversation over first")
    if not contact.asked_at:
        raise Refused("nothing waits for an answer in this conversation")
    await ask_for_draft(runtime, contact.id)


def _standing(contact: Contact, turn_id: str) -> Draft:
    draft = draft_of(contact)
    if draft is None or draft.turn_id != turn_id:
        raise Refused(CHANGED)
    return draft


async def _taken(runtime: BotRuntime, contact: Contact, turn_id: str) -> tuple[Draft, Contact]:
    draft = _standing(contact, turn_id)
    if not draft.replies:
        raise Refused("there is nothing in it that could be sent")
    if not (allowed := writing(runtime, contact, now_ms())).text:
        raise Refused(allowed.why)
    taken = await take_draft(runtime, contact)
    if taken is None:
        raise Refused(CHANGED)
    return draft, taken
