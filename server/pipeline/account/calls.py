"""A call that nobody took: on record, a task for people, and one line to whoever rang."""

from __future__ import annotations

import structlog
from babel import Locale, UnknownLocaleError

from agent.access_lists import is_ignored
from agent.language.locale import SPOKEN
from agent.language.phrases import say, with_return
from agent.profile import region_of
from channels.base import Message
from channels.content.account import MissedCall
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations import outbox
from server.notifications import to_operators
from server.store.keys import digest, key
from server.store.mailbox import REMEMBER, Arrival
from server.store.records import Contact, Entry, Reply

# Who rings again within so many ms is answered by the line that they have.
LATELY = 600_000

log = structlog.get_logger()


async def take_call(runtime: BotRuntime, call: MissedCall) -> bool:
    """Notice a missed call, once for its id; False for one that was noticed before. Everything is done under
    names made of that id, and that it is done is noted last: a crash in between leaves nothing out."""
    known = digest(f"call {call.id}")
    done = key(runtime.bot.id, "called", known)
    if await runtime.redis.exists(done):
        return False
    card = Message(
        id=f"call:{known}",
        account=call.account,
        kind="system",
        wa_id=call.wa_id,
        user_id=call.user_id,
        name=call.name,
    )
    conversation_id = await runtime.conversations.identify(card, afresh=True)
    entry = Entry(id=card.id, author="contact", kind="call", text="", at=now_ms())
    # a call opens the 24-hour window as a message does ("Calling API", "User-initiated calls")
    await runtime.mailbox.accept(conversation_id, card, entry, Arrival(answer=False, heard=True))
    contact = await runtime.conversations.contact(conversation_id)
    if contact is None:  # erased in this moment
        return False
    who = f"+{contact.wa_id}" if contact.wa_id else contact.name or contact.user_id
    why = f"missed call from {who}: call back, or answer here"
    await to_operators.call_person(runtime, contact, f"call:{known}", "task", why)
    if _wants_an_answer(runtime, contact):
        await _answer(runtime, contact, known)
    await runtime.redis.set(done, 1, px=REMEMBER)
    log.info("call_missed", bot=runtime.bot.id, conversation=conversation_id)
    return True


def _wants_an_answer(runtime: BotRuntime, contact: Contact) -> bool:
    context, identity = runtime.bot.context, contact.wa_id or contact.user_id
    if is_ignored(context.respond_to_whitelist, context.ignore, identity):
        return False
    return not contact.stopped and contact.assignee == "bot" and contact.profile.get("class") != "non_client"


async def _answer(runtime: BotRuntime, contact: Contact, known: str) -> None:
    """One line with the offer to call back, which the agent knows of when they write."""
    lately = key(runtime.bot.id, "called_lately", contact.id)
    if not await runtime.redis.set(lately, known, nx=True, px=LATELY) and (
        await runtime.redis.get(lately) != known.encode()
    ):
        return
    language = contact.profile.get("language") or spoken_in(contact.wa_id)
    back = runtime.bot.outreach.hours.back_at(now_ms())
    text = with_return(say("missed_call", language, runtime.bot.context.business), language, back)
    if await outbox.post(runtime, contact, Reply(id=f"call:{known}", text=text)):
        echo = Message(
            id=f"call:{known}:answer",
            account=contact.account,
            kind="echo",
            wa_id=contact.wa_id,
            user_id=contact.user_id,
            text=text,
        )
        await runtime.mailbox.remember(contact.id, echo)


def spoken_in(number: str) -> str:
    """The language that is most likely spoken where a phone number is from; English where nobody can tell, or
    we do not speak it."""
    try:
        likely = Locale.parse(f"und_{region_of(number)}").language
    except (UnknownLocaleError, ValueError):
        return "en"
    return likely if likely in SPOKEN else "en"
