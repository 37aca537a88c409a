"""The documents of a bot: what was read of each, its products, and a question to try."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from knowledge_base.library import Stored
from knowledge_base.load import FORMATS
from server.bots.accounts import DEFAULT
from server.operators.knowledge.documents import LARGEST_DOCUMENT, described
from server.pipeline.agents import library
from server.web.dashboard.layout import PageContext

# Products that the page shows of a document, those with a doubt first; the API has all.
SHOWN_PRODUCTS = 30


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    shelf = library(frame.settings, frame.redis)

    @routes.get("/knowledge", response_class=HTMLResponse)
    async def knowledge(request: Request) -> Response:
        asked = request.query_params.get("bot", "")
        known = [runtime.bot.id for runtime in frame.runtimes.values()]
        bot_id = asked if asked in known else DEFAULT if DEFAULT in known else next(iter(known), "")
        documents = await shelf.documents(bot_id) if bot_id else []
        shown: dict[str, Any] = {
            "bot": bot_id,
            "documents": [_shown(document) for document in documents],
            "stale": {d.id for d in documents if d.embedder != shelf.embedder.name},
            "embedder": shelf.embedder.name,
            "formats": ",".join(FORMATS),
            "most": LARGEST_DOCUMENT >> 20,
        }
        return await frame.page(request, "knowledge.html", shown)


def _shown(document: Stored) -> dict[str, Any]:
    share = int(100 * document.words_kept / document.words) if document.words else None
    products = sorted(document.products, key=lambda product: not product.doubt)[:SHOWN_PRODUCTS]
    return {**described(document).model_dump(), "share": share, "goods": products}
