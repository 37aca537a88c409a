"""What a send that failed says: of the message, of the contact, of the number; and what goes out in its
place."""

from __future__ import annotations

import random
from typing import Any, Literal

import structlog

from channels.base import SendError, StatusUpdate
from server.bots.bot import BotRuntime
from server.conversations.contents import from_record
from server.conversations.outbox import post
from server.outreach import consent
from server.outreach.follow_ups import FollowUps
from server.outreach.rules import WINDOW
from server.store.mailbox import PROBE, SECOND
from server.store.records import Contact, Reply

RETRY_FIRST, RETRY_LONGEST = 500, 60 * SECOND
# A day at one try a minute: after that the 24-hour window is closed anyway.
RETRIES = 1440
# "Pair rate limits": wait 4^n seconds, n from 0; 4^6 s is over an hour.
PAIR_LONGEST = 6
# A reply the provider took and then could not deliver is written anew this often.
AGAIN = 3

REMEDIES = {
    131042: "add or renew the payment method of the WhatsApp account",
    368: "the account is restricted for a policy violation: see Account quality in Meta's business settings",
    131031: "the account is locked: see Account quality in Meta's business settings",
    131048: "too many messages were reported as spam: see Account quality in Meta's business settings",
}
NEW_TOKEN = "give WHATSAPP_ACCESS_TOKEN a token that may send from this number, and restart"  # noqa: S105 - no token

log = structlog.get_logger()


def delay_of(error: SendError, tries: int) -> float:
    """Milliseconds until the next try; 0 for errors that trying again does not heal."""
    if error.kind == "stop":
        return PROBE
    if error.kind == "pair":
        return max(error.retry_after, 4 ** min(max(tries - 1, 0), PAIR_LONGEST)) * SECOND
    if error.kind in ("retry", "busy"):
        backoff = min(RETRY_LONGEST, RETRY_FIRST * 2 ** min(tries, 20)) * random.uniform(0.5, 1)
        return max(error.retry_after * SECOND, backoff)
    return 0


async def pause(
    runtime: BotRuntime, account: str, error: SendError, by: Literal["answer", "status"] = "answer"
) -> None:
    otherwise = (
        NEW_TOKEN
        if runtime.bot.channel_of(account) == "cloud_api"
        else f"see GET /api/bots/{runtime.bot.id}/status"
    )
    remedy = REMEDIES.get(error.code, otherwise)
    if await runtime.mailbox.pause(account, error.code, f"{error} ({remedy})"[:500], by):
        log.error(
            "number_paused", bot=runtime.bot.id, code=error.code, detail=str(error)[:200], remedy=remedy
        )


async def learn(runtime: BotRuntime, contact: Contact, reply: Reply, error: SendError) -> None:
    """What a failure says of the contact; and, out of the 24-hour window, the template that may still be
    sent."""
    follow_ups = FollowUps(runtime.redis)
    if error.kind == "contact":
        await runtime.conversations.learn(contact.id, {"undeliverable": str(error.code)}, reply.id)
        await follow_ups.end(runtime.bot.id, contact.id, f"cannot be reached (error {error.code})")
    elif error.kind == "opt_out":
        await consent.change_consent(
            runtime.redis, runtime.conversations, contact.id, True, "error 131050", reply.id
        )
    elif error.kind == "later" and reply.touch:
        await follow_ups.put_off(runtime, contact, reply.touch, error.code)
    elif error.kind == "window" and runtime.bot.reply_template and not (reply.template or reply.touch):
        await post(
            runtime,
            contact,
            Reply(id=f"{reply.id}:template", text=reply.text, template=runtime.bot.reply_template),
        )


async def in_words(runtime: BotRuntime, contact: Contact, reply: Reply) -> None:
    """A reply whose buttons, picture or card the provider does not take goes out in words, once: somebody
    waits for an answer."""
    if not reply.text:
        return
    log.warning("sent_in_words", bot=runtime.bot.id, conversation=contact.id, reply=reply.id)
    await post(
        runtime, contact, reply.model_copy(update={"id": f"{reply.id}~words", "content": None, "file": None})
    )


async def undelivered(runtime: BotRuntime, conversation_id: str, reply_id: str, status: StatusUpdate) -> None:
    """A `failed` status of a reply the provider had taken: the same classes, once per reply however often it
    comes."""
    contact = await runtime.conversations.contact(conversation_id)
    entry = await runtime.conversations.entry(conversation_id, reply_id)
    if contact is None or entry is None:
        return
    error = SendError(status.failure, status.error, status.error_code)
    log.warning("undelivered", bot=runtime.bot.id, conversation=contact.id, reply=reply_id, code=error.code)
    base, _, count = reply_id.partition("+")
    again = int(count or 0) + 1
    touch: dict[str, Any] = {
        "touch": entry.touch,
        "since": entry.at,
        "until": 0
        if entry.template or not runtime.bot.windowed(contact.account)
        else contact.heard_at + WINDOW,
    }
    reply = Reply(
        id=reply_id,
        text=entry.text,
        author=entry.author,
        template=entry.template,
        variables=entry.variables,
        content=from_record(entry.content),
        **(touch if entry.touch else {}),
    )
    if error.kind == "stop":
        await pause(runtime, contact.account, error, "status")
    if error.kind in ("retry", "busy", "pair", "stop") and again <= (
        RETRIES if error.kind == "stop" else AGAIN
    ):
        anew = reply.model_copy(update={"id": f"{base}+{again}"})
        await post(runtime, contact, anew, max(delay_of(error, again), 4 ** min(again, AGAIN) * SECOND))
    await learn(runtime, contact, reply, error)
    if error.kind == "change" and entry.content and not entry.template:
        await in_words(runtime, contact, reply)
