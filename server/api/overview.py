"""The operator API of the whole: counts, changes as they happen, who asks, and what a bot would answer."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field

from server.api.common import Body, Here
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.tokens import who
from server.pipeline.agents import Rehearsal
from server.store import alerts

routes = APIRouter(prefix="/api", route_class=Audited)


class GenerateIn(Body):
    """What a contact might write."""

    text: str = Field(min_length=1, max_length=65_536, examples=["How much is the Aurora Duo?"])
    bot_id: str = DEFAULT


@routes.get("/stats", summary="Counts per bot", dependencies=[READER])
async def stats(api: Here) -> dict[str, Any]:
    """What there is just now; `GET /api/analytics` has the figures of a period."""

    async def row(d: BotRuntime) -> dict[str, Any]:
        return {
            "bot_id": d.bot.id,
            "conversations": await d.conversations.count(),
            "waiting": await d.mailbox.backlog(),
            "dead_letters": await d.dead_letters.count(),
            **(await api.inbox.counts([d], ("needs_person", "unread", "failed")))[d.bot.id],
            "paused": await d.mailbox.paused(d.bot.account) or None,
            "today": await api.spending.of(d.bot.id),
            "daily_budget": d.bot.context.daily_budget,
            "follow_ups": await api.follow_ups.funnel(d.bot.id),
        }

    rows = await asyncio.gather(*(row(d) for d in api.runtimes.values()))
    seen = who.get().sees
    return {
        "conversations": sum(row["conversations"] for row in rows),
        "bots": rows,
        "alerts": [row for row in await alerts.all_alerts(api.redis) if seen(row.get("bot_id"))],
    }


@routes.get(
    "/events",
    summary="What changes, as it changes",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
    dependencies=[READER],
)
async def events(api: Here) -> StreamingResponse:
    """Server-sent events: `change` with `{bot_id, conversation_id, what}` (message, status or contact), and
    `everything` when some may have been missed."""
    return StreamingResponse(
        api.feed.stream(who.get(), api.stopping),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@routes.get("/me", summary="Who I am: name, role, bots", dependencies=[READER])
async def me() -> dict[str, Any]:
    return who.get().model_dump()


@routes.post(
    "/generate", summary="What would the bot answer? Nothing is sent or stored", dependencies=[AGENT]
)
async def generate(api: Here, asked: GenerateIn) -> dict[str, Any]:
    bot = api.lookup.runtime(asked.bot_id).bot
    if not api.rehearsals:
        api.rehearsals.append(Rehearsal(api.settings, api.redis, api.shelf))
    return await api.rehearsals[0].answer(bot, asked.text)
