"""The operator API of learning: what the agent could learn from people, accepted or dismissed, and the gaps
of its knowledge by week."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response
from pydantic import Field

from server.api.common import (
    Api,
    Body,
    Format,
    Here,
    Limit,
    Offset,
    Page,
    TheBot,
    attached,
    fails,
    file_answer,
    rehearsal,
)
from server.bots.accounts import DEFAULT
from server.operators import audit
from server.operators.audit import Audited
from server.operators.learning.decisions import DecidedMeanwhile, Decisions
from server.operators.learning.derive import Derived, home_of, is_in_force, suggestions_of
from server.operators.learning.gaps import COLUMNS, GapWeek, gap_rows, gap_weeks
from server.operators.learning.suggestions import Kind, Proof, State, Suggestion
from server.operators.roles import OWNER, READER
from server.operators.tables.spreadsheet import csv_text
from server.store.records import Record

SuggestionId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="the suggestion's id")]

routes = APIRouter(prefix="/api/knowledge", tags=["knowledge"], route_class=Audited)


class SuggestionPage(Page[Suggestion]):
    """Suggestions, the latest first."""


class GapPage(Page[GapWeek]):
    """Weeks in which something was asked that the documents did not answer, the latest first."""


class AcceptIn(Body):
    """What is to be learned, in the words of whoever accepts it."""

    question: str = Field(
        min_length=2,
        max_length=300,
        pattern=r"\S",
        description="the question it answers",
        examples=["Do you wrap gifts?"],
    )
    text: str = Field(
        min_length=1,
        max_length=4_000,
        pattern=r"\S",
        description="the answer, which becomes a document",
        examples=["Yes, we wrap any order as a gift for 500 KZT."],
    )
    expects: list[Annotated[str, Field(min_length=1, max_length=80, pattern=r"\S")]] = Field(
        [],
        max_length=10,
        description="parts of the text that must stand in the agent's reply; empty: its figures and "
        "addresses, else its longest words",
    )


class DismissIn(Body):
    """Why something is not to be learned."""

    reason: str = Field("", max_length=300, description="why; colleagues see it")


class Learned(Record):
    """What was learned, and that it was."""

    id: str = Field(description="The suggestion's id")
    document_id: str = Field(description="The document that it became")
    document: str = Field(description="Its name")
    conversation: str = Field(description="The name of the saved conversation that it became")
    before: Proof = Field(description="How the agent answered before; `passed`: it knew this already")
    after: Proof = Field(description="How it answers now")


class Dismissed(Record):
    """What was dismissed."""

    id: str = Field(description="The suggestion's id")
    reason: str = Field(description="Why")


@routes.get("/suggestions", summary="What the agent could learn from people", dependencies=[READER])
async def list_suggestions(
    api: Here,
    bot_id: TheBot = DEFAULT,
    state: Annotated[State | None, Query(description="only those in this state")] = None,
    kind: Annotated[Kind | None, Query(description="only those of this kind")] = None,
    limit: Limit = 50,
    start: Offset = 0,
) -> SuggestionPage:
    """Of the last eight weeks: questions that the documents did not answer, with what a person answered, and
    what people sent in the place of drafts; those that mean the same together. Nothing of it is in use until
    a person accepts it."""
    found = [each.suggestion for each in await _derived(api, bot_id)]
    chosen = [each for each in found if state in (None, each.state) and kind in (None, each.kind)]
    return SuggestionPage.sliced(chosen, limit, start)


@routes.post(
    "/suggestions/{suggestion_id}/accept",
    summary="Learn it: a document, and a saved conversation that proves it",
    dependencies=[OWNER],
    responses=fails(409, "Somebody has decided already, or is just about to"),
)
async def accept_suggestion(
    api: Here, suggestion_id: SuggestionId, wanted: AcceptIn, bot_id: TheBot = DEFAULT
) -> Learned:
    """The question is played before and afterwards, by the model that customers are answered by; it costs
    what two answers cost. When the agent does not say afterwards what must stand in its reply, nothing is
    learned, and the answer is 422 with the reason. One that was cut off, as by a crash, is finished by
    accepting it again."""
    # with it comes the replay of conversations: half a second at every start of the web process
    from server.operators.learning.accept import AcceptedWords, Learner, NotLearnable

    runtime = api.lookup.runtime(bot_id)
    api.lookup.runtime(home_of(runtime))  # the documents may be another bot's, which must be seen too
    audit.name_subject(bot_id, suggestion_id)
    learner = Learner(runtime, api.shelf, rehearsal(api).models, api.spending)
    words = AcceptedWords(
        " ".join(wanted.question.split()), wanted.text.strip(), tuple(part.strip() for part in wanted.expects)
    )
    async with _conflicts():
        try:
            decision = await learner.accept(await _found(api, bot_id, suggestion_id), words)
        except NotLearnable as error:
            raise HTTPException(422, str(error)) from None
    assert decision.before and decision.after  # noqa: S101 - both were played
    return Learned(
        id=decision.id,
        document_id=decision.document_id,
        document=decision.document,
        conversation=f"learned-{decision.id}",
        before=decision.before,
        after=decision.after,
    )


@routes.post(
    "/suggestions/{suggestion_id}/dismiss",
    summary="Do not learn it, and do not suggest it again",
    dependencies=[OWNER],
    responses=fails(409, "Somebody has decided already, or is just about to"),
)
async def dismiss_suggestion(
    api: Here, suggestion_id: SuggestionId, wanted: DismissIn, bot_id: TheBot = DEFAULT
) -> Dismissed:
    # with it comes the replay of conversations: half a second at every start of the web process
    from server.operators.learning.accept import Learner

    runtime = api.lookup.runtime(bot_id)
    learner = Learner(runtime, api.shelf, rehearsal(api).models, api.spending)
    async with _conflicts():
        decision = await learner.dismiss(await _found(api, bot_id, suggestion_id), wanted.reason.strip())
    return Dismissed(id=decision.id, reason=decision.reason)


@routes.get(
    "/suggestions/{suggestion_id}/conversation",
    summary="The saved conversation of what was learned",
    dependencies=[READER],
    responses=file_answer("application/zip"),
    response_class=Response,
)
async def get_learned_conversation(
    api: Here, suggestion_id: SuggestionId, bot_id: TheBot = DEFAULT
) -> Response:
    """A zip of the conversation, its tape and its document, for `tests/conversations`; `salesgraph replay
    learned` writes all of them into a folder."""
    runtime = api.lookup.runtime(bot_id)
    store, documents = Decisions(api.redis, runtime.bot.id), await api.shelf.document_ids(home_of(runtime))
    # whoever deletes the document has deleted what was learned
    learned = {each.id for each in await store.every() if is_in_force(each, documents)}
    kept = await store.conversation(suggestion_id) if suggestion_id in learned else None
    if kept is None:
        raise HTTPException(404, "nothing was learned of a suggestion of this id")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in kept.files.items():
            archive.writestr(name, text)
    return attached(packed.getvalue(), "application/zip", f"{kept.name}.zip")


@routes.get(
    "/gaps",
    summary="Gaps of the knowledge by week",
    dependencies=[READER],
    response_model=GapPage,
    responses=file_answer("text/csv"),
)
async def list_gaps(api: Here, bot_id: TheBot = DEFAULT, format: Format = "json") -> GapPage | Response:
    """How many questions the documents did not answer, which, and how many of them were answered since by a
    person or learned. Weeks begin on Monday by the bot's clock; the last eight are kept. As `csv` a row for
    each question of a week."""
    zone = api.lookup.runtime(bot_id).bot.limits.timezone
    weeks = gap_weeks(await _derived(api, bot_id), zone)
    if format == "json":
        return GapPage(items=weeks)
    table = await asyncio.to_thread(csv_text, COLUMNS, gap_rows(weeks))
    return attached(table.encode(), "text/csv", "knowledge-gaps.csv")


async def _derived(api: Api, bot_id: str) -> list[Derived]:
    return await suggestions_of(api.lookup.runtime(bot_id), api.shelf)


async def _found(api: Api, bot_id: str, suggestion_id: str) -> Derived:
    """The suggestion of an id, or the one that what had this id belongs to by now. Raises HTTPException
    404."""
    for each in await _derived(api, bot_id):
        if each.suggestion.id == suggestion_id or any(case.id == suggestion_id for case in each.cases):
            return each
    raise HTTPException(404, "there is no suggestion of this id; whoever asked it may have been erased")


@asynccontextmanager
async def _conflicts() -> AsyncGenerator[None]:
    """What somebody else was faster with answers 409, and who."""
    try:
        yield
    except DecidedMeanwhile as error:
        raise HTTPException(409, str(error)) from None
