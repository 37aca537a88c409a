"""The wires' webhooks: authenticate the raw bytes, store every piece, then say 200."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response

from server.bots.accounts import DEFAULT
from server.bots.registry import BotRegistry
from server.bots.routing import WebhookScope
from server.config.settings import Settings
from server.orders.paying import Cashier, stripe_of
from server.orders.payment.contract import NotGenuine
from server.orders.reports import keep_reports
from server.pipeline.intake import receive
from server.store.wire.confirming import outlives

# The header that holds a wire's signature, by what follows /webhook/ ("Validating payloads", Meta;
# "Webhooks", WAHA).
SIGNED = {
    "": ("x-hub-signature-256", r"sha256=[0-9a-f]{64}"),
    "waha": ("x-webhook-hmac", r"[0-9a-fA-F]{128}"),
    "stripe": ("stripe-signature", r"[\w=,]{20,2000}"),
}

log = structlog.get_logger()


Receive = Callable[[Request], Awaitable[Response]]


def router(settings: Settings, registry: BotRegistry, receive_cloud: Receive, cashier: Cashier) -> APIRouter:
    """GET and POST /webhook, those of the other channels, and that of payments."""
    routes = APIRouter(tags=["webhooks"], default_response_class=PlainTextResponse)
    verify = settings.whatsapp_webhook_verify_token

    @routes.get("/webhook", summary="Verification handshake")
    async def verify_webhook(request: Request) -> Response:
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
        "/webhook",
        receive_cloud,
        methods=["POST"],
        name="receive_cloud_api",
        summary="Messages and statuses",
        response_model=None,
    )

    @routes.post("/webhook/waha", summary="Events of QR-linked sessions", response_model=None)
    async def receive_waha(request: Request) -> Response:
        await registry.ready()
        body = await request.body()
        return await _stored(registry, "waha", body, registry.router.scope("waha", body, request.headers))

    @routes.post(
        "/webhook/stripe/{bot_id}",
        summary="Payments at Stripe",
        response_model=None,
        responses={"4XX": {"description": "A bot that is not paid there, or a wrong or old signature"}},
    )
    async def receive_stripe(bot_id: str, request: Request) -> Response:
        await registry.ready()
        runtime = registry.get(bot_id)
        elsewhere = HTTPException(404, "orders of this bot are not paid at Stripe")
        if runtime is None:
            raise elsewhere
        try:
            notice = stripe_of(settings, cashier.http, bot_id).verify(
                await request.body(), request.headers, time.time()
            )
        except NotGenuine as error:
            log.warning("webhook_rejected", channel="stripe", reason=str(error))
            raise HTTPException(403, str(error)) from None
        outcome = await cashier.settle(runtime, notice) if notice else "ignored"
        # an order may be paid on a page of before its owner has set another way
        if outcome == "unknown" and runtime.bot.context.orders.payment.way != "stripe":
            raise elsewhere
        return PlainTextResponse(outcome)

    @routes.post(
        "/webhook/{channel}/{bot_id}/{secret}",
        summary="Messages of a channel whose secret stands in the address, such as wappi",
        response_model=None,
        responses={"4XX": {"description": "No such address, a wrong signature, or no JSON object"}},
    )
    async def receive_by_address(channel: str, bot_id: str, secret: str, request: Request) -> Response:
        await registry.ready()
        body = await request.body()
        scope = registry.router.scope_at(channel, bot_id, secret, body, request.headers)
        return await _stored(registry, channel, body, scope)

    return routes


def cloud_receiver(registry: BotRegistry) -> Receive:
    """What takes a webhook of the Cloud API: 200 once all of it is stored."""

    async def take(request: Request) -> Response:
        await registry.ready()
        body = await request.body()
        return await _stored(
            registry, "cloud_api", body, registry.router.scope("cloud_api", body, request.headers)
        )

    return take


async def admit_webhook(registry: BotRegistry, request: Request) -> None:
    """Raises HTTPException 403 for what carries no signature, or the secret of nobody's address, before its
    body is read."""
    _, first, *parts = request.scope["path"].split("/")
    if request.method != "POST" or first != "webhook":
        return
    place, *rest = parts or [""]
    if name := SIGNED.get(place):
        if not re.fullmatch(name[1], request.headers.get(name[0], "")):
            raise _rejected(place or "cloud_api")
        return
    await registry.ready()
    if len(rest) != 2 or not registry.router.is_address(place, *rest):
        raise _rejected(place)


def _rejected(channel: str) -> HTTPException:
    log.warning("webhook_rejected", channel=channel, reason="signature")
    return HTTPException(403, "wrong or missing signature")


async def _stored(registry: BotRegistry, channel: str, body: bytes, scope: WebhookScope | None) -> Response:
    if scope is None:
        raise _rejected(channel)
    try:
        parsed = scope.channel.parse(body)
    except ValueError:
        return PlainTextResponse("not a JSON object", 400)
    try:
        await receive(parsed, scope, registry)
    finally:
        await keep_reports(registry[DEFAULT].redis, scope, parsed.payments)
    for bot_id in {bot.id for bot in scope.bots.values()} | {DEFAULT} if parsed.besides else ():
        await outlives(registry[DEFAULT].redis, bot_id)
    return PlainTextResponse("ok")
