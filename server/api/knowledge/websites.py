"""The operator API of a bot's website, which is read as its knowledge again and again."""

from __future__ import annotations

import asyncio

import structlog
from fastapi import APIRouter, HTTPException
from pydantic import Field

from server.api.common import Api, Body, Here, TheBot
from server.bots.accounts import DEFAULT
from server.notifications.webhook_addresses import Forbidden, check_address
from server.operators.audit import Audited
from server.operators.knowledge.refresh import Website, Websites
from server.operators.roles import OWNER, READER

log = structlog.get_logger()

routes = APIRouter(prefix="/api/knowledge", tags=["knowledge"], route_class=Audited)


class WebsiteIn(Body):
    """A website to be read as knowledge."""

    address: str = Field(
        max_length=500,
        pattern=r"^https?://",
        description="where it begins",
        examples=["https://shop.example"],
    )
    pages: int = Field(100, ge=1, le=1000, description="how many of its pages are read")
    hours: int = Field(24, ge=0, le=8760, description="every how many hours; 0: once")


@routes.get("/website", summary="The bot's website", dependencies=[READER])
async def get_website(api: Here, bot_id: TheBot = DEFAULT) -> Website:
    found = await Websites(api.settings, api.redis).of(api.lookup.runtime(bot_id).bot.id)
    if found is None:
        raise HTTPException(404, "this bot has no website; PUT /api/knowledge/website sets one")
    return found


@routes.put("/website", status_code=202, summary="Read a website, again and again", dependencies=[OWNER])
async def set_website(api: Here, asked: WebsiteIn, bot_id: TheBot = DEFAULT) -> Website:
    """It is read at once, in the background, and again every `hours`: new pages are added, changed ones read
    anew, those that are gone forgotten."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    try:
        await check_address(api.settings, asked.address)
    except Forbidden as error:
        raise HTTPException(422, f"address: {error}") from None
    websites = Websites(api.settings, api.redis)
    before = await websites.of(bot_id)
    website = Website(**asked.model_dump(), documents=before.documents if before else [])
    await websites.put(bot_id, website)
    task = asyncio.create_task(_read(api, bot_id))
    api.later.add(task)
    task.add_done_callback(api.later.discard)
    return website


async def _read(api: Api, bot_id: str) -> None:
    try:
        await Websites(api.settings, api.redis).read_due(bot_id, api.shelf)
    except Exception:  # of Redis or an embedding provider; it is tried again within a minute
        log.exception("website_not_read", bot=bot_id)


@routes.delete("/website", status_code=204, summary="Read the website no more", dependencies=[OWNER])
async def forget_website(api: Here, bot_id: TheBot = DEFAULT) -> None:
    """What was read of it stays until it is deleted."""
    await Websites(api.settings, api.redis).put(api.lookup.runtime(bot_id).bot.id, None)
