"""The operator API of conversations and contacts: found, read, written in, corrected, exported, erased."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import Field, field_validator

from agent.access_lists import TURNED_AWAY
from agent.profile import region_of
from channels.downloads import DownloadError
from server.api.common import Api, Body, Cursor, Here, Limit, MessageIn, OneBot
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations import attachments, working_memory
from server.conversations.attachments import NoMedia
from server.conversations.listing import LONGEST_QUERY, PATIENCE, BadCursor, Inbox, Row, Show, cursor_of
from server.observability import turn_traces
from server.observability.costs import NANO
from server.operators import audit, privacy, takeover
from server.operators.audit import Audited
from server.operators.profile_fields import BadField, entered
from server.operators.roles import AGENT, OWNER, READER
from server.store.contacts import OPERATOR
from server.store.message_templates import MissingVariable, templates
from server.store.records import Contact

# What the service notes in a profile itself.
OURS = frozenset({"consent", "undeliverable", "class_reason", "class_confidence", TURNED_AWAY})

Shown = Annotated[Show, Query(description="which ones")]
Wanted = Annotated[str, Query(max_length=LONGEST_QUERY, description="words of a message, a name or a number")]


class ContactIn(Body):
    """Fields an operator corrects; what stands here is never overwritten by the agent. null forgets a
    field."""

    profile: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], Annotated[str, Field(max_length=1000)] | None] = Field(max_length=50, examples=[{"name": "Aigerim", "class": "client"}])  # fmt: skip

    @field_validator("profile")
    @classmethod
    def _theirs_to_say(cls, profile: dict[str, str | None]) -> dict[str, str | None]:
        if barred := sorted(profile.keys() & OURS):
            raise ValueError(
                f"{', '.join(barred)}: not a field to be entered; consent has PUT /api/contacts/ID/consent"
            )
        for name, value in profile.items():
            if any("\ud800" <= c <= "\udfff" for c in value or ""):
                raise ValueError(f"{name}: half a character cannot be stored")
        return profile


routes = APIRouter(prefix="/api", route_class=Audited)


async def page(api: Api, show: Show, q: str, bot_id: str | None, limit: int, cursor: str | None) -> Any:
    try:
        return await api.inbox.page(api.lookup.some(bot_id), show, q, limit, cursor)
    except BadCursor as error:
        raise HTTPException(400, str(error)) from None


@routes.get("/conversations", summary="Conversations, most recently active first", dependencies=[READER])
async def conversations(
    api: Here,
    bot_id: OneBot = None,
    show: Shown = "all",
    q: Wanted = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """A search reads transcripts, newest first, and gives up after a while: `searched_until` (ms) says how
    far back it got, and `next_cursor` goes on from there."""
    found = await page(api, show, q, bot_id, limit, cursor)
    items = [summary(row) for row in found.rows]
    return {"items": items, "next_cursor": found.cursor, "searched_until": found.until or None}


@routes.get(
    "/conversations/{conversation_id}",
    summary="A conversation with its transcript: the session of a contact",
    dependencies=[READER],
)
async def get_conversation(
    api: Here,
    conversation_id: str,
    limit: Limit = 200,
    before: Annotated[
        str | None, Query(max_length=300, description="id of a message: only what was said before it")
    ] = None,
) -> dict[str, Any]:
    """`messages` are the last ones, oldest first; `writing` says what may be written to the contact now."""
    runtime, contact = await api.lookup.contact(conversation_id)
    messages = await runtime.conversations.transcript(conversation_id, limit, before or "")
    return {
        **card(runtime, contact),
        "messages": [entry.model_dump() for entry in messages],
        "message_count": await runtime.conversations.length(conversation_id),
        "writing": takeover.writing(runtime, contact, now_ms()).model_dump(),
    }


@routes.get(
    "/conversations/{conversation_id}/turns/{turn_id}",
    summary="How a reply came about",
    dependencies=[READER],
)
async def get_turn(api: Here, conversation_id: str, turn_id: str) -> dict[str, Any]:
    """The way through the graph with times, passages, tools, what was checked, prompts, models, tokens and
    cost; kept for 30 days."""
    runtime, _ = await api.lookup.contact(conversation_id)
    trace = await turn_traces.find(api.redis, runtime.bot.id, conversation_id, turn_id)
    if trace is None:
        raise HTTPException(404, "nothing is known of this turn; it is kept for 30 days")
    return trace.model_dump()


@routes.get(
    "/conversations/{conversation_id}/media/{message_id}",
    summary="The file of a message, fetched from the provider",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
    dependencies=[READER],
)
async def media(api: Here, conversation_id: str, message_id: str) -> Response:
    """Files are not stored here; providers keep them for some weeks."""
    runtime, contact = await api.lookup.contact(conversation_id)
    try:
        file = await attachments.fetched(runtime, api.router, contact, message_id)
    except NoMedia as error:
        raise HTTPException(404, str(error)) from None
    except DownloadError as error:
        raise HTTPException(
            502 if error.kind == "retry" else 404, f"the file did not come: {error}"
        ) from None
    return Response(file.data, media_type=file.mime_type, headers=file.headers)


@routes.get(
    "/conversations/{conversation_id}/saved",
    summary="The conversation as a saved one, for a test, with people taken out of it",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
    dependencies=[READER],
)
async def saved(
    api: Here,
    conversation_id: str,
    name: Annotated[
        str, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="what to call it")
    ] = "saved",
    bad: Annotated[str, Query(max_length=200, description="words the last reply must not have had")] = "",
    mask: Annotated[list[str] | None, Query(description="names of people who are spoken of")] = None,
) -> Response:
    """A zip of `NAME.yaml` and its tape, for `tests/conversations`. With `bad` it is a failing test at
    once."""
    from server.replay import (
        archive,  # the replay of conversations is half a second at every start of the web process
    )

    runtime, contact = await api.lookup.contact(conversation_id)
    audit.look(runtime.bot.id, conversation_id)
    try:
        packed = await archive.packed(name, runtime, contact, api.shelf, mask or [], bad)
    except archive.BadConversation as error:
        raise HTTPException(422, str(error)) from None
    return _file(packed, "application/zip", f"{name}.zip")


@routes.post(
    "/conversations/{conversation_id}/messages",
    status_code=202,
    summary="Write as a person",
    dependencies=[AGENT],
)
async def write(api: Here, conversation_id: str, message: MessageIn) -> dict[str, Any]:
    """A text takes the conversation over: the bot is silent until it is handed back."""
    runtime, contact = await api.lookup.contact(conversation_id)
    known = await templates(api.redis, runtime.bot.id)
    written = {"text": message.text or "", "template": message.template or "", "variables": message.variables}
    try:
        return {"id": await takeover.write(runtime, contact, known, **written), "status": "queued"}
    except takeover.Refused as error:
        raise HTTPException(409, str(error)) from None
    except MissingVariable as error:
        raise HTTPException(422, f"variables: {error}") from None


async def changed(api: Api, conversation_id: str) -> dict[str, Any]:
    return card(*await api.lookup.contact(conversation_id))


@routes.post(
    "/conversations/{conversation_id}/seen", summary="Nothing of it is unread any more", dependencies=[AGENT]
)
async def seen(api: Here, conversation_id: str) -> dict[str, Any]:
    runtime, _ = await api.lookup.contact(conversation_id)
    await runtime.conversations.see(conversation_id)
    return await changed(api, conversation_id)


@routes.post("/conversations/{conversation_id}/handoff", summary="A person takes over", dependencies=[AGENT])
async def hand_over(api: Here, conversation_id: str) -> dict[str, Any]:
    runtime, _ = await api.lookup.contact(conversation_id)
    await takeover.take_over(runtime, conversation_id)
    return await changed(api, conversation_id)


@routes.post("/conversations/{conversation_id}/resume", summary="Hand back to the bot", dependencies=[AGENT])
async def resume(api: Here, conversation_id: str) -> dict[str, Any]:
    runtime, _ = await api.lookup.contact(conversation_id)
    await takeover.hand_back(runtime, conversation_id)
    return await changed(api, conversation_id)


@routes.delete(
    "/conversations/{conversation_id}/task",
    summary="What a person was called for is done",
    dependencies=[AGENT],
)
async def finish_task(api: Here, conversation_id: str) -> dict[str, Any]:
    runtime, _ = await api.lookup.contact(conversation_id)
    await takeover.done(runtime, conversation_id)
    return await changed(api, conversation_id)


@routes.post(
    "/conversations/{conversation_id}/reset", summary="Forget the working memory", dependencies=[AGENT]
)
async def reset(api: Here, conversation_id: str) -> dict[str, Any]:
    """Transcript and profile stay; the agent begins anew."""
    runtime, contact = await api.lookup.contact(conversation_id)
    await working_memory.forget(runtime, conversation_id)
    return card(runtime, contact)


@routes.get(
    "/contacts", summary="Contacts, most recently active first", response_model=None, dependencies=[READER]
)
async def contacts(
    api: Here,
    is_client: bool | None = None,
    bot_id: OneBot = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    format: Annotated[
        str, Query(pattern="^(json|csv)$", description="`csv`: all of them, as a table")
    ] = "json",
) -> Response | dict[str, Any]:
    show: Show = "client" if is_client else "all"
    runtimes = api.lookup.some(bot_id)
    if format == "csv":
        table = _table(api.inbox, runtimes, show, is_client)
        named = {"Content-Disposition": 'attachment; filename="contacts.csv"'}
        audit.look(bot_id or "")
        return StreamingResponse(table, media_type="text/csv; charset=utf-8", headers=named)
    items, end = list[dict[str, Any]](), time.monotonic() + PATIENCE
    while True:
        found = await page(api, show, "", bot_id, limit if is_client is not False else 200, cursor)
        for row in found.rows:
            cursor = cursor_of((row.at, row.contact.id))
            if is_client in (None, row.contact.is_client):
                items.append(card(api.lookup.runtime(row.contact.bot_id), row.contact))
            if len(items) == limit:
                break
        done = found.cursor is None and (not found.rows or cursor == cursor_of((found.rows[-1].at, found.rows[-1].contact.id)))  # fmt: skip
        if done or len(items) == limit or time.monotonic() > end:
            return {"items": items, "next_cursor": None if done else cursor}


@routes.get("/contacts/{contact_id}", summary="One contact", dependencies=[READER])
async def get_contact(api: Here, contact_id: str) -> dict[str, Any]:
    return await changed(api, contact_id)


@routes.patch("/contacts/{contact_id}", summary="Correct a contact's profile", dependencies=[AGENT])
async def patch_contact(api: Here, contact_id: str, change: ContactIn) -> dict[str, Any]:
    """Values are checked as those are that the agent finds: an e-mail address is one, a number can be
    called."""
    runtime, contact = await api.lookup.contact(contact_id)
    custom = {field.name: field for field in runtime.bot.context.custom_fields}
    try:
        facts = {
            name: entered(name, value, custom, region_of(contact.wa_id)) if value else None
            for name, value in change.profile.items()
        }
    except BadField as error:
        raise HTTPException(422, f"profile.{error.field}: {error}") from None
    kind: Any = facts.pop("class", "") or ("unknown" if "class" in change.profile else "")
    if kind:
        await takeover.classify(runtime, contact_id, kind)
    await runtime.conversations.learn(contact_id, facts, OPERATOR)
    return await changed(api, contact_id)


@routes.get(
    "/contacts/{contact_id}/export",
    summary="Everything that is known of a contact, as a zip archive",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
    dependencies=[READER],
)
async def export_contact(api: Here, contact_id: str) -> Response:
    """JSON files, and the files of messages that their provider still has."""
    runtime, contact = await api.lookup.contact(contact_id)
    audit.look(runtime.bot.id, contact_id)
    packed = await privacy.exported(api.redis, runtime, contact, api.router)
    return _file(packed, "application/zip", f"contact-{contact_id}.zip")


@routes.delete(
    "/contacts/{contact_id}", summary="Forget a contact, with everything that was said", dependencies=[OWNER]
)
async def erase_contact(
    api: Here,
    contact_id: str,
    verify: bool = Query(False, description="look through all keys of the bot afterwards"),
) -> dict[str, Any]:
    """Whoever wanted no more messages gets none if they are ever written to again; nothing else is kept of
    them."""
    runtime, contact = await api.lookup.contact(contact_id)
    done = await privacy.erased(api.redis, runtime, contact, verify)
    task = asyncio.create_task(privacy.erase_again(api.redis, runtime, contact))
    api.later.add(task)
    task.add_done_callback(api.later.discard)
    return {**done.model_dump(exclude_none=True), "status": "erased"}


def _file(data: bytes, kind: str, name: str) -> Response:
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def summary(row: Row) -> dict[str, Any]:
    """A conversation as lists show it."""
    contact = row.contact
    return {
        "id": contact.id,
        "bot_id": contact.bot_id,
        "name": contact.profile.get("name") or contact.name,
        "class": contact.profile.get("class", "unknown"),
        "owner": contact.owner,
        "stage": contact.profile.get("stage", ""),
        "task": contact.task,
        "unread": contact.unread,
        "waiting_since": contact.waiting_since or None,
        "last_activity": row.at,
        "last_message": row.last.model_dump() if row.last else None,
        **({"found": row.found} if row.found else {}),
    }


def card(runtime: BotRuntime, contact: Contact) -> dict[str, Any]:
    """A contact with everything known of them."""
    missing = runtime.bot.context.missing(
        {**({"phone": contact.wa_id} if contact.wa_id else {}), **contact.profile}
    )
    bill = {"calls": contact.calls, "input_tokens": contact.input, "output_tokens": contact.output}
    return {
        **contact.model_dump(exclude={"calls", "input", "output", "nano"}),
        "usage": {**bill, "cost": contact.nano / NANO},
        "class": contact.profile.get("class", "unknown"),
        "is_client": contact.is_client,
        "stopped": contact.stopped,
        "missing": missing,
        "complete": not missing,
    }


COLUMNS = ("id", "bot_id", "phone", "name", "last_name", "company", "email", "language", "class", "stage", "owner", "stopped", "created", "last_activity", "ad", "ad_source_id", "ad_ctwa_clid")  # fmt: skip


_NUMBER = re.compile(r"^\+\d+$")


async def _table(
    inbox: Inbox, runtimes: dict[str, BotRuntime], show: Show, is_client: bool | None
) -> AsyncIterator[str]:
    """The contacts as CSV, so many at a time; nothing a spreadsheet would take for a formula."""
    out, cursor = io.StringIO(), None
    table = csv.writer(out)
    table.writerow(COLUMNS)
    while True:
        found = await inbox.page(runtimes, show, limit=500, cursor=cursor)
        for row in found.rows:
            contact = row.contact
            if is_client not in (None, contact.is_client):
                continue
            known = {
                "phone": f"+{contact.wa_id}" if contact.wa_id else "",
                **{"name": contact.name, "class": "unknown"},
                **contact.profile,
                **{
                    "id": contact.id,
                    "bot_id": contact.bot_id,
                    "owner": contact.owner,
                    "stopped": contact.stopped,
                },
                **{
                    "created": contact.created,
                    "last_activity": row.at,
                    "ad": contact.referral.get("headline", ""),
                },
                **{f"ad_{name}": contact.referral.get(name, "") for name in ("source_id", "ctwa_clid")},
            }
            table.writerow([_cell(name, known.get(name, "")) for name in COLUMNS])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        cursor = found.cursor
        if cursor is None:
            return


def _cell(name: str, value: Any) -> str:
    text = str(value)
    risky = text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{text}" if risky and not (name == "phone" and _NUMBER.match(text)) else text
