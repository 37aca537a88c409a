"""The operator API of figures: as things stand now, and of a period."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import Field

from server.api.common import Api, Format, Here, OneBot, attached, file_answer
from server.bots.bot import BotRuntime
from server.observability.charges.merged import SavedMessages, saved_messages
from server.observability.costs import DayUsage
from server.operators import analytics
from server.operators.analytics import Analytics
from server.operators.audit import Audited
from server.operators.bot_status import Pause
from server.operators.roles import READER
from server.operators.tables.spreadsheet import csv_text
from server.operators.tokens import who
from server.outreach.follow_ups import FunnelSoFar
from server.store import alerts
from server.store.counters import by_day, day_of, month_until
from server.store.records import Record

Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d\d-\d\d$", description="YYYY-MM-DD, by TIMEZONE")]

routes = APIRouter(prefix="/api", tags=["analytics"], route_class=Audited)


class Alert(Record):
    """What an operator must look at."""

    name: str = Field(description="What it is about, such as `budget:default`")
    at: int = Field(description="Since when, Unix milliseconds")
    text: str = Field(description="What is wrong, and what to do")
    setting: str = Field(description="The setting that mends it")
    bot_id: str | None = Field(default=None, description="The bot it is about; null: the whole deployment")


class BotStats(Record):
    """Counts of a bot as things stand now."""

    bot_id: str = Field(description="The bot's id")
    conversations: int = Field(description="Conversations that it has")
    waiting: int = Field(description="Conversations that wait for a worker, or are in one's hands")
    dead_letters: int = Field(description="Turns given up on")
    needs_person: int = Field(description="Conversations that need a person")
    unread: int = Field(description="Conversations with messages that no operator has seen")
    failed: int = Field(description="Conversations whose last message did not arrive")
    paused: Pause | None = Field(description="Why nothing is sent; null: messages go out")
    today: DayUsage = Field(description="What its model calls and messages cost today")
    saved_today: SavedMessages = Field(
        description="What was saved today by answering messages together that came together"
    )
    daily_budget: float = Field(description="US dollars that both may cost a day; 0: no limit")
    follow_ups: FunnelSoFar = Field(description="What became of its touches")


class Stats(Record):
    """Counts as things stand now."""

    conversations: int = Field(description="Conversations of all bots")
    bots: list[BotStats] = Field(description="Counts of each bot")
    alerts: list[Alert] = Field(description="What an operator must look at, the oldest first")


@routes.get("/stats", summary="Counts per bot", dependencies=[READER])
async def get_stats(api: Here) -> Stats:
    """What there is just now; `GET /api/analytics` has the figures of a period."""
    bots = await asyncio.gather(*(_stats(api, runtime) for runtime in api.runtimes.values()))
    seen = who.get().sees
    return Stats(
        conversations=sum(row.conversations for row in bots),
        bots=bots,
        alerts=[
            Alert.model_validate(row) for row in await alerts.all_alerts(api.redis) if seen(row.get("bot_id"))
        ],
    )


async def _stats(api: Api, runtime: BotRuntime) -> BotStats:
    bot = runtime.bot
    counts = (await api.conversation_list.counts([runtime], ("needs_person", "unread", "failed")))[bot.id]
    paused = await runtime.mailbox.paused(bot.account)
    return BotStats(
        bot_id=bot.id,
        conversations=await runtime.conversations.count(),
        waiting=await runtime.mailbox.backlog(),
        dead_letters=await runtime.dead_letters.count(),
        needs_person=counts["needs_person"],
        unread=counts["unread"],
        failed=counts["failed"],
        paused=Pause.model_validate(paused) if paused else None,
        today=await api.spending.of(bot.id),
        saved_today=saved_messages((await by_day(api.redis, [bot.id], [api.spending.today()]))[0]),
        daily_budget=bot.context.daily_budget,
        follow_ups=await api.follow_ups.funnel(bot.id),
    )


@routes.get(
    "/analytics",
    summary="Analytics of a period",
    response_model=Analytics,
    responses=file_answer("text/csv"),
    dependencies=[READER],
)
async def get_analytics(
    api: Here, bot_id: OneBot = None, first: Day = None, last: Day = None, format: Format = "json"
) -> Analytics | Response:
    """Without a period: the last 30 days. Figures are counted as things happen, and kept for 400 days. As
    `csv` a row a day."""
    try:
        until = last or day_of(api.settings.timezone)
        since = first or month_until(until)
        found = await analytics.report(api.redis, api.lookup.some(bot_id), since, until)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, f"first, last: {error}") from None
    if format == "json":
        return found
    table = csv_text(analytics.COLUMNS, (day.model_dump() for day in found.days))
    return attached(table.encode(), "text/csv", f"figures-{since}-{until}.csv")
