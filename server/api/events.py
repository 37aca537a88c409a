"""The operator API of changes as they happen."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from server.api.common import Here
from server.operators.audit import Audited
from server.operators.roles import READER
from server.operators.tokens import who

routes = APIRouter(prefix="/api", tags=["events"], route_class=Audited)


@routes.get(
    "/events",
    summary="What changes, as it changes",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    dependencies=[READER],
)
async def watch_events(api: Here) -> StreamingResponse:
    """Server-sent events: `change` with `{bot_id, conversation_id, what}` (message, status or contact), and
    `everything` when some may have been missed."""
    return StreamingResponse(
        api.feed.stream(who.get(), api.stopping),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
