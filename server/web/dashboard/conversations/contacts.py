"""The list of contacts: filtered, sorted, a page at a time, all of it in the address; and what is done to
many of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from agent.context import STAGES
from server.bots.bot import BotRuntime
from server.conversations.listing import BadCursor, ListingPage
from server.operators.contact_list.filters import NOBODY, ContactFilter, Sort
from server.operators.contact_list.search import TooManyToSort
from server.operators.teamwork.handling import LONGEST_LABEL, ME, colleagues, labels_of
from server.web.dashboard.conversations.conversation_list import LABELS
from server.web.dashboard.layout import PageContext, midnight
from server.web.languages.viewer import N_, _
from server.web.languages.words import field_words, translated

ROWS, COUNTED = 50, 1_000
# What an address may say, as the filter calls it. Days are said otherwise: `from` and `until`.
NAMES = ("q", "show", "label", "colleague", "channel", "stage", "consent", "has_order")
# Those that somebody looks for seldom: they are folded away until one is in use.
SELDOM = ("channel", "stage", "consent", "has_order", "from", "until")
SORTS: dict[Sort, str] = {
    "latest": N_("last message first"),
    "oldest": N_("last message last"),
    "name": N_("name"),
    "created": N_("newest contact first"),
}
SHOWN = {name: words for name, words in LABELS.items() if name not in ("mine", "mentions")}
CHANNELS = {
    "cloud_api": N_("WhatsApp Cloud API"),
    "wappi": N_("Wappi"),
    "waha": N_("WAHA"),
    "simulator": N_("Simulator"),
}
CONSENTS = {"open": N_("may be written to"), "stopped": N_("want no messages")}
DEEDS = {
    "add_label": N_("add a label"),
    "remove_label": N_("take a label away"),
    "assign": N_("give to a colleague"),
    "resolve": N_("mark as resolved"),
    "opt_out": N_("stop all messages"),
}


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""

    @routes.get("/contacts", response_class=HTMLResponse)
    async def contacts(request: Request) -> Response:
        asked = request.query_params
        bot_id = asked.get("bot", "") if asked.get("bot", "") in frame.runtimes else ""
        runtimes, (wanted, kept) = frame.chosen(bot_id), _wanted(asked)
        sort: Any = asked.get("sort") if asked.get("sort") in get_args(Sort) else "latest"
        page, trouble = ListingPage([]), ""
        try:
            page = await frame.contact_search.page(runtimes, wanted, sort, ROWS, asked.get("cursor") or None)
        except BadCursor:
            trouble = _("This address is of a page that cannot be read; the first one begins at the filters.")
        except TooManyToSort as error:
            trouble = f"{str(error).removeprefix('sort: ').capitalize()}."
        whole = not (asked.get("cursor") or page.cursor or trouble)
        count, exact = len(page.rows), whole
        if not (whole or page.until):  # what took long already is not looked through once more
            count, exact = await frame.contact_search.count(runtimes, wanted, COUNTED)
        kept |= {"bot": bot_id} if bot_id else {}
        kept |= {"sort": sort} if sort != "latest" else {}
        said = wanted.model_dump(exclude_defaults=True)
        exported = {"format": "csv", **said} | ({"bot_id": bot_id} if bot_id else {})
        shown: dict[str, Any] = {
            "page": page,
            "trouble": trouble,
            "count": count,
            "exact": exact,
            "asked": kept,
            "seldom": any(name in kept for name in SELDOM),
            "bot": bot_id,
            "sort": sort,
            "sorts": translated(SORTS),
            "shown": translated(SHOWN),
            "stages": {name: field_words(name) for name in STAGES},
            "channels": translated(CHANNELS),
            "consents": translated(CONSENTS),
            "deeds": translated(DEEDS),
            "longest": LONGEST_LABEL,
            "numbers": sorted(
                {one.channel for runtime in frame.runtimes.values() for one in runtime.bot.accounts}
            ),
            "first": urlencode(kept) if asked.get("cursor") else "",
            "next": urlencode({**kept, "cursor": page.cursor}) if page.cursor else "",
            "csv": f"/api/contacts?{urlencode(exported)}",
            "matching": said,
            **await _choices(frame, runtimes),
        }
        return await frame.page(request, "contacts.html", shown)


async def _choices(frame: PageContext, runtimes: Mapping[str, BotRuntime]) -> dict[str, Any]:
    """Labels and colleagues of these bots, each once."""
    known = {name for runtime in runtimes.values() for name in await labels_of(runtime)}
    people = {
        one.id: one for runtime in runtimes.values() for one in await colleagues(frame.redis, runtime.bot.id)
    }
    return {"labels": sorted(known), "colleagues": list(people.values()), "me_id": ME, "nobody": NOBODY}


def _wanted(asked: Mapping[str, str]) -> tuple[ContactFilter, dict[str, str]]:
    """The filter of an address, and what it says that can be read, to be said again by its links."""
    raw: dict[str, Any] = {name: asked[name].strip() for name in NAMES if asked.get(name, "").strip()}
    kept = dict(raw)
    for name, bound, later in (("from", "active_from", 0), ("until", "active_until", 1)):
        try:
            day = date.fromisoformat(asked.get(name, "")) + timedelta(days=later)
            raw[bound], kept[name] = midnight(day), asked[name]
        except (ValueError, OverflowError):
            continue
    try:
        return ContactFilter.model_validate(raw), kept
    except ValidationError as error:
        for wrong in {str(one["loc"][0]) for one in error.errors()}:
            raw.pop(wrong, None)
            kept.pop({"active_from": "from", "active_until": "until"}.get(wrong, wrong), None)
        return ContactFilter.model_validate(raw), kept
