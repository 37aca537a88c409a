"""The operator API of what could not be handled: turns given up on, and pieces of webhooks that could not be
read."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException

from server.api.common import Here, Limit, Offset, OneBot, Page, Queued
from server.operators.audit import Audited
from server.operators.dead_letters import DeadLetter, readable_letter
from server.operators.roles import AGENT, OWNER, READER
from server.store.records import Piece

routes = APIRouter(prefix="/api", tags=["dead-letters"], route_class=Audited)


class DeadLetterPage(Page[DeadLetter]):
    """Turns that were given up on, the last first."""


class PiecePage(Page[Piece]):
    """Pieces of webhooks that could not be read, the last first."""


@routes.get("/dead-letters", summary="Turns given up on", dependencies=[READER])
async def list_dead_letters(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> DeadLetterPage:
    letters = [
        readable_letter(letter)
        for runtime in api.lookup.some(bot_id).values()
        for letter in await runtime.dead_letters.every()
    ]
    return DeadLetterPage.sliced(sorted(letters, key=lambda letter: -letter.at), limit, start)


@routes.post(
    "/dead-letters/{letter_id}/retry", status_code=202, summary="Try a turn again", dependencies=[AGENT]
)
async def retry_dead_letter(api: Here, letter_id: str) -> Queued:
    for runtime in api.lookup.runtimes.values():
        if await runtime.dead_letters.revive(letter_id):
            return Queued(id=letter_id)
    raise HTTPException(404, "there is no dead letter of this id")


@routes.delete(
    "/dead-letters/{letter_id}",
    status_code=204,
    summary="Drop a turn; its messages stay in the transcript",
    dependencies=[AGENT],
)
async def drop_dead_letter(api: Here, letter_id: str) -> None:
    for runtime in api.lookup.runtimes.values():
        if await runtime.dead_letters.drop(letter_id):
            return
    raise HTTPException(404, "there is no dead letter of this id")


@routes.get("/quarantine", summary="Pieces of webhooks that could not be read", dependencies=[READER])
async def list_quarantine(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> PiecePage:
    most = start + limit + 1
    rows = [row for keeper in api.lookup.keepers(bot_id) for row in await keeper.quarantined(most)]
    return PiecePage.sliced(sorted(rows, key=lambda row: -row.at), limit, start)


@routes.delete("/quarantine/{piece_id}", status_code=204, summary="Forget a piece", dependencies=[OWNER])
async def forget_piece(api: Here, piece_id: str) -> None:
    for keeper in api.lookup.keepers(None):
        if await keeper.drop_quarantined(piece_id):
            return
    raise HTTPException(404, "there is no piece of this id")
