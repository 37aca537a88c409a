"""The operator API of drafts: what the agent would say, until a person sends, changes or discards it."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Literal

from fastapi import APIRouter, HTTPException, Response
from pydantic import Field

from server.api.common import Api, Body, Here
from server.api.contacts import ContactCard, contact_card_of
from server.conversations.drafts.draft import draft_of, mode_of
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.takeover import Refused
from server.operators.teamwork import draft_replies
from server.store.records import Record

routes = APIRouter(prefix="/api", tags=["teamwork"], route_class=Audited)

LONGEST_TURN_ID = 64


class DraftCard(Record):
    """What waits for a person's word in a conversation."""

    reply_mode: Literal["auto", "draft", "off"] = Field(
        description="What becomes of the agent's replies here: `auto`, they go out; `draft`, they wait; "
        "`off`, there are none"
    )
    turn_id: str = Field(description="The turn that wrote the draft; empty: there is none")
    at: int = Field(description="When it was written, Unix milliseconds; 0: there is none")
    messages: list[str] = Field(description="Its messages, in words")
    why: str = Field(description="Why the agent has nothing to say, where it was asked for a draft")


class DraftSent(Record):
    """A draft that is on its way."""

    ids: list[str] = Field(description="The ids of its messages")


class DraftToSend(Body):
    """Which draft is meant, and the words to be sent in its place."""

    turn_id: str = Field(max_length=LONGEST_TURN_ID, description="the turn of the draft that is meant")
    text: str | None = Field(
        None, pattern=r"\S", max_length=4_096, description="other words; none: the draft as it is"
    )


class ReplyModeIn(Body):
    """How the agent answers in one conversation."""

    reply_mode: Literal["", "auto", "draft", "off"] = Field(description="empty: as the bot says")


@contextlib.contextmanager
def _conflicts() -> Generator[None, None, None]:
    """What is refused answers 409, and why."""
    try:
        yield
    except Refused as error:
        raise HTTPException(409, str(error)) from None


async def _card(api: Api, conversation_id: str) -> DraftCard:
    runtime, contact = await api.lookup.contact(conversation_id)
    draft = draft_of(contact)
    return DraftCard(
        reply_mode=mode_of(runtime, contact),
        turn_id=draft.turn_id if draft else "",
        at=draft.at if draft else 0,
        messages=[reply.text for reply in draft.replies] if draft else [],
        why=draft.why if draft else "",
    )


@routes.get("/conversations/{conversation_id}/draft", summary="The draft that waits", dependencies=[READER])
async def get_draft(api: Here, conversation_id: str) -> DraftCard:
    return await _card(api, conversation_id)


@routes.post(
    "/conversations/{conversation_id}/draft",
    status_code=202,
    summary="Let the agent draft an answer",
    dependencies=[AGENT],
)
async def request_draft(api: Here, conversation_id: str) -> DraftCard:
    """Whoever has the conversation keeps it, and nothing goes out. The draft is there when a worker has
    written it; `GET` this address, or listen to `/api/events`."""
    runtime, contact = await api.lookup.contact(conversation_id)
    with _conflicts():
        await draft_replies.request_draft(runtime, contact)
    return await _card(api, conversation_id)


@routes.post(
    "/conversations/{conversation_id}/draft/send",
    status_code=202,
    summary="Send the draft, or other words in its place",
    dependencies=[AGENT],
)
async def send_draft(api: Here, conversation_id: str, wanted: DraftToSend) -> DraftSent:
    """Other words are kept beside the draft, and the conversation is answered by a person from then on only
    where it was before."""
    runtime, contact = await api.lookup.contact(conversation_id)
    with _conflicts():
        if wanted.text is None:
            return DraftSent(ids=await draft_replies.send_draft(runtime, contact, wanted.turn_id))
        return DraftSent(
            ids=[await draft_replies.send_instead(runtime, contact, wanted.turn_id, wanted.text)]
        )


@routes.delete(
    "/conversations/{conversation_id}/draft/{turn_id}",
    status_code=204,
    summary="Discard the draft",
    dependencies=[AGENT],
)
async def discard_draft(api: Here, conversation_id: str, turn_id: str) -> Response:
    """The agent forgets it; the contact still waits for an answer."""
    runtime, contact = await api.lookup.contact(conversation_id)
    with _conflicts():
        await draft_replies.discard_draft(runtime, contact, turn_id)
    return Response(status_code=204)


@routes.put(
    "/conversations/{conversation_id}/reply-mode", summary="How the agent answers here", dependencies=[AGENT]
)
async def set_reply_mode(api: Here, conversation_id: str, wanted: ReplyModeIn) -> ContactCard:
    """By itself, with a person's word for each reply, or not at all."""
    runtime, _ = await api.lookup.contact(conversation_id)
    await runtime.conversations.set(conversation_id, reply_mode=wanted.reply_mode)
    return await contact_card_of(api, conversation_id)
