"""The operator API of reaching out: follow-ups, templates, consent, and messages to a number."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import PlainTextResponse, Response
from pydantic import Field, model_validator

from channels.base import Message, SendError
from channels.cloud_api import CloudApi
from server.api.common import Api, Body, Here, Limit, MessageIn, Offset, OneBot, sliced
from server.bots.accounts import DEFAULT
from server.clock import now_ms
from server.operators import audit, takeover
from server.operators.audit import Audited
from server.operators.roles import AGENT, OWNER, READER
from server.operators.tokens import feed_address
from server.outreach import consent
from server.outreach.appointments import when
from server.outreach.follow_ups import NextTouch
from server.outreach.rules import Plan
from server.store.message_templates import MissingVariable, Template, keep, templates


class IntervalsIn(Body):
    """Hours after which each touch is due for one contact, rising; null: those of the bot."""

    intervals: list[float] | None = Field(max_length=20)

    @model_validator(mode="after")
    def _rising(self) -> IntervalsIn:
        hours = self.intervals or [1.0]
        if any(a >= b for a, b in zip([0.0, *hours], hours, strict=False)):
            raise ValueError("intervals: use rising hours, such as [24, 72]")
        return self


class ConsentIn(Body):
    """Whether a contact wants no more messages."""

    stopped: bool


class MessageToIn(MessageIn):
    """A text, or an approved template (`name:language`) with its variables in order, to a number."""

    to: str = Field(
        pattern=r"^\+?\d{6,15}$", description="phone number with its country code", examples=["+77010000001"]
    )
    bot_id: str = DEFAULT


routes = APIRouter(prefix="/api", route_class=Audited)


async def changed(api: Api, conversation_id: str, plan: Plan | None) -> NextTouch:
    if plan is None:
        raise HTTPException(409, "this conversation has no touch that is still to come")
    runtime, contact = await api.lookup.contact(conversation_id)
    return await api.follow_ups.described(runtime, contact, plan)


@routes.get(
    "/follow-ups/active", summary="Touches that are still to come, the next first", dependencies=[READER]
)
async def active(
    api: Here, bot_id: str | None = None, limit: Limit = 50, cursor: int = Query(0, ge=0)
) -> dict[str, Any]:
    chosen = list(api.lookup.some(bot_id).values())
    timers = [
        (at, name, runtime)
        for runtime in chosen
        for name, at in await api.follow_ups.timers.active(runtime.bot.id)
    ]
    timers.sort(key=lambda row: row[:2])
    items = [
        row
        for _, name, runtime in timers[cursor : cursor + limit]
        if (row := await api.follow_ups.next_of(runtime, name))
    ]
    more = cursor + limit if len(timers) > cursor + limit else None
    return {"items": items, "next_cursor": str(more) if more else None, "count": len(timers)}


@routes.get("/follow-ups/skipped", summary="Touches that were left out, and why", dependencies=[READER])
async def skipped(api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0) -> dict[str, Any]:
    chosen = list(api.lookup.some(bot_id).values())
    rows = [row for runtime in chosen for row in await api.follow_ups.skipped(runtime, start + limit + 1)]
    return sliced(sorted(rows, key=lambda row: -row.at), limit, start)


@routes.post("/follow-ups/{conversation_id}/pause", summary="Hold a sequence", dependencies=[AGENT])
async def pause(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await changed(api, conversation_id, await api.follow_ups.pause(runtime, conversation_id, True))


@routes.post("/follow-ups/{conversation_id}/resume", summary="Let a sequence go on", dependencies=[AGENT])
async def resume(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await changed(api, conversation_id, await api.follow_ups.pause(runtime, conversation_id, False))


@routes.post("/follow-ups/{conversation_id}/skip", summary="Leave the next touch out", dependencies=[AGENT])
async def skip(api: Here, conversation_id: str) -> NextTouch:
    return await changed(
        api, conversation_id, await api.follow_ups.skip(*await api.lookup.contact(conversation_id))
    )


@routes.post(
    "/follow-ups/{conversation_id}/run",
    status_code=202,
    summary="The next touch now; the rules still hold",
    dependencies=[AGENT],
)
async def run(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await changed(api, conversation_id, await api.follow_ups.run_now(runtime, conversation_id))


@routes.patch("/follow-ups/{conversation_id}", summary="Intervals of one contact's own", dependencies=[AGENT])
async def override(api: Here, conversation_id: str, asked: IntervalsIn) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await changed(
        api, conversation_id, await api.follow_ups.override(runtime, conversation_id, asked.intervals)
    )


@routes.delete(
    "/follow-ups/{conversation_id}", summary="No more touches until the contact writes", dependencies=[AGENT]
)
async def cancel(api: Here, conversation_id: str) -> NextTouch:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await changed(
        api, conversation_id, await api.follow_ups.end(runtime.bot.id, conversation_id, "cancelled")
    )


@routes.get("/calls", summary="Scheduled calls that are still to come, the next first", dependencies=[READER])
async def list_calls(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> dict[str, Any]:
    chosen = list(api.lookup.some(bot_id).values())
    rows = [
        (call, runtime)
        for runtime in chosen
        for call in await api.appointments.coming(runtime.bot.id, now_ms())
    ]
    rows.sort(key=lambda row: row[0].start)
    items = [{**call.model_dump(), "start_local": when(runtime.bot, call.start)} for call, runtime in rows]
    feeds = {
        runtime.bot.id: await feed_address(api.settings, api.redis, runtime.bot.id) for runtime in chosen
    }
    return {**sliced(items, limit, start), "count": len(rows), "feeds": feeds}


@routes.delete("/calls/{call_id}", status_code=204, summary="Cancel a call", dependencies=[AGENT])
async def cancel_call(api: Here, call_id: str) -> None:
    for runtime in api.runtimes.values():
        if await api.appointments.cancel(runtime.bot.id, call_id):
            return
    raise HTTPException(404, "there is no call of this id")


@routes.get("/templates", summary="Message templates as last read from the provider", dependencies=[READER])
async def list_templates(api: Here, bot_id: str = DEFAULT) -> dict[str, Any]:
    api.lookup.runtime(bot_id)
    known = await templates(api.redis, bot_id)
    return {"items": [_template(known[name]) for name in sorted(known)], "next_cursor": None}


@routes.post("/templates/sync", summary="Read the templates from the provider", dependencies=[OWNER])
async def sync(api: Here, bot_id: str = DEFAULT) -> dict[str, Any]:
    runtime = api.lookup.runtime(bot_id)
    channel = api.router.channel(bot_id, runtime.bot.account) if runtime.bot.account else None
    if not isinstance(channel, CloudApi) or not channel.credentials.business_account_id:
        raise HTTPException(
            409, "set WHATSAPP_BUSINESS_ACCOUNT_ID, WHATSAPP_PHONE_NUMBER_ID and WHATSAPP_ACCESS_TOKEN"
        )
    try:
        rows = await channel.templates(channel.credentials.business_account_id)
    except SendError as error:
        raise HTTPException(502, f"the provider did not list its templates: {error}") from None
    await keep(api.redis, bot_id, [Template.model_validate(row) for row in rows])
    return await list_templates(api, bot_id)


@routes.get(
    "/templates/{name}/{language}/preview", summary="What a contact would read", dependencies=[READER]
)
async def preview(api: Here, name: str, language: str, bot_id: str = DEFAULT, variable: Annotated[list[str] | None, Query()] = None) -> dict[str, Any]:  # fmt: skip
    api.lookup.runtime(bot_id)
    template = (await templates(api.redis, bot_id)).get(f"{name}:{language}")
    if template is None:
        raise HTTPException(
            404, "there is no template of this name and language; POST /api/templates/sync reads them"
        )
    return {**_template(template), "preview": _filled(template, variable or [])}


@routes.post(
    "/messages", status_code=202, summary="Send a text or a template to a number", dependencies=[AGENT]
)
async def send(api: Here, message: MessageToIn) -> dict[str, Any]:
    runtime = api.lookup.runtime(message.bot_id)
    card = Message(id="api", account=runtime.bot.account or runtime.bot.simulated_account, kind="system", wa_id=message.to.lstrip("+"))  # fmt: skip
    if (
        not message.template
        and runtime.bot.windowed(card.account)
        and not await runtime.conversations.known(card.account, card.wa_id)
    ):
        raise HTTPException(409, "the contact has never written: only a template may be sent")
    conversation_id = await runtime.conversations.identify(card)
    audit.about(runtime.bot.id, conversation_id)
    _, contact = await api.lookup.contact(conversation_id)
    known = await templates(api.redis, runtime.bot.id)
    written = {"text": message.text or "", "template": message.template or "", "variables": message.variables}
    try:
        sent = await takeover.write(runtime, contact, known, **written)
    except takeover.Refused as error:
        raise HTTPException(409, str(error)) from None
    except MissingVariable as error:
        raise HTTPException(422, f"variables: {error}") from None
    return {"id": sent, "conversation_id": conversation_id, "status": "queued"}


@routes.put(
    "/contacts/{contact_id}/consent",
    summary="Stop all messages to a contact, or take that back",
    dependencies=[AGENT],
)
async def set_consent(api: Here, contact_id: str, asked: ConsentIn) -> dict[str, Any]:
    runtime, _ = await api.lookup.contact(contact_id)
    await consent.change(api.redis, runtime.conversations, contact_id, asked.stopped, "operator", "")
    _, contact = await api.lookup.contact(contact_id)
    return {"id": contact_id, "stopped": contact.stopped}


@routes.get(
    "/suppressions", summary="Everybody who wants no messages", response_model=None, dependencies=[READER]
)
async def suppressions(
    api: Here, bot_id: str | None = None, format: str = "json"
) -> Response | dict[str, Any]:
    chosen = list(api.lookup.some(bot_id).values())
    rows = [row for runtime in chosen for row in await consent.suppressed(api.redis, runtime.conversations)]
    if format != "csv":
        return {"items": rows, "next_cursor": None}
    out = io.StringIO()
    table, columns = csv.writer(out), ("bot_id", "wa_id", "user_id", "since", "conversation_id")
    table.writerow(columns)
    table.writerows([getattr(row, column) for column in columns] for row in rows)
    return PlainTextResponse(out.getvalue(), media_type="text/csv")


@routes.get("/consents", summary="The last changes of consent, with their door", dependencies=[READER])
async def consents(api: Here, bot_id: str = DEFAULT, limit: Limit = 50, start: Offset = 0) -> dict[str, Any]:
    api.lookup.runtime(bot_id)
    return sliced(await consent.changes(api.redis, bot_id, start + limit + 1), limit, start)


def _template(template: Template) -> dict[str, Any]:
    return {
        **template.model_dump(),
    }


def _filled(template: Template, values: list[str]) -> str:
    try:
        return template.filled(values)
    except MissingVariable as error:
        raise HTTPException(422, f"variables: {error}") from None
