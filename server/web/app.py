"""The web process: webhooks, operator API, pages, health."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import structlog
from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from server.api.common import Api, ProblemDetails
from server.api.router import roles, router
from server.background import running
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.config.settings import Settings
from server.http_client import http_client
from server.observability.redis_fitness import Judge
from server.operators.change_feed import Feed
from server.operators.knowledge.refresh import keep_refreshing
from server.operators.login import Access
from server.orders.book import OrderBook
from server.orders.paying import Cashier
from server.store.client import Redis
from server.web import dashboard, flow_endpoint, open_routes, pages, provider_webhooks, refusals, simulator
from server.web.guard import Guard
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
    phones = simulator.emulators(settings, registry) if settings.simulates else {}
    changes, stopping, access = Feed(redis), asyncio.Event(), Access(settings, redis)
    judge = Judge(settings, redis)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with (
            running(
                registry.keep_fresh,
                changes.listen,
                judge.keep_looking,
                partial(app.state.api.search_index.keep_up, registry, registry.ready),
                partial(keep_refreshing, settings, redis, app.state.api.shelf, registry),
            ),
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
    cashier = Cashier(settings, redis, client, OrderBook(redis), registry.router)
    app.include_router(provider_webhooks.router(settings, registry, receive, cashier))
    app.state.api = Api.over(settings, redis, registry, access, changes, stopping)
    access.roles = roles()
    app.state.judge = judge
    for routes in (router, open_routes.routes, pages.routes, flow_endpoint.routes):
        app.include_router(routes)
    app.include_router(dashboard.router(settings, redis, registry, access, pages.TEMPLATES, client))
    for path, emulator in phones.items():
        app.mount(path, emulator.app)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))

    refusals.put_up(app)
    _describe_problems(app)

    async def admit(request: Request) -> None:
        """Who may speak, by path and headers. Raises HTTPException."""
        path = request.scope["path"]
        if path.startswith("/api/"):
            await access.require(request)
        elif path.startswith("/webhook"):
            if judge.refused and request.method == "POST":
                raise HTTPException(503, "this Redis may lose what it takes: try again later")
            await provider_webhooks.admit_webhook(registry, request)
        elif path.startswith("/flows/"):
            flow_endpoint.admit_form(settings, request)
        elif path.startswith("/simulator/"):
            await simulator.admit_player(settings, access, request)

    return Guard(app, receive, admit, refusals.no_redis, stopping)


def _describe_problems(app: FastAPI) -> None:
    """Put the form of every refusal into the description of the API."""
    described = app.openapi

    def with_problems() -> dict[str, Any]:
        found = described()
        found["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
        return found

    app.openapi = with_problems
