"""Who may do what: operators by token or login; the simulator on this machine without one.

{*}:session:DIGEST   STRING   JSON of a `Session`, under the SHA-256 of what the cookie holds
{*}:logins:ADDRESS   STRING   wrong tokens from an address in the last 15 minutes
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request
from pydantic import BaseModel
from redis.asyncio import Redis

from server import tokens
from server.keys import SHARED, digest, key
from server.settings import Settings
from server.tokens import MASTER, Operator

COOKIE = "salesgraph_session"
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "x-forwarded-host")
# A login lasts so long, seconds.
LASTS = 30 * 86_400
# So many wrong tokens from one address in so many seconds, and it has to wait.
TRIES, AGAIN_AFTER = 10, 900
READS = ("GET", "HEAD", "OPTIONS")
# What an agent changes: conversations and what comes of them. Everything else is an owner's.
AGENTS = re.compile(
    r"^/api/(conversations(/|$)|contacts/[^/]+(/consent)?$|follow-ups/|calls/|dead-letters/|messages$|generate$|knowledge/search$)"
)
AGENTS_NOT = re.compile(r"^DELETE /api/contacts/")
# What only an owner reads.
OWNERS = re.compile(r"^/api/(tokens|audit|hooks)")


class Session(BaseModel):
    """A login. `token`: the digest of the token it was made with; `csrf`: what a page must repeat to change anything."""

    token: str
    csrf: str


class TooMany(Exception):
    """Too many wrong tokens from one address."""


class Access:
    """The door, for API and pages."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings, self._redis = settings, redis

    async def operator(self, request: Request) -> Operator | None:
        """Who sends the request: by the token in its header, else by the cookie of a login."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._of_token(token.strip())
        session = await self.session(request)
        return await self._of_session(session) if session else None

    async def _of_token(self, token: str) -> Operator | None:
        if token and hmac.compare_digest(tokens.digest_of(token), tokens.digest_of(self._settings.operator_token)):
            return MASTER
        return await tokens.find(self._redis, token)

    async def _of_session(self, session: Session) -> Operator | None:
        if hmac.compare_digest(session.token, tokens.digest_of(self._settings.operator_token)):
            return MASTER
        return await tokens.of_digest(self._redis, session.token)

    async def session(self, request: Request) -> Session | None:
        """The login a request's cookie stands for."""
        cookie = request.cookies.get(COOKIE, "")
        raw: Any = await self._redis.get(_session_key(cookie)) if cookie else None
        return Session.model_validate_json(raw) if raw else None

    async def log_in(self, token: str, address: str) -> tuple[Operator, str] | None:
        """Who has this token, and what their cookie holds; None for nobody's. Raises TooMany."""
        tries = key(SHARED, "logins", digest(address))
        if int(await self._redis.get(tries) or 0) >= TRIES:
            raise TooMany
        operator = await self._of_token(token)
        if operator is None:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incr(tries)
                pipe.expire(tries, AGAIN_AFTER)
                await pipe.execute()
            return None
        cookie = secrets.token_urlsafe(32)
        session = Session(token=tokens.digest_of(token), csrf=secrets.token_urlsafe(32))
        await self._redis.set(_session_key(cookie), session.model_dump_json(), ex=LASTS)
        return operator, cookie

    async def log_out(self, request: Request) -> None:
        """End the login of a request."""
        if cookie := request.cookies.get(COOKIE):
            await self._redis.delete(_session_key(cookie))

    async def require(self, request: Request) -> Operator:
        """Let the request do what its operator may. Raises HTTPException: 401 for nobody, 403 for what is not theirs to do, or
        for a page of somebody else's that borrows the cookie."""
        operator = await self.operator(request)
        if operator is None:
            raise HTTPException(401, "send the header Authorization: Bearer API_TOKEN", {"WWW-Authenticate": "Bearer"})
        path = request.url.path
        if operator.role != "owner":
            changes = request.method not in READS
            agents = (
                operator.role == "agent" and AGENTS.match(path) and not AGENTS_NOT.match(f"{request.method} {path}")
            )
            if (changes and not agents) or (not changes and OWNERS.match(path)):
                raise HTTPException(403, f"the role {operator.role} does not allow this; ask an owner")
        bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
        if request.method not in READS and not bearer:
            await self.require_page(request, request.headers.get("x-csrf-token", ""))
        tokens.who.set(operator)
        return operator

    async def require_page(self, request: Request, csrf: str) -> None:
        """Raises HTTPException 403 unless a change that comes with a cookie comes from a page of ours."""
        session = await self.session(request)
        if session is None or not hmac.compare_digest(session.csrf.encode(), csrf.encode("utf-8", "replace")):
            raise HTTPException(403, "X-CSRF-Token: repeat the token of the page, or log in again")


def _session_key(cookie: str) -> str:
    return key(SHARED, "session", tokens.digest_of(cookie))


def exposed(settings: Settings) -> str:
    """Why the web server must not listen where HOST says, or nothing: whoever can read a made-up token would own it."""
    path: Path = settings.data_dir / "api_token"
    if settings.api_token or _loopback(settings.host) or not path.exists() or not path.stat().st_mode & 0o077:
        return ""
    return f"HOST: {settings.host} is reachable by others, and so is {path}; run: chmod 600 {path} (or set API_TOKEN)"


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
