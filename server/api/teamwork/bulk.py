"""The operator API of what is done to many contacts at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import Field, model_validator

from server.api.common import Body, Here
from server.conversations.listing import BadCursor
from server.operators import audit
from server.operators.audit import Audited
from server.operators.contact_list.bulk import (
    MOST_AT_ONCE,
    BulkAction,
    BulkKind,
    RefusedContact,
    do_to_contacts,
)
from server.operators.contact_list.filters import ContactFilter
from server.operators.roles import AGENT
from server.operators.takeover import Refused
from server.store.records import Record

routes = APIRouter(prefix="/api", tags=["contacts"], route_class=Audited)

ContactId = Annotated[str, Field(max_length=100)]


class BulkIn(Body):
    """What to do, and to whom: to contacts by their ids, or to all that a filter shows."""

    action: BulkKind = Field(
        description="`add_label`, `remove_label`, `assign`, `resolve` or `opt_out` (no more messages)"
    )
    label: str = Field("", max_length=100, description="of `add_label` and `remove_label`: the label")
    colleague: str = Field(
        "", max_length=20, description="of `assign`: `me`, the id of a colleague, or empty: nobody"
    )
    contacts: list[ContactId] | None = Field(
        None, min_length=1, max_length=MOST_AT_ONCE, description="ids of contacts, of whichever bots"
    )
    matching: ContactFilter | None = Field(
        None, description="all contacts that are like that, as `GET /api/contacts` shows them"
    )
    bot_id: str = Field("", max_length=100, description="with `matching`: only those of this bot")
    cursor: str = Field("", max_length=200, description="with `matching`: `next_cursor` of the call before")

    @model_validator(mode="after")
    def _is_whole(self) -> BulkIn:
        if (self.contacts is None) == (self.matching is None):
            raise ValueError("give contacts or matching, one of both")
        if self.action in ("add_label", "remove_label") and not self.label.strip():
            raise ValueError("label: say which one")
        return self


class BulkDone(Record):
    """What became of it."""

    done: int = Field(description="Contacts to whom it was done, those included that were like that before")
    refused: list[RefusedContact] = Field(description="Contacts to whom it was not, and why")
    next_cursor: str | None = Field(
        default=None,
        description="With `matching`: there are more of them; the same call with this `cursor` goes on",
    )


@routes.post("/contacts/bulk", summary="Do one thing to many contacts", dependencies=[AGENT])
async def change_contacts(api: Here, asked: BulkIn) -> BulkDone:
    """As the route for one contact does it, to at most 500 a call; it is done when the answer comes. Made
    again it changes nothing more, so repeat a call that was cut short."""
    action = BulkAction(asked.action, asked.label, asked.colleague)
    ids, following = asked.contacts or list[str](), None
    runtimes = api.lookup.some(asked.bot_id or None)
    if asked.matching is not None:
        try:
            found = await api.contact_search.page(
                runtimes, asked.matching, limit=MOST_AT_ONCE, cursor=asked.cursor or None
            )
        except BadCursor as error:
            raise HTTPException(400, str(error)) from None
        ids, following = [row.contact.id for row in found.rows], found.cursor
    try:
        outcome = await do_to_contacts(api.redis, runtimes, ids, action)
    except Refused as error:
        raise HTTPException(422, str(error)) from None
    audit.add_details(outcome.summary(action))
    return BulkDone(done=outcome.done.total(), refused=outcome.refused, next_cursor=following)
