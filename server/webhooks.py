"""The wires' webhooks: authenticate the raw bytes, store every piece, then say 200."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from server.lines import Door
from server.receiving import receive
from server.roster import Roster
from server.settings import Settings

# Meta's webhook bodies have at most 3 MB (webhooks overview); others carry whole files.
LARGEST_BODY, LARGEST_FILE_BODY = 4 * 1024 * 1024, 25 * 1024 * 1024

log = structlog.get_logger()


Receive = Callable[[Request], Awaitable[Response]]


def router(settings: Settings, roster: Roster, receive_cloud: Receive) -> APIRouter:
    """GET and POST /webhook, and those of the other channels."""
    routes = APIRouter(tags=["wires"])
    verify = settings.whatsapp_webhook_verify_token

    @routes.get("/webhook", response_class=PlainTextResponse, summary="Verification handshake")
    async def handshake(request: Request) -> Response:
        asked = request.query_params
        given = asked.get("hub.verify_token", "").encode("utf-8", "replace")
        if (
            verify
            and asked.get("hub.mode") == "subscribe"
            and hmac.compare_digest(given, verify.get_secret_value().encode())
        ):
            return PlainTextResponse(asked.get("hub.challenge", ""))
        return PlainTextResponse("wrong or missing verify token", 403)

    routes.add_api_route(
        "/webhook", receive_cloud, methods=["POST"], summary="Messages and statuses", response_model=None
    )

    @routes.post("/webhook/waha", summary="Events of QR-linked sessions", response_model=None)
    async def waha(request: Request) -> Response:
        await roster.ready()
        body = await _body(request, LARGEST_FILE_BODY)
        door = roster.numbers.door("waha", body, request.headers) if body is not None else None
        return await _stored(roster, "waha", body, door)

    @routes.post(
        "/webhook/{channel}/{bot_id}/{secret}",
        summary="Messages of a channel whose secret stands in the address, such as wappi",
        response_model=None,
    )
    async def by_path(channel: str, bot_id: str, secret: str, request: Request) -> Response:
        await roster.ready()
        body = await _body(request, LARGEST_FILE_BODY)
        door = roster.numbers.door_at(channel, bot_id, secret, body, request.headers) if body is not None else None
        return await _stored(roster, channel, body, door)

    return routes


def cloud_receiver(roster: Roster) -> Receive:
    """What takes a webhook of the Cloud API: 200 once all of it is stored."""

    async def take(request: Request) -> Response:
        await roster.ready()
        body = await _body(request, LARGEST_BODY)
        door = roster.numbers.door("cloud_api", body, request.headers) if body is not None else None
        return await _stored(roster, "cloud_api", body, door)

    return take


async def _stored(roster: Roster, channel: str, body: bytes | None, door: Door | None) -> Response:
    if body is None:
        return PlainTextResponse("too large", 413)
    if door is None:
        log.warning("webhook_rejected", channel=channel, reason="signature")
        return PlainTextResponse("wrong or missing signature", 403)
    try:
        parsed = door.channel.parse(body)
    except ValueError:
        return PlainTextResponse("not a JSON object", 400)
    await receive(parsed, door, roster)
    return PlainTextResponse("ok")


async def _body(request: Request, most: int) -> bytes | None:
    """The raw body, None when it is larger than any real webhook."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)
