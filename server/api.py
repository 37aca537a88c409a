"""The operator API: JSON, bearer token, problem details for errors (RFC 9457)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, UploadFile
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis

from channels.base import Message
from knowledge_base.library import Library, Stored
from knowledge_base.load import FORMATS, Unreadable
from server import alerts, bots_api, outreach_api, oversight, privacy
from server.access import require_operator
from server.answering import Rehearsal, library
from server.bots import Desk
from server.clock import now_ms
from server.conversations import OPERATOR, Contact, Entry
from server.events import Feed
from server.follow_ups import FollowUps
from server.lines import DEFAULT
from server.outbox import Reply
from server.roster import Roster
from server.settings import Settings
from server.spending import NANO, Spending
from server.tokens import Visible, scope

LARGEST_DOCUMENT = 50 * 1024 * 1024

Limit = Annotated[int, Query(ge=1, le=200, description="rows on a page")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MessageIn(_In):
    """A message an operator writes."""

    text: str = Field(min_length=1, max_length=4096)


class GenerateIn(_In):
    """What a contact might write."""

    text: str = Field(min_length=1, max_length=65_536)
    bot_id: str = DEFAULT


class ContactIn(_In):
    """Fields an operator corrects; what stands here is never overwritten by the agent. null forgets a field."""

    profile: dict[str, str | None] = Field(max_length=50)


def router(settings: Settings, redis: Redis, roster: Roster, feed: Feed, stopping: asyncio.Event) -> APIRouter:
    """Everything under /api. Its routes reach bots only through `desks`, which shows a token of one bot no other."""
    desks = Visible(roster)

    async def operator(request: Request, _: Annotated[Any, Depends(HTTPBearer(auto_error=False))]) -> None:
        await require_operator(settings, redis, request)
        await roster.ready()

    routes = APIRouter(prefix="/api", tags=["operator"], dependencies=[Depends(operator)])
    shelf, spending = library(settings, redis), Spending(settings, redis)
    rehearsals: list[Rehearsal] = []
    later: set[asyncio.Task[None]] = set()
    follow_ups = FollowUps(redis)

    async def found(conversation_id: str) -> tuple[Desk, Contact]:
        for desk in desks.values():
            contact = await desk.conversations.contact(conversation_id)
            if contact is not None:
                return desk, contact
        raise HTTPException(404, "there is no conversation of this id")

    def desk_of(bot_id: str) -> Desk:
        if bot_id not in desks:
            raise HTTPException(404, f"there is no bot {bot_id!r}; GET /api/bots lists them")
        return desks[bot_id]

    @routes.get("/stats", summary="Counts per bot")
    async def stats() -> dict[str, Any]:
        async def row(d: Desk) -> dict[str, Any]:
            return {
                "bot_id": d.bot.id,
                "conversations": await d.conversations.count(),
                "waiting": await d.mailbox.backlog(),
                "dead_letters": len(await d.mailbox.dead_letters()),
                "today": await spending.of(d.bot.id),
                "daily_budget": d.bot.context.daily_budget,
                "follow_ups": await follow_ups.funnel(d.bot.id),
            }

        rows = await asyncio.gather(*(row(d) for d in desks.values()))
        return {
            "conversations": sum(row["conversations"] for row in rows),
            "bots": rows,
            "alerts": [row for row in await alerts.all_alerts(redis) if scope.get() in ("", row.get("bot_id"))],
        }

    bots_api.add(routes, settings, roster, desks)

    @routes.get(
        "/events",
        summary="What changes, as it changes",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events() -> StreamingResponse:
        """Server-sent events: `change` with `{bot_id, conversation_id, what}` (message, status or contact), and `everything` when
        some may have been missed."""
        return StreamingResponse(
            feed.stream(scope.get(), stopping),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @routes.get("/contacts", summary="Contacts, most recently active first")
    async def contacts(
        is_client: bool | None = None, bot_id: str | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> dict[str, Any]:
        rows, following = await _page(
            desks, bot_id, limit, cursor, lambda c: is_client is None or c.is_client == is_client
        )
        return {"items": [_contact(desks[c.bot_id], c) for c, _ in rows], "next_cursor": following}

    @routes.get("/contacts/{contact_id}", summary="One contact")
    async def get_contact(contact_id: str) -> dict[str, Any]:
        desk, contact = await found(contact_id)
        return _contact(desk, contact)

    @routes.patch("/contacts/{contact_id}", summary="Correct a contact's profile")
    async def patch_contact(contact_id: str, change: ContactIn) -> dict[str, Any]:
        desk, _ = await found(contact_id)
        facts = dict(change.profile)
        kind: Any = facts.pop("class", "") or ("unknown" if "class" in change.profile else "")
        if kind and kind not in oversight.CLASSES:
            raise HTTPException(422, f"profile.class: use one of {', '.join(oversight.CLASSES)}")
        if kind:
            await oversight.classify(desk, contact_id, kind)
        await desk.conversations.learn(contact_id, facts, OPERATOR)
        return _contact(*await found(contact_id))

    @routes.get(
        "/contacts/{contact_id}/export",
        summary="Everything that is known of a contact, as a zip archive",
        response_class=Response,
        responses={200: {"content": {"application/zip": {}}}},
    )
    async def export_contact(contact_id: str) -> Response:
        desk, contact = await found(contact_id)
        name = f'attachment; filename="contact-{contact_id}.zip"'
        packed = await privacy.exported(redis, desk, contact)
        return Response(packed, media_type="application/zip", headers={"Content-Disposition": name})

    @routes.delete("/contacts/{contact_id}", summary="Forget a contact, with everything that was said")
    async def erase_contact(
        contact_id: str, verify: bool = Query(False, description="look through all keys of the bot afterwards")
    ) -> dict[str, Any]:
        """Whoever wanted no more messages gets none if they are ever written to again; nothing else is kept of them."""
        desk, contact = await found(contact_id)
        done = await privacy.erased(redis, desk, contact, verify)
        task = asyncio.create_task(privacy.erase_again(redis, desk, contact))
        later.add(task)
        task.add_done_callback(later.discard)
        return {**done.model_dump(exclude_none=True), "status": "erased"}

    @routes.get("/conversations", summary="Conversations, most recently active first")
    async def conversations(bot_id: str | None = None, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
        rows, following = await _page(desks, bot_id, limit, cursor, lambda c: True)
        items = []
        for contact, at in rows:
            last = await desks[contact.bot_id].conversations.transcript(contact.id, 1)
            summary = {
                "id": contact.id,
                "bot_id": contact.bot_id,
                "name": contact.profile.get("name") or contact.name,
                "class": contact.profile.get("class", "unknown"),
                "owner": contact.owner,
                "task": contact.task,
                "last_activity": at,
            }
            items.append({**summary, "last_message": last[0].model_dump() if last else None})
        return {"items": items, "next_cursor": following}

    @routes.get("/conversations/{conversation_id}", summary="A conversation with its transcript")
    async def get_conversation(conversation_id: str, limit: Limit = 200) -> dict[str, Any]:
        desk, contact = await found(conversation_id)
        messages = await desk.conversations.transcript(conversation_id, limit)
        return {
            **_contact(desk, contact),
            "messages": [entry.model_dump() for entry in messages],
            "message_count": await desk.conversations.length(conversation_id),
        }

    @routes.post("/conversations/{conversation_id}/messages", status_code=202, summary="Write as a person")
    async def write(conversation_id: str, message: MessageIn) -> dict[str, Any]:
        desk, contact = await found(conversation_id)
        if contact.stopped:
            raise HTTPException(409, "the contact asked for no more messages; only they can take that back, with START")
        reply = Reply(id=f"{uuid.uuid4().hex}:0", text=message.text, author="person")
        entry = Entry(id=reply.id, author="person", text=message.text, at=now_ms())
        await oversight.take_over(desk, conversation_id)
        await desk.mailbox.post(conversation_id, reply.model_dump_json(), entry.model_dump_json(exclude={"status"}))
        echo = Message(
            id=reply.id,
            account=contact.account,
            kind="echo",
            wa_id=contact.wa_id,
            user_id=contact.user_id,
            text=message.text,
        )
        await desk.mailbox.remember(conversation_id, echo.model_dump_json())
        return {"id": reply.id, "status": "queued"}

    @routes.post("/conversations/{conversation_id}/handoff", summary="A person takes over")
    async def hand_over(conversation_id: str) -> dict[str, Any]:
        desk, _ = await found(conversation_id)
        await oversight.take_over(desk, conversation_id)
        return _contact(*await found(conversation_id))

    @routes.post("/conversations/{conversation_id}/resume", summary="Hand back to the bot")
    async def resume(conversation_id: str) -> dict[str, Any]:
        desk, _ = await found(conversation_id)
        await oversight.hand_back(desk, conversation_id)
        return _contact(*await found(conversation_id))

    @routes.delete("/conversations/{conversation_id}/task", summary="What a person was called for is done")
    async def finish_task(conversation_id: str) -> dict[str, Any]:
        desk, _ = await found(conversation_id)
        await oversight.done(desk, conversation_id)
        return _contact(*await found(conversation_id))

    @routes.post("/conversations/{conversation_id}/reset", summary="Forget the working memory")
    async def reset(conversation_id: str) -> dict[str, Any]:
        desk, contact = await found(conversation_id)
        await desk.conversations.forget_memory(conversation_id)
        return _contact(desk, contact)

    @routes.post("/generate", summary="What would the bot answer? Nothing is sent or stored")
    async def generate(asked: GenerateIn) -> dict[str, Any]:
        bot = desk_of(asked.bot_id).bot
        if not rehearsals:
            rehearsals.append(Rehearsal(settings, shelf))
        return await rehearsals[0].answer(bot, asked.text)

    @routes.get("/knowledge/documents", summary="Documents of a bot")
    async def documents(bot_id: str = DEFAULT) -> dict[str, Any]:
        desk_of(bot_id)
        return {"items": [_document(d) for d in await shelf.documents(bot_id)], "next_cursor": None}

    @routes.post("/knowledge/documents", status_code=201, summary="Add a document")
    async def add_document(
        file: UploadFile,
        in_form: Annotated[str | None, Form(alias="bot_id")] = None,
        in_query: Annotated[str | None, Query(alias="bot_id")] = None,
    ) -> dict[str, Any]:
        bot_id = in_form or in_query or DEFAULT
        desk_of(bot_id)
        return _document(await _ingest(shelf, bot_id, file))

    @routes.delete("/knowledge/documents/{document_id}", status_code=204, summary="Forget a document")
    async def remove_document(document_id: str, bot_id: str = DEFAULT) -> None:
        if not await shelf.remove(desk_of(bot_id).bot.id, document_id):
            raise HTTPException(404, "there is no document of this id")

    @routes.get("/dead-letters", summary="Turns given up on")
    async def dead_letters() -> dict[str, Any]:
        letters = [letter for desk in desks.values() for letter in await desk.mailbox.dead_letters()]
        return {"items": letters, "next_cursor": None}

    @routes.post("/dead-letters/{letter_id}/retry", status_code=202, summary="Try a turn again")
    async def retry(letter_id: str) -> dict[str, Any]:
        for desk in desks.values():
            for letter in await desk.mailbox.dead_letters():
                if letter["id"] == letter_id and await desk.mailbox.revive(letter["conversation_id"], letter_id):
                    return {"id": letter_id, "status": "queued"}
        raise HTTPException(404, "there is no dead letter of this id")

    outreach_api.add(routes, settings, redis, desks, roster.numbers, found, desk_of)
    return routes


async def _ingest(shelf: Library, bot_id: str, file: UploadFile) -> Stored:
    name = Path(file.filename or "").name
    if not name or Path(name).suffix.lower() not in FORMATS:
        raise HTTPException(415, f"file: use one of {', '.join(FORMATS)}")
    with tempfile.TemporaryDirectory() as folder:
        path, size = Path(folder) / name, 0
        with open(path, "wb") as target:  # noqa: ASYNC230 - a local temporary file
            while chunk := await file.read(1 << 20):
                size += len(chunk)
                if size > LARGEST_DOCUMENT:
                    raise HTTPException(413, f"file: larger than {LARGEST_DOCUMENT >> 20} MB; split it")
                target.write(chunk)
        try:
            return await shelf.add(bot_id, path)
        except Unreadable as error:
            raise HTTPException(422, f"file: {error}") from None


async def _page(
    desks: Mapping[str, Desk], bot_id: str | None, limit: int, cursor: str | None, wanted: Any
) -> tuple[list[tuple[Contact, int]], str | None]:
    """(contact, last activity) rows over one bot or all, most recent first, and the cursor of the next page."""
    if bot_id is not None and bot_id not in desks:
        raise HTTPException(404, f"there is no bot {bot_id!r}; GET /api/bots lists them")
    before = _position(cursor)
    rows: list[tuple[Contact, int]] = []
    while len(rows) <= limit:
        found = [
            (at, conversation_id, desk)
            for desk in desks.values()
            if bot_id in (None, desk.bot.id)
            for at, conversation_id in await desk.conversations.page(limit + 1, before)
        ]
        if not found:
            break
        found.sort(key=lambda row: row[:2], reverse=True)
        for at, conversation_id, desk in found[: limit + 1]:
            contact = await desk.conversations.contact(conversation_id)
            if contact is not None and wanted(contact):
                rows.append((contact, at))
        before = found[: limit + 1][-1][:2]
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], _cursor(last[1], last[0].id) if last else None


def _cursor(at: int, conversation_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at} {conversation_id}".encode()).decode()


def _position(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    try:
        at, conversation_id = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").split(" ")
        return int(at), conversation_id
    except (ValueError, binascii.Error):
        raise HTTPException(400, "cursor: use the next_cursor of an earlier answer") from None


def _contact(desk: Desk, contact: Contact) -> dict[str, Any]:
    missing = desk.bot.context.missing({**({"phone": contact.wa_id} if contact.wa_id else {}), **contact.profile})
    bill = {"calls": contact.calls, "input_tokens": contact.input, "output_tokens": contact.output}
    return {
        **contact.model_dump(exclude={"calls", "input", "output", "nano"}),
        "usage": {**bill, "cost": contact.nano / NANO},
        "class": contact.profile.get("class", "unknown"),
        "is_client": contact.is_client,
        "missing": missing,
        "complete": not missing,
    }


def _document(document: Stored) -> dict[str, Any]:
    return {
        **document.model_dump(include={"id", "name", "language", "pages", "problems"}),
        "passages": len(document.passages),
    }
