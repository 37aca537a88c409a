"""What the agent could learn from people: accepted or dismissed, and the gaps of its knowledge by week."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from server.operators.learning.derive import Derived, suggestions_of
from server.operators.learning.gaps import gap_weeks
from server.operators.learning.suggestions import State
from server.web.dashboard.knowledge import bot_with_documents
from server.web.dashboard.layout import PageContext
from server.web.languages.viewer import N_

# Suggestions that the page shows; the API has all.
SHOWN = 30
STATES: tuple[State, ...] = get_args(State)
# A kind of suggestion -> how the page says it.
KINDS = {
    "faq": N_("question and answer"),
    "fact": N_("correction"),
    "prompt": N_("wording only"),
    "product": N_("price list"),
}


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""

    @routes.get("/knowledge/suggestions", response_class=HTMLResponse)
    async def suggestions(request: Request) -> Response:
        # the documents as the API holds them: a price list is not loaded a second time
        shelf = request.app.state.api.shelf
        bot_id = await bot_with_documents(request, frame, shelf)
        asked = request.query_params.get("state", "")
        state = next((each for each in STATES if each == asked), STATES[0])
        found: list[Derived] = []
        zone = frame.settings.timezone
        if bot_id:
            runtime = frame.runtimes[bot_id]
            found, zone = await suggestions_of(runtime, shelf), runtime.bot.limits.timezone
        chosen = [each.suggestion for each in found if each.suggestion.state == state]
        shown = {
            "bot": bot_id,
            "state": state,
            "counts": {each: sum(d.suggestion.state == each for d in found) for each in STATES},
            "suggestions": chosen[:SHOWN],
            "more": max(0, len(chosen) - SHOWN),
            "kinds": KINDS,
            "weeks": gap_weeks(found, zone),
        }
        return await frame.page(request, "suggestions.html", shown)
