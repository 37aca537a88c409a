"""One reply at a time from a conversation's outbox to the provider: recorded before, resolved after."""

from __future__ import annotations

import structlog

from channels.base import Content, File, SendError, Template, Text
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.conversations.callbacks import callback
from server.conversations.outbox import Reply
from server.observability import turn_traces
from server.pipeline.send_failures import RETRIES, delay_of, learn, pause
from server.store.mailbox import SECOND, Attempt
from server.store.records import Contact

# Sends without any answer before we stop: each may have arrived.
UNKNOWN_TRIES = 3

log = structlog.get_logger()


async def send(
    runtime: BotRuntime, router: ChannelRouter, conversation_id: str, fence: int, raw: str, grace: float
) -> bool:
    """Send the head of the outbox, or put it down until it can be sent; whether there is more to do at once.

    `grace`: for how many ms a status may still say that a request without an answer did arrive.
    """
    reply, mailbox = Reply.model_validate_json(raw), runtime.mailbox
    contact = await runtime.conversations.contact(conversation_id)
    reason = _unwanted(contact, reply)
    if contact is None or reason:
        return await mailbox.send_done(conversation_id, fence, "", reply.id, "", f"failed {reason}") == 1
    channel = router.channel(runtime.bot.id, contact.account)
    if channel is None or channel.credentials.missing:
        what = (
            f"{', '.join(channel.credentials.missing)} is missing"
            if channel
            else "no channel has this number"
        )
        return await _failed(
            runtime, contact, fence, reply, SendError("stop", what, 190), Attempt("go", "1"), grace
        )
    tried = await mailbox.send_begin(conversation_id, fence, contact.account, reply.id, channel.pace)
    if tried.go == "open":
        wait = grace - int(tried.detail)
        if wait > 0:
            await mailbox.park(conversation_id, fence, wait)
            return False
        log.warning("send_repeated", bot=runtime.bot.id, conversation=conversation_id, reply=reply.id)
        tried = await mailbox.send_begin(
            conversation_id, fence, contact.account, reply.id, channel.pace, again=True
        )
    if tried.go in ("lost", "wait"):
        return False
    if tried.go == "sent":
        return (
            await mailbox.send_done(
                conversation_id, fence, contact.account, reply.id, tried.detail, "accepted"
            )
            == 1
        )
    try:
        async with turn_traces.sending(runtime, contact.id, reply.id):
            provider_id = await channel.send(
                contact.recipient, _content(reply), callback(contact.id, reply.id)
            )
    except SendError as error:
        return await _failed(runtime, contact, fence, reply, error, tried, grace)
    if not channel.capabilities.callbacks:
        await runtime.conversations.note_sent(contact.id, reply.id, provider_id)
    return await mailbox.send_done(contact.id, fence, contact.account, reply.id, provider_id, "accepted") == 1


def _content(reply: Reply) -> Content:
    if reply.template:
        return Template(name=reply.template, variables=reply.variables)
    if reply.file:
        file = reply.file
        return File(name=file.name, mime_type=file.mime_type, data=file.text.encode(), caption=reply.text)
    return Text(body=reply.text)


async def _failed(
    runtime: BotRuntime,
    contact: Contact,
    fence: int,
    reply: Reply,
    error: SendError,
    tried: Attempt,
    grace: float,
) -> bool:
    """Try again later, wait for a status, or give up visibly, as the class of the error demands."""
    mailbox, tries = runtime.mailbox, int(tried.detail)
    bound = log.bind(bot=runtime.bot.id, conversation=contact.id, reply=reply.id)
    bound.warning("send_failed", kind=error.kind, code=error.code, tries=tries, detail=str(error)[:200])
    if error.kind == "unknown" and tried.unanswered + 1 < UNKNOWN_TRIES:
        await mailbox.park(contact.id, fence, grace)
        return False
    delay = delay_of(error, tries)
    if delay and tries < RETRIES:
        hold = error.retry_after * SECOND if error.kind == "busy" else 0
        if error.kind == "stop":
            await pause(runtime, contact.account, error)
        await mailbox.send_abort(contact.id, fence, contact.account, delay, hold)
        return False
    await learn(runtime, contact, reply, error)
    state = f"failed {'no answer' if error.kind == 'unknown' else error.code} {error}"[:300]
    return await mailbox.send_done(contact.id, fence, contact.account, reply.id, "", state) == 1


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
    return "a person has taken over" if contact.owner == "person" and reply.author == "bot" else ""
