"""The operator API of replies at hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path
from pydantic import Field, field_validator

from server.api.common import Body, Here, TheBot, fails
from server.bots.accounts import DEFAULT
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.takeover import Refused
from server.operators.teamwork.canned_replies import (
    LONGEST,
    SHORTCUT,
    CannedReply,
    canned_replies,
    drop_canned,
    keep_canned,
)

routes = APIRouter(prefix="/api", tags=["teamwork"], route_class=Audited)

Shortcut = Annotated[str, Path(pattern=SHORTCUT, description="what stands for it, without the `/`")]


class CannedReplyIn(Body):
    """A text at hand."""

    text: str = Field(
        min_length=1,
        max_length=LONGEST,
        description="its words; `{field}` stands for a field of the contact's profile",
        examples=["Hello {name}, we are open until six."],
    )

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("write what it is to say")
        return text


@routes.get("/canned-replies", summary="Replies at hand", dependencies=[READER])
async def list_canned(api: Here, bot_id: TheBot = DEFAULT) -> list[CannedReply]:
    return await canned_replies(api.lookup.runtime(bot_id))


@routes.put(
    "/canned-replies/{shortcut}",
    summary="Keep a reply at hand",
    responses=fails(412, "There is a reply of this shortcut already"),
    dependencies=[AGENT],
)
async def put_canned(
    api: Here,
    shortcut: Shortcut,
    reply: CannedReplyIn,
    bot_id: TheBot = DEFAULT,
    if_none_match: Annotated[
        str | None, Header(description="`*`: only a shortcut that there is not yet")
    ] = None,
) -> CannedReply:
    """One of the same shortcut is replaced, unless the header `If-None-Match` says `*`."""
    kept = CannedReply(shortcut=shortcut, text=reply.text)
    try:
        done = await keep_canned(api.lookup.runtime(bot_id), kept, new=if_none_match == "*")
    except Refused as error:
        raise HTTPException(409, str(error)) from None
    if not done:
        raise HTTPException(412, f"shortcut: there is a reply /{shortcut} already")
    return kept


@routes.delete("/canned-replies/{shortcut}", status_code=204, summary="Forget a reply", dependencies=[AGENT])
async def delete_canned(api: Here, shortcut: Shortcut, bot_id: TheBot = DEFAULT) -> None:
    if not await drop_canned(api.lookup.runtime(bot_id), shortcut):
        raise HTTPException(404, "there is no canned reply of this shortcut")
