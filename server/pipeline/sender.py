"""One reply at a time from a conversation's outbox to the provider: recorded before, resolved after."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from channels.base import Pace, SendError
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.conversations.callbacks import callback
from server.conversations.outgoing import outgoing_content
from server.observability import turn_traces
from server.observability.charges.ledger import expect_charge
from server.pipeline.account.holding import held_back
from server.pipeline.send_failures import RETRIES, delay_of, in_words, learn, pause
from server.store.mailbox import SECOND, Attempt
from server.store.records import Contact, Reply, SendState

# Sends without any answer before we stop: each may have arrived.
UNKNOWN_TRIES = 3

log = structlog.get_logger()


async def send_head(
    runtime: BotRuntime, router: ChannelRouter, conversation_id: str, fence: int, reply: Reply, grace: float
) -> bool:
    """Send the head of the outbox, or put it down until it can be sent; whether there is more to do at once.

    `grace`: for how many ms a status may still say that a request without an answer did arrive.
    """
    box = runtime.mailbox
    contact = await runtime.conversations.contact(conversation_id)
    reason = _unwanted(contact, reply)
    if contact is None or reason:
        return await box.send_done(conversation_id, fence, "", reply.id, "", SendState("failed", reason)) == 1
    if (waits := await held_back(runtime, contact, fence, reply)) is not None:
        return waits
    held = _Held(runtime, contact, fence, reply, grace)
    channel = router.channel(runtime.bot.id, contact.account)
    if channel is None or channel.credentials.missing:
        missing = ", ".join(channel.credentials.missing) if channel else ""
        error = SendError("stop", f"{missing} is missing" if missing else "no channel has this number", 190)
        return await held.failed(error, Attempt("go", "1"))
    tried = await held.begin(channel.pace)
    if tried.go == "open":
        wait = grace - int(tried.detail)
        if wait > 0:
            await box.park(conversation_id, fence, wait)
            return False
        log.warning("send_repeated", bot=runtime.bot.id, conversation=conversation_id, reply=reply.id)
        tried = await held.begin(channel.pace, again=True)
    if tried.go in ("lost", "wait"):
        return False
    if tried.go == "sent":
        return await held.done(tried.detail, SendState("accepted"))
    try:
        async with turn_traces.sending(runtime, contact.id, reply.id):
            carried = callback(contact.id, reply.id)
            content = await outgoing_content(runtime, contact, reply, channel.capabilities.shows)
            provider_id = await channel.send(contact.recipient, content, carried)
    except SendError as error:
        return await held.failed(error, tried)
    if not channel.capabilities.callbacks:
        await runtime.conversations.note_sent(contact.id, reply.id, provider_id)
    return await held.done(provider_id, SendState("accepted"))


@dataclass(frozen=True, slots=True)
class _Held:
    """A reply that is being sent, under the lease that holds its conversation."""

    runtime: BotRuntime
    contact: Contact
    fence: int
    reply: Reply
    grace: float

    async def begin(self, pace: Pace, again: bool = False) -> Attempt:
        """Record an attempt, or say why there is none now."""
        mailbox, account = self.runtime.mailbox, self.contact.account
        return await mailbox.send_begin(self.contact.id, self.fence, account, self.reply.id, pace, again)

    async def done(self, provider_id: str, state: SendState) -> bool:
        """Take it off the outbox; whether there is more to send."""
        mailbox, contact = self.runtime.mailbox, self.contact
        told = (contact.account, self.reply.id, provider_id, state)
        more = await mailbox.send_done(contact.id, self.fence, *told)
        if provider_id:  # last: nothing that goes wrong with the bill may let a message go out twice
            await expect_charge(self.runtime, contact, self.reply)
        return more == 1

    async def failed(self, error: SendError, tried: Attempt) -> bool:
        """Try again later, wait for a status, or give up visibly, as the class of the error demands."""
        runtime, contact, tries = self.runtime, self.contact, int(tried.detail)
        bound = log.bind(bot=runtime.bot.id, conversation=contact.id, reply=self.reply.id)
        bound.warning("send_failed", kind=error.kind, code=error.code, tries=tries, detail=str(error)[:200])
        if error.kind == "unknown" and tried.unanswered + 1 < UNKNOWN_TRIES:
            await runtime.mailbox.park(contact.id, self.fence, self.grace)
            return False
        delay = delay_of(error, tries)
        if delay and tries < RETRIES:
            hold = error.retry_after * SECOND if error.kind == "busy" else 0
            if error.kind == "stop":
                await pause(runtime, contact.account, error)
            await runtime.mailbox.send_abort(contact.id, self.fence, contact.account, delay, hold)
            return False
        await learn(runtime, contact, self.reply, error)
        if error.kind == "change" and (self.reply.content or self.reply.file) and not self.reply.template:
            await in_words(runtime, contact, self.reply)
        why = "no answer" if error.kind == "unknown" else error.code
        return await self.done("", SendState("failed", f"{why} {error}"[:300]))


def _unwanted(contact: Contact | None, reply: Reply) -> str:
    """Why a reply must not go out now; looked at right before the request, since the turn may be long
    past."""
    if contact is None:
        return "contact unknown"
    if reply.notice:
        return ""
    if contact.stopped:
        return "opted out"
    if reply.touch and (contact.heard_at > reply.since or 0 < reply.until < now_ms()):
        return "they wrote first" if contact.heard_at > reply.since else "the 24-hour window closed"
    theirs = reply.author == "bot" and not reply.by  # a draft that a person sent is the person's
    return "a person has taken over" if contact.assignee == "person" and theirs else ""
