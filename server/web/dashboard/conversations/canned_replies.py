"""Replies at hand of a bot: what each says to a contact, the fields that may stand in one, and a form to
write one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from server.operators.teamwork.canned_replies import LONGEST, canned_replies, reply_fields
from server.store.counters import fields
from server.web.dashboard.layout import PageContext


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""

    @routes.get("/replies", response_class=HTMLResponse)
    async def list_of_replies(request: Request) -> Response:
        bot_id = frame.one_bot(request)
        shown: dict[str, Any] = {"bot": bot_id, "rows": [], "fields": [], "examples": {}, "longest": LONGEST}
        if bot_id:
            runtime = frame.lookup.runtime(bot_id)
            known = reply_fields(runtime)
            examples = {one.name: one.example for one in known}
            counts = await fields(frame.redis, bot_id)
            shown |= {
                "fields": [(one, counts.get(one.name, 0)) for one in known],
                "examples": examples,
                "rows": [
                    {"one": one, "preview": one.filled(examples), "strange": one.strange(examples)}
                    for one in await canned_replies(runtime)
                ],
            }
        return await frame.page(request, "canned_replies.html", shown)
