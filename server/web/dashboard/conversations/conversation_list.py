"""The conversation list: all conversations, the latest first."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from server.conversations.listing import BadCursor, ListingPage, Selection
from server.conversations.search.terms import LONGEST_QUERY
from server.operators.teamwork.handling import as_label, labels_of, selected
from server.web.dashboard.layout import PageContext
from server.web.languages.viewer import N_

ROWS = 50
# Labels to choose from.
MOST_LABELS = 30
COUNTED = ("unread", "needs_person", "mine", "mentions", "failed")
LABELS = {
    "all": N_("All"),
    "unread": N_("Unread"),
    "needs_person": N_("Needs a person"),
    "mine": N_("Mine"),
    "mentions": N_("Mentions"),
    "failed": N_("Failed sends"),
    "follow_up": N_("Follow-up due"),
    "client": N_("Clients"),
    "non_client": N_("Not clients"),
    "snoozed": N_("Put off"),
    "resolved": N_("Resolved"),
}


async def listed_conversations(frame: PageContext, request: Request) -> dict[str, Any]:
    """The list as the address asks for it, with what its links need."""
    asked = request.query_params
    show: Any = asked.get("show", "all") if asked.get("show") in LABELS else "all"
    label = as_label(asked.get("label", "")[:100])
    query, bot_id = asked.get("q", "")[:LONGEST_QUERY], asked.get("bot", "")
    chosen = frame.chosen(bot_id)
    try:
        page = await frame.conversation_list.page(
            chosen, selected(show, label), query, ROWS, asked.get("cursor")
        )
    except BadCursor:
        page = ListingPage([])
    counted: dict[str, Selection] = {name: selected(name) for name in COUNTED}
    sizes = await frame.conversation_list.counts(chosen.values(), list(counted.values()))
    known = [name for runtime in chosen.values() for name in await labels_of(runtime)]
    kept = {
        "show": show if show != "all" else "",
        "label": label,
        "q": query,
        "bot": bot_id if bot_id in frame.runtimes else "",
    }
    kept = {name: value for name, value in kept.items() if value}
    return {
        "page": page,
        "show": show,
        "query": query,
        "bot": kept.get("bot", ""),
        "labels": LABELS,
        "kept": f"?{urlencode(kept)}" if kept else "",
        "older": f"?{urlencode({**kept, 'cursor': page.cursor})}" if page.cursor else "",
        "label": label,
        "known_labels": list(dict.fromkeys(known))[:MOST_LABELS],
        "counts": {name: sum(row[one] for row in sizes.values()) for name, one in counted.items()},
    }


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""

    @routes.get("", response_class=HTMLResponse)
    async def conversations(request: Request) -> Response:
        return await frame.page(request, "conversations.html", await listed_conversations(frame, request))
