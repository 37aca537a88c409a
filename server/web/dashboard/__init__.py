"""Pages for operators. They only show: everything they change goes through the API, as any program's changes
do."""

from __future__ import annotations

import httpx
from fastapi import APIRouter, Depends

from server.bots.registry import BotRegistry
from server.config.settings import Settings
from server.operators.login import Access
from server.store.client import Redis
from server.web.dashboard import (
    analytics,
    bots,
    knowledge,
    learning,
    message_templates,
    orders,
    people,
    planned,
    setup,
    system,
    todo,
)
from server.web.dashboard.conversations import canned_replies, contacts, conversation, conversation_list
from server.web.dashboard.layout import PageContext
from server.web.pages import Guarded


def router(
    settings: Settings,
    redis: Redis,
    registry: BotRegistry,
    access: Access,
    templates: Guarded,
    http: httpx.AsyncClient,
) -> APIRouter:
    """Everything under /dashboard. `http` asks our own webhook from outside."""
    frame = PageContext(settings, redis, registry, access, templates, http)
    routes = APIRouter(prefix="/dashboard", include_in_schema=False, dependencies=[Depends(frame.enter)])
    # pages with names of their own before those of conversations, which begin with a bot's id
    for part in (
        conversation_list,
        planned,
        todo,
        orders,
        knowledge,
        learning,
        bots,
        analytics,
        message_templates,
        canned_replies,
        contacts,
        people,
        setup,
        system,
        conversation,
    ):
        part.add(routes, frame)
    return routes
