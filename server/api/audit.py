"""The operator API of the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from server.api.common import Here, Limit, Page
from server.operators import audit
from server.operators.audit import Action, Audited
from server.operators.roles import OWNER

routes = APIRouter(prefix="/api", tags=["audit"], route_class=Audited)


class ActionPage(Page[Action]):
    """What operators did, the last first."""


@routes.get("/audit", summary="What operators did", dependencies=[OWNER])
async def list_actions(
    api: Here,
    limit: Limit = 50,
    cursor: Annotated[int, Query(ge=0, le=audit.KEPT, description="`next_cursor` of the page before")] = 0,
) -> ActionPage:
    """Newest first; the last 20,000 changes. An owner of some bots sees what was done to them."""
    rows, at, found = list[Action](), cursor, True
    while found and len(rows) < limit:
        found = await audit.latest_changes(api.redis, 200, at)
        for row in found:
            at += 1
            if audit.may_see(row):
                rows.append(row)
            if len(rows) == limit:
                break
    return ActionPage(items=rows, next_cursor=str(at) if found else None)
