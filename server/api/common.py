"""What all parts of the operator API share: the forms of requests and answers, and who is meant by an id."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from fastapi import Depends, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from knowledge_base.library import Library
from server.bots.bot import BotRuntime
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.config.settings import Settings
from server.conversations import listing
from server.conversations.listing import BadCursor, ConversationList, Selection
from server.conversations.search.index import SearchIndex
from server.notifications.webhooks import Hooks
from server.observability.costs import Spending
from server.operators import audit
from server.operators.change_feed import Feed
from server.operators.contact_list.search import ContactSearch
from server.operators.knowledge.documents import ReadingProgress
from server.operators.knowledge.pictures import PictureReader
from server.operators.login import Access
from server.operators.tokens import Visible, who
from server.orders.book import OrderBook
from server.outreach.appointments import Appointments
from server.outreach.follow_ups import FollowUps
from server.pipeline.agents import Rehearsal, library
from server.store.client import Redis
from server.store.contacts import Conversations
from server.store.keys import SHARED, key
from server.store.records import Contact, Record, TemplateParts

Limit = Annotated[int, Query(ge=1, le=200, description="rows on a page")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before")]
OneBot = Annotated[str | None, Query(max_length=100, description="only this bot")]
TheBot = Annotated[str, Query(max_length=100, description="which bot")]


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes work with; one a web process, in the application's state."""

    settings: Settings
    redis: Redis
    registry: BotRegistry
    # What whoever asks may see of them.
    runtimes: Visible
    lookup: Lookup
    access: Access
    feed: Feed
    stopping: asyncio.Event
    shelf: Library
    spending: Spending
    follow_ups: FollowUps
    appointments: Appointments
    orders: OrderBook
    search_index: SearchIndex
    conversation_list: ConversationList
    contact_search: ContactSearch
    hooks: Hooks
    pictures: PictureReader
    reading: ReadingProgress = field(default_factory=ReadingProgress)
    later: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    # Made when it is first asked for: its models cost a second.
    rehearsals: list[Rehearsal] = field(default_factory=list[Rehearsal])

    @property
    def router(self) -> ChannelRouter:
        """The channels of all bots."""
        return self.registry.router

    @classmethod
    def over(
        cls,
        settings: Settings,
        redis: Redis,
        registry: BotRegistry,
        access: Access,
        feed: Feed,
        stopping: asyncio.Event,
    ) -> Api:
        """With everything that is made of these."""
        runtimes, shelf = Visible(registry), library(settings, redis)
        given = (settings, redis, registry, runtimes, Lookup(redis, runtimes), access, feed, stopping, shelf)
        return cls(
            *given,
            Spending(settings, redis),
            FollowUps(redis),
            Appointments(redis),
            OrderBook(redis),
            index := SearchIndex(redis, settings.data_dir, settings.search_index_mb),
            listed := ConversationList(redis, index),
            ContactSearch(redis, listed),
            Hooks(settings, redis),
            PictureReader(settings, redis),
        )


def _of(request: Request) -> Api:
    return request.app.state.api


Here = Annotated[Api, Depends(_of)]


class Body(BaseModel):
    """A request's JSON, in which nothing unknown may stand."""

    model_config = ConfigDict(extra="forbid")


class MessageIn(Body):
    """A message an operator writes: a text, or an approved template (`name:language`) with its variables in
    order."""

    text: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="its words",
        examples=["The Duo is in stock, shall I reserve one?"],
    )
    quoted_id: str = Field(
        "", max_length=300, description="of a text: the id of the contact's message that it replies to"
    )
    template: str | None = Field(
        None,
        pattern=r"^[a-z0-9_]+:[a-z]{2,3}(_[A-Z]{2})?$",
        description="an approved template, `name:language`",
        examples=["we_answered:en"],
    )
    variables: list[str] = Field([], max_length=20, description="values of its variables, in order")
    header: str = Field(
        "",
        max_length=2_000,
        description="of a template: the variable above its body, or the "
        "address of the file there; empty: the file that the template was made with",
    )
    buttons: list[str] = Field(
        [],
        max_length=10,
        description="of a template: values of the buttons that take "
        "one, in their order: the end of an address, or a code",
    )

    @property
    def parts(self) -> TemplateParts | None:
        """What fills a template besides its variables."""
        given = bool(self.header or self.buttons)
        return TemplateParts(header=self.header, buttons=tuple(self.buttons)) if given else None

    @model_validator(mode="after")
    def _one_of_both(self) -> MessageIn:
        if (self.text is None) == (self.template is None):
            raise ValueError("give text or template, one of both")
        return self


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="Always `about:blank`")
    title: str = Field(description="The HTTP status in words")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="What is wrong, and what to do")


PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": PROBLEM}
    for status, description in {
        400: "A cursor or an address that cannot be read",
        401: "No token, or one that opens nothing",
        403: "Not for this role, or not for this bot",
        404: "There is no such thing",
        409: "Not as things stand now; `detail` says why",
        422: "Wrong input; `detail` names the field and the remedy",
        503: "Redis is unreachable",
    }.items()
}


Offset = Annotated[
    int, Query(ge=0, le=1_000_000, alias="cursor", description="`next_cursor` of the page before")
]
Format = Annotated[Literal["json", "csv"], Query(description="`csv`: everything, as a table")]

Row = TypeVar("Row")


class Page(Record, Generic[Row]):
    """A page of a list."""

    items: list[Row] = Field(description="Its rows")
    next_cursor: str | None = Field(
        default=None, description="`cursor` of the next page; null: there is none"
    )

    @classmethod
    def sliced(cls, rows: Sequence[Row], limit: int, start: int, **more: Any) -> Self:
        """A page of a list that is known as a whole; `more`: fields of its own."""
        end = start + limit
        found = {"items": rows[start:end], "next_cursor": str(end) if len(rows) > end else None}
        return cls.model_validate({**found, **more})


class Queued(Record):
    """Something that is on its way."""

    id: str = Field(description="Its id")
    status: Literal["queued"] = Field(default="queued", description="It waits for a worker")


def file_answer(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """How a description says that a good answer is, or may be, a file of one of these media types."""
    text, data = {"type": "string"}, {"type": "string", "format": "binary"}
    return {
        200: {"content": {kind: {"schema": text if kind.startswith("text/") else data} for kind in kinds}}
    }


def fails(status: int | str, why: str) -> dict[int | str, dict[str, Any]]:
    """How a description says that a route has an error of its own."""
    return {status: {"description": why, "content": PROBLEM}}


def attached(data: bytes, kind: str, name: str) -> Response:
    """A file to be kept, of a media type, under a name."""
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def deployment_only() -> None:
    """Raises HTTPException 403 for a token that opens some bots only."""
    if who.get().bots:
        raise HTTPException(403, "a token of one bot does not open this; use API_TOKEN")


async def conversations_page(
    api: Api, show: Selection, q: str, bot_id: str | None, limit: int, cursor: str | None
) -> listing.ListingPage:
    """A page of the list of conversations. Raises HTTPException 400 for a cursor that cannot be read."""
    try:
        return await api.conversation_list.page(api.lookup.some(bot_id), show, q, limit, cursor)
    except BadCursor as error:
        raise HTTPException(400, str(error)) from None


def rehearsal(api: Api) -> Rehearsal:
    """What answers as a bot would, without sending anything; made when it is first asked for."""
    if not api.rehearsals:
        api.rehearsals.append(Rehearsal(api.settings, api.redis, api.shelf))
    return api.rehearsals[0]


class Lookup:
    """Bots and contacts by their ids, among those that may be seen."""

    def __init__(self, redis: Redis, runtimes: Mapping[str, BotRuntime]) -> None:
        self._redis, self.runtimes = redis, runtimes

    def runtime(self, bot_id: str) -> BotRuntime:
        """The runtime of a bot. Raises HTTPException 404."""
        if bot_id not in self.runtimes:
            raise HTTPException(404, f"there is no bot {bot_id!r}; GET /api/bots lists them")
        audit.name_subject(bot_id)
        return self.runtimes[bot_id]

    def some(self, bot_id: str | None) -> dict[str, BotRuntime]:
        """The bot that was asked for, or all. Raises HTTPException 404."""
        return (
            {bot_id: self.runtime(bot_id)}
            if bot_id
            else {runtime.bot.id: runtime for runtime in self.runtimes.values()}
        )

    def keepers(self, bot_id: str | None) -> list[Conversations]:
        """Whose unreadable pieces may be seen: of the bots, and to those who look after all of them what
        belongs to none."""
        found = [runtime.conversations for runtime in self.some(bot_id).values()]
        everything = bot_id is None and not who.get().bots
        return [*found, Conversations(self._redis, SHARED)] if everything else found

    async def contact(self, conversation_id: str) -> tuple[BotRuntime, Contact]:
        """A contact with the runtime of their bot. Raises HTTPException 404."""
        runtimes = list(self.runtimes.values())
        async with self._redis.pipeline(transaction=False) as pipe:
            for runtime in runtimes:
                pipe.exists(key(runtime.bot.id, "contact", conversation_id))
            known = await pipe.execute()
        for runtime, exists in zip(runtimes, known, strict=True):
            contact = await runtime.conversations.contact(conversation_id) if exists else None
            if contact is not None:
                audit.name_subject(runtime.bot.id, conversation_id)
                return runtime, contact
        for runtime in runtimes:
            if (into := await runtime.conversations.merged_into(conversation_id)) != conversation_id:
                raise HTTPException(
                    404, f"this record of a contact was merged into another one of theirs: {into}"
                )
        raise HTTPException(404, "there is no conversation of this id")
