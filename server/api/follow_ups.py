"""The operator API of follow-ups: touches that are to come, those left out, and sequences held, moved or
ended."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import Field, model_validator

from server.api.common import Api, Body, Here, Limit, Offset, OneBot, Page
from server.config.follow_ups import rising_hours
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.outreach.follow_ups import NextTouch, SkippedTouch
from server.store.records import Plan

routes = APIRouter(prefix="/api", tags=["follow-ups"], route_class=Audited)


class IntervalsIn(Body):
    """Hours after which each touch is due for one contact, rising; null: those of the bot."""

    intervals: list[float] | None = Field(max_length=20, description="hours, such as [24, 72]")

    @model_validator(mode="after")
    def _rising(self) -> IntervalsIn:
        if self.intervals:
            rising_hours(self.intervals)
        return self


class NextTouchPage(Page[NextTouch]):
    """Touches that are still to come, the next first."""

    count: int = Field(description="How many there are on all pages")


class SkippedTouchPage(Page[SkippedTouch]):
    """Touches that were left out, the last first."""


async def touch_after_change(api: Api, conversation_id: str, plan: Plan | None) -> NextTouch:
    """The next touch of a contact whose plan was changed. Raises HTTPException 409 where there was none."""
    if plan is None:
        raise HTTPException(409, "this conversation has no touch that is still to come")
    runtime, contact = await api.lookup.contact(conversation_id)
    return await api.follow_ups.described(runtime, contact, plan)


@routes.get(
    "/follow-ups/active", summary="Touches that are still to come, the next first", dependencies=[READER]
)
async def list_next_touches(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> NextTouchPage:
    timers = [
        (at, name, runtime)
        for runtime in api.lookup.some(bot_id).values()
        for name, at in await api.follow_ups.timers.active(runtime.bot.id)
    ]
    timers.sort(key=lambda row: row[:2])
    end = start + limit
    items = [
        row for _, name, runtime in timers[start:end] if (row := await api.follow_ups.next_of(runtime, name))
    ]
    more = str(end) if len(timers) > end else None
    return NextTouchPage(items=items, next_cursor=more, count=len(timers))


@routes.get("/follow-ups/skipped", summary="Touches that were left out, and why", dependencies=[READER])
async def list_skipped_touches(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> SkippedTouchPage:
    chosen = list(api.lookup.some(bot_id).values())
    rows = [row for runtime in chosen for row in await api.follow_ups.skipped(runtime, start + limit + 1)]
    return SkippedTouchPage.sliced(sorted(rows, key=lambda row: -row.at), limit, start)


@routes.post("/follow-ups/{conversation_id}/pause", summary="Hold a sequence", dependencies=[AGENT])
async def pause_follow_ups(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await touch_after_change(
        api, conversation_id, await api.follow_ups.pause(runtime, conversation_id, True)
    )


@routes.post("/follow-ups/{conversation_id}/resume", summary="Let a sequence go on", dependencies=[AGENT])
async def resume_follow_ups(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await touch_after_change(
        api, conversation_id, await api.follow_ups.pause(runtime, conversation_id, False)
    )


@routes.post("/follow-ups/{conversation_id}/skip", summary="Leave the next touch out", dependencies=[AGENT])
async def skip_next_touch(api: Here, conversation_id: str) -> NextTouch:
    return await touch_after_change(
        api, conversation_id, await api.follow_ups.skip(*await api.lookup.contact(conversation_id))
    )


@routes.post(
    "/follow-ups/{conversation_id}/run",
    status_code=202,
    summary="The next touch now; the rules still hold",
    dependencies=[AGENT],
)
async def run_next_touch(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await touch_after_change(
        api, conversation_id, await api.follow_ups.run_now(runtime, conversation_id)
    )


@routes.patch("/follow-ups/{conversation_id}", summary="Intervals of one contact's own", dependencies=[AGENT])
async def change_intervals(api: Here, conversation_id: str, asked: IntervalsIn) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await touch_after_change(
        api, conversation_id, await api.follow_ups.override(runtime, conversation_id, asked.intervals)
    )


@routes.delete(
    "/follow-ups/{conversation_id}", summary="No more touches until the contact writes", dependencies=[AGENT]
)
async def cancel_follow_ups(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await touch_after_change(
        api, conversation_id, await api.follow_ups.end(runtime.bot.id, conversation_id, "cancelled")
    )
