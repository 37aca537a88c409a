"""The web process: webhooks, operator API, pages, health."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from server.api.common import Api, ProblemDetails, fails, files
from server.api.router import roles, router
from server.background import running
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter, NotReady
from server.clock import now_ms
from server.config.addresses import hidden
from server.config.settings import Settings
from server.http_client import http_client
from server.observability import redis_fitness as fitness
from server.observability.redis_fitness import Judge
from server.operators import metrics, tokens
from server.operators.change_feed import Feed
from server.operators.login import Access
from server.outreach.appointments import Appointments, feed
from server.web import dashboard, pages, provider_webhooks, simulator
from server.web.guard import Guard
from server.web.health import Health, Unavailable
from server.web.problem_details import problem
from tools._mcp import connected

log = structlog.get_logger()


def http_timeout(settings: Settings) -> httpx.Timeout:
    """For requests to a provider: given up well before a send without an answer is looked at again."""
    return httpx.Timeout(
        min(10, settings.send_grace_seconds / 2), connect=min(4, settings.send_grace_seconds / 2)
    )


def create(settings: Settings, redis: Redis) -> Guard:
    """The application over a Redis client, which the caller closes."""
    client = http_client(http_timeout(settings))
    registry = BotRegistry(settings, redis, ChannelRouter(settings, client, []))
    phones = simulator.emulators(settings) if settings.simulates else {}
    changes, stopping, access = Feed(redis), asyncio.Event(), Access(settings, redis)
    judge = Judge(settings, redis)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            running(registry.keep_fresh, changes.listen, judge.keep_looking),
            connected(settings.mcp_file),
        ):
            yield
        for emulator in phones.values():
            await emulator.close()
        await client.aclose()

    app = FastAPI(
        title="Salesgraph",
        version="1",
        lifespan=lifespan,
        description="A WhatsApp sales agent that a business runs itself.",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # what a generated client calls it
    )
    receive = provider_webhooks.cloud_receiver(registry)
    app.include_router(provider_webhooks.router(settings, registry, receive))
    app.state.api = Api.over(settings, redis, registry, access, changes, stopping)
    access.roles = roles()
    app.include_router(router)
    templates = pages.Guarded(Path(__file__).parent / "templates")
    app.include_router(pages.router(settings, redis, registry, access, templates))
    app.include_router(dashboard.router(settings, redis, registry, access, templates, client))
    for path, emulator in phones.items():
        app.mount(path, emulator.app)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))

    @app.get(
        "/health",
        tags=["service"],
        summary="Whether the service works",
        response_model=Health,
        responses={503: {"model": Unavailable, "description": "Redis is gone, or refused"}},
    )
    async def get_health() -> Health | Response:
        """Writes to Redis, since reading also works where nothing can be accepted. `oldest_due_seconds`: for
        how long the conversation that waits longest for a worker has been due."""
        try:
            await fitness.write(redis, now_ms())
            oldest = await fitness.oldest_due(redis, list(registry), now_ms())
        except (RedisError, OSError) as error:
            log.error("redis_unreachable", error=hidden(repr(error))[:200])
            return JSONResponse(Unavailable(redis="takes no writes").model_dump(), 503)
        if judge.refused:
            refusal = Unavailable(redis="refused", warnings=list(judge.refused))
            return JSONResponse(refusal.model_dump(), 503)
        return Health(oldest_due_seconds=round(oldest, 1), warnings=list(judge.warned))

    @app.get(
        "/calendar/{bot_id}/{secret}.ics",
        tags=["service"],
        summary="Scheduled calls for the operator's calendar",
        response_class=Response,
        responses=files("text/calendar") | fails("4XX", "There is no calendar at this address"),
    )
    async def get_calendar(bot_id: str, secret: str) -> Response:
        known = registry.get(bot_id)
        if known is None or await tokens.of_feed(settings, redis, bot_id, secret) is None:
            raise HTTPException(404, "there is no calendar at this address")
        return Response(feed(known.bot, await Appointments(redis).coming(bot_id)), media_type="text/calendar")

    @app.get("/metrics", tags=["service"], summary="Prometheus metrics", response_class=PlainTextResponse)
    async def get_metrics(request: Request) -> Response:
        """All bots as one and no money, unless a token comes along: then each bot it opens."""
        measured = await metrics.registry(settings, redis, registry, await access.operator(request))
        return Response(generate_latest(measured), media_type=CONTENT_TYPE_LATEST)

    @app.exception_handler(RedisError)
    @app.exception_handler(ConnectionError)
    async def no_redis(request: Request, error: Exception) -> Response:
        route = request.scope.get("route")  # of an address that holds a secret, the log has the pattern only
        return _no_redis(getattr(route, "path", "") or "/", error)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code >= 400 and request.url.path.startswith("/dashboard"):
            found = {"status": error.status_code, "why": str(error.detail)}
            return templates.TemplateResponse(request, "wrong.html", found, status_code=error.status_code)
        return problem(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()]
        return problem(422, "; ".join(f"{e['field']}: {e['problem']}" for e in errors), errors=errors)

    described = app.openapi

    def with_problems() -> dict[str, Any]:
        found = described()
        found["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
        return found

    app.openapi = with_problems

    async def admit(request: Request) -> None:
        """Who may speak, by path and headers. Raises HTTPException."""
        path = request.scope["path"]
        if path.startswith("/api/"):
            await access.require(request)
        elif path.startswith("/webhook"):
            if judge.refused and request.method == "POST":
                raise HTTPException(503, "this Redis may lose what it takes: try again later")
            await provider_webhooks.admit(registry, request)
        elif path.startswith("/simulator/"):
            await simulator.admit(settings, access, request)

    return Guard(app, receive, admit, _no_redis, stopping)


def _no_redis(path: str, error: Exception) -> Response:
    event = "bot_not_ready" if isinstance(error, NotReady) else "redis_unreachable"
    log.error(event, path=path, error=repr(error)[:200])
    return (
        PlainTextResponse("try again later", 503)
        if path.startswith("/webhook")
        else problem(503, "Redis is unreachable")
    )
