"""Who may do what: operators by token or login; the simulator on this machine without one."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from fastapi import HTTPException, Request
from redis.asyncio import Redis

from server import tokens
from server.settings import Settings

COOKIE = "salesgraph_operator"
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "x-forwarded-host")


def session_value(settings: Settings) -> str:
    """What the cookie of a logged-in operator holds: proof of the token, not the token."""
    return hmac.new(settings.operator_token.encode(), b"operator session", hashlib.sha256).hexdigest()


def is_token(settings: Settings, given: str) -> bool:
    """Whether this is the operator token, compared in constant time."""
    return bool(given) and hmac.compare_digest(given.encode("utf-8", "replace"), settings.operator_token.encode())


def is_operator(settings: Settings, request: Request) -> bool:
    """Whether the request carries the token or the cookie of a login."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return is_token(settings, token.strip())
    cookie = request.cookies.get(COOKIE, "")
    return hmac.compare_digest(cookie.encode("utf-8", "replace"), session_value(settings).encode())


async def require_operator(settings: Settings, redis: Redis, request: Request) -> None:
    """Let the request see what its token opens: everything, or one bot. Raises 401 when it opens nothing."""
    if is_operator(settings, request):
        tokens.scope.set("")
        return
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    token = await tokens.find(redis, secret.strip()) if kind.lower() == "bearer" else None
    if token is None:
        raise HTTPException(401, "send the header Authorization: Bearer API_TOKEN", {"WWW-Authenticate": "Bearer"})
    tokens.scope.set(token.bot_id)


def is_local(request: Request) -> bool:
    """Whether a browser on this machine asks directly.

    A tunnel or proxy on this machine also connects from a loopback address, but names another host or says whom it
    forwards for; so does a page elsewhere that points its own name here.
    """
    if any(header in request.headers for header in FORWARDED):
        return False
    return _loopback(request.client.host if request.client else "") and _loopback(request.url.hostname or "")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
