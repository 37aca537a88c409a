"""What a webhook or a poll brought, put in its place: messages, statuses, preferences, links; the same for
every channel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import structlog

from channels.base import (
    AMENDING,
    ANSWERED,
    Linked,
    Message,
    Parsed,
    Preference,
    Quarantined,
    SendError,
    StatusUpdate,
)
from channels.content.account import MissedCall
from channels.emulators.numbers import is_simulated
from channels.json_parts import clean_text
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.bots.routing import NotReady, WebhookScope
from server.clock import now_ms
from server.conversations.callbacks import from_callback
from server.conversations.message_text import of_group
from server.observability import opentelemetry, turn_traces
from server.observability.charges.ledger import note_price
from server.observability.health.kept import record_of
from server.outreach import consent
from server.pipeline.account import linked_sessions
from server.pipeline.account.calls import take_call
from server.pipeline.account.notices import introduce, take_notices
from server.pipeline.send_failures import undelivered
from server.store.contacts import Conversations
from server.store.keys import SHARED
from server.store.mailbox import Arrival, UnknownContact
from server.store.records import Author, Entry, SendState

# With these a contact opens the 24-hour window.
HEARD = ANSWERED | {"reaction"}
# How long a webhook waits for the number behind a lid.
LID_SECONDS = 2

log = structlog.get_logger()

Runtimes = Mapping[str, BotRuntime]


async def receive(parsed: Parsed, scope: WebhookScope, runtimes: Runtimes, answer: bool = True) -> int:
    """Store all of it; how many messages were new. `answer`: False for what is only put on record, such as
    messages of long ago. Raises NotReady, with everything else stored, when some of it is for a bot that
    cannot be read here."""
    count, not_ready = 0, None
    for message in parsed.messages:
        try:
            count += await _take(message, scope, runtimes, answer)
        except ValueError as error:  # a text no store takes: its neighbours must not suffer
            piece = Quarantined(reason=str(error)[:200], piece=clean_text(repr(message))[:10_000])
            await _quarantine(_keeper(scope, runtimes), piece)
        except NotReady as error:
            not_ready = error
    for status in parsed.statuses:
        with contextlib.suppress(NotReady):
            await _apply(status, scope, runtimes)
    for preference in parsed.preferences:
        with contextlib.suppress(NotReady):
            await _prefer(preference, scope, runtimes)
    for change in parsed.links:
        with contextlib.suppress(NotReady):
            if (bot := scope.bot_of(change.account)) is not None:
                await linked_sessions.record_session_state(runtimes[bot.id], change)
    await _take_calls(parsed.calls, scope, runtimes)
    if not all(map(is_simulated, scope.bots)):  # what is of the account is not the simulator's
        await _note_account(parsed, scope, runtimes)
    for piece in parsed.quarantined:
        await _quarantine(_keeper(scope, runtimes), piece)
    if not_ready:
        raise not_ready
    return count


def _keeper(scope: WebhookScope, runtimes: Runtimes) -> Conversations:
    """Who is shown what belongs to nobody: the one bot of the scope; of a secret that several share, or
    nobody has, those who look after the whole deployment."""
    only = _bots(scope)
    if len(only) == 1:
        return runtimes[only.pop()].conversations
    return Conversations(runtimes[DEFAULT].redis, SHARED)


async def _take(message: Message, scope: WebhookScope, runtimes: Runtimes, answer: bool) -> bool:
    bot = scope.bot_of(message.account)
    if bot is None:
        piece = Quarantined(reason="no bot has this number", piece=message.model_dump_json()[:10_000])
        await _quarantine(_keeper(scope, runtimes), piece)
        return False
    if message.group_id:
        if not bot.groups or not scope.channel.capabilities.groups or message.kind == "echo":
            log.info("group_message_ignored", bot=bot.id, kind=message.kind)
            return False
        message = of_group(message)
    runtime = runtimes[bot.id]
    line = scope.line(message.account)
    if message.user_id.endswith("@lid") and not message.wa_id and isinstance(line, Linked):
        message = await _with_number(runtime, line, message)
    if message.ours and await _is_ours(runtime, message):
        return False
    try:
        conversation_id, stored = await _store(runtime, message, answer)
    except UnknownContact:  # erased since this process last saw it
        conversation_id, stored = await _store(runtime, message, answer, afresh=True)
    if any(message.moved_to):
        await _moved(runtime, message, conversation_id)
    log.info(
        "accepted" if stored else "duplicate", bot=bot.id, conversation=conversation_id, kind=message.kind
    )
    return stored


async def _moved(runtime: BotRuntime, message: Message, conversation_id: str) -> None:
    """A contact's new number or user id goes on in their conversation. One of its own that it has already is
    merged into it."""
    other = await runtime.conversations.move(conversation_id, message.account, *message.moved_to)
    log.info("contact_moved", bot=runtime.bot.id, conversation=conversation_id, other=other)


async def _with_number(runtime: BotRuntime, channel: Linked, message: Message) -> Message:
    """The message with the phone number behind its lid, so that one person is one contact; as it is when
    nobody knows it."""
    if await runtime.conversations.number_of(message.account, message.user_id):
        return message
    try:
        number = await asyncio.wait_for(channel.phone_of(message.user_id), LID_SECONDS)
        return message.model_copy(update={"wa_id": number})
    except (SendError, TimeoutError) as error:
        log.info("lid_not_resolved", bot=runtime.bot.id, error=repr(error)[:200])
        return message


async def _is_ours(runtime: BotRuntime, message: Message) -> bool:
    """Whether an echo is of our own message, which has arrived, then. A person's at the business is not: they
    take over."""
    conversation_id = await runtime.conversations.identify(message, afresh=True)
    found = await runtime.conversations.reply_of(
        message.id, message.account, message.wa_id or message.user_id
    )
    mine = found is not None and found[0] == conversation_id
    reply_id = (
        found[1] if found and mine else await runtime.conversations.sent_as(conversation_id, message.text)
    )
    if reply_id:
        await runtime.mailbox.status(
            conversation_id, message.account, reply_id, message.id, SendState("sent")
        )
    return bool(reply_id)


async def _store(
    runtime: BotRuntime, message: Message, answer: bool, afresh: bool = False
) -> tuple[str, bool]:
    """(conversation id, whether the message is new)."""
    began = opentelemetry.now()
    conversation_id = await runtime.conversations.identify(message, afresh=afresh)
    if opentelemetry.tracer():
        about = {"bot": runtime.bot.id, "conversation": conversation_id, "kind": message.kind}
        carried = opentelemetry.span("webhook", "", began, opentelemetry.now(), about)
        message = message.model_copy(update={"traceparent": carried})
    echo = message.kind == "echo"
    author: Author = "person" if echo else "contact"
    media = message.media and message.media.model_copy(update={"data": ""})
    entry = Entry(
        id=message.id,
        author=author,
        kind=message.kind,
        text="\n".join(filter(None, (message.context, message.text))),
        at=now_ms(),
        quoted_id=message.quoted_id or message.amends,
        media=media,
        choice=message.choice.id if message.choice else "",
        order=message.order.model_dump(mode="json") if message.order else None,
        answers=message.answers,
    )
    amends = message.kind in AMENDING and bool(message.amends)
    how = Arrival(
        assignee="person" if echo and answer else "",
        answer=answer and (echo or message.kind in ANSWERED or amends),
        heard=answer and message.kind in HEARD,
        at_once=message.kind == "button" or message.text.startswith("/"),
    )
    stored = await runtime.mailbox.accept(conversation_id, message, entry, how)
    return conversation_id, stored


async def _apply(status: StatusUpdate, scope: WebhookScope, runtimes: Runtimes) -> None:
    bot = scope.bot_of(status.account)
    if bot is None:
        return
    runtime = runtimes[bot.id]
    found = from_callback(status.callback) or await runtime.conversations.reply_of(
        status.id, status.account, status.contact
    )
    if found is not None and is_simulated(status.account):  # says nothing of what was sent to anybody real
        contact = await runtime.conversations.contact(found[0])
        found = found if contact and is_simulated(contact.account) else None
    if found is None:
        log.info("status_of_unknown_message", bot=bot.id, status=status.status)
        return
    conversation_id, reply_id = await runtime.conversations.merged_into(found[0]), found[1]
    why = f"{status.error_code} {status.error}".strip() if status.status == "failed" else ""
    state = SendState(status.status, why)
    await runtime.mailbox.status(conversation_id, status.account, reply_id, status.id, state)
    await note_price(runtime, conversation_id, reply_id, status)
    if opentelemetry.tracer():
        await turn_traces.mark(
            runtime.redis, bot.id, conversation_id, reply_id, f"status {status.status}", opentelemetry.now()
        )
    if status.status == "failed":
        await undelivered(runtime, conversation_id, reply_id, status)


async def _prefer(preference: Preference, scope: WebhookScope, runtimes: Runtimes) -> None:
    """A switch in WhatsApp is an opt-out like any other; somebody who never wrote becomes a contact with
    it."""
    bot = scope.bot_of(preference.account)
    if bot is None:
        return
    runtime = runtimes[bot.id]
    card = Message(
        id="preference",
        account=preference.account,
        kind="system",
        wa_id=preference.wa_id,
        user_id=preference.user_id,
    )
    conversation_id = await runtime.conversations.identify(
        card, afresh=True
    )  # nothing below says that it is gone
    source = f"preference {preference.timestamp}"
    await consent.change_consent(
        runtime.redis, runtime.conversations, conversation_id, preference.stopped, "preferences", source
    )


async def _take_calls(calls: Sequence[MissedCall], scope: WebhookScope, runtimes: Runtimes) -> None:
    for call in calls:
        with contextlib.suppress(NotReady):
            if (bot := scope.bot_of(call.account)) is not None:
                await take_call(runtimes[bot.id], call)


async def _note_account(parsed: Parsed, scope: WebhookScope, runtimes: Runtimes) -> None:
    """What is told of numbers and templates, and fields that mean nothing to us."""
    record = record_of(runtimes[DEFAULT].redis)
    await introduce(parsed.numbers, scope, record)
    for field in parsed.ignored:
        await record.ignore(field)
        log.info("webhook_field_ignored", field=field)
    if parsed.notices or parsed.templates:
        for notice in await take_notices(parsed.notices, parsed.templates, scope, runtimes):
            piece = Quarantined(reason="a notice about no number of ours", piece=notice.model_dump_json())
            await _quarantine(_keeper(scope, runtimes), piece)


def _bots(scope: WebhookScope) -> set[str]:
    """The ids of the bots that a webhook may reach."""
    return {bot.id for bot in (*scope.bots.values(), *([scope.rest] if scope.rest else []))}


async def _quarantine(keeper: Conversations, piece: Quarantined) -> None:
    log.warning("quarantined", bot=keeper.bot_id, reason=piece.reason)
    await keeper.quarantine(piece.reason, piece.piece)
