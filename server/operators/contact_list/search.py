"""Contacts as a filter wants them, a page at a time, in one of several orders.

By their last message they are read page by page, however many there are. Any other order has to see all of
them first, so it is for as many as a person looks through."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from channels.emulators.numbers import SIMULATED
from server.bots.bot import BotRuntime
from server.conversations.listing import (
    CHUNK,
    PATIENCE,
    BadCursor,
    ConversationList,
    ListingPage,
    Place,
    cursor_of,
    place_of,
)
from server.operators.contact_list.filters import END_OF_TIME, ContactFilter, Sort
from server.store.client import Redis
from server.store.keys import key
from server.store.scripts import Scripts

# Contacts that are put in another order than that of their last messages.
MOST_SORTED = 5_000
# What a contact is sorted by.
_SORTED_BY = ("p:name", "p:last_name", "name", "wa_id", "created")

Found = tuple[Place, BotRuntime]


class TooManyToSort(ValueError):
    """They cannot be put in this order: there are too many of them."""


class ContactSearch:
    """The contacts of any bots."""

    def __init__(self, redis: Redis, conversation_list: ConversationList) -> None:
        self._redis, self._list = redis, conversation_list
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"))

    async def page(
        self,
        runtimes: Mapping[str, BotRuntime],
        wanted: ContactFilter,
        sort: Sort = "latest",
        limit: int = 50,
        cursor: str | None = None,
    ) -> ListingPage:
        """At most `limit` contacts after `cursor`. One of the latest that took long is shorter than that, and
        says until when it got. Raises BadCursor, and TooManyToSort for another order of too many."""
        if sort != "latest":
            return await self._sorted(runtimes, wanted, sort, limit, cursor)
        found, floor = await self._latest(runtimes, wanted, place_of(cursor), limit + 1)
        more = found[limit - 1][0] if len(found) > limit else floor
        rows = await self._list.rows([(place, runtime, "") for place, runtime in found[:limit]])
        until = max(0, floor[0]) if floor and len(found) <= limit else 0
        return ListingPage(rows, cursor_of(more) if more else None, until)

    async def of_ids(self, runtimes: Mapping[str, BotRuntime], ids: Collection[str]) -> ListingPage:
        """The contacts of these ids, each once, the latest first; those that are not there are left out."""
        found, names = list[Found](), list(dict.fromkeys(ids))
        for runtime in runtimes.values():
            scores = await self._redis.zmscore(key(runtime.bot.id, "active"), names) if names else []
            found += [
                ((int(at), name), runtime) for name, at in zip(names, scores, strict=False) if at is not None
            ]
        found.sort(key=lambda row: row[0], reverse=True)
        return ListingPage(await self._list.rows([(place, runtime, "") for place, runtime in found]))

    async def count(
        self, runtimes: Mapping[str, BotRuntime], wanted: ContactFilter, most: int
    ) -> tuple[int, bool]:
        """How many there are, and whether that is all of them: no more than `most` are counted, and not for
        long."""
        found, floor = await self._latest(runtimes, wanted, None, most + 1)
        return min(len(found), most), floor is None and len(found) <= most

    async def _latest(
        self, runtimes: Mapping[str, BotRuntime], wanted: ContactFilter, before: Place | None, limit: int
    ) -> tuple[list[Found], Place | None]:
        """At most `limit` of them, the latest first, and how far back was looked when that is not the whole
        way."""
        found, until, end = list[Found](), list[Place](), time.monotonic() + PATIENCE
        for runtime in runtimes.values():
            mine, reached = await self._matching(runtime, wanted, before, limit, end)
            until += [reached] if reached else []
            found += [(place, runtime) for place in mine]
        found.sort(key=lambda row: row[0], reverse=True)
        # beyond the bot that was looked through least far back, the order of all is not known yet
        floor = max(until) if until else None
        return [row for row in found if floor is None or row[0] >= floor][:limit], floor

    async def _matching(
        self, runtime: BotRuntime, wanted: ContactFilter, before: Place | None, limit: int, end: float
    ) -> tuple[list[Place], Place | None]:
        asked = {
            "wanted": json.dumps(wanted.wanted(runtime.bot), ensure_ascii=False),
            "prefixes": json.dumps(list(SIMULATED.values())),
        }
        first = 0 if wanted.active_from is None else wanted.active_from
        last: Place = (END_OF_TIME if wanted.active_until is None else wanted.active_until, "")
        place = last if before is None else min(before, last)
        found = list[Place]()
        while chunk := [one async for one in self._list.places(runtime, wanted.base, place, CHUNK)]:
            inside = [one for one in chunk if one[0] >= first]
            names = [name for _, name in inside]
            fitting: list[bytes] = (
                await self._scripts.run("match", [key(runtime.bot.id, "active")], asked, *names)
                if names
                else []
            )
            kept = {name.decode() for name in fitting}
            found += [one for one in inside if one[1] in kept]
            if len(found) >= limit or len(inside) < len(chunk) or len(chunk) < CHUNK:
                return found[:limit], None
            place = chunk[-1]
            if time.monotonic() > end:
                return found, place
        return found, None

    async def _sorted(
        self,
        runtimes: Mapping[str, BotRuntime],
        wanted: ContactFilter,
        sort: Sort,
        limit: int,
        cursor: str | None,
    ) -> ListingPage:
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 8):
            raise BadCursor("cursor: use the next_cursor of an earlier answer")
        start = int(cursor or 0)
        found, floor = await self._latest(runtimes, wanted, None, MOST_SORTED + 1)
        if floor or len(found) > MOST_SORTED:
            raise TooManyToSort(
                f"sort: more than {MOST_SORTED} contacts are sorted by their last message only; ask for fewer"
            )
        ordered = found[::-1] if sort == "oldest" else await self._by(sort, found)
        shown = ordered[start : start + limit]
        rows = await self._list.rows([(place, runtime, "") for place, runtime in shown])
        return ListingPage(rows, str(start + limit) if len(ordered) > start + limit else None)

    async def _by(self, sort: Sort, found: list[Found]) -> list[Found]:
        """By name, those without one last; or by when they came, the newest first."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for (_, name), runtime in found:
                pipe.hmget(key(runtime.bot.id, "contact", name), list(_SORTED_BY))
            cards: list[list[bytes | None]] = await pipe.execute()
        pairs = zip(found, cards, strict=True)
        if sort == "created":
            return [one for one, _ in sorted(pairs, key=lambda pair: -int(pair[1][4] or 0))]
        return [one for one, _ in sorted(pairs, key=lambda pair: _name_key(pair[1]))]


def _name_key(card: list[Any]) -> tuple[bool, str]:
    first, last, given, number, _ = (part.decode() if part else "" for part in card)
    name = " ".join(part for part in (first, last) if part) or given
    return not name, name.casefold() or number
