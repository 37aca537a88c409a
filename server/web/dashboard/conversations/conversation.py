"""One conversation: what was said, how each reply came about, what is known of the contact, and what may be
done."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from agent.memory import notes
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.drafts.draft import draft_of, mode_of
from server.observability import turn_traces
from server.observability.costs import usage_of
from server.operators import takeover
from server.operators.teamwork.canned_replies import canned_replies, fillings
from server.operators.teamwork.comments import Comment, comments_of, seen_by
from server.operators.teamwork.handling import colleagues
from server.operators.tokens import who
from server.orders.book import OrderBook
from server.outreach.appointments import Appointments, when
from server.outreach.follow_ups import FollowUps
from server.pipeline.agents import note_store
from server.pipeline.speaking.ogg import can_encode
from server.store.contacts import OPERATOR
from server.store.message_templates import templates
from server.store.records import Contact, Entry
from server.web.dashboard.conversations.conversation_list import listed_conversations
from server.web.dashboard.layout import PageContext
from server.web.dashboard.orders import sum_of
from server.web.languages import formats
from server.web.languages.viewer import _

# Lines shown at once.
LINES = 100
# More lines than any transcript has.
ALL = 1_000_000
# Fields of a profile that are shown elsewhere, or tell nobody anything.
HIDDEN = frozenset({"class", "class_reason", "class_confidence", "consent"})


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the pages on the dashboard."""
    follow_ups, appointments = FollowUps(frame.redis), Appointments(frame.redis)
    book = OrderBook(frame.redis)

    async def found(bot_id: str, conversation_id: str) -> tuple[BotRuntime, Contact]:
        runtime = frame.lookup.runtime(bot_id)
        contact = await runtime.conversations.contact(conversation_id)
        if contact is None:
            raise HTTPException(404, "there is no such conversation (any more)")
        return runtime, contact

    @routes.get("/{bot_id}/{conversation_id}", response_class=HTMLResponse)
    async def conversation(request: Request, bot_id: str, conversation_id: str) -> Response:
        runtime, contact = await found(bot_id, conversation_id)
        await seen_by(frame.redis, bot_id, conversation_id, who.get())
        before = request.query_params.get("before", "")[:300]
        entries = await runtime.conversations.transcript(conversation_id, LINES, before)
        length = await runtime.conversations.length(conversation_id)
        known = await templates(frame.redis, bot_id)
        shown: dict[str, Any] = {
            "contact": contact,
            "entries": entries,
            "lines": await _with_comments(runtime, conversation_id, entries, before),
            "colleagues": await colleagues(frame.redis, bot_id),
            "canned": [
                (one.shortcut, one.filled(fillings(runtime, contact)))
                for one in await canned_replies(runtime)
            ],
            "quotes": await _quotes(runtime, contact, entries),
            "earlier": entries[0].id
            if entries and (before or length > len(entries)) and len(entries) == LINES
            else "",
            "usage": usage_of(dict(contact)),
            "fields": _fields(runtime, contact, entries),
            "notes": await notes.read_notes(note_store(frame.redis, bot_id), bot_id, conversation_id),
            "touch": await follow_ups.next_of(runtime, conversation_id),
            "appointments": [
                (one, when(runtime.bot, one.start)) for one in await appointments.of(bot_id, conversation_id)
            ],
            "orders": [(one, sum_of(one)) for one in await book.orders_of(bot_id, conversation_id)],
            "later": _later(),
            "draft": draft_of(contact),
            "mode": mode_of(runtime, contact),
            "bot_mode": {"auto": _("go out"), "draft": _("wait"), "off": _("none")}[runtime.bot.reply_mode],
            "voice": can_encode(),
            "writing": takeover.writing(runtime, contact, now_ms()),
            "templates": [known[name] for name in sorted(known) if known[name].usable],
            "missing": runtime.bot.context.missing({"phone": contact.wa_id, **contact.profile}),
        }
        return await frame.page(
            request, "conversation.html", {**await listed_conversations(frame, request), **shown}
        )

    @routes.get("/{bot_id}/{conversation_id}/turns/{turn_id}", response_class=HTMLResponse)
    async def turn(request: Request, bot_id: str, conversation_id: str, turn_id: str) -> Response:
        runtime, contact = await found(bot_id, conversation_id)
        trace = await turn_traces.find_trace(frame.redis, runtime.bot.id, contact.id, turn_id)
        return frame.part(
            request, "turn.html", {"trace": trace, "steps": _side_by_side(trace) if trace else []}
        )


def _later() -> list[tuple[str, int]]:
    """Until when a conversation may be put off, in words and as Unix ms."""
    now = formats.local(now_ms())
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    monday = morning + timedelta(days=7 - now.weekday())
    found = (
        (_("Put off for an hour"), now + timedelta(hours=1)),
        (_("until tomorrow, 9:00"), morning + timedelta(days=1)),
        (_("until Monday, 9:00"), monday),
    )
    return [(words, int(at.timestamp() * 1000)) for words, at in found]


async def _with_comments(
    runtime: BotRuntime, conversation_id: str, entries: list[Entry], before: str
) -> list[Entry | Comment]:
    """What was said with what colleagues said of it, by time: each comment on one page, those that are older
    than all lines on the oldest."""
    comments = await comments_of(runtime, conversation_id)
    since = entries[0].at if len(entries) == LINES else 0
    following = await runtime.conversations.entry(conversation_id, before, ALL) if before else None
    until = following.at if following else math.inf
    inside = [one for one in comments if since <= one.at < until]
    return sorted([*entries, *inside], key=lambda line: line.at)


def _side_by_side(trace: turn_traces.Trace) -> list[list[turn_traces.Step]]:
    """The steps of a turn, those that ran beside each other together."""
    beside = {"moderate", "extract", "retrieve"}
    groups: list[list[turn_traces.Step]] = []
    for step in trace.steps:
        if groups and step.node in beside and groups[-1][-1].node in beside:
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


async def _quotes(runtime: BotRuntime, contact: Contact, entries: list[Entry]) -> dict[str, Entry]:
    """What messages reply to, by the id they name."""
    wanted = {entry.quoted_id for entry in entries if entry.quoted_id}
    if not wanted:
        return {}
    ours = await runtime.conversations.sent_ids(contact.id)
    known = {entry.id: entry for entry in entries}
    if any(ours.get(id, id) not in known for id in wanted):
        known = {
            entry.id: entry
            for entry in await runtime.conversations.transcript(contact.id, runtime.mailbox.limits.lines)
        }
    return {id: quoted for id in wanted if (quoted := known.get(ours.get(id, id)))}


def _fields(runtime: BotRuntime, contact: Contact, entries: list[Entry]) -> list[dict[str, str]]:
    """The profile with where each field comes from, those that are wanted and not known included."""
    said = {entry.id: entry for entry in entries}
    wanted = runtime.bot.context.missing({})
    names = dict.fromkeys([*wanted, *sorted(contact.profile.keys() - HIDDEN)])
    rows: list[dict[str, str]] = []
    for name in names:
        value, source = contact.profile.get(name, ""), contact.sources.get(name, "")
        if name == "phone" and not value and contact.wa_id:
            value, why = f"+{contact.wa_id}", _("the number they write from")
        elif source == OPERATOR:
            why = _("entered by a person; never overwritten")
        elif source in said:
            why = _("they wrote: “%(words)s”", words=(said[source].heard or said[source].text)[:120])
        elif not value:
            why = _("asked for when it fits") if name in wanted else ""
        else:
            why = _("from an earlier message")
        rows.append({"name": name, "value": value, "why": why})
    return rows
