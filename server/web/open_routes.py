"""What anybody may ask: whether the service works, a calendar by its secret address, the metrics."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from server.api.common import Here, fails, file_answer
from server.clock import now_ms
from server.config.addresses import hidden
from server.observability import redis_fitness as fitness
from server.observability.redis_fitness import Judge
from server.operators import metrics, tokens
from server.outreach.appointments import feed
from server.web.health import Alive, Health, Unavailable

log = structlog.get_logger()
routes = APIRouter(tags=["service"])


def _judge(request: Request) -> Judge:
    return request.app.state.judge


@routes.get(
    "/health",
    summary="Whether the service works",
    response_model=Health,
    responses={503: {"model": Unavailable, "description": "Redis is gone, or refused"}},
)
async def get_health(api: Here, judge: Annotated[Judge, Depends(_judge)]) -> Health | Response:
    """Writes to Redis, since reading also works where nothing can be accepted. `oldest_due_seconds`: for how
    long the conversation that waits longest for a worker has been due."""
    try:
        await fitness.check_writing(api.redis, now_ms())
        oldest = await fitness.oldest_due(api.redis, list(api.registry), now_ms())
    except (RedisError, OSError) as error:
        log.error("redis_unreachable", error=hidden(repr(error))[:200])
        return JSONResponse(Unavailable(redis="takes no writes").model_dump(), 503)
    if judge.refused:
        refusal = Unavailable(redis="refused", warnings=list(judge.refused))
        return JSONResponse(refusal.model_dump(), 503)
    return Health(oldest_due_seconds=round(oldest, 1), warnings=list(judge.warned))


@routes.get("/alive", summary="Whether this process answers", response_model=Alive)
async def get_alive() -> Alive:
    """Asks nothing of Redis, so that whoever starts stuck processes again leaves alone those that only wait
    for it."""
    return Alive()


@routes.get(
    "/calendar/{bot_id}/{secret}.ics",
    summary="Appointments for the operator's calendar",
    response_class=Response,
    responses=file_answer("text/calendar") | fails("4XX", "There is no calendar at this address"),
)
async def get_calendar(api: Here, bot_id: str, secret: str) -> Response:
    known = api.registry.get(bot_id)
    if known is None or await tokens.of_feed(api.settings, api.redis, bot_id, secret) is None:
        raise HTTPException(404, "there is no calendar at this address")
    coming = await api.appointments.coming(bot_id)
    return Response(feed(known.bot, coming), media_type="text/calendar")


@routes.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def get_metrics(api: Here, request: Request) -> Response:
    """All bots as one and no money, unless a token comes along: then each bot it opens."""
    operator = await api.access.operator(request)
    measured = await metrics.registry(api.settings, api.redis, api.registry, operator)
    return Response(generate_latest(measured), media_type=CONTENT_TYPE_LATEST)
