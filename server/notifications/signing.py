"""What outgoing webhooks and notices are signed with."""

from __future__ import annotations

import hashlib
import hmac

from server.config.settings import Settings


def secret_of(settings: Settings, hook_id: str) -> str:
    """What a webhook's deliveries are signed with: made from SECRETS_KEY, kept nowhere."""
    return hmac.new(settings.sealing_key.encode(), f"hook {hook_id}".encode(), hashlib.sha256).hexdigest()


def operator_secret(settings: Settings, bot_id: str) -> str:
    """What notices to OPERATOR_WEBHOOK_URL are signed with: OPERATOR_WEBHOOK_SECRET, else one made for the
    bot, which opens nothing (`GET /api/bots/{bot_id}/operator-webhook` shows it)."""
    if given := settings.operator_webhook_secret:
        return given.get_secret_value()
    return secret_of(settings, f"operator of {bot_id}")


def sign_event(secret: str, at: int, body: bytes) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 over `SECONDS.` and the raw body, so that an old delivery cannot be
    sent again by others."""
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"
