"""The Commerce catalogue of a bot, read from Meta again every so often into its knowledge base: once,
whichever of the web processes comes first.

knowledge:commerce        STRING   JSON of a `CommerceReading`
knowledge:commerce:busy   STRING   whoever reads it now, for some minutes at most
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog
from pydantic import Field

from channels.base import SendError
from channels.cloud_api import CloudApi
from channels.commerce.reading import ListedItem, list_items
from knowledge_base.document import Unreadable
from knowledge_base.goods.commerce import COMMERCE
from knowledge_base.library import Library
from server.bots.bot import Bot
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.config.settings import Settings
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record

# Seconds that one catalogue may be read for, and after which one that could not be read is tried again.
LONGEST, AGAIN = 900, 900
HOUR = 3_600_000
# The columns of the document, each of which is understood.
COLUMNS = ("Article", "Name", "Price", "Currency", "Stock", "Link", "Picture")

log = structlog.get_logger()


class NoCatalogue(ValueError):
    """A bot has no catalogue that can be read; the message says what to set."""


class CommerceReading(Record):
    """What is known of a bot's Commerce catalogue."""

    catalogue_id: str = Field(description="Its id at Meta")
    read_at: int = Field(default=0, description="When it was read last, Unix milliseconds; 0: not yet")
    products: int = Field(default=0, description="How many products were read")
    listed: int = Field(default=0, description="How many Meta says there are")
    problem: str = Field(default="", description="Why it could not be read whole; empty: it was")


class CommerceCatalogues:
    """The Commerce catalogues of bots."""

    def __init__(self, settings: Settings, redis: Redis, router: ChannelRouter, shelf: Library) -> None:
        self._settings, self._redis, self._router, self._shelf = settings, redis, router, shelf

    async def of(self, bot: Bot) -> CommerceReading | None:
        """What was read of a bot's catalogue; None for a bot without one."""
        wanted = bot.context.catalogue_id
        found = await self._redis.get(key(bot.id, "knowledge", "commerce"))
        known = next(iter(readable([found], CommerceReading.model_validate_json, "a catalogue")), None)
        if not wanted:
            return None
        return known if known and known.catalogue_id == wanted else CommerceReading(catalogue_id=wanted)

    async def read_due(self, bot: Bot) -> CommerceReading | None:
        """Read a bot's catalogue when it is time and nobody else does; None when there is nothing to do."""
        known, hours = await self.of(bot), self._settings.catalogue_hours
        if known is None:
            await self._forget_unset(bot)
            return None
        pause = AGAIN * 1000 if known.problem and not known.products else hours * HOUR
        if known.read_at and (not hours or now_ms() < known.read_at + pause):
            return None
        return await self.read(bot) if self._line(bot) else None

    async def read(self, bot: Bot) -> CommerceReading | None:
        """Read it now; None while somebody else does. Raises NoCatalogue."""
        known, channel = await self.of(bot), self._line(bot)
        if known is None or channel is None:
            raise NoCatalogue("set `catalogue_id` of the bot, and connect a number of the Cloud API")
        busy = key(bot.id, "knowledge", "commerce", "busy")
        if not await self._redis.set(busy, 1, nx=True, ex=LONGEST):
            return None
        try:
            done = await self._read(bot, known, channel)
            await self._redis.set(key(bot.id, "knowledge", "commerce"), done.model_dump_json())
        finally:
            await self._redis.delete(busy)
        return done

    def _line(self, bot: Bot) -> CloudApi | None:
        """What asks Meta for a bot."""
        account = next((a.id for a in bot.accounts if a.channel == "cloud_api"), "")
        channel = self._router.channel(bot.id, account) if account else None
        return channel if isinstance(channel, CloudApi) else None

    async def _read(self, bot: Bot, known: CommerceReading, channel: CloudApi) -> CommerceReading:
        """One that cannot be read whole takes nothing away: what was read before stays beside it."""
        try:
            listing = await list_items(channel, known.catalogue_id)
        except SendError as error:
            log.warning("catalogue_not_read", bot=bot.id, error=str(error)[:200])
            return known.model_copy(update={"read_at": now_ms(), "problem": str(error)[:300]})
        update = {"read_at": now_ms(), "products": len(listing.items), "listed": listing.total}
        missing = f"{listing.total - len(listing.items)} products were not listed by Meta"
        if not listing.whole and known.products > len(listing.items):
            log.warning("catalogue_not_read", bot=bot.id, error=missing)
            return known.model_copy(update={"read_at": now_ms(), "problem": missing})
        problem = "" if listing.whole else missing
        if listing.items:
            problem = await self._shelve(bot, listing.items) or problem
        else:
            await self._forget(bot)
        log.info("catalogue_read", bot=bot.id, products=len(listing.items))
        return known.model_copy(update={**update, "problem": problem})

    async def _shelve(self, bot: Bot, items: Sequence[ListedItem]) -> str:
        """Make them a document of the knowledge base; why that could not be, else nothing."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / COMMERCE
            with path.open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file)
                table.writerow(COLUMNS)
                for item in sorted(items, key=lambda one: one.retailer_id):
                    row = (item.retailer_id, item.name, item.amount, item.currency, item.availability)
                    table.writerow((*row, item.url, item.image_url))
            try:
                await self._shelf.add(bot.id, path)
            except Unreadable as error:
                return str(error)[:300]
        return ""

    async def _forget_unset(self, bot: Bot) -> None:
        """A catalogue that is set no more is no knowledge any more."""
        if await self._redis.delete(key(bot.id, "knowledge", "commerce")):
            await self._forget(bot)

    async def _forget(self, bot: Bot) -> None:
        for document in await self._shelf.documents(bot.id):
            if document.name == COMMERCE:
                await self._shelf.remove(bot.id, document.id)
