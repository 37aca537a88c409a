"""The operator API of questions: one tried on a bot's documents, and those that they did not answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import Field

from agent.documents import Bookshelf
from server.api.common import Api, Body, Here, Page, TheBot, rehearsal
from server.bots.accounts import DEFAULT
from server.observability.unanswered import UnansweredQuestion, lately
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.store.records import Record
from tools.find_product import MOST, answer_of


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


class TriedQuestion(FoundPassagePage):
    """What a question finds, and what the agent would write."""

    found: str = Field(description="What the tool `find_product` answers")
    reply: str = Field(description="What the agent would write; nothing is sent")
    model: str = Field(description="The chat model that wrote it, or the step of the turn that did")


class UnansweredPage(Page[UnansweredQuestion]):
    """Questions that the documents did not answer."""


routes = APIRouter(prefix="/api", tags=["knowledge"], route_class=Audited)


@routes.post(
    "/knowledge/search", summary="Try a question: the passages the agent would see", dependencies=[AGENT]
)
async def search_documents(api: Here, asked: QuestionIn) -> FoundPassagePage:
    """`score` orders them; `cosine` is how near the meaning is, `coverage` how many of the question's words
    stand there; `strong` says whether the agent takes it for an answer."""
    return FoundPassagePage(items=await _passages(api, asked))


async def _passages(api: Api, asked: QuestionIn) -> list[FoundPassage]:
    bot = api.lookup.runtime(asked.bot_id).bot
    hits = await api.shelf.search(bot.context.knowledge_base or bot.id, asked.question, asked.count)
    return [
        FoundPassage(
            document=hit.passage.document,
            page=hit.passage.page,
            heading=hit.passage.heading,
            text=hit.passage.text,
            score=round(hit.score, 3),
            cosine=round(hit.cosine, 3),
            coverage=round(hit.coverage, 3),
            strong=hit.strong,
        )
        for hit in hits
    ]


@routes.post("/knowledge/products/find", summary="Try a question on the products", dependencies=[AGENT])
async def find_products(api: Here, asked: QuestionIn) -> FoundProducts:
    """By what the agent's tool searches, in the same words as it is answered with."""
    bot = api.lookup.runtime(asked.bot_id).bot
    catalogue = await Bookshelf(api.shelf).price_list(bot.context.knowledge_base or bot.id)
    found = await asyncio.to_thread(catalogue.find, asked.question[:200], MOST)
    rows = found.rows
    if asked.count > MOST:
        rows = (await asyncio.to_thread(catalogue.find, asked.question[:200], asked.count)).rows
    return FoundProducts(answer=answer_of(found), rows=rows[: asked.count])


@routes.post("/knowledge/try", summary="Try a question: what is found, and the reply", dependencies=[AGENT])
async def try_question(api: Here, asked: QuestionIn) -> TriedQuestion:
    """The passages with the agent's own verdict, what `find_product` answers, and the reply to somebody who
    has never written. Nothing is sent or stored; the model's call costs what it costs."""
    bot = api.lookup.runtime(asked.bot_id).bot
    items, found = await _passages(api, asked), await find_products(api, asked)
    answer = await rehearsal(api).answer(bot, asked.question)
    reply = "\n\n".join(answer["replies"])
    return TriedQuestion(items=items, found=found.answer, reply=reply, model=answer["model"])


@routes.get(
    "/knowledge/unanswered", summary="Questions that the documents did not answer", dependencies=[READER]
)
async def list_unanswered(api: Here, bot_id: TheBot = DEFAULT) -> UnansweredPage:
    """Of the last three weeks, newest first: neither a passage nor a product was found for them."""
    return UnansweredPage(items=await lately(api.redis, api.lookup.runtime(bot_id).bot.id))
