"""The operator API of a chat that the business begins."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import Field

from server.api.common import Body, Here
from server.api.contacts import ContactCard, card
from server.bots.accounts import DEFAULT
from server.clock import now_ms
from server.operators import audit, takeover
from server.operators.audit import Audited
from server.operators.contact_list.begun import begin_chat
from server.operators.contact_list.filters import ChannelName
from server.operators.profile_fields import BadField
from server.operators.roles import AGENT
from server.operators.takeover import Writing

routes = APIRouter(prefix="/api", tags=["contacts"], route_class=Audited)


class ChatIn(Body):
    """With whom, and from which number."""

    number: str = Field(
        min_length=1,
        max_length=40,
        description="their phone number with its country code, in any spelling",
        examples=["+7 701 000-00-01"],
    )
    bot_id: str = Field(DEFAULT, max_length=100, description="which bot")
    channel: ChannelName = Field("", description="on which channel; empty: that of the bot's first number")


class BegunContact(ContactCard):
    """The contact of a number."""

    known: bool = Field(description="Whether they were there before; then nothing of them has changed")
    writing: Writing = Field(description="What may be written to them now")


@routes.post("/contacts", summary="Begin a chat with a number", dependencies=[AGENT])
async def start_chat(api: Here, asked: ChatIn) -> BegunContact:
    """Who has the number already, in whatever spelling, is answered as they are. Nothing is sent: write with
    `POST /api/conversations/{id}/messages`. On the Cloud API somebody who has not written within 24 hours
    gets a template only; who wants no more messages gets none, also where they were erased since."""
    runtime = api.lookup.runtime(asked.bot_id)
    try:
        begun = await begin_chat(runtime, asked.number, asked.channel)
    except BadField as error:
        raise HTTPException(422, f"{error.field}: {error}") from None
    audit.name_subject(runtime.bot.id, begun.contact.id)
    more = {"known": begun.known, "writing": takeover.writing(runtime, begun.contact, now_ms())}
    return BegunContact.model_validate({**card(runtime, begun.contact).model_dump(by_alias=True), **more})
