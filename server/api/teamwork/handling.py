"""The operator API of how conversations are handled: colleagues, labels, what is put off, comments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from pydantic import Field

from server.api.common import Body, Here, TheBot
from server.api.contacts import ContactCard, contact_card_of
from server.bots.accounts import DEFAULT
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.takeover import Refused
from server.operators.teamwork import comments, handling
from server.operators.teamwork.comments import Comment
from server.operators.tokens import who
from server.store.records import Record

routes = APIRouter(prefix="/api", tags=["teamwork"], route_class=Audited)


class Colleague(Record):
    """Somebody who answers contacts of a bot."""

    id: str = Field(description="Their token's id")
    name: str = Field(description="Their name")


class AssignmentIn(Body):
    """Who is to have a conversation."""

    colleague: str = Field(
        max_length=20, description="`me`, the id of a colleague (`GET /api/colleagues`), or empty: nobody"
    )
    expected: str | None = Field(
        None,
        max_length=20,
        description="who has it now, as far as you know; where that is somebody else by now, nothing changes",
    )


class LabelsIn(Body):
    """All labels of a conversation."""

    labels: list[str] = Field(
        max_length=50, description="its labels; none named: none", examples=[["wholesale"]]
    )


class SnoozeIn(Body):
    """Until when a conversation is put off."""

    until: int = Field(ge=0, le=4_102_444_800_000, description="Unix milliseconds, before 2100; 0 ends it")


class CommentIn(Body):
    """What colleagues are to know."""

    text: str = Field(
        min_length=1,
        max_length=4_000,
        description="its words; `@Name` calls a colleague",
        examples=["@Olga does he get the old price?"],
    )


class LabelCount(Record):
    """A label."""

    name: str = Field(description="The label")
    conversations: int = Field(description="How many have it")


@routes.get("/colleagues", summary="Who answers contacts of a bot", dependencies=[READER])
async def list_colleagues(api: Here, bot_id: TheBot = DEFAULT) -> list[Colleague]:
    runtime = api.lookup.runtime(bot_id)
    return [
        Colleague(id=one.id, name=one.name) for one in await handling.colleagues(api.redis, runtime.bot.id)
    ]


@routes.get("/labels", summary="The labels of a bot's conversations", dependencies=[READER])
async def list_labels(api: Here, bot_id: TheBot = DEFAULT) -> list[LabelCount]:
    found = await handling.labels_of(api.lookup.runtime(bot_id))
    return [LabelCount(name=name, conversations=count) for name, count in found.items()]


@routes.put(
    "/conversations/{conversation_id}/assignment", summary="Give it to a colleague", dependencies=[AGENT]
)
async def assign_conversation(api: Here, conversation_id: str, wanted: AssignmentIn) -> ContactCard:
    """Whose it is among people; whether the bot answers is said by `handoff` and `resume`."""
    runtime, _ = await api.lookup.contact(conversation_id)
    try:
        colleague = await handling.named_colleague(api.redis, runtime, wanted.colleague)
    except Refused as error:
        raise HTTPException(422, str(error)) from None
    expected = handling.ANYBODY if wanted.expected is None else wanted.expected
    expected = who.get().id if expected == handling.ME else expected
    try:
        await handling.assign(runtime, conversation_id, colleague, expected)
    except Refused as error:
        raise HTTPException(409, str(error)) from None
    return await contact_card_of(api, conversation_id)


@routes.put("/conversations/{conversation_id}/labels", summary="Set its labels", dependencies=[AGENT])
async def label_conversation(api: Here, conversation_id: str, wanted: LabelsIn) -> ContactCard:
    """Labels are kept in small letters."""
    runtime, _ = await api.lookup.contact(conversation_id)
    try:
        await handling.label(runtime, conversation_id, wanted.labels)
    except Refused as error:
        raise HTTPException(422, str(error)) from None
    return await contact_card_of(api, conversation_id)


@routes.put("/conversations/{conversation_id}/snooze", summary="Put it off", dependencies=[AGENT])
async def snooze_conversation(api: Here, conversation_id: str, wanted: SnoozeIn) -> ContactCard:
    """It is out of the way until then, or until the contact writes."""
    runtime, _ = await api.lookup.contact(conversation_id)
    try:
        await handling.snooze(runtime, conversation_id, wanted.until)
    except Refused as error:
        raise HTTPException(409, str(error)) from None
    return await contact_card_of(api, conversation_id)


@routes.post(
    "/conversations/{conversation_id}/resolve", summary="Nothing is left to do", dependencies=[AGENT]
)
async def resolve_conversation(api: Here, conversation_id: str) -> ContactCard:
    """The task is closed and the bot goes on. It is open again as soon as the contact writes."""
    runtime, _ = await api.lookup.contact(conversation_id)
    await handling.resolve(runtime, conversation_id, who.get())
    return await contact_card_of(api, conversation_id)


@routes.post("/conversations/{conversation_id}/reopen", summary="It is not resolved", dependencies=[AGENT])
async def reopen_conversation(api: Here, conversation_id: str) -> ContactCard:
    runtime, _ = await api.lookup.contact(conversation_id)
    await handling.reopen(runtime, conversation_id)
    return await contact_card_of(api, conversation_id)


@routes.get(
    "/conversations/{conversation_id}/comments", summary="What colleagues say of it", dependencies=[READER]
)
async def list_comments(api: Here, conversation_id: str) -> list[Comment]:
    runtime, _ = await api.lookup.contact(conversation_id)
    return await comments.comments_of(runtime, conversation_id)


@routes.post(
    "/conversations/{conversation_id}/comments",
    status_code=201,
    summary="Say something to colleagues",
    dependencies=[AGENT],
)
async def write_comment(
    api: Here, conversation_id: Annotated[str, Path(max_length=100)], comment: CommentIn
) -> Comment:
    """The contact never sees it, and neither does the agent."""
    runtime, _ = await api.lookup.contact(conversation_id)
    return await comments.write_comment(runtime, conversation_id, who.get(), comment.text)
