"""The operator API of what keeps the service going: dead letters, quarantine, figures, webhooks, the audit
log."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import PlainTextResponse, Response
from pydantic import Field

from server.api.common import Api, Body, Here, Limit, Offset, OneBot, sliced
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.notifications.webhook_addresses import Forbidden
from server.notifications.webhooks import EVENTS, Event, Hook
from server.operators import analytics, audit
from server.operators.audit import Audited
from server.operators.dead_letters import opened
from server.operators.roles import AGENT, OWNER, READER
from server.store.counters import day_of


class HookIn(Body):
    """Where to tell of what. No events named: all of them."""

    url: str = Field(max_length=2000, examples=["https://crm.example/hooks/salesgraph"])
    events: list[Event] = Field(
        [], description=f"some of {', '.join(EVENTS)}", examples=[["lead_created", "yes"]]
    )
    bot_id: str = DEFAULT


Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d\d-\d\d$", description="YYYY-MM-DD, by TIMEZONE")]


routes = APIRouter(prefix="/api", route_class=Audited)


@routes.get("/dead-letters", summary="Turns given up on", dependencies=[READER])
async def dead_letters(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> dict[str, Any]:
    letters = [
        letter
        for runtime in api.lookup.some(bot_id).values()
        for letter in await runtime.dead_letters.every()
    ]
    letters.sort(key=lambda letter: -letter["at"])
    return sliced([opened(letter) for letter in letters], limit, start)


@routes.post(
    "/dead-letters/{letter_id}/retry", status_code=202, summary="Try a turn again", dependencies=[AGENT]
)
async def retry(api: Here, letter_id: str) -> dict[str, Any]:
    for runtime in api.lookup.runtimes.values():
        if await runtime.dead_letters.revive(letter_id):
            return {"id": letter_id, "status": "queued"}
    raise HTTPException(404, "there is no dead letter of this id")


@routes.delete(
    "/dead-letters/{letter_id}",
    status_code=204,
    summary="Drop a turn; its messages stay in the transcript",
    dependencies=[AGENT],
)
async def drop(api: Here, letter_id: str) -> None:
    for runtime in api.lookup.runtimes.values():
        if await runtime.dead_letters.drop(letter_id):
            return
    raise HTTPException(404, "there is no dead letter of this id")


@routes.get("/quarantine", summary="Pieces of webhooks that could not be read", dependencies=[READER])
async def quarantine(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> dict[str, Any]:
    most = start + limit + 1
    rows = [row for keeper in api.lookup.keepers(bot_id) for row in await keeper.quarantined(most)]
    rows.sort(key=lambda row: -row["at"])
    return sliced(rows, limit, start)


@routes.delete("/quarantine/{piece_id}", status_code=204, summary="Forget a piece", dependencies=[OWNER])
async def forget_piece(api: Here, piece_id: str) -> None:
    for keeper in api.lookup.keepers(None):
        if await keeper.drop_quarantined(piece_id):
            return
    raise HTTPException(404, "there is no piece of this id")


@routes.get("/analytics", summary="Figures of a period", response_model=None, dependencies=[READER])
async def figures(
    api: Here,
    bot_id: OneBot = None,
    first: Day = None,
    last: Day = None,
    format: Annotated[str, Query(pattern="^(json|csv)$", description="`csv`: a row a day")] = "json",
) -> Response | dict[str, Any]:
    """Without a period: the last 30 days. Figures are counted as things happen, and kept for 400 days."""
    try:
        until = last or day_of(api.settings.timezone)
        since = first or (date.fromisoformat(until) - timedelta(days=29)).isoformat()
        found = await analytics.report(api.redis, api.lookup.some(bot_id), since, until)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, f"first, last: {error}") from None
    if format == "json":
        return found
    out = io.StringIO()
    table = csv.DictWriter(out, list(found["days"][0]))
    table.writeheader()
    table.writerows(found["days"])
    named = {"Content-Disposition": f'attachment; filename="figures-{since}-{until}.csv"'}
    return PlainTextResponse(out.getvalue(), media_type="text/csv", headers=named)


async def hook_of(api: Api, hook_id: str) -> tuple[BotRuntime, Hook]:
    for runtime in api.lookup.runtimes.values():
        if hook := await api.hooks.one(runtime.bot.id, hook_id):
            return runtime, hook
    raise HTTPException(404, "there is no webhook of this id")


@routes.get("/hooks", summary="Outgoing webhooks", dependencies=[OWNER])
async def list_hooks(api: Here, bot_id: OneBot = None) -> dict[str, Any]:
    rows = [hook for name in api.lookup.some(bot_id) for hook in await api.hooks.every(name)]
    return {"items": [hook.model_dump() for hook in rows], "next_cursor": None}


@routes.post("/hooks", status_code=201, summary="Tell an address of what happens", dependencies=[OWNER])
async def create_hook(api: Here, asked: HookIn) -> dict[str, Any]:
    """`secret` is shown once. Each delivery has the header `X-Salesgraph-Signature: t=SECONDS,v1=HEX`, the
    HMAC-SHA256 under the secret of `SECONDS.` and the raw body; the same `X-Salesgraph-Delivery` comes again
    when an answer other than 2xx, or none within 10 s, made it a failure, for about a day."""
    api.lookup.runtime(asked.bot_id)
    try:
        hook, secret = await api.hooks.create(asked.bot_id, asked.url, tuple(dict.fromkeys(asked.events)))
    except Forbidden as error:
        raise HTTPException(422, f"url: {error}") from None
    audit.about(asked.bot_id, hook.id)
    return {**hook.model_dump(), "secret": secret}


@routes.delete(
    "/hooks/{hook_id}", status_code=204, summary="Tell an address nothing any more", dependencies=[OWNER]
)
async def delete_hook(api: Here, hook_id: str) -> None:
    runtime, hook = await hook_of(api, hook_id)
    await api.hooks.delete(runtime.bot.id, hook.id)


@routes.post(
    "/hooks/{hook_id}/ping",
    status_code=202,
    summary="Send a `ping`, to see whether it arrives",
    dependencies=[OWNER],
)
async def ping(api: Here, hook_id: str) -> dict[str, Any]:
    _, hook = await hook_of(api, hook_id)
    return {"id": await api.hooks.ping(hook), "status": "queued"}


@routes.get(
    "/hooks/{hook_id}/deliveries",
    summary="What a webhook was told, and what it answered",
    dependencies=[OWNER],
)
async def deliveries(api: Here, hook_id: str, limit: Limit = 50, start: Offset = 0) -> dict[str, Any]:
    runtime, hook = await hook_of(api, hook_id)
    rows = await api.hooks.deliveries(runtime.bot.id, hook.id, start + limit + 1)
    return sliced([row.model_dump() for row in rows], limit, start)


@routes.post(
    "/hooks/{hook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Send a delivery again",
    dependencies=[OWNER],
)
async def replay(api: Here, hook_id: str, delivery_id: str) -> dict[str, Any]:
    _, hook = await hook_of(api, hook_id)
    if not await api.hooks.replay(hook, delivery_id):
        raise HTTPException(404, "there is no delivery of this id")
    return {"id": delivery_id, "status": "queued"}


@routes.get("/audit", summary="What operators did", dependencies=[OWNER])
async def audit_log(
    api: Here, limit: Limit = 50, cursor: Annotated[int, Query(ge=0, le=audit.KEPT)] = 0
) -> dict[str, Any]:
    """Newest first; the last 20,000 changes. An owner of some bots sees what was done to them."""
    rows, at, found = [], cursor, True
    while found and len(rows) < limit:
        found = await audit.lines(api.redis, 200, at)
        for row in found:
            at += 1
            if audit.may_see(row):
                rows.append(row)
            if len(rows) == limit:
                break
    return {"items": rows, "next_cursor": str(at) if found else None}
