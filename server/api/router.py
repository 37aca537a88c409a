"""The operator API: JSON, bearer token or login, problem details for errors (RFC 9457)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer

from server.api import (
    analytics,
    appointments,
    audit,
    bots,
    contacts,
    conversations,
    dead_letters,
    events,
    follow_ups,
    hooks,
    messages,
    orders,
    tokens,
)
from server.api.common import PROBLEMS, Here
from server.api.knowledge import commerce, documents, products, questions, suggestions, websites
from server.api.teamwork import attachments, bulk, canned_replies, chats, drafts, handling
from server.api.whatsapp import ads, forms, health, message_templates
from server.operators.roles import Roles


async def _operator(
    request: Request, api: Here, _: Annotated[Any, Depends(HTTPBearer(auto_error=False))]
) -> None:
    if "operator" not in request.scope:  # `server.web.guard` asks before the body is read
        await api.access.require(request)
    await api.registry.ready()


# Everything under /api. Its routes reach bots only through what whoever asks may see.
router = APIRouter(dependencies=[Depends(_operator)], responses=PROBLEMS)
PARTS = (
    analytics,
    ads,
    events,
    bots,
    health,
    conversations,
    contacts,
    bulk,
    chats,
    messages,
    attachments,
    handling,
    drafts,
    canned_replies,
    message_templates,
    follow_ups,
    appointments,
    orders,
    documents,
    products,
    questions,
    suggestions,
    websites,
    commerce,
    forms,
    dead_letters,
    hooks,
    tokens,
    audit,
)
for part in PARTS:
    router.include_router(part.routes)


def roles() -> Roles:
    """What each route asks for. Raises TypeError for one that does not say."""
    return Roles(route for part in PARTS for route in part.routes.routes)
