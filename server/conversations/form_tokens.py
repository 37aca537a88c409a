"""The token of a form that goes out: it comes back with every call of the form's data endpoint, and says
which contact fills in which form. It names a conversation and is signed, so that nobody can make one for
another.

    form_key      STRING  what a bot's tokens are signed with
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from server.store.client import Redis
from server.store.keys import key

# Characters of the signature: 128 bits.
SIGNED = 32
_TOKEN = re.compile(r"([0-9a-f-]{36})\.([a-z][a-z0-9_]{0,39})\.([\w:-]{1,80})\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class FormToken:
    """Which form went out to whom: `reply_id` is the message that it was sent with."""

    conversation_id: str
    form: str
    reply_id: str


async def token_for(redis: Redis, bot_id: str, form: FormToken) -> str:
    """The token of a form, the same however often it is sent."""
    said = f"{form.conversation_id}.{form.form}.{form.reply_id}"
    return f"{said}.{_signed(await _key(redis, bot_id), said)}"


async def read_token(redis: Redis, bot_id: str, token: str) -> FormToken | None:
    """What a token says; None for one that this bot has not made."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    said = token.rpartition(".")[0]
    if not hmac.compare_digest(_signed(await _key(redis, bot_id), said), found[4]):
        return None
    return FormToken(found[1], found[2], found[3])


async def _key(redis: Redis, bot_id: str) -> bytes:
    """Kept with the data, so that whichever host is asked knows it."""
    name = key(bot_id, "form_key")
    known = await redis.get(name)
    if known is None:
        await redis.set(name, secrets.token_urlsafe(32), nx=True)
        known = await redis.get(name)
    if known is None:
        raise LookupError(f"{name}: it was written and is not there; look for what deletes keys")
    return known


def _signed(signing: bytes, said: str) -> str:
    return hmac.new(signing, said.encode(), hashlib.sha256).hexdigest()[:SIGNED]
