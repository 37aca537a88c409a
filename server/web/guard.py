"""In front of everything: who asks is known before a body is read, and no body is larger or slower than its
route takes.

FastAPI reads a body before it asks its dependencies, so what decides who may speak stands here. Behind it are
one busy route, POST /webhook, which goes around FastAPI (its way to a handler costs as much as taking a
message), and the application."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.operators.knowledge.documents import LARGEST_DOCUMENT
from server.web.problem_details import problem

# Meta's webhook bodies have at most 3 MB (webhooks overview); those of linked phones carry whole files.
LARGEST_BODY, LARGEST_FILE_BODY = 4 * 1024 * 1024, 25 * 1024 * 1024
# What a person or a program of theirs sends: JSON, a form, a document (with the frame of its form around it).
LARGEST_JSON, LARGEST_FORM, LARGEST_UPLOAD = 2 * 1024 * 1024, 16 * 1024, LARGEST_DOCUMENT + 1024 * 1024
# Of bodies whose sender is known only when they are here, so many bytes are held at once; more come again
# later.
HELD_UNPROVED = 64 * 1024 * 1024
# A body is here after so many seconds, plus one for every so many bytes its route takes.
BODY_SECONDS, BYTES_A_SECOND = 15.0, 512 * 1024
# A stream that stays open asks so often whether its reader may still read, seconds.
LOOK_AGAIN = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route takes: at most so many bytes; `proved` says that the sender is known before the body."""

    largest: int
    proved: bool = True

    @property
    def seconds(self) -> float:
        """How long its body may take."""
        return BODY_SECONDS + self.largest / BYTES_A_SECOND


# Lets a request in, or raises HTTPException.
Admit = Callable[[Request], Awaitable[None]]
Take = Callable[[Request], Awaitable[Response]]


