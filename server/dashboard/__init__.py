"""Pages for operators. They only show: everything they change goes through the API, as any program's changes do."""

from __future__ import annotations

import httpx
from fastapi import APIRouter, Depends
from redis.asyncio import Redis

from server.access import Access
from server.dashboard import business, conversation, figures_page, lists, people, work
from server.dashboard.frame import Frame
from server.pages import Guarded
from server.roster import Roster
from server.settings import Settings


def router(
    settings: Settings, redis: Redis, roster: Roster, access: Access, templates: Guarded, http: httpx.AsyncClient
) -> APIRouter:
    """Everything under /dashboard. `http` asks our own webhook from outside."""
    frame = Frame(settings, redis, roster, access, templates, http)
    routes = APIRouter(prefix="/dashboard", include_in_schema=False, dependencies=[Depends(frame.enter)])
    # pages with names of their own before those of conversations, which begin with a bot's id
    for part in (lists, work, business, figures_page, people, conversation):
        part.add(routes, frame)
    return routes
