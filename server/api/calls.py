"""The operator API of scheduled calls."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import Field

from server.api.common import Here, Limit, Offset, OneBot, Page
from server.clock import now_ms
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.tokens import feed_address
from server.outreach.appointments import Call, when

routes = APIRouter(prefix="/api", tags=["calls"], route_class=Audited)


class ScheduledCall(Call):
    """A call that is still to come."""

    start_local: str = Field(description="When it begins by the business's clock, YYYY-MM-DD HH:MM")


class CallPage(Page[ScheduledCall]):
    """Scheduled calls that are still to come, the next first."""

    count: int = Field(description="How many there are on all pages")
    feeds: dict[str, str] = Field(description="Bot -> path of its calendar (iCalendar) for whoever asks")


@routes.get("/calls", summary="Scheduled calls that are still to come, the next first", dependencies=[READER])
async def list_calls(api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0) -> CallPage:
    chosen = list(api.lookup.some(bot_id).values())
    rows = [
        ScheduledCall(**call.model_dump(), start_local=when(runtime.bot, call.start))
        for runtime in chosen
        for call in await api.appointments.coming(runtime.bot.id, now_ms())
    ]
    rows.sort(key=lambda call: call.start)
    feeds = {
        runtime.bot.id: await feed_address(api.settings, api.redis, runtime.bot.id) for runtime in chosen
    }
    return CallPage.sliced(rows, limit, start, count=len(rows), feeds=feeds)


@routes.delete("/calls/{call_id}", status_code=204, summary="Cancel a call", dependencies=[AGENT])
async def cancel_call(api: Here, call_id: str) -> None:
    for runtime in api.runtimes.values():
        if await api.appointments.cancel(runtime.bot.id, call_id):
            return
    raise HTTPException(404, "there is no call of this id")
