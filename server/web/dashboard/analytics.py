"""What a period was like, in charts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from server.operators import analytics
from server.operators.tables.ads import ad_report
from server.store.counters import WITHIN, day_of, month_until
from server.web.dashboard import charts
from server.web.dashboard.layout import PageContext
from server.web.languages.viewer import _
from server.web.languages.words import REASONS, field_words

PERIODS = (7, 30, 90)


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""

    @routes.get("/analytics", response_class=HTMLResponse)
    async def figures(request: Request) -> Response:
        asked = request.query_params
        bot_id, wrong = asked.get("bot", ""), ""
        today = day_of(frame.settings.timezone)
        last = asked.get("last") or today
        runtimes = frame.chosen(bot_id)
        try:
            first = asked.get("first") or month_until(last)
            found = await analytics.report(frame.redis, runtimes, first, last)
        except (ValueError, OverflowError) as error:
            wrong, last = str(error), today
            first = month_until(last)
            found = await analytics.report(frame.redis, runtimes, first, last)
        period = {"first": first, "last": last}
        one = {"bot_id": bot_id} if bot_id in frame.runtimes else {}
        shown: dict[str, Any] = {
            "found": found,
            "zone": frame.settings.timezone,
            "bot": one.get("bot_id", ""),
            "wrong": wrong,
            "charts": _charts(found),
            "ads": (await ad_report(frame.redis, runtimes, first, last)).ads,
            "ads_csv": f"/api/analytics/ads?{urlencode({**period, 'format': 'csv', **one})}",
            "reasons": REASONS,
            "csv": f"/api/analytics?{urlencode({**period, 'format': 'csv', **one})}",
            "periods": [
                (days, (date.fromisoformat(today) - timedelta(days=days - 1)).isoformat(), today)
                for days in PERIODS
            ],
        }
        return await frame.page(request, "analytics.html", shown)


def _charts(found: analytics.Analytics) -> dict[str, Any]:
    rows = found.days
    labels = [row.day for row in rows]

    def column(name: str) -> list[float]:
        return [getattr(row, name) for row in rows]

    funnel = found.funnel
    written = funnel.contacted
    steps = [
        (_("answered after touch %(number)s", number=n), count, written)
        for n, count in funnel.answered.items()
    ]
    contacts = found.contacts
    touches = column("touch_messages")
    replies = {
        _("by the bot"): [r - t for r, t in zip(column("replies"), touches, strict=True)],
        _("by people"): column("written_by_people"),
        _("touches"): touches,
    }
    return {
        "messages": charts.bars(_("Messages of contacts"), labels, {_("messages"): column("messages_in")}),
        "replies": charts.bars(_("Messages to contacts"), labels, replies),
        "cost": charts.bars(
            _("Cost"), labels, {_("models"): column("cost"), _("WhatsApp"): column("whatsapp_cost")}
        ),
        "within": charts.shares(
            _("Answered within"),
            [(_within(s), found.answered_within[str(s)], found.total.answers) for s in WITHIN],
        ),
        "funnel": charts.shares(
            _("After a touch"),
            [*steps, (_("said yes"), funnel.yes, written), (_("said no"), funnel.no, written)],
        )
        if written
        else "",
        "profile": charts.shares(
            _("Profiles"),
            [(field_words(name), n, contacts.all) for name, n in contacts.fields.items()],
        ),
    }


def _within(seconds: int) -> str:
    if seconds < 60:
        return _("within %(count)s s", count=seconds)
    return _("within %(count)s min", count=seconds // 60) if seconds < 3600 else _("within 1 h")
