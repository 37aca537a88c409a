"""One reply at a time from a conversation's outbox to the provider: recorded before, resolved after."""

from __future__ import annotations

import random
from typing import Literal

import structlog
from pydantic import BaseModel

from channels.base import SendError, StatusUpdate
from channels.cloud_api import CloudApi, classify
from server.bots import Desk, Numbers
from server.clock import now_ms
from server.conversations import Author, Contact, Entry
from server.mailbox import PROBE, SECOND, Attempt

RETRY_FIRST, RETRY_LONGEST = 500, 60 * SECOND
# A day at one try a minute: after that the 24-hour window is closed anyway.
RETRIES = 1440
# "Pair rate limits": wait 4^n seconds, n from 0; 4^6 s is over an hour.
PAIR_LONGEST = 6
# Sends without any answer before we stop: each may have arrived.
UNKNOWN_TRIES = 3
# A reply the provider took and then could not deliver is written anew this often.
AGAIN = 3

REMEDIES = {
    131042: "add or renew the payment method of the WhatsApp account",
    368: "the account is restricted for a policy violation: see Account quality in Meta's business settings",
    131031: "the account is locked: see Account quality in Meta's business settings",
    131048: "too many messages were reported as spam: see Account quality in Meta's business settings",
}
NEW_TOKEN = "give WHATSAPP_ACCESS_TOKEN a token that may send from this number, and restart"  # noqa: S105 - no token

Next = Literal["go_on", "put_down"]

log = structlog.get_logger()


class Reply(BaseModel):
    """A bubble on its way. `notice` goes out even to a contact who stopped or was handed over: it says just that.
    `template` (`name:language`) goes out in place of the text."""

    id: str
    text: str
    author: Author = "bot"
    notice: bool = False
    template: str = ""


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
        return _next(await mailbox.send_done(conversation_id, fence, "", reply.id, "", f"failed {reason}"))
    sender = numbers.sender(contact.account)
    if sender is None:
        no_token = SendError("stop", "no WHATSAPP_ACCESS_TOKEN is set", 190)
        return await _failed(desk, contact, fence, reply, no_token, Attempt("go", "1"), grace)
    tried = await mailbox.send_begin(conversation_id, fence, contact.account, reply.id, sender.pace)
    if tried.go == "open":
        wait = grace - int(tried.detail)
        if wait > 0:
            await mailbox.park(conversation_id, fence, wait)
            return "put_down"
        log.warning("send_repeated", bot=desk.bot.id, conversation=conversation_id, reply=reply.id)
        tried = await mailbox.send_begin(conversation_id, fence, contact.account, reply.id, sender.pace, again=True)
    if tried.go in ("lost", "wait"):
        return "put_down"
    if tried.go == "sent":
        return _next(
            await mailbox.send_done(conversation_id, fence, contact.account, reply.id, tried.detail, "accepted")
        )
    try:
        provider_id = await _request(sender, contact, reply)
    except SendError as error:
        return await _failed(desk, contact, fence, reply, error, tried, grace)
    log.info("sent", bot=desk.bot.id, conversation=contact.id, reply=reply.id)
    return _next(await mailbox.send_done(contact.id, fence, contact.account, reply.id, provider_id, "accepted"))


async def _request(sender: CloudApi, contact: Contact, reply: Reply) -> str:
    if reply.template:
        return await sender.send_template(contact.recipient, reply.template, callback(contact.id, reply.id))
    return await sender.send_text(contact.recipient, reply.text, callback(contact.id, reply.id))


