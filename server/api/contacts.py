"""The operator API of contacts: found, corrected, exported, erased, and what they consent to."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from pydantic import ConfigDict, Field, field_validator

from agent.access_lists import TURNED_AWAY
from agent.memory import notes
from agent.memory.notes import Note
from agent.profile import region_of
from server.api.common import (
    Api,
    Body,
    Format,
    Here,
    Limit,
    Offset,
    OneBot,
    Page,
    TheBot,
    attached,
    file_answer,
)
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.conversations.listing import BadCursor
from server.observability.costs import Usage, usage_of
from server.operators import audit, privacy, takeover
from server.operators.audit import Audited
from server.operators.contact_list.filters import ContactFilter, Sort
from server.operators.contact_list.search import TooManyToSort
from server.operators.privacy import Erased
from server.operators.profile_fields import BadField, entered
from server.operators.roles import AGENT, OWNER, READER
from server.operators.tables.contact_table import contact_table
from server.outreach import consent
from server.outreach.consent import ConsentChange, Suppression
from server.pipeline.agents import note_store
from server.store.contacts import OPERATOR
from server.store.records import Contact, Record

# What the service notes in a profile itself.
OURS = frozenset({"consent", "undeliverable", "class_reason", "class_confidence", TURNED_AWAY})


class NoteIn(Body):
    """A note as an operator writes it."""

    key: str = Field(pattern=r"\w", max_length=40, description="What it is about, such as allergy")
    text: str = Field(max_length=notes.CHARACTERS, description="What to remember; empty takes it back")


FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class ContactIn(Body):
    """Fields an operator corrects; what stands here is never overwritten by the agent. null forgets a
    field."""

    profile: dict[FieldName, Annotated[str, Field(max_length=1000)] | None] = Field(
        max_length=50,
        description="field -> its value, or null",
        examples=[{"name": "Aigerim", "class": "client"}],
    )

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


class ConsentIn(Body):
    """Whether a contact wants no more messages."""

    stopped: bool = Field(description="true: no more messages; false: that is taken back")


class ContactCard(Record):
    """A contact with everything known of them."""

    id: str = Field(description="The contact's id, and that of the conversation")
    bot_id: str = Field(description="The bot they write to")
    wa_id: str = Field(description="Digits of their number; empty where only a user id is known")
    user_id: str = Field(description="The provider's id of them")
    account: str = Field(description="The provider's id of the business number they write to")
    name: str = Field(description="The name they gave themselves on WhatsApp")
    owner: Literal["bot", "person"] = Field(
        description="The assignee: the bot answers, or a person at the business does"
    )
    owner_at: int = Field(description="Since when, Unix milliseconds")
    heard_at: int = Field(description="When they last wrote, Unix milliseconds")
    task: str = Field(description="What a person has to look after; empty: nothing")
    task_at: int = Field(description="Since when, Unix milliseconds")
    unread: int = Field(description="Messages that no operator has seen")
    asked_at: int = Field(
        description="Since when a message waits for an answer, Unix milliseconds; 0: none does"
    )
    colleague: str = Field(description="Who has it among people: an operator's id; empty: nobody")
    colleague_name: str = Field(description="Their name")
    labels: list[str] = Field(description="The labels of the conversation")
    snoozed_until: int = Field(description="Until when it is put off, Unix milliseconds; 0: it is not")
    resolved_at: int = Field(description="When it was resolved, Unix milliseconds; 0: it is not")
    resolved_by: str = Field(description="By whom")
    reply_mode: Literal["", "auto", "draft", "off"] = Field(
        description="What becomes of the agent's replies here: `auto`, `draft` or `off`; empty: as the bot "
        "says"
    )
    created: int = Field(description="When they first wrote or were entered, Unix milliseconds")
    profile: dict[str, str] = Field(description="What is known of them: field -> value")
    sources: dict[str, str] = Field(description="Field -> id of the message that says it, or who entered it")
    referral: dict[str, str] = Field(description="The ad or post they last came from")
    first_referral: dict[str, str] = Field(description="The one they first came from")
    usage: Usage = Field(description="Model calls and messages for them, and their cost")
    contact_class: str = Field(alias="class", description="`client`, `non_client` or `unknown`")
    is_client: bool = Field(description="Whether they are known as a client")
    stopped: bool = Field(description="Whether they want no more messages")
    missing: list[str] = Field(description="Wanted fields of the profile that are not known")
    complete: bool = Field(description="Whether all wanted fields are known")


class ContactPage(Page[ContactCard]):
    """Contacts, in the order that was asked for."""


class ContactQuery(ContactFilter):
    """Which contacts, and how they are listed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bot_id: str = Field("", max_length=100, description="only this bot")
    sort: Sort = Field("latest", description="by the last message (`latest`, `oldest`), `name`, or `created`")
    limit: int = Field(50, ge=1, le=200, description="rows on a page")
    cursor: str = Field("", max_length=200, description="`next_cursor` of the page before")
    format: Literal["json", "csv"] = Field("json", description="`csv`: everything, as a table")
    id: list[str] = Field([], max_length=200, description="of a CSV: only these contacts, by their ids")

    @property
    def filter(self) -> ContactFilter:
        """Which contacts."""
        return ContactFilter(**{name: getattr(self, name) for name in ContactFilter.model_fields})


