"""The web process: webhooks, operator API, pages, health."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from channels.emulators.cloud_api import CloudApiEmulator
from server import alerts, api, pages, webhooks
from server.access import is_local, is_operator
from server.bots import Numbers, bots, desks
from server.calls import Calls, feed, feed_secret
from server.http_client import http_client
from server.settings import Settings
from server.spending import Spending

SIMULATOR = "/simulator/cloud-api"

log = structlog.get_logger()


def http_timeout(settings: Settings) -> httpx.Timeout:
    """For requests to a provider: given up well before a send without an answer is looked at again."""
    return httpx.Timeout(min(10, settings.send_grace_seconds / 2), connect=min(4, settings.send_grace_seconds / 2))


class Entrance:
    """The application with its one busy route in front: FastAPI's way to a handler costs as much as taking a message."""

    def __init__(self, app: FastAPI, receive: webhooks.Receive) -> None:
        self.app, self._receive = app, receive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/webhook" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        try:
            answer = await self._receive(Request(scope, receive))
        except (RedisError, ConnectionError) as error:
            answer = _no_redis("/webhook", error)
        except ClientDisconnect:
            return
        await answer(scope, receive, send)


def create(settings: Settings, redis: Redis) -> Entrance:
    """The application over a Redis client, which the caller closes."""
    all_desks = desks(settings, redis)
    client = http_client(http_timeout(settings))
    numbers = Numbers(settings, client, bots(settings))
    emulator = CloudApiEmulator(
        f"{settings.loopback_url}/webhook",
        settings.simulator_secret,
        settings.simulator_secret,
        journal=settings.data_dir / "simulator.jsonl",
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await emulator.close()
        await client.aclose()

    app = FastAPI(
        title="Salesgraph",
        version="1",
        lifespan=lifespan,
        description="A WhatsApp sales agent that a business runs itself.",
        docs_url=None,
        redoc_url=None,
    )
    receive = webhooks.receiver(settings, all_desks, numbers)
    app.include_router(webhooks.router(settings, receive))
    app.include_router(api.router(settings, redis, all_desks, numbers))
    app.include_router(pages.router(settings, redis, all_desks))
    app.mount(SIMULATOR, _guarded(settings, emulator.app))
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))

    @app.get("/health", tags=["open"], summary="Whether the service works")
    async def health() -> Response:
        try:
            await redis.ping()  # pyright: ignore[reportGeneralTypeIssues]
        except (RedisError, OSError):
            return JSONResponse({"status": "unavailable", "redis": "unreachable"}, 503)
        return JSONResponse({"status": "ok", "redis": "ok", "model": settings.model_name})

    @app.get("/calendar/{bot_id}/{secret}.ics", tags=["open"], summary="Scheduled calls for the operator's calendar")
    async def calendar(bot_id: str, secret: str) -> Response:
        known = all_desks.get(bot_id)
        if known is None or not hmac.compare_digest(feed_secret(settings.operator_token, bot_id), secret):
            raise HTTPException(404, "there is no calendar at this address")
        return Response(feed(known.bot, await Calls(redis).coming(bot_id)), media_type="text/calendar")

    @app.get("/metrics", tags=["open"], summary="Prometheus metrics")
    async def metrics() -> Response:
        registry = CollectorRegistry()
        conversations = Gauge("salesgraph_conversations", "Conversations", ["bot"], registry=registry)
        waiting = Gauge("salesgraph_waiting", "Conversations due or in hand", ["bot"], registry=registry)
        dead = Gauge("salesgraph_dead_letters", "Turns given up on", ["bot"], registry=registry)
        paused = Gauge(
            "salesgraph_paused", "1 while the provider takes nothing from the bot", ["bot"], registry=registry
        )
        spent = Gauge(
            "salesgraph_spent_today",
            "Model calls, tokens and US dollars since midnight",
            ["bot", "what"],
            registry=registry,
        )
        alerted = Gauge("salesgraph_alerts", "Alerts that are not over", registry=registry)
        spending = Spending(settings, redis)
        for bot_id, desk in all_desks.items():
            paused.labels(bot_id).set(bool(await desk.mailbox.paused(desk.bot.account)))
            conversations.labels(bot_id).set(await desk.conversations.count())
            waiting.labels(bot_id).set(await desk.mailbox.backlog())
            dead.labels(bot_id).set(len(await desk.mailbox.dead_letters()))
            today = await spending.of(bot_id)
            for what in ("calls", "input_tokens", "output_tokens", "cost"):
                spent.labels(bot_id, what).set(today[what])
        alerted.set(len(await alerts.all_alerts(redis)))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.exception_handler(RedisError)
    @app.exception_handler(ConnectionError)
    async def no_redis(request: Request, error: Exception) -> Response:
        return _no_redis(request.url.path, error)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return _problem(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()]
        return _problem(422, "; ".join(f"{e['field']}: {e['problem']}" for e in errors), errors=errors)

    return Entrance(app, receive)


def _no_redis(path: str, error: Exception) -> Response:
    log.error("redis_unreachable", path=path, error=repr(error)[:200])
    return PlainTextResponse("try again later", 503) if path == "/webhook" else _problem(503, "Redis is unreachable")


def _guarded(settings: Settings, phone: ASGIApp) -> ASGIApp:
    """The phone is for the people at this machine and for operators; its Graph side asks for a token itself."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        control = scope["type"] == "http" and request.url.path.startswith(f"{SIMULATOR}/_control")
        foreign = request.headers.get("origin") not in (None, f"{request.url.scheme}://{request.url.netloc}")
        if control and (foreign or not (is_local(request) or is_operator(settings, request))):
            await _problem(403, "the simulator is open to this machine and to operators")(scope, receive, send)
        else:
            await phone(scope, receive, send)

    return guard


def _problem(status: int, detail: str, headers: Any = None, **more: Any) -> Response:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers, media_type="application/problem+json")