async def _failed(
    desk: Desk, contact: Contact, fence: int, reply: Reply, error: SendError, tried: Attempt, grace: float
) -> Next:
    """Try again later, wait for a status, or give up visibly, as the class of the error demands."""
    mailbox, tries = desk.mailbox, int(tried.detail)
    bound = log.bind(bot=desk.bot.id, conversation=contact.id, reply=reply.id)
    bound.warning("send_failed", kind=error.kind, code=error.code, tries=tries, detail=str(error)[:200])
    if error.kind == "unknown" and tried.unanswered + 1 < UNKNOWN_TRIES:
        await mailbox.park(contact.id, fence, grace)
        return "put_down"
    delay = _delay(error, tries)
    if delay and tries < RETRIES:
        hold = error.retry_after * SECOND if error.kind == "busy" else 0
        if error.kind == "stop":
            await _pause(desk, contact.account, error)
        await mailbox.send_abort(contact.id, fence, contact.account, delay, hold)
        return "put_down"
    await _learn(desk, contact, reply, error)
    state = f"failed {'no answer' if error.kind == 'unknown' else error.code} {error}"[:300]
    return _next(await mailbox.send_done(contact.id, fence, contact.account, reply.id, "", state))


def _delay(error: SendError, tries: int) -> float:
    """Milliseconds until the next try; 0 for errors that trying again does not heal."""
    if error.kind == "stop":
        return PROBE
    if error.kind == "pair":
        return max(error.retry_after, 4 ** min(max(tries - 1, 0), PAIR_LONGEST)) * SECOND
    if error.kind in ("retry", "busy"):
        backoff = min(RETRY_LONGEST, RETRY_FIRST * 2 ** min(tries, 20)) * random.uniform(0.5, 1)
        return max(error.retry_after * SECOND, backoff)
    return 0


async def _pause(desk: Desk, account: str, error: SendError, by: Literal["answer", "status"] = "answer") -> None:
    remedy = REMEDIES.get(error.code, NEW_TOKEN)
    if await desk.mailbox.pause(account, error.code, f"{error} ({remedy})"[:500], by):
        log.error("bot_paused", bot=desk.bot.id, code=error.code, detail=str(error)[:200], remedy=remedy)


async def _learn(desk: Desk, contact: Contact, reply: Reply, error: SendError) -> None:
    """What a failure says of the contact; and, out of the 24-hour window, the template that may still be sent."""
    if error.kind == "contact":
        await desk.conversations.learn(contact.id, {"undeliverable": str(error.code)}, reply.id)
    elif error.kind == "opt_out":
        await desk.conversations.learn(contact.id, {"consent": "stopped"}, reply.id)
    elif error.kind == "window" and desk.bot.reply_template and not reply.template:
        await _post(desk, contact, Reply(id=f"{reply.id}:template", text=reply.text, template=desk.bot.reply_template))


async def undelivered(desk: Desk, conversation_id: str, reply_id: str, status: StatusUpdate) -> None:
    """A `failed` status of a reply the provider had taken: the same classes, once per reply however often it comes."""
    contact = await desk.conversations.contact(conversation_id)
    entry = await desk.conversations.entry(conversation_id, reply_id)
    if contact is None or entry is None:
        return
    error = SendError(classify(status.error_code, 0), status.error, status.error_code)
    log.warning("undelivered", bot=desk.bot.id, conversation=contact.id, reply=reply_id, code=error.code)
    base, _, count = reply_id.partition("+")
    again = int(count or 0) + 1
    reply = Reply(id=reply_id, text=entry.text, author=entry.author, template=entry.template)
    if error.kind == "stop":
        await _pause(desk, contact.account, error, "status")
    if error.kind in ("retry", "busy", "pair", "stop") and again <= (RETRIES if error.kind == "stop" else AGAIN):
        anew = reply.model_copy(update={"id": f"{base}+{again}"})
        await _post(desk, contact, anew, max(_delay(error, again), 4 ** min(again, AGAIN) * SECOND))
    await _learn(desk, contact, reply, error)


async def _post(desk: Desk, contact: Contact, reply: Reply, delay: float = 0) -> None:
    entry = Entry(id=reply.id, author=reply.author, text=reply.text, at=now_ms(), template=reply.template)
    await desk.mailbox.post(contact.id, reply.model_dump_json(), entry.model_dump_json(exclude={"status"}), delay=delay)


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