class Guard:
    """The web application with its guard in front. `take` receives a webhook of the Cloud API; `admit`
    decides by path and headers who may speak; `unavailable` says what an unreachable Redis is answered
    with."""

    def __init__(
        self,
        app: ASGIApp,
        take: Take,
        admit: Admit,
        unavailable: Callable[[str, Exception], Response],
        stopping: asyncio.Event,
    ) -> None:
        self.app, self.stopping = app, stopping
        self._take, self._admit, self._unavailable = take, admit, unavailable
        self._held = 0
        self._unproved: dict[_Body, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, rule = Request(scope), rule_of(scope["method"], scope["path"])
        body = _Body(self, rule, receive)
        sent = _Sent(send)
        try:
            await self._admit(request)
            body.expect(request.headers)
            if scope["path"] == "/webhook" and scope["method"] == "POST":
                answer = await self._take(Request(scope, body.receive))
                await answer(scope, receive, sent)
            elif scope["path"].endswith("/events"):
                await self._watched(scope, body.receive, sent, request)
            else:
                await self.app(scope, body.receive, sent)
        except HTTPException as error:
            await self._answer(scope, receive, sent, _refusal(scope["path"], error))
        except (RedisError, ConnectionError) as error:
            # of an address that holds a secret, the log has its beginning only
            await self._answer(
                scope, receive, sent, self._unavailable("/".join(scope["path"].split("/")[:3]), error)
            )
        except ClientDisconnect:
            return
        finally:
            body.over()

    async def _answer(self, scope: Scope, receive: Receive, sent: _Sent, answer: Response) -> None:
        if not sent.begun:
            await answer(scope, receive, sent)

    async def _watched(self, scope: Scope, receive: Receive, sent: _Sent, request: Request) -> None:
        """A stream, ended when whoever reads it may not do so any more."""
        stream = asyncio.ensure_future(self.app(scope, receive, sent))
        try:
            while not stream.done():
                await asyncio.wait([stream], timeout=LOOK_AGAIN)
                if not stream.done():
                    with contextlib.suppress(RedisError, ConnectionError):  # nobody can tell just now
                        await self._admit(request)
        except HTTPException:
            log.info("stream_ended", reason="not allowed any more")
        finally:
            if not stream.done():
                stream.cancel()
                await asyncio.wait([stream])
                await sent.end()
        if not stream.cancelled():
            stream.result()

    def hold(self, body: _Body, size: int) -> None:
        """So many bytes more of a sender that nobody knows yet. Where there are too many, the body that takes
        longest gives way: a real webhook is here in a moment, and is sent again if it was not. Raises
        HTTPException 503 when none can."""
        self._unproved.setdefault(body)
        while self._held + size > HELD_UNPROVED:
            slowest = next((one for one in self._unproved if one is not body and one.coming), None)
            if slowest is None:
                raise _too_much()
            slowest.give_way()
        self._held += size

    def let_go(self, body: _Body, size: int) -> None:
        """The body is done with: so many bytes fewer."""
        self._unproved.pop(body, None)
        self._held -= size


class _Body:
    """A request's body, as its route takes it: counted while it comes, and not waited for for ever."""

    def __init__(self, guard: Guard, rule: Rule, receive: Receive) -> None:
        self._guard, self._rule, self._receive = guard, rule, receive
        self._read, self._held, self._whole = 0, 0, False
        self._gives_way = False
        self._waiting: asyncio.Timeout | None = None
        self._end = time.monotonic() + rule.seconds

    def expect(self, headers: Headers) -> None:
        """Raises HTTPException 413 for what says beforehand that it is too large."""
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self._rule.largest:
            raise self._too_large()

    def _too_large(self) -> HTTPException:
        return HTTPException(
            413, f"the body is larger than {self._rule.largest >> 10} KB, the most this address takes"
        )

    async def receive(self) -> Message:
        """What ASGI's `receive` gives. Raises HTTPException 413 and 408."""
        if self._whole:
            return await self._receive()
        self._waiting = asyncio.timeout(max(0.01, self._end - time.monotonic()))
        try:
            async with self._waiting:
                message = await self._receive()
        except TimeoutError:
            if self._gives_way:
                raise _too_much() from None
            raise HTTPException(408, "the body did not come in time", {"Connection": "close"}) from None
        if message["type"] == "http.disconnect":
            log.info("client_left")
            return message
        size = len(message.get("body", b""))
        self._read += size
        if self._read > self._rule.largest:
            raise self._too_large()
        if self._gives_way:
            raise _too_much()
        if not self._rule.proved:
            self._guard.hold(self, size)
            self._held += size
        self._whole = not message.get("more_body", False)
        return message

    @property
    def coming(self) -> bool:
        """Whether more of it is waited for."""
        return not self._whole

    def give_way(self) -> None:
        """Make room for another: what is here is dropped, and its sender told to come again."""
        self._gives_way = True
        self.over()
        if self._waiting:
            with contextlib.suppress(
                RuntimeError
            ):  # it is not waiting just now, and sees it when it next does
                self._waiting.reschedule(asyncio.get_running_loop().time())

    def over(self) -> None:
        """The request is answered."""
        self._guard.let_go(self, self._held)
        self._held = 0


class _Sent:
    """What has been answered so far."""

    def __init__(self, send: Send) -> None:
        self._send, self.begun, self._ended = send, False, False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        self._ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def end(self) -> None:
        """End an answer in the middle, in good order."""
        if self.begun and not self._ended:
            await self({"type": "http.response.body", "body": b"", "more_body": False})


_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = (
    (re.compile(r"POST /webhook$"), Rule(LARGEST_BODY, proved=False)),
    (re.compile(r"POST /webhook/"), Rule(LARGEST_FILE_BODY, proved=False)),
    (re.compile(r"POST /flows/"), Rule(LARGEST_JSON, proved=False)),
    (re.compile(r"POST /api/knowledge/documents$"), Rule(LARGEST_UPLOAD)),
    (re.compile(r"POST /api/conversations/[^/]+/attachments$"), Rule(LARGEST_FILE_BODY)),
    (re.compile(r"\w+ /api/"), Rule(LARGEST_JSON)),
    (re.compile(r"\w+ /simulator/"), Rule(LARGEST_FILE_BODY)),
)
_OTHERS = Rule(LARGEST_FORM)


def rule_of(method: str, path: str) -> Rule:
    """What a route takes."""
    return next((rule for pattern, rule in _RULES if pattern.match(f"{method} {path}")), _OTHERS)


def _too_much() -> HTTPException:
    return HTTPException(503, "too much at once: send it again", {"Retry-After": "2", "Connection": "close"})


def _refusal(path: str, error: HTTPException) -> Response:
    if path.startswith(("/webhook", "/flows/")):
        return PlainTextResponse(str(error.detail), error.status_code, error.headers)
    return problem(error.status_code, str(error.detail), error.headers)
