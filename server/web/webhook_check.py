"""Whether a provider's webhooks reach us: asked from outside, as the provider would ask."""

from __future__ import annotations

import secrets

import httpx
from pydantic import BaseModel

from server.config.settings import Settings

SECONDS = 5


class Reached(BaseModel):
    """`outside`: our address as others know it; `verified`: whether it answers Meta's verification request;
    `problem`: why not."""

    outside: str = ""
    verified: bool = False
    problem: str = ""


async def ask_webhook(settings: Settings, http: httpx.AsyncClient) -> Reached:
    """Ask our own webhook by its address outside ("Verification Requests", Meta's webhooks guide)."""
    outside = settings.outside_url
    if not outside:
        return Reached(problem="set PUBLIC_URL to the address that others reach this server at")
    if settings.whatsapp_webhook_verify_token is None:
        return Reached(
            outside=outside, problem="set WHATSAPP_WEBHOOK_VERIFY_TOKEN, and give Meta the same word"
        )
    challenge = secrets.token_hex(8)
    question = {
        "hub.mode": "subscribe",
        "hub.challenge": challenge,
        "hub.verify_token": settings.whatsapp_webhook_verify_token.get_secret_value(),
    }
    try:
        answer = await http.get(f"{outside}/webhook", params=question, timeout=SECONDS)
    except httpx.HTTPError as error:
        return Reached(outside=outside, problem=f"no answer ({type(error).__name__})")
    if answer.status_code != 200 or answer.text != challenge:
        return Reached(outside=outside, problem=f"HTTP {answer.status_code}, not what this server says")
    return Reached(outside=outside, verified=True)
