"""What a person does with the agent's draft: send it, put other words in its place, discard it; and how the
agent answers in a conversation."""

from __future__ import annotations

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.drafts.draft import Draft, ask_for_draft, draft_of, drop_draft, settle_draft
from server.operators.takeover import Refused, queue_reply, writing
from server.operators.tokens import who
from server.store.records import Contact, Reply

CHANGED = "the draft has changed meanwhile, or somebody else has sent it"


async def send_draft(runtime: BotRuntime, contact: Contact, turn_id: str) -> list[str]:
    """Let the draft of a turn go out as it is; the ids of its messages. Sent twice it goes out once. Raises
    Refused where nothing may be written now, or another draft stands there."""
    draft = _standing(contact, turn_id)
    if not draft.replies:
        raise Refused("there is nothing in it that could be sent")
    if not (allowed := writing(runtime, contact, now_ms())).text:
        raise Refused(allowed.why)
    by, at = who.get().name, now_ms()
    for reply, entry in zip(draft.replies, draft.entries, strict=True):
        line = entry.model_copy(update={"by": by, "at": at})
        await runtime.mailbox.post(contact.id, reply.model_copy(update={"by": by}), line)
    await drop_draft(runtime, contact, turn_id)
    return [reply.id for reply in draft.replies]


async def send_instead(runtime: BotRuntime, contact: Contact, turn_id: str, text: str) -> str:
    """Send other words in the place of a draft; the id of the message. What the agent had drafted is kept
    beside them, and it learns what was said. Of two who do so at once one is Refused."""
    draft = _standing(contact, turn_id)
    if not (allowed := writing(runtime, contact, now_ms())).text:
        raise Refused(allowed.why)
    reply = Reply(id=f"{turn_id}:0", text=text, author="person", by=who.get().name)
    sent = await queue_reply(runtime, contact, reply, draft.text)
    await settle_draft(runtime, contact, draft)
    if not sent:
        raise Refused(CHANGED)
    return reply.id


async def discard_draft(runtime: BotRuntime, contact: Contact, turn_id: str) -> None:
    """Nothing of a draft goes out, and the agent forgets it. Raises Refused where another one stands
    there."""
    if not await settle_draft(runtime, contact, _standing(contact, turn_id)):
        raise Refused(CHANGED)


async def request_draft(runtime: BotRuntime, contact: Contact) -> None:
    """Let the agent write what it would answer now. Raises Refused where nothing waits for an answer."""
    if not contact.asked_at:
        raise Refused("nothing waits for an answer in this conversation")
    await ask_for_draft(runtime, contact.id)


def _standing(contact: Contact, turn_id: str) -> Draft:
    draft = draft_of(contact)
    if draft is None or draft.turn_id != turn_id:
        raise Refused(CHANGED)
    return draft
