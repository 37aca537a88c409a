"""Who may do what: operators by token, by login, or by a link that was printed on this machine; nobody for
want of a proof.

{*}:session:DIGEST   STRING   JSON of a `Session`, under the SHA-256 of what the cookie holds
{*}:link:DIGEST      STRING   a link that logs one browser in, once
{*}:wrong:ADDRESS    STRING   wrong tokens from an address in the last 15 minutes, at logins and in headers;
                     `all`: from all
"""

from __future__ import annotations

import hmac
import secrets

from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError

from server.config.exposure import UNGUESSABLE
from server.config.settings import Settings
from server.operators import tokens
from server.operators.roles import Roles
from server.operators.tokens import MASTER, Operator
from server.store.client import Redis
from server.store.keys import SHARED, digest, key

COOKIE = "salesgraph_session"
# A login lasts so long, and a link that logs in waits so long to be opened, seconds.
LASTS, LINK_SECONDS = 30 * 86_400, 86_400
# So many wrong tokens from one address (from all of them) in so many seconds, and it has to wait.
TRIES, TRIES_OF_ALL, AGAIN_AFTER = 10, 1_000, 900
READS = ("GET", "HEAD", "OPTIONS")


class Session(BaseModel):
    """A login. `token`: the digest of the token it was made with; `csrf`: what a page must repeat to change
    anything."""

    token: str
    csrf: str


class TooMany(Exception):
    """Too many wrong tokens from one address."""


class Access:
    """Decides who is let in, for API and pages."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings, self._redis = settings, redis
        # Of the API's routes, once they are there.
        self.roles: Roles | None = None

    async def operator(self, request: Request) -> Operator | None:
        """Who sends the request: by the token in its header, else by the cookie of a login. Raises
        HTTPException 429 for an address that has guessed too often."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._of_header(token.strip(), client_address(request))
        session = await self.session(request)
        return await self._of_session(session) if session else None

    async def _of_header(self, token: str, address: str) -> Operator | None:
        operator = await self._of_token(token)
        if operator is not None and len(token) >= UNGUESSABLE:
            return operator
        if await self._braked(address) or (operator is None and not await self._may_err(address)):
            detail = f"too many wrong tokens from your address: try again in {AGAIN_AFTER // 60} minutes"
            raise HTTPException(429, detail, {"Retry-After": str(AGAIN_AFTER)})
        return operator

    async def _of_token(self, token: str) -> Operator | None:
        if token and hmac.compare_digest(tokens.digest_of(token), self._master_digest):
            return MASTER
        return await tokens.find_operator(self._redis, token)

    async def _of_session(self, session: Session) -> Operator | None:
        if hmac.compare_digest(session.token, self._master_digest):
            return MASTER
        return await tokens.of_digest(self._redis, session.token)

    @property
    def _master_digest(self) -> str:
        return tokens.digest_of(self._settings.operator_token)

    async def session(self, request: Request) -> Session | None:
        """The login a request's cookie stands for."""
        cookie = request.cookies.get(COOKIE, "")
        raw = await self._redis.get(_session_key(cookie)) if cookie else None
        try:
            return Session.model_validate_json(raw) if raw else None
        except ValidationError:  # not what we wrote: nobody's login
            return None

    async def log_in(self, token: str, address: str) -> tuple[Operator, str] | None:
        """Who has this token, and what their cookie holds; None for nobody's. Raises TooMany: never for a
        token that nobody guesses, so that a guesser behind the same proxy keeps nobody out."""
        operator = await self._of_token(token)
        if operator is None or len(token) < UNGUESSABLE:
            if await self._braked(address) or (operator is None and not await self._may_err(address)):
                raise TooMany
        return (operator, await self._cookie(tokens.digest_of(token))) if operator else None

    async def open_link(self, code: str) -> str | None:
        """What the cookie of whoever opens a printed link holds; None when it was opened before, or never
        printed."""
        known = await self._redis.getdel(_link_key(code))
        return await self._cookie(self._master_digest) if known else None

    async def _cookie(self, token_digest: str) -> str:
        cookie = secrets.token_urlsafe(32)
        session = Session(token=token_digest, csrf=secrets.token_urlsafe(32))
        await self._redis.set(_session_key(cookie), session.model_dump_json(), ex=LASTS)
        return cookie

    async def _braked(self, address: str) -> bool:
        mine, all_of_them = await self._redis.mget(_wrong_key(address), key(SHARED, "wrong", "all"))
        return int(mine or 0) >= TRIES or int(all_of_them or 0) >= TRIES_OF_ALL

    async def _may_err(self, address: str) -> bool:
        """Count a wrong token; False when the address has had its tries."""
        counters = (_wrong_key(address), key(SHARED, "wrong", "all"))
        async with self._redis.pipeline(transaction=True) as pipe:
            for name in counters:
                pipe.set(name, 0, ex=AGAIN_AFTER, nx=True)
                pipe.incr(name)
            _, mine, _, _ = await pipe.execute()
        return mine <= TRIES

    async def log_out(self, request: Request) -> None:
        """End the login of a request."""
        if cookie := request.cookies.get(COOKIE):
            await self._redis.delete(_session_key(cookie))

    async def require(self, request: Request) -> Operator:
        """Let the request do what its operator may. Raises HTTPException: 401 for nobody, 403 for what is not
        theirs to do, or for a page of somebody else's that borrows the cookie."""
        operator = await self.operator(request)
        if operator is None:
            raise HTTPException(
                401, "send the header Authorization: Bearer API_TOKEN", {"WWW-Authenticate": "Bearer"}
            )
        if self.roles is None:
            raise RuntimeError("the roles of the routes are not known yet")
        if not self.roles.allow(operator.role, request.method, request.url.path):
            raise HTTPException(403, f"the role {operator.role} does not allow this; ask an owner")
        await self.require_ours(request)
        tokens.who.set(operator)
        request.scope["operator"] = operator
        return operator

    async def require_ours(self, request: Request) -> None:
        """Raises HTTPException 403 for a change that comes with a cookie and not from a page of ours."""
        bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
        if request.method not in READS and not bearer:
            await self.require_page(request, request.headers.get("x-csrf-token", ""))

    async def require_page(self, request: Request, csrf: str) -> None:
        """Raises HTTPException 403 unless a change that comes with a cookie comes from a page of ours."""
        session = await self.session(request)
        if session is None or not hmac.compare_digest(session.csrf.encode(), csrf.encode("utf-8", "replace")):
            raise HTTPException(403, "X-CSRF-Token: repeat the token of the page, or log in again")


async def login_link(settings: Settings, redis: Redis) -> str:
    """An address that logs one browser in as the owner, once, within a day. Whoever can ask for it here, on
    this machine, could read API_TOKEN as well."""
    code = secrets.token_urlsafe(24)
    await redis.set(_link_key(code), 1, ex=LINK_SECONDS)
    return f"{settings.loopback_url}/login/{code}"


def client_address(request: Request) -> str:
    """Where a request comes from, as far as the proxies that are trusted (FORWARDED_ALLOW_IPS) tell."""
    return request.client.host if request.client else ""


def _session_key(cookie: str) -> str:
    return key(SHARED, "session", tokens.digest_of(cookie))


def _link_key(code: str) -> str:
    return key(SHARED, "link", tokens.digest_of(code))


def _wrong_key(address: str) -> str:
    return key(SHARED, "wrong", digest(address))
