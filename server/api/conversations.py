"""The operator API of conversations: found, read, written in, handed over and back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import Response
from pydantic import Field

from channels.downloads import DownloadError
from server.api.common import (
    Cursor,
    Here,
    Limit,
    MessageIn,
    OneBot,
    Page,
    Queued,
    attached,
    conversations_page,
    fails,
    file_answer,
)
from server.api.contacts import ContactCard, card, contact_card_of
from server.api.messages import queue
from server.clock import now_ms
from server.conversations import working_memory
from server.conversations.attachments import received
from server.conversations.attachments.received import NoMedia
from server.conversations.listing import ListedConversation, Selection, Show
from server.conversations.search.terms import LONGEST_QUERY
from server.observability import turn_traces
from server.observability.turn_traces import Trace
from server.operators import audit, takeover
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.takeover import Writing
from server.operators.teamwork.comments import seen_by
from server.operators.teamwork.handling import as_label, selected
from server.operators.tokens import who
from server.store.records import Entry, Record


def _selected(
    show: Annotated[
        Show | Literal["mine", "mentions"],
        Query(description="which ones; `mine`: assigned to you, `mentions`: where a comment calls you"),
    ] = "all",
    label: Annotated[
        str, Query(max_length=100, description="only those of this label, whatever `show` says")
    ] = "",
) -> Selection:
    return selected(show, as_label(label))


Shown = Annotated[Selection, Depends(_selected)]
Wanted = Annotated[str, Query(max_length=LONGEST_QUERY, description="words of a message, a name or a number")]


class ConversationSummary(Record):
    """A conversation as lists show it."""

    id: str = Field(description="The conversation's id, and that of the contact")
    bot_id: str = Field(description="Its bot")
    name: str = Field(description="The contact's name")
    contact_class: str = Field(alias="class", description="`client`, `non_client` or `unknown`")
    owner: Literal["bot", "person"] = Field(
        description="The assignee: the bot answers, or a person at the business does"
    )
    stage: str = Field(description="Where the sales talk stands, such as `problem`")
    task: str = Field(description="What a person has to look after; empty: nothing")
    colleague: str = Field(description="Who has it among people; empty: nobody")
    labels: list[str] = Field(description="Its labels")
    unread: int = Field(description="Messages that no operator has seen")
    waiting_since: int | None = Field(
        description="Since when a message or a task waits, Unix milliseconds; null: nothing does"
    )
    last_activity: int = Field(description="When something was last said, Unix milliseconds")
    last_message: Entry | None = Field(description="The last message; null: there is none")
    found: str = Field(
        default="",
        description="The line that holds what was searched for; only in a search",
        exclude_if=lambda line: not line,
    )


class ConversationPage(Page[ConversationSummary]):
    """Conversations, most recently active first."""

    searched_until: int | None = Field(
        description="How far back the search got, Unix milliseconds; null: all was searched"
    )


class ConversationCost(Record):
    """What a conversation cost, US dollars. A place for what else it may cost one day."""

    model: float = Field(description="Of model calls")
    whatsapp: float = Field(
        description="That WhatsApp charges for messages, as far as prices are known: as statuses say, and "
        "expected where none has come yet"
    )


class Conversation(ContactCard):
    """A conversation with its transcript."""

    cost: ConversationCost = Field(description="What it cost so far")
    paid_messages: int = Field(description="Messages that WhatsApp charges for")
    unpriced_messages: int = Field(description="Those of them whose price nobody knows")
    free_messages: int = Field(description="Messages that WhatsApp charges for in principle, and were free")
    saved_messages: int = Field(
        description="Messages that were not sent, since several of the contact's were answered together"
    )
    messages: list[Entry] = Field(description="The last messages, oldest first")
    message_count: int = Field(description="How many messages it has in all")
    writing: Writing = Field(description="What may be written to the contact now")


routes = APIRouter(prefix="/api", tags=["conversations"], route_class=Audited)


@routes.get("/conversations", summary="Conversations, most recently active first", dependencies=[READER])
async def list_conversations(
    api: Here,
    show: Shown,
    bot_id: OneBot = None,
    q: Wanted = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ConversationPage:
    """A search looks through all that was said, newest first. Where an index cannot help (two letters, a word
    that is everywhere) it gives up after a while: `searched_until` (ms) says how far back it got, and
    `next_cursor` goes on from there."""
    found = await conversations_page(api, show, q, bot_id, limit, cursor)
    return ConversationPage(
        items=[summary(row) for row in found.rows],
        next_cursor=found.cursor,
        searched_until=found.until or None,
    )


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
) -> Conversation:
    """`messages` are the last ones, oldest first; `writing` says what may be written to the contact now."""
    runtime, contact = await api.lookup.contact(conversation_id)
    messages = await runtime.conversations.transcript(conversation_id, limit, before or "")
    contact_card = card(runtime, contact)
    usage = contact_card.usage
    said = {
        "cost": ConversationCost(model=usage.cost, whatsapp=usage.whatsapp_cost),
        "paid_messages": usage.paid_messages,
        "unpriced_messages": usage.unpriced_messages,
        "free_messages": usage.free_messages,
        "saved_messages": contact.wa_saved,
        "messages": messages,
        "message_count": await runtime.conversations.length(conversation_id),
        "writing": takeover.writing(runtime, contact, now_ms()),
    }
    return Conversation.model_validate({**contact_card.model_dump(by_alias=True), **said})


@routes.get(
    "/conversations/{conversation_id}/turns/{turn_id}",
    summary="How a reply came about",
    dependencies=[READER],
)
async def get_turn(api: Here, conversation_id: str, turn_id: str) -> Trace:
    """The way through the graph with times, passages, tools, what was checked, prompts, models, tokens and
    cost; kept for 30 days."""
    runtime, _ = await api.lookup.contact(conversation_id)
    trace = await turn_traces.find_trace(api.redis, runtime.bot.id, conversation_id, turn_id)
    if trace is None:
        raise HTTPException(404, "nothing is known of this turn; it is kept for 30 days")
    return trace


@routes.get(
    "/conversations/{conversation_id}/media/{message_id}",
    summary="The file of a message, fetched from the provider",
    response_class=Response,
    responses=file_answer("application/octet-stream") | fails(502, "The provider did not hand the file out"),
    dependencies=[READER],
)
async def get_media(api: Here, conversation_id: str, message_id: str) -> Response:
    """Files of contacts are not stored here; providers keep them for some weeks. What was sent from here is
    kept for three days."""
    runtime, contact = await api.lookup.contact(conversation_id)
    try:
        file = await received.fetch_attachment(runtime, api.router, contact, message_id)
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
    responses=file_answer("application/zip"),
    dependencies=[READER],
)
async def save_conversation(
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
    audit.record_disclosure(runtime.bot.id, conversation_id)
    try:
        packed = await archive.conversation_archive(name, runtime, contact, api.shelf, mask or [], bad)
    except archive.BadConversation as error:
        raise HTTPException(422, str(error)) from None
    return attached(packed, "application/zip", f"{name}.zip")


@routes.post(
    "/conversations/{conversation_id}/messages",
    status_code=202,
    summary="Write as a person",
    dependencies=[AGENT],
)
async def write_message(api: Here, conversation_id: str, message: MessageIn) -> Queued:
    """A text takes the conversation over: the bot is silent until it is handed back."""
    runtime, contact = await api.lookup.contact(conversation_id)
    return Queued(id=await queue(api, runtime, contact, message))


@routes.post(
    "/conversations/{conversation_id}/seen", summary="Nothing of it is unread any more", dependencies=[AGENT]
)
async def mark_seen(api: Here, conversation_id: str) -> ContactCard:
    runtime, _ = await api.lookup.contact(conversation_id)
    await runtime.conversations.see(conversation_id)
    await seen_by(api.redis, runtime.bot.id, conversation_id, who.get())
    return await contact_card_of(api, conversation_id)


@routes.post("/conversations/{conversation_id}/handoff", summary="A person takes over", dependencies=[AGENT])
async def hand_over(api: Here, conversation_id: str) -> ContactCard:
    runtime, _ = await api.lookup.contact(conversation_id)
    await takeover.take_over(runtime, conversation_id)
    return await contact_card_of(api, conversation_id)


@routes.post("/conversations/{conversation_id}/resume", summary="Hand back to the bot", dependencies=[AGENT])
async def hand_back(api: Here, conversation_id: str) -> ContactCard:
    runtime, _ = await api.lookup.contact(conversation_id)
    await takeover.hand_back(runtime, conversation_id)
    return await contact_card_of(api, conversation_id)


@routes.delete(
    "/conversations/{conversation_id}/task",
    summary="What a person was called for is done",
    dependencies=[AGENT],
)
async def finish_task(api: Here, conversation_id: str) -> ContactCard:
    runtime, _ = await api.lookup.contact(conversation_id)
    await takeover.done(runtime, conversation_id)
    return await contact_card_of(api, conversation_id)


@routes.post(
    "/conversations/{conversation_id}/reset", summary="Forget the working memory", dependencies=[AGENT]
)
async def reset_conversation(api: Here, conversation_id: str) -> ContactCard:
    """Transcript and profile stay; the agent begins anew."""
    runtime, contact = await api.lookup.contact(conversation_id)
    await working_memory.clear_memory(runtime, conversation_id)
    return card(runtime, contact)


def summary(row: ListedConversation) -> ConversationSummary:
    """A conversation as lists show it."""
    contact = row.contact
    return ConversationSummary.model_validate(
        {
            "id": contact.id,
            "bot_id": contact.bot_id,
            "name": contact.profile.get("name") or contact.name,
            "class": contact.profile.get("class", "unknown"),
            "owner": contact.assignee,
            "stage": contact.profile.get("stage", ""),
            "task": contact.task,
            "colleague": contact.colleague_name,
            "labels": contact.labels,
            "unread": contact.unread,
            "waiting_since": contact.waiting_since or None,
            "last_activity": row.at,
            "last_message": row.last,
            "found": row.found,
        }
    )