class ErasedContact(Erased):
    """A contact who was forgotten."""

    status: Literal["erased"] = Field(default="erased", description="It is done")


class ConsentState(Record):
    """What a contact wants."""

    id: str = Field(description="The contact's id")
    stopped: bool = Field(description="Whether they want no more messages")


class SuppressionPage(Page[Suppression]):
    """Everybody who wants no messages, the longest first."""


class ConsentChangePage(Page[ConsentChange]):
    """Changes of consent, the last first."""


routes = APIRouter(prefix="/api", tags=["contacts"], route_class=Audited)


async def contact_card_of(api: Api, contact_id: str) -> ContactCard:
    """A contact as they are now. Raises HTTPException 404."""
    return card(*await api.lookup.contact(contact_id))


def card(runtime: BotRuntime, contact: Contact) -> ContactCard:
    """A contact with everything known of them."""
    number = {"phone": contact.wa_id} if contact.wa_id else {}
    missing = runtime.bot.context.missing({**number, **contact.profile})
    worked_out = {
        "owner": contact.assignee,
        "owner_at": contact.assigned_at,
        "usage": usage_of(dict(contact)),
        "class": contact.profile.get("class", "unknown"),
        "is_client": contact.is_client,
        "stopped": contact.stopped,
        "missing": missing,
        "complete": not missing,
    }
    return ContactCard.model_validate(
        {**contact.model_dump(exclude={"assignee", "assigned_at"}), **worked_out}
    )


@routes.get(
    "/contacts",
    summary="Contacts, filtered and sorted",
    response_model=ContactPage,
    responses=file_answer("text/csv"),
    dependencies=[READER],
)
async def list_contacts(api: Here, asked: Annotated[ContactQuery, Query()]) -> ContactPage | Response:
    """What is left empty does not matter. A list of the latest that takes long may give fewer rows than
    `limit`; `next_cursor` goes on from there. Another order is for at most 5,000 contacts."""
    runtimes, wanted = api.lookup.some(asked.bot_id or None), asked.filter
    if asked.format == "csv":
        table = contact_table(api.contact_search, runtimes, wanted, asked.id)
        named = {"Content-Disposition": 'attachment; filename="contacts.csv"'}
        audit.record_disclosure(asked.bot_id)
        return StreamingResponse(table, media_type="text/csv; charset=utf-8", headers=named)
    try:
        found = await api.contact_search.page(runtimes, wanted, asked.sort, asked.limit, asked.cursor or None)
    except BadCursor as error:
        raise HTTPException(400, str(error)) from None
    except TooManyToSort as error:
        raise HTTPException(409, str(error)) from None
    items = [card(api.lookup.runtime(row.contact.bot_id), row.contact) for row in found.rows]
    return ContactPage(items=items, next_cursor=found.cursor)


@routes.get("/contacts/{contact_id}", summary="One contact", dependencies=[READER])
async def get_contact(api: Here, contact_id: str) -> ContactCard:
    return await contact_card_of(api, contact_id)


@routes.patch("/contacts/{contact_id}", summary="Correct a contact's profile", dependencies=[AGENT])
async def change_contact(api: Here, contact_id: str, change: ContactIn) -> ContactCard:
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
        await takeover.set_contact_class(runtime, contact_id, kind)
    await runtime.conversations.learn(contact_id, facts, OPERATOR)
    return await contact_card_of(api, contact_id)


