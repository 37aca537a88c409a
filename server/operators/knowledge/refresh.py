"""The website and the catalogue of a bot, read again every so often: once, whichever of the web processes
comes first.

knowledge:website        STRING   JSON of a `Website`
knowledge:website:busy   STRING   whoever reads it now, for an hour at most
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog
from pydantic import Field
from redis.exceptions import RedisError

from knowledge_base.document import Unreadable
from knowledge_base.library import Library
from server.bots.registry import BotRegistry
from server.clock import now_ms
from server.config.settings import Settings
from server.notifications.webhook_addresses import Forbidden, check_address
from server.operators.knowledge.commerce import CommerceCatalogues
from server.operators.knowledge.websites import fetch_website
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record

# Seconds between two looks at what is due, and that one website may be read for.
PAUSE, LONGEST = 60.0, 3600
HOUR = 3_600_000

log = structlog.get_logger()


class Website(Record):
    """A website that is a bot's knowledge too."""

    address: str = Field(description="Where it begins")
    pages: int = Field(description="How many of its pages are read")
    hours: int = Field(description="Every how many hours it is read again; 0: only when asked")
    read_at: int = Field(default=0, description="When it was read last, Unix milliseconds; 0: not yet")
    documents: list[str] = Field(default=[], description="The documents that its pages became")
    problems: list[str] = Field(default=[], description="What could not be read the last time")

    @property
    def due(self) -> bool:
        """Whether it is time to read it again."""
        return not self.read_at or (self.hours > 0 and now_ms() >= self.read_at + self.hours * HOUR)


class Websites:
    """The websites of bots."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings, self._redis = settings, redis

    async def of(self, bot_id: str) -> Website | None:
        """The website of a bot; None for a bot without one."""
        found = await self._redis.get(key(bot_id, "knowledge", "website"))
        return next(iter(readable([found], Website.model_validate_json, "a website")), None)

    async def put(self, bot_id: str, website: Website | None) -> None:
        """Keep it; None forgets it, not what was read of it."""
        name = key(bot_id, "knowledge", "website")
        if website is None:
            await self._redis.delete(name)
        else:
            await self._redis.set(name, website.model_dump_json())

    async def read_due(self, bot_id: str, shelf: Library) -> Website | None:
        """Read the website of a bot when it is due and nobody else does; None when there is nothing to do."""
        website = await self.of(bot_id)
        if website is None or not website.due:
            return None
        busy = key(bot_id, "knowledge", "website", "busy")
        if not await self._redis.set(busy, 1, nx=True, ex=LONGEST):
            return None
        try:
            website = await self.of(bot_id)
            if website is None or not website.due:  # another process was faster
                return None
            done = await _read(bot_id, shelf, website, partial(check_address, self._settings))
            if await self.of(bot_id) == website:  # not when its owner set another meanwhile
                await self.put(bot_id, done)
            return done
        finally:
            await self._redis.delete(busy)


async def _read(
    bot_id: str, shelf: Library, website: Website, allow: Callable[[str], Awaitable[None]]
) -> Website:
    """Read every page. Documents of pages that are gone are forgotten when the site could be read whole."""
    names: list[str] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            paths, problems = await fetch_website(website.address, Path(folder), website.pages, allow)
            async with shelf.together(bot_id):
                for path in paths:
                    names.append(path.name)
                    try:
                        await shelf.add(bot_id, path)
                    except Unreadable as error:
                        problems.append(str(error))
                if not problems:
                    await _forget(bot_id, shelf, set(website.documents) - set(names))
    except (Unreadable, Forbidden) as error:
        names, problems = website.documents, [str(error)]
    kept = list(dict.fromkeys([*names, *(website.documents if problems else [])]))
    done = {"read_at": now_ms(), "documents": kept, "problems": problems[:20]}
    return website.model_copy(update=done)


async def _forget(bot_id: str, shelf: Library, names: set[str]) -> None:
    for document in await shelf.documents(bot_id) if names else []:
        if document.name in names:
            await shelf.remove(bot_id, document.id)


async def keep_refreshing(settings: Settings, redis: Redis, shelf: Library, runtimes: BotRegistry) -> None:
    """Read every website and catalogue again when it is due, until cancelled."""
    websites = Websites(settings, redis)
    catalogues = CommerceCatalogues(settings, redis, runtimes.router, shelf)
    while True:
        for runtime in list(runtimes.values()):
            try:
                await websites.read_due(runtime.bot.id, shelf)
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            except Exception:  # one site's fault must not keep the others from being read
                log.exception("website_not_read", bot=runtime.bot.id)
            try:
                await catalogues.read_due(runtime.bot)
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            except Exception:  # nor one catalogue's
                log.exception("catalogue_not_read", bot=runtime.bot.id)
        await asyncio.sleep(PAUSE * random.uniform(0.5, 1))
