"""The first steps of an owner: from an empty machine to a bot that answers from its own documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from knowledge_base.library import Stored
from knowledge_base.load import FORMATS
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.config.model_settings import ModelSettings
from server.operators.knowledge.documents import LARGEST_DOCUMENT, described
from server.operators.tokens import all_operators
from server.pipeline.agents import library
from server.web.dashboard.bots import channel_form
from server.web.dashboard.layout import PageContext
from server.web.languages.viewer import N_
from server.web.languages.words import translated

# The sample shop: it is no one's own.
SAMPLE = "demo"
# Questions that are made from what was read, and documents that are shown.
QUESTIONS, DOCUMENTS = 3, 10
STEPS = {
    "business": N_("Your business"),
    "documents": N_("Documents"),
    "questions": N_("Try it"),
    "voice": N_("Voice and hours"),
    "connection": N_("Your number"),
    "colleagues": N_("Colleagues"),
}
NAMES = list(STEPS)
OUR_SHOP = str(ModelSettings.model_fields["business"].default)


@dataclass(frozen=True)
class SetupStep:
    """`done`: as far as it can be seen; `next` is the name of the step after it, empty for the last."""

    name: str
    title: str
    done: bool
    next: str


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    shelf = library(frame.settings, frame.redis)

    @routes.get("/setup", response_class=HTMLResponse)
    async def setup(request: Request) -> Response:
        frame.owners_only()
        bot_id = _own_bot(request, frame)
        runtime = frame.lookup.runtime(bot_id)
        config = await frame.registry.config(bot_id)
        documents = await shelf.documents(bot_id)
        done = await _done(frame, runtime, config, documents)
        titles = translated(STEPS)
        steps = [
            SetupStep(name, titles[name], done.get(name, False), next)
            for name, next in zip(NAMES, [*NAMES[1:], ""], strict=True)
        ]
        asked = request.query_params.get("step", "")
        usual = next((step for step in steps if not step.done), steps[0])
        shown: dict[str, Any] = {
            "bot": runtime.bot,
            "config": config,
            "steps": steps,
            "step": next((step for step in steps if step.name == asked), usual),
            "business": "" if runtime.bot.context.business == OUR_SHOP else runtime.bot.context.business,
            "documents": [_read(document) for document in documents[:DOCUMENTS]],
            "more": max(0, len(documents) - DOCUMENTS),
            "products": _products(documents),
            "formats": ",".join(FORMATS),
            "most": LARGEST_DOCUMENT >> 20,
            **channel_form(runtime.bot, config),
        }
        return await frame.page(request, "setup.html", shown)


def _own_bot(request: Request, frame: PageContext) -> str:
    """The bot that is asked for, else the default one, else the first that is not the sample shop's."""
    known = sorted(runtime.bot.id for runtime in frame.runtimes.values())
    asked = request.query_params.get("bot", "")
    if asked in known:
        return asked
    return DEFAULT if DEFAULT in known else next((id for id in known if id != SAMPLE), known[0])


async def _done(
    frame: PageContext, runtime: BotRuntime, config: dict[str, Any], documents: list[Stored]
) -> dict[str, bool]:
    bot = runtime.bot
    return {
        "business": bot.context.business not in ("", OUR_SHOP),
        "documents": bool(documents),
        "questions": await runtime.conversations.count() > 0,
        "voice": bool(config.get("voice") or config.get("hours")),
        "connection": bool(bot.account),
        "colleagues": bool(await all_operators(frame.redis)),
    }


def _read(document: Stored) -> dict[str, Any]:
    share = int(100 * document.words_kept / document.words) if document.words else None
    return {**described(document).model_dump(), "share": share}


def _products(documents: list[Stored]) -> list[str]:
    """Names to ask for: of products with a price, from all over the price list."""
    names = [one.name for document in documents for one in document.products if one.price is not None]
    distinct = list(dict.fromkeys(name[:80] for name in names))
    return distinct[:: max(1, len(distinct) // QUESTIONS)][:QUESTIONS]
