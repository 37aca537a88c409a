"""The operator API of questions: one tried on a bot's documents, and those that they did not answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import Field

from agent.documents import Bookshelf
from server.api.common import Body, Here, Page
from server.bots.accounts import DEFAULT
from server.operators.audit import Audited
from server.operators.roles import AGENT
from server.store.records import Record
from tools.find_product import find_product
from tools.runtime import price_list


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


class FoundProducts(Record):
    """What the agent is told of products when it asks for them with a question."""

    answer: str = Field(description="The answer of the tool `find_product`, word for word")
    rows: list[dict[str, str]] = Field(description="The products in it, as the agent is given them")


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


@routes.post("/knowledge/products/find", summary="Try a question on the products", dependencies=[AGENT])
async def find_products(api: Here, asked: QuestionIn) -> FoundProducts:
    """By the tool that the agent calls, with the catalogue that it is given."""
    bot = api.lookup.runtime(asked.bot_id).bot
    catalogue = await Bookshelf(api.shelf).price_list(bot.context.knowledge_base or bot.id)
    said = price_list.set(catalogue)
    try:
        answer = str(await find_product.ainvoke({"query": asked.question[:200]}))
    finally:
        price_list.reset(said)
    found = await asyncio.to_thread(catalogue.find, asked.question[:200], asked.count)
    return FoundProducts(answer=answer, rows=found.rows)
