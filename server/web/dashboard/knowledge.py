"""The documents of a bot: what was read of each, products and columns to correct, what only the owner
knows, a question to try, and those that were not answered."""

from __future__ import annotations

from typing import Any, get_args

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from knowledge_base.goods.columns import understood, unpacked
from knowledge_base.goods.corrections import Corrections, Editable
from knowledge_base.library import Library, Stored
from knowledge_base.load import FORMATS
from server.bots.accounts import DEFAULT
from server.observability.unanswered import lately
from server.operators.knowledge.documents import LARGEST_DOCUMENT, described
from server.operators.knowledge.products import listed_product, of_documents
from server.operators.knowledge.refresh import Websites
from server.operators.tokens import who
from server.pipeline.agents import library
from server.web.dashboard.layout import PageContext
from server.web.languages.viewer import N_

# Products, passages and questions that the page shows; the API has all.
SHOWN_PRODUCTS, SHOWN_PASSAGES, SHOWN_QUESTIONS = 30, 30, 20
# What a column can be said to hold -> how the page says it.
KINDS = {
    "": N_("not used"),
    "name": N_("name"),
    "article": N_("article number"),
    "price": N_("price"),
    "old_price": N_("price before"),
    "currency": N_("currency"),
    "unit": N_("unit"),
    "stock": N_("stock"),
    "category": N_("group"),
    "variants": N_("size, colour"),
    "picture": N_("picture"),
    "link": N_("link"),
    "valid": N_("valid until"),
}


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    shelf = library(frame.settings, frame.redis)

    @routes.get("/knowledge", response_class=HTMLResponse)
    async def knowledge(request: Request) -> Response:
        bot_id = await bot_with_documents(request, frame, shelf)
        documents = await shelf.documents(bot_id) if bot_id else []
        corrections = await shelf.corrections(bot_id) if bot_id else Corrections()
        shown: dict[str, Any] = {
            "bot": bot_id,
            "documents": [_shown(document) for document in documents],
            "total": sum(len(document.products) for document in documents),
            "questions": of_documents(documents, corrections).questions[:SHOWN_QUESTIONS],
            "aliases": sorted(corrections.aliases.items()),
            "unanswered": await lately(frame.redis, bot_id, SHOWN_QUESTIONS) if bot_id else [],
            "website": await Websites(frame.settings, frame.redis).of(bot_id) if bot_id else None,
            "stale": {d.id for d in documents if d.embedder != shelf.embedder.name},
            "embedder": shelf.embedder.name,
            "formats": ",".join(FORMATS),
            "most": LARGEST_DOCUMENT >> 20,
        }
        return await frame.page(request, "knowledge.html", shown)

    @routes.get("/knowledge/{document_id}/{part}", response_class=HTMLResponse)
    async def opened(request: Request, document_id: str, part: str) -> Response:
        """What is fetched when it is opened: products, columns or passages of a document."""
        bot_id = await bot_with_documents(request, frame, shelf)
        document = await shelf.document(bot_id, document_id) if bot_id else None
        if document is None or part not in ("products", "columns", "passages"):
            raise HTTPException(404, "there is no document of this id")
        corrections = await shelf.corrections(bot_id)
        rows = {"products": _products, "columns": _columns, "passages": _passages}[part](
            document, corrections
        )
        own = {"own": who.get().role == "owner"}
        found = {"part": part, "bot": bot_id, "document": document_id, "can": own, **rows}
        return frame.part(request, "knowledge_part.html", found)


async def bot_with_documents(request: Request, frame: PageContext, shelf: Library) -> str:
    """The bot that is asked for, else the first that has documents; empty where there is none."""
    asked = request.query_params.get("bot", "")
    known = [runtime.bot.id for runtime in frame.runtimes.values()]
    if asked in known or not known:
        return asked if known else ""
    usual = sorted(known, key=lambda bot_id: bot_id != DEFAULT)
    for bot_id in usual:
        if await shelf.has_documents(bot_id):
            return bot_id
    return usual[0]


def _shown(document: Stored) -> dict[str, Any]:
    share = int(100 * document.words_kept / document.words) if document.words else None
    return {**described(document).model_dump(), "share": share, "tables": bool(document.tables)}


def _products(document: Stored, corrections: Corrections) -> dict[str, Any]:
    products = of_documents([document], corrections).products
    return {
        "products": [listed_product(product) for product in products[:SHOWN_PRODUCTS]],
        "more": max(0, len(products) - SHOWN_PRODUCTS),
        "editable": get_args(Editable),
    }


def _columns(document: Stored, corrections: Corrections) -> dict[str, Any]:
    """The columns of all tables of a document, each name once."""
    tables = understood(unpacked(document.tables), corrections.columns.get(document.name, {}))
    columns = {column.header: column for table in reversed(tables) for column in reversed(table.columns)}
    return {"columns": list(reversed(columns.values())), "kinds": KINDS}


def _passages(document: Stored, _: Corrections) -> dict[str, Any]:
    more = max(0, len(document.passages) - SHOWN_PASSAGES)
    return {"passages": document.passages[:SHOWN_PASSAGES], "more": more}
