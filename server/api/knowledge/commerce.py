"""The operator API of a bot's Commerce catalogue, which is read as part of its knowledge again and again."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException

from server.api.common import Api, Here, TheBot
from server.bots.accounts import DEFAULT
from server.operators.audit import Audited
from server.operators.knowledge.commerce import CommerceCatalogues, CommerceReading, NoCatalogue
from server.operators.roles import OWNER, READER

routes = APIRouter(prefix="/api/knowledge", tags=["knowledge"], route_class=Audited)


def _catalogues(api: Api) -> CommerceCatalogues:
    return CommerceCatalogues(api.settings, api.redis, api.router, api.shelf)


@routes.get("/catalogue", summary="The bot's Commerce catalogue", dependencies=[READER])
async def get_catalogue(api: Here, bot_id: TheBot = DEFAULT) -> CommerceReading:
    """What was read of it, and when. Its products are those of the document `whatsapp-catalogue.csv`."""
    found = await _catalogues(api).of(api.lookup.runtime(bot_id).bot)
    if found is None:
        raise HTTPException(404, "this bot has no catalogue; set `catalogue_id` of the bot")
    return found


@routes.post("/catalogue/read", summary="Read the Commerce catalogue now", dependencies=[OWNER])
async def read_catalogue(api: Here, bot_id: TheBot = DEFAULT) -> CommerceReading:
    """As it is read every CATALOGUE_HOURS. Prices that differ from the price list become questions."""
    bot = api.lookup.runtime(bot_id).bot
    try:
        done = await _catalogues(api).read(bot)
    except NoCatalogue as error:
        raise HTTPException(409, str(error)) from None
    if done is None:
        raise HTTPException(409, "it is being read just now")
    return done
