"""One reply at a time from a conversation's outbox to the provider: recorded before, resolved after."""

from __future__ import annotations

import random
from typing import Literal

import structlog
from pydantic import BaseModel

from channels.base import SendError
from server.bots import Desk, Numbers
from server.conversations import Author, Contact

RETRY_FIRST, RETRY_LONGEST = 500, 60_000
# A day at one try a minute: after that the 24-hour window is closed anyway.
RETRIES = 1440
# Sends without any answer before we stop: each may have arrived.
UNKNOWN_TRIES = 3
BROKEN_ACCOUNT = 60_000

Next = Literal["go_on", "put_down"]

log = structlog.get_logger()


class Reply(BaseModel):
    """A bubble on its way. `notice` goes out even to a contact who stopped or was handed over: it says just that."""

    id: str
    text: str
    author: Author = "bot"
    notice: bool = False


def callback(conversation_id: str, reply_id: str) -> str:
    """What the provider repeats on every status of a reply."""
    return f"{conversation_id}/{reply_id}"


def from_callback(text: str) -> tuple[str, str] | None:
    """(conversation id, reply id), None when the callback is not ours."""
    conversation_id, slash, reply_id = text.partition("/")
    return (conversation_id, reply_id) if slash and conversation_id and reply_id else None


async def send(desk: Desk, numbers: Numbers, conversation_id: str, fence: int, raw: str, grace: float) -> Next:
    """Send the head of the outbox, or put it down until it can be sent.

    `grace`: for how many ms a status may still say that a request without an answer did arrive.
    """
    reply, mailbox = Reply.model_validate_json(raw), desk.mailbox
    contact = await desk.conversations.contact(conversation_id)
    reason = _unwanted(contact, reply)
    if contact is None or reason:
        return _next(await mailbox.send_done(conversation_id, fence, reply.id, "", f"failed {reason}"))
    go, detail = await mailbox.send_begin(conversation_id, fence, reply.id)
    if go == "open":
        wait = grace - int(detail)
        if wait > 0:
            await mailbox.park(conversation_id, fence, wait)
            return "put_down"
        log.warning("send_repeated", bot=desk.bot.id, conversation=conversation_id, reply=reply.id)
        go, detail = await mailbox.send_begin(conversation_id, fence, reply.id, again=True)
    if go == "lost":
        return "put_down"
    if go == "sent":
        return _next(await mailbox.send_done(conversation_id, fence, reply.id, detail, "accepted"))
    return await _request(desk, numbers, contact, fence, reply, int(detail), grace)


async def _request(
    desk: Desk, numbers: Numbers, contact: Contact, fence: int, reply: Reply, tries: int, grace: float
) -> Next:
    mailbox, bound = desk.mailbox, log.bind(bot=desk.bot.id, conversation=contact.id, reply=reply.id)
    sender = numbers.sender(contact.account)
    try:
        if sender is None:
            raise SendError("stop", "no WHATSAPP_ACCESS_TOKEN is set")
        provider_id = await sender.send_text(contact.recipient, reply.text, callback(contact.id, reply.id))
    except SendError as error:
        bound.warning("send_failed", kind=error.kind, code=error.code, tries=tries, detail=str(error)[:200])
        if error.kind == "retry" and tries < RETRIES:
            delay = max(
                error.retry_after * 1000, min(RETRY_LONGEST, RETRY_FIRST * 2 ** min(tries, 20)) * random.uniform(0.5, 1)
            )
            await mailbox.send_abort(contact.id, fence, reply.id, delay)
            return "put_down"
        if error.kind == "unknown" and tries < UNKNOWN_TRIES:
            await mailbox.park(contact.id, fence, grace)
            return "put_down"
        if error.kind == "stop":
            await mailbox.send_abort(contact.id, fence, reply.id, BROKEN_ACCOUNT)
            return "put_down"
        if error.kind == "contact":
            await desk.conversations.learn(contact.id, {"undeliverable": str(error.code)}, reply.id)
        return _next(await mailbox.send_done(contact.id, fence, reply.id, "", f"failed {error.code} {error}"[:300]))
    await desk.conversations.sent_as(provider_id, contact.id, reply.id)
    bound.info("sent")
    return _next(await mailbox.send_done(contact.id, fence, reply.id, provider_id, "accepted"))


def _unwanted(contact: Contact | None, reply: Reply) -> str:
    """Why a reply must not go out now; looked at right before the request, since the turn may be long past."""
    if contact is None:
        return "contact unknown"
    if reply.notice:
        return ""
    if contact.stopped:
        return "opted out"
    return "a person has taken over" if contact.owner == "person" and reply.author == "bot" else ""


def _next(code: int) -> Next:
    return "go_on" if code == 1 else "put_down"
