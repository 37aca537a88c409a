"""The Cloud API's webhook: authenticate the raw bytes, store every piece, then say 200."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from channels.base import ANSWERED, Message, Preference, Quarantined, StatusUpdate
from channels.cloud_webhook import clean, parse, signed_by
from server import consent
from server.bots import DEFAULT, Desk, Numbers
from server.clock import now_ms
from server.conversations import Author, Entry
from server.failed_sends import undelivered
from server.mailbox import UnknownContact
from server.message_templates import note_status
from server.sending import from_callback
from server.settings import Settings

# With these a contact opens the 24-hour window.
HEARD = ANSWERED | {"reaction"}
# Meta's webhook bodies have at most 3 MB (webhooks overview).
LARGEST_BODY = 4 * 1024 * 1024

log = structlog.get_logger()


Receive = Callable[[Request], Awaitable[Response]]


def router(settings: Settings, receive: Receive) -> APIRouter:
    """GET and POST /webhook."""
    routes = APIRouter(tags=["wires"])
    verify = settings.whatsapp_webhook_verify_token

    @routes.get("/webhook", response_class=PlainTextResponse, summary="Verification handshake")
    async def handshake(request: Request) -> Response:
        asked = request.query_params
        if (
            verify
            and asked.get("hub.mode") == "subscribe"
            and asked.get("hub.verify_token") == verify.get_secret_value()
        ):
            return PlainTextResponse(asked.get("hub.challenge", ""))
        return PlainTextResponse("wrong or missing verify token", 403)

    routes.add_api_route("/webhook", receive, methods=["POST"], summary="Messages and statuses", response_model=None)
    return routes


def receiver(settings: Settings, desks: dict[str, Desk], numbers: Numbers) -> Receive:
    """What takes a webhook: 200 once all of it is stored."""
    real = settings.whatsapp_app_secret

    async def receive(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        header = request.headers.get("x-hub-signature-256")
        genuine = real is not None and signed_by(real.get_secret_value(), body, header)
        if not genuine and not signed_by(settings.simulator_secret, body, header):
            log.warning("webhook_rejected", reason="signature", app_secret_set=real is not None)
            return PlainTextResponse("wrong or missing signature", 403)
        try:
            parsed = parse(body)
        except ValueError:
            return PlainTextResponse("not a JSON object", 400)
        for message in parsed.messages:
            try:
                await _take(message, desks, numbers, simulated=not genuine)
            except ValueError as error:  # a text no store takes: its neighbours must not suffer
                await _quarantine(
                    desks[DEFAULT], Quarantined(reason=str(error)[:200], piece=clean(repr(message))[:10_000])
                )
        for status in parsed.statuses:
            await _apply(status, desks, numbers, simulated=not genuine)
        for preference in parsed.preferences:
            await _prefer(preference, desks, numbers, simulated=not genuine)
        if genuine:  # of the account, which is the app's
            for told in parsed.templates:
                for desk in desks.values():
                    await note_status(desk.redis, desk.bot.id, told.name, told.language, told.status, told.reason)
        for piece in parsed.quarantined:
            await _quarantine(desks[DEFAULT], piece)
        return PlainTextResponse("ok")

    return receive


async def _body(request: Request) -> bytes | None:
    """The raw body, None when it is larger than any real webhook."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


async def _take(message: Message, desks: dict[str, Desk], numbers: Numbers, *, simulated: bool) -> None:
    bot = numbers.bot_of(message.account, simulated)
    if bot is None or message.group_id:
        reason = "a group message" if message.group_id else "no bot has this number"
        await _quarantine(desks[DEFAULT], Quarantined(reason=reason, piece=message.model_dump_json()[:10_000]))
        return
    desk = desks[bot.id]
    try:
        conversation_id, stored = await _store(desk, message)
    except UnknownContact:  # erased since this process last saw it
        conversation_id, stored = await _store(desk, message, afresh=True)
    log.info("accepted" if stored else "duplicate", bot=bot.id, conversation=conversation_id, kind=message.kind)


async def _store(desk: Desk, message: Message, afresh: bool = False) -> tuple[str, bool]:
    """(conversation id, whether the message is new)."""
    conversation_id = await desk.conversations.identify(message, afresh=afresh)
    echo = message.kind == "echo"
    author: Author = "person" if echo else "contact"
    entry = Entry(id=message.id, author=author, kind=message.kind, text=message.text, at=now_ms())
    stored = await desk.mailbox.accept(
        conversation_id,
        message.id,
        message.model_dump_json(),
        entry.model_dump_json(exclude={"status"}),
        length=len(message.text),
        account=message.account,
        owner="person" if echo else "",
        answer=echo or message.kind in ANSWERED,
        heard=message.kind in HEARD,
        at_once=message.kind == "button" or message.text.startswith("/"),
    )
    return conversation_id, stored


async def _apply(status: StatusUpdate, desks: dict[str, Desk], numbers: Numbers, *, simulated: bool) -> None:
    bot = numbers.bot_of(status.account, simulated)
    if bot is None:
        return
    desk = desks[bot.id]
    found = from_callback(status.callback) or await desk.conversations.reply_of(status.id, status.contact)
    if found is None:
        log.info("status_of_unknown_message", bot=bot.id, status=status.status)
        return
    conversation_id, reply_id = found
    state = f"failed {status.error_code} {status.error}".strip() if status.status == "failed" else status.status
    await desk.mailbox.status(conversation_id, status.account, reply_id, status.id, state)
    if status.status == "failed":
        await undelivered(desk, conversation_id, reply_id, status)


async def _prefer(preference: Preference, desks: dict[str, Desk], numbers: Numbers, *, simulated: bool) -> None:
    """A switch in WhatsApp is an opt-out like any other; somebody who never wrote becomes a contact with it."""
    bot = numbers.bot_of(preference.account, simulated)
    if bot is None:
        return
    desk = desks[bot.id]
    card = Message(
        id="preference",
        account=preference.account,
        kind="system",
        wa_id=preference.wa_id,
        user_id=preference.user_id,
    )
    conversation_id = await desk.conversations.identify(card)
    source = f"preference {preference.timestamp}"
    await consent.change(desk.redis, desk.conversations, conversation_id, preference.stopped, "preferences", source)


async def _quarantine(desk: Desk, piece: Quarantined) -> None:
    log.warning("quarantined", reason=piece.reason)
    await desk.conversations.quarantine(piece.reason, piece.piece)
