"""What waits for somebody: people who need a person, turns given up on, touches left out, webhooks nobody
could read."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from server.operators.dead_letters import readable_letter
from server.outreach.follow_ups import FollowUps
from server.web.dashboard.layout import PageContext

ROWS = 50
# People who wait, of whom those who waited longest come first.
MOST = 2_000


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    follow_ups = FollowUps(frame.redis)

    @routes.get("/todo", response_class=HTMLResponse)
    async def todo(request: Request) -> Response:
        runtimes = frame.chosen(request.query_params.get("bot", ""))
        needs = await frame.conversation_list.page(runtimes, "needs_person", limit=MOST)
        letters = [
            readable_letter(row)
            for runtime in runtimes.values()
            for row in await runtime.dead_letters.every()
        ]
        skipped = [row for runtime in runtimes.values() for row in await follow_ups.skipped(runtime, ROWS)]
        chosen = request.query_params.get("bot", "")
        keepers = frame.lookup.keepers(chosen if chosen in frame.runtimes else None)
        pieces = [row for keeper in keepers for row in await keeper.quarantined(ROWS)]
        found: dict[str, Any] = {
            "needs": needs.rows[:200],
            "needs_count": len(needs.rows),
            "letters": sorted(letters, key=lambda row: -row.at)[:ROWS],
            "skipped": sorted(skipped, key=lambda row: -row.at)[:ROWS],
            "pieces": sorted(pieces, key=lambda row: -row.at)[:ROWS],
        }
        return await frame.page(request, "todo.html", found)
