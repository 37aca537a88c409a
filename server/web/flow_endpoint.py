"""The data endpoint of WhatsApp Flows: authenticate the raw bytes, open them with our key, answer sealed.

Meta's words for what goes wrong are HTTP statuses ("Implementing endpoints for Flows", "Endpoint response
codes"): 421 when our key does not open a request (the phone fetches our public key anew), 427 when a form is
no longer valid (the body says why), 432 when its signature is wrong: that of the bytes, or that of the form's
token, which version 4.0 of the data API sends along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response

from channels.cloud_api import CloudApi
from channels.flows.sealed import Misshapen, NotForUs, unseal
from channels.flows.token_signature import BadTokenSignature, check_token_signature
from channels.json_parts import clean_text
from server.api.common import Here
from server.bots.routing import WebhookScope
from server.config.settings import Settings
from server.outreach.booking_form import OldForm, answer_form

UNREADABLE, OLD, UNSIGNED = 421, 427, 432
_SIGNED = re.compile(r"sha256=[0-9a-f]{64}")
_PATH = re.compile(r"/flows/[a-z0-9][a-z0-9_-]{0,47}")

log = structlog.get_logger()
routes = APIRouter(tags=["webhooks"], default_response_class=PlainTextResponse)


def admit_form(settings: Settings, request: Request) -> None:
    """Raises HTTPException for what cannot be a call of the endpoint, before its body is read."""
    if request.method != "POST" or not _PATH.fullmatch(request.scope["path"]):
        raise HTTPException(404, "there is nothing here")
    if settings.flow_private_key is None:
        raise HTTPException(404, "there is no data endpoint: set WHATSAPP_FLOWS_KEY_FILE")
    if not _SIGNED.fullmatch(request.headers.get("x-hub-signature-256", "")):
        raise _unsigned()


@routes.post(
    "/flows/{bot_id}",
    summary="Data endpoint of a bot's Flows",
    response_model=None,
    responses={
        "4XX": {"description": "421: our key does not open it; 427: the form is old; 432: a wrong signature"}
    },
)
async def answer_flow(api: Here, bot_id: str, request: Request) -> Response:
    """What a screen of a Flow asks, answered within Meta's time limit: nothing is asked of a model here."""
    await api.registry.ready()
    body = await request.body()
    scope = api.router.scope("cloud_api", body, request.headers)
    reached = [*scope.bots.values(), *([scope.rest] if scope.rest else [])] if scope else []
    key: RSAPrivateKey | None = api.settings.flow_private_key
    if bot_id not in {bot.id for bot in reached} or key is None:
        refused = _unsigned()
        return PlainTextResponse(refused.detail, refused.status_code)
    try:
        opened = unseal(body, key)
    except NotForUs as error:
        log.warning("form_not_opened", bot=bot_id, reason=str(error))
        return PlainTextResponse("the key does not open it", UNREADABLE)
    except Misshapen as error:
        log.warning("form_not_opened", bot=bot_id, reason=str(error))
        return PlainTextResponse("not a request of the data endpoint", 400)
    if not _is_of_its_token(scope, opened.said):
        log.warning("webhook_rejected", channel="flows", reason="flow_token_signature")
        return PlainTextResponse("the signature of the form's token is wrong", UNSIGNED)
    try:
        answer = await answer_form(api.appointments, api.registry[bot_id], opened.said)
    except OldForm as error:
        log.info("form_old", bot=bot_id)
        return PlainTextResponse(opened.sealed({"error_msg": error.told}), OLD)
    return PlainTextResponse(opened.sealed(answer))


def _is_of_its_token(scope: WebhookScope | None, said: Mapping[str, Any]) -> bool:
    """Whether the signature of the token is Meta's, where there is one: calls of version 3.0 have none."""
    signature = said.get("flow_token_signature")
    if signature is None or scope is None or not isinstance(scope.channel, CloudApi):
        return signature is None
    secret = scope.channel.credentials.app_secret.get_secret_value()
    try:
        check_token_signature(signature, clean_text(said.get("flow_token")), secret)
    except BadTokenSignature:
        return False
    return True


def _unsigned() -> HTTPException:
    log.warning("webhook_rejected", channel="flows", reason="signature")
    return HTTPException(UNSIGNED, "wrong or missing signature")
