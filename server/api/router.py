"""The operator API: JSON, bearer token or login, problem details for errors (RFC 9457)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import Field
from redis.asyncio import Redis

from server.api import bots, conversations, knowledge, operations, outreach
from server.api.common import PROBLEMS, Body, Finding
from server.api.events import Feed
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.bots.registry import BotRegistry
from server.config.settings import Settings
from server.conversations.listing import Inbox
from server.observability.costs import Spending
from server.operators.audit import audited
from server.operators.login import Access
from server.operators.roles import AGENT, READER
from server.operators.tokens import Visible, who
from server.outreach.follow_ups import FollowUps
from server.pipeline.agents import Rehearsal, library
from server.store import alerts


class GenerateIn(Body):
    """What a contact might write."""

    text: str = Field(min_length=1, max_length=65_536, examples=["How much is the Aurora Duo?"])
    bot_id: str = DEFAULT


def router(
    settings: Settings, redis: Redis, registry: BotRegistry, access: Access, feed: Feed, stopping: asyncio.Event
) -> APIRouter:
    """Everything under /api. Its routes reach bots only through what whoever asks may see."""
    runtimes = Visible(registry)

    async def operator(request: Request, _: Annotated[Any, Depends(HTTPBearer(auto_error=False))]) -> None:
        if "operator" not in request.scope:  # `server.web.guard` asks before the body is read
            await access.require(request)
        await registry.ready()

    routes = APIRouter(
        prefix="/api",
        tags=["operator"],
        dependencies=[Depends(operator)],
        route_class=audited(redis),
        responses=PROBLEMS,
    )
    shelf, spending, follow_ups, inbox = (
        library(settings, redis),
        Spending(settings, redis),
        FollowUps(redis),
        Inbox(redis),
    )
    finding = Finding(redis, runtimes)
    rehearsals: list[Rehearsal] = []

    @routes.get("/stats", summary="Counts per bot", dependencies=[READER])
    async def stats() -> dict[str, Any]:
        """What there is just now; `GET /api/analytics` has the figures of a period."""

        async def row(d: BotRuntime) -> dict[str, Any]:
            return {
                "bot_id": d.bot.id,
                "conversations": await d.conversations.count(),
                "waiting": await d.mailbox.backlog(),
                "dead_letters": await d.dead_letters.count(),
                **(await inbox.counts([d], ("needs_person", "unread", "failed")))[d.bot.id],
                "paused": await d.mailbox.paused(d.bot.account) or None,
                "today": await spending.of(d.bot.id),
                "daily_budget": d.bot.context.daily_budget,
                "follow_ups": await follow_ups.funnel(d.bot.id),
            }

        rows = await asyncio.gather(*(row(d) for d in runtimes.values()))
        seen = who.get().sees
        return {
            "conversations": sum(row["conversations"] for row in rows),
            "bots": rows,
            "alerts": [row for row in await alerts.all_alerts(redis) if seen(row.get("bot_id"))],
        }

    @routes.get(
        "/events",
        summary="What changes, as it changes",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
        dependencies=[READER],
    )
    async def events() -> StreamingResponse:
        """Server-sent events: `change` with `{bot_id, conversation_id, what}` (message, status or contact), and `everything` when
        some may have been missed."""
        return StreamingResponse(
            feed.stream(who.get(), stopping),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @routes.get("/me", summary="Who I am: name, role, bots", dependencies=[READER])
    async def me() -> dict[str, Any]:
        return who.get().model_dump()

    @routes.post("/generate", summary="What would the bot answer? Nothing is sent or stored", dependencies=[AGENT])
    async def generate(asked: GenerateIn) -> dict[str, Any]:
        bot = finding.runtime(asked.bot_id).bot
        if not rehearsals:
            rehearsals.append(Rehearsal(settings, redis, shelf))
        return await rehearsals[0].answer(bot, asked.text)

    bots.add(routes, settings, redis, registry, runtimes)
    conversations.add(routes, redis, finding, registry.router, shelf)
    outreach.add(routes, settings, redis, finding, registry.router)
    knowledge.add(routes, finding, shelf)
    operations.add(routes, settings, redis, finding)
    return routes
