"""The operator API of the health of a bot's numbers."""

from __future__ import annotations

from fastapi import APIRouter

from server.api.common import Here
from server.operators.audit import Audited
from server.operators.number_health import BotHealth, health_of_bot
from server.operators.roles import READER

routes = APIRouter(prefix="/api", tags=["bots"], route_class=Audited)


@routes.get(
    "/bots/{bot_id}/health",
    summary="How a bot's numbers and templates stand with WhatsApp",
    dependencies=[READER],
)
async def get_bot_health(api: Here, bot_id: str) -> BotHealth:
    """As told by the webhooks of the Cloud API; alerts that follow from it stand in `GET /api/stats`."""
    return await health_of_bot(api.lookup.runtime(bot_id))
