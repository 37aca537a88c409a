"""Who may do what, what they did, and whom the service tells: operators, the audit log, outgoing webhooks."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from server.notifications.deliveries import EVENTS
from server.notifications.webhooks import Hooks
from server.operators import audit, tokens
from server.operators.tokens import who
from server.web.dashboard.layout import PageContext

ROWS = 100


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    hooks = Hooks(frame.settings, frame.redis)

    @routes.get("/people", response_class=HTMLResponse)
    async def people(request: Request) -> Response:
        frame.owners_only()
        mine = who.get().bots
        told = [
            (hook, await hooks.deliveries(hook.bot_id, hook.id, 10))
            for runtime in frame.runtimes.values()
            for hook in await hooks.every(runtime.bot.id)
        ]
        shown: dict[str, Any] = {
            "operators": [
                row
                for row in await tokens.all_operators(frame.redis)
                if not mine or (row.bots and set(row.bots) <= set(mine))
            ],
            "hooks": told,
            "events": EVENTS,
            "lines": [row for row in await audit.latest_changes(frame.redis, ROWS) if audit.may_see(row)],
            "private": frame.settings.hooks_private,
        }
        return await frame.page(request, "people.html", shown)
