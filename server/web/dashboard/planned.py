"""What is to come: follow-ups and appointments, as a list and by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.operators.tokens import feed_address
from server.outreach.appointments import Appointment, Appointments, when
from server.outreach.follow_ups import FollowUps, NextTouch
from server.web.dashboard.layout import PageContext
from server.web.languages.formats import date_text
from server.web.languages.viewer import _
from server.web.languages.words import field_words

ROWS = 50
# Weeks of the calendar.
WEEKS = 2


@dataclass(frozen=True, slots=True)
class _Booked:
    """An appointment, and when it is by the clock of its bot."""

    appointment: Appointment
    when: str


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    follow_ups, appointments = FollowUps(frame.redis), Appointments(frame.redis)

    @routes.get("/outreach", response_class=HTMLResponse)
    async def planned(request: Request) -> Response:
        """Touches that are still to come and appointments, as a list and by day."""
        runtimes = frame.chosen(request.query_params.get("bot", ""))
        booked, later = list[_Booked](), list[tuple[int, BotRuntime, str]]()
        for runtime in runtimes.values():
            timers = await follow_ups.timers.active(runtime.bot.id)
            later += [(at, runtime, name) for name, at in timers]
            booked += [
                _Booked(one, when(runtime.bot, one.start))
                for one in await appointments.coming(runtime.bot.id, now_ms())
            ]
        later.sort(key=lambda row: row[0])
        start = (
            int(asked)
            if (asked := request.query_params.get("from", "")).isdecimal() and len(asked) < 9
            else 0
        )
        chosen = later[start : start + ROWS]
        coming = [row for _, runtime, name in chosen if (row := await follow_ups.next_of(runtime, name))]
        booked.sort(key=lambda row: row.appointment.start)
        found: dict[str, Any] = {
            "coming": coming,
            "count": len(later),
            "following": start + ROWS if start + ROWS < len(later) else 0,
            "appointments": booked[:200],
            "weeks": _weeks(frame.local(now_ms()), coming, booked),
            "enabled": [runtime.bot.id for runtime in runtimes.values() if runtime.bot.outreach.enabled],
            "feeds": {bot_id: await feed_address(frame.settings, frame.redis, bot_id) for bot_id in runtimes},
        }
        return await frame.page(request, "planned.html", found)


def _weeks(today: datetime, coming: list[NextTouch], booked: list[_Booked]) -> list[list[dict[str, Any]]]:
    """Days of the next weeks, each with what falls on it, by the clock of each bot."""
    events: dict[str, list[dict[str, Any]]] = {}
    for row in coming:
        kind, what = "touch", f"{row.name or _('Contact')}: {field_words(row.kind)}"
        event = {
            "kind": kind,
            "at": row.due_local[11:16],
            "what": what,
            "link": f"/dashboard/{row.bot_id}/{row.id}",
        }
        events.setdefault(row.due_local[:10], []).append(event)
    for row in booked:
        one = row.appointment
        link = f"/dashboard/{one.bot_id}/{one.conversation_id}"
        what = one.name or one.phone
        event = {"kind": "appointment", "at": row.when[11:16], "what": what, "link": link}
        events.setdefault(row.when[:10], []).append(event)
    monday = today - timedelta(days=today.weekday())
    return [
        [
            {
                "day": date_text(day := monday + timedelta(days=7 * week + n), "weekday and day"),
                "today": day.date() == today.date(),
                "past": day.date() < today.date(),
                "events": sorted(events.get(day.strftime("%Y-%m-%d"), []), key=lambda event: event["at"]),
            }
            for n in range(7)
        ]
        for week in range(WEEKS)
    ]
