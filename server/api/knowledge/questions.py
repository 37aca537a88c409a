"""The operator API of questions: one tried on a bot's documents, and those that they did not answer."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from server.api.common import Body, Here, Page
from server.bots.accounts import DEFAULT
from server.operators.audit import Audited
from server.operators.roles import AGENT
from server.store.records import Record


class QuestionIn(Body):
    """A question to try on a bot's documents."""

    question: str = Field(
        min_length=1, max_length=2000, description="its words", examples=["How long does delivery take?"]
    )
    bot_id: str = Field(default=DEFAULT, description="which bot")
    count: int = Field(5, ge=1, le=20, description="how many passages")


class FoundPassage(Record):
    """A passage that a question leads to."""

    document: str = Field(description="The document's name")
    page: int = Field(description="The page it stands on")
    heading: str = Field(description="The heading above it")
    text: str = Field(description="Its words")
    score: float = Field(description="What they are ordered by")
    cosine: float = Field(description="How near the meaning is to the question's, 1 at most")
    coverage: float = Field(description="How many of the question's words stand there, from 0 to 1")
    strong: bool = Field(description="Whether the agent takes it for an answer")


class FoundPassagePage(Page[FoundPassage]):
    """Passages that a question leads to, the best first."""


routes = APIRouter(prefix="/api", tags=["knowledge"], route_class=Audited)


@routes.post(
    "/knowledge/search", summary="Try a question: the passages the agent would see", dependencies=[AGENT]
)
async def search_documents(api: Here, asked: QuestionIn) -> FoundPassagePage:
    """`score` orders them; `cosine` is how near the meaning is, `coverage` how many of the question's words
    stand there; `strong` says whether the agent takes it for an answer."""
    api.lookup.runtime(asked.bot_id)
    hits = await api.shelf.search(asked.bot_id, asked.question, asked.count)
    items = [
        {
            "document": hit.passage.document,
            "page": hit.passage.page,
            "heading": hit.passage.heading,
            "text": hit.passage.text,
            "score": round(hit.score, 3),
            "cosine": round(hit.cosine, 3),
            "coverage": round(hit.coverage, 3),
            "strong": hit.strong,
        }
        for hit in hits
    ]
    return FoundPassagePage.model_validate({"items": items})