@routes.get("/contacts/{contact_id}/notes", summary="What is noted of a contact", dependencies=[READER])
async def list_notes(api: Here, contact_id: str) -> list[Note]:
    runtime, _ = await api.lookup.contact(contact_id)
    return await notes.read_notes(note_store(api.redis, runtime.bot.id), runtime.bot.id, contact_id)


@routes.put("/contacts/{contact_id}/notes", summary="Write or correct a note", dependencies=[AGENT])
async def write_note(api: Here, contact_id: str, note: NoteIn) -> list[Note]:
    """The note of the same key is replaced; an empty text takes it back."""
    runtime, _ = await api.lookup.contact(contact_id)
    store, bot_id = note_store(api.redis, runtime.bot.id), runtime.bot.id
    await notes.write_notes(
        store, bot_id, contact_id, {notes.note_key(note.key): (note.text, notes.OPERATOR)}
    )
    return await notes.read_notes(store, bot_id, contact_id)


@routes.get(
    "/contacts/{contact_id}/export",
    summary="Everything that is known of a contact, as a zip archive",
    response_class=Response,
    responses=file_answer("application/zip"),
    dependencies=[READER],
)
async def export_contact(api: Here, contact_id: str) -> Response:
    """JSON files, and the files of messages that their provider still has."""
    runtime, contact = await api.lookup.contact(contact_id)
    audit.record_disclosure(runtime.bot.id, contact_id)
    packed = await privacy.contact_archive(api.redis, runtime, contact, api.router)
    return attached(packed, "application/zip", f"contact-{contact_id}.zip")


@routes.delete(
    "/contacts/{contact_id}", summary="Forget a contact, with everything that was said", dependencies=[OWNER]
)
async def erase_contact(
    api: Here,
    contact_id: str,
    verify: Annotated[
        bool,
        Query(description="look through all keys of the bot, and the search index of this host, afterwards"),
    ] = False,
) -> ErasedContact:
    """Whoever wanted no more messages gets none if they are ever written to again; nothing else is kept of
    them."""
    runtime, contact = await api.lookup.contact(contact_id)
    done = await privacy.erased(api.redis, runtime, contact, verify, api.search_index)
    task = asyncio.create_task(privacy.erase_again(api.redis, runtime, contact, api.search_index))
    api.later.add(task)
    task.add_done_callback(api.later.discard)
    return ErasedContact(**done.model_dump())


@routes.put(
    "/contacts/{contact_id}/consent",
    summary="Stop all messages to a contact, or take that back",
    dependencies=[AGENT],
)
async def set_consent(api: Here, contact_id: str, asked: ConsentIn) -> ConsentState:
    runtime, _ = await api.lookup.contact(contact_id)
    await consent.change_consent(api.redis, runtime.conversations, contact_id, asked.stopped, "operator", "")
    _, contact = await api.lookup.contact(contact_id)
    return ConsentState(id=contact_id, stopped=contact.stopped)


@routes.get(
    "/suppressions",
    summary="Everybody who wants no messages",
    response_model=SuppressionPage,
    responses=file_answer("text/csv"),
    dependencies=[READER],
)
async def list_suppressions(
    api: Here, bot_id: OneBot = None, format: Format = "json"
) -> SuppressionPage | Response:
    chosen = list(api.lookup.some(bot_id).values())
    rows = [row for runtime in chosen for row in await consent.suppressed(api.redis, runtime.conversations)]
    if format == "json":
        return SuppressionPage(items=rows)
    out = io.StringIO()
    table, columns = csv.writer(out), ("bot_id", "wa_id", "user_id", "since", "conversation_id")
    table.writerow(columns)
    table.writerows([getattr(row, column) for column in columns] for row in rows)
    return PlainTextResponse(out.getvalue(), media_type="text/csv")


@routes.get("/consents", summary="The last changes of consent, and how each came", dependencies=[READER])
async def list_consents(
    api: Here, bot_id: TheBot = DEFAULT, limit: Limit = 50, start: Offset = 0
) -> ConsentChangePage:
    api.lookup.runtime(bot_id)
    changes = await consent.changes(api.redis, bot_id, start + limit + 1)
    return ConsentChangePage.sliced(changes, limit, start)
