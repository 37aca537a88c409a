"""The list of conversations as an operator wants it: the latest first, filtered, searched, a page at a time.

Filters are sets that the scripts keep (`server.store.counters`). Words are looked for in all that was said,
newest conversation first and for a limited time; where there is an index (`server.conversations.search`),
only in the conversations that it says may hold them."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.search.index import SearchIndex
from server.conversations.search.scan import PlainSearch
from server.conversations.search.terms import terms_of
from server.store.client import Redis
from server.store.keys import key
from server.store.records import Contact, Entry

Show = Literal[
    "all", "unread", "needs_person", "failed", "follow_up", "client", "non_client", "snoozed", "resolved"
]
SHOWS: tuple[str, ...] = get_args(Show)
_SETS = {
    "unread": "unread",
    "needs_person": "needs",
    "failed": "failed",
    "follow_up": "timers",
    "snoozed": "snoozed",
    "resolved": "resolved",
    "client": "class:client",
    "non_client": "class:non_client",
}
# Those that are kept with a time.
_TIMED = ("follow_up", "snoozed")
# A set up to this size is read as a whole; of a larger one the conversations are asked, so many at a time.
WHOLE, CHUNK = 5_000, 1_000
# How long words are looked for before the answer says how far it got, seconds.
PATIENCE = 1.5
# Beyond any time in ms: what puts those who wait for nothing behind those who wait.
ANSWERED = 10**14

Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Members:
    """What a set of a bot holds, by the set's name: those of a colleague, or of a label."""

    name: str


Selection = Show | Members


def _set_of(bot_id: str, show: Selection) -> str:
    if isinstance(show, Members):
        return key(bot_id, show.name)
    return key(bot_id, "active" if show == "all" else _SETS[show])


class BadCursor(ValueError):
    """Not the cursor of an earlier page."""


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """A conversation in the list. `at`: ms of its last line, which is `last`; `found`: the line that was
    searched for."""

    contact: Contact
    at: int
    last: Entry | None
    found: str = ""


@dataclass(frozen=True, slots=True)
class ListingPage:
    """`cursor`: of the next page, None at the end. `until`: the search took long and got back to this time
    (ms); 0: it did not."""

    rows: list[ListedConversation]
    cursor: str | None = None
    until: int = 0


class ConversationList:
    """The conversations of any bots, searched with the help of an index where one is given."""

    def __init__(self, redis: Redis, index: SearchIndex | None = None) -> None:
        self._redis, self._index = redis, index
        self._plain = PlainSearch(redis)

    async def page(
        self,
        runtimes: Mapping[str, BotRuntime],
        show: Selection = "all",
        query: str = "",
        limit: int = 50,
        cursor: str | None = None,
    ) -> ListingPage:
        """At most `limit` rows after `cursor`, the latest first; of those who need a person, who has waited
        longest. Raises BadCursor."""
        before, terms, end = place_of(cursor), terms_of(query), time.monotonic() + PATIENCE
        found: list[tuple[Place, BotRuntime, str]] = []
        until: list[Place] = []
        for runtime in runtimes.values():
            if terms:
                mine, reached = await self._searched(runtime, show, terms, before, limit + 1, end)
                until += [reached] if reached else []
            else:
                mine = [(place, "") async for place in self.places(runtime, show, before, limit + 1)]
            found += [(place, runtime, line) for place, line in mine]
        found.sort(key=lambda row: row[0], reverse=True)
        # beyond the bot that was searched least far back, the order of all is not known yet
        floor = max(until) if until else None
        if floor:
            found = [row for row in found if row[0] >= floor]
        more = found[limit - 1][0] if len(found) > limit else floor
        rows = await self.rows(found[:limit])
        return ListingPage(
            rows, cursor_of(more) if more else None, max(0, floor[0]) if floor and len(found) <= limit else 0
        )

    async def rebuild(self, runtime: BotRuntime) -> bool:
        """Put conversations of an earlier version into the sets that filters read, once; False when that was
        done."""
        bot_id = runtime.bot.id
        if await self._redis.exists(key(bot_id, "listed")):
            return False
        if not await self._redis.set(key(bot_id, "listing"), 1, nx=True, ex=600):
            return False
        before, known = None, dict[str, int]()
        while chunk := await runtime.conversations.page(CHUNK, before):
            before = chunk[-1]
            async with self._redis.pipeline(transaction=False) as pipe:
                for contact, last in await runtime.conversations.latest([name for _, name in chunk]):
                    for name in contact.profile:
                        known[name] = known.get(name, 0) + 1
                    if kind := contact.profile.get("class"):
                        pipe.sadd(key(bot_id, f"class:{kind}"), contact.id)
                    if contact.assignee == "person" or contact.task:
                        pipe.sadd(key(bot_id, "needs"), contact.id)
                    if last and last.author != "contact" and last.status == "failed":
                        pipe.sadd(key(bot_id, "failed"), contact.id)
                await pipe.execute()
        if known:
            await self._redis.hset(key(bot_id, "fields"), mapping=known)
        await self._redis.set(key(bot_id, "listed"), 1)
        await self._redis.delete(key(bot_id, "listing"))
        return bool(known)

    async def counts(
        self, runtimes: Iterable[BotRuntime], shows: Sequence[Selection]
    ) -> dict[str, dict[Selection, int]]:
        """How many conversations each filter shows, of each bot."""
        bots = [runtime.bot.id for runtime in runtimes]
        async with self._redis.pipeline(transaction=False) as pipe:
            for bot_id in bots:
                for show in shows:
                    name = _set_of(bot_id, show)
                    if show == "snoozed":
                        pipe.zcount(name, now_ms(), "+inf")
                    elif show in ("all", "follow_up"):
                        pipe.zcard(name)
                    else:
                        pipe.scard(name)
                pipe.zcount(key(bot_id, "snoozed"), now_ms(), "+inf")
            sizes = iter(await pipe.execute())
        found: dict[str, dict[Selection, int]] = {}
        for bot_id in bots:
            found[bot_id] = {show: next(sizes) for show in shows}
            put_off = next(sizes)
            if "needs_person" in found[bot_id]:
                found[bot_id]["needs_person"] = max(0, found[bot_id]["needs_person"] - put_off)
        return found

    async def rows(self, found: Sequence[tuple[Place, BotRuntime, str]]) -> list[ListedConversation]:
        """Conversations at their places, each with the line that was found in it; those that are gone
        are left out."""
        by_desk: dict[str, tuple[BotRuntime, list[str]]] = {}
        for (_, name), runtime, _ in found:
            by_desk.setdefault(runtime.bot.id, (runtime, []))[1].append(name)
        known = {
            contact.id: (contact, last)
            for runtime, names in by_desk.values()
            for contact, last in await runtime.conversations.latest(names)
        }
        rows: list[ListedConversation] = []
        for (at, name), _, line in found:
            if name in known:
                contact, last = known[name]
                rows.append(
                    ListedConversation(
                        contact, at if at > 0 else last.at if last else contact.created, last, line
                    )
                )
        return rows

    async def _size(self, bot_id: str, show: Selection) -> int:
        name = _set_of(bot_id, show)
        return await (self._redis.zcard(name) if show in _TIMED else self._redis.scard(name))

    async def _members(self, name: str, show: Selection) -> list[bytes]:
        if show == "snoozed":
            return await self._redis.zrangebyscore(name, now_ms(), "+inf")
        return list(
            await self._redis.zrange(name, 0, -1) if show in _TIMED else await self._redis.smembers(name)
        )

    async def places(
        self, runtime: BotRuntime, show: Selection, before: Place | None, limit: int
    ) -> AsyncIterator[Place]:
        """(ms, conversation) of what a filter shows, the latest first, at most `limit`."""
        if show == "all":
            for place in await runtime.conversations.page(limit, before):
                yield place
            return
        name = _set_of(runtime.bot.id, show)
        if show == "needs_person" and await self._size(runtime.bot.id, show) <= WHOLE:
            for place in _after(before, await self._waiting(runtime), limit):
                yield place
            return
        if await self._size(runtime.bot.id, show) <= WHOLE:
            members = [member.decode() for member in await self._members(name, show)]
            for place in _after(before, await self._active(runtime, members), limit):
                yield place
            return
        while limit and (chunk := await runtime.conversations.page(CHUNK, before)):
            inside = await self._inside(name, show, [member for _, member in chunk])
            for place, is_in in zip(chunk, inside, strict=True):
                if limit and is_in:
                    limit -= 1
                    yield place
            before = chunk[-1]

    async def _inside(self, name: str, show: Selection, members: Sequence[str]) -> list[bool]:
        """Which of these a set holds."""
        if show in _TIMED:
            return [score is not None for score in await self._redis.zmscore(name, members)]
        return [bool(one) for one in await self._redis.smismember(name, members)]

    async def _active(self, runtime: BotRuntime, members: Sequence[str]) -> list[Place]:
        """The places of those of them that something was said in."""
        found: list[Place] = []
        for start in range(0, len(members), WHOLE):
            names = members[start : start + WHOLE]
            scores = await self._redis.zmscore(key(runtime.bot.id, "active"), names)
            found += [(int(at), name) for at, name in zip(scores, names, strict=True) if at is not None]
        return found

    async def _chosen(self, runtime: BotRuntime, show: Selection, among: Collection[str]) -> list[Place]:
        """The places of all that a filter shows of some conversations, the latest first."""
        members = list(among)
        if show == "snoozed":
            snoozed = {name.decode() for name in await self._members(_set_of(runtime.bot.id, show), show)}
            members = [name for name in members if name in snoozed]
        elif show != "all" and members:
            inside = await self._inside(_set_of(runtime.bot.id, show), show, members)
            members = [name for name, is_in in zip(members, inside, strict=True) if is_in]
        return sorted(await self._active(runtime, members), reverse=True)

    async def _waiting(self, runtime: BotRuntime) -> list[Place]:
        """Places of conversations that need a person, ordered by who has waited longest for an answer; who
        has theirs comes after them. Such places are negative: all places are read downwards."""
        raw = await self._redis.smembers(key(runtime.bot.id, "needs"))
        names = [name.decode() for name in raw]
        found: list[Place] = []
        for start in range(0, len(names), CHUNK):
            for contact, last in await runtime.conversations.latest(names[start : start + CHUNK]):
                if contact.snoozed_until > now_ms():
                    continue
                active = last.at if last else contact.created
                found.append(
                    (-contact.waiting_since if contact.waiting_since else active - ANSWERED, contact.id)
                )
        return found

    async def _searched(
        self,
        runtime: BotRuntime,
        show: Selection,
        terms: list[list[str]],
        before: Place | None,
        limit: int,
        end: float,
    ) -> tuple[list[tuple[Place, str]], Place | None]:
        """Matches with the line that matched, and how far back was looked when that is not the whole way."""
        found: list[tuple[Place, str]] = []
        # those who need a person stand in an order of their own, and are few
        asked = self._index if show != "needs_person" else None
        among = await asked.narrowed(runtime.bot.id, terms) if asked else None
        places = None if among is None else await self._chosen(runtime, show, among)
        while chunk := (
            [place async for place in self.places(runtime, show, before, CHUNK)]
            if places is None
            else _after(before, places, CHUNK)
        ):
            start = 0
            while start < len(chunk):
                names = [name for _, name in chunk[start:]]
                looked, matches = await self._plain.matches(runtime.bot.id, terms, names)
                at = dict(zip(names, chunk[start:], strict=True))
                found += [(at[name], line) for name, line in matches]
                start += looked
                before = chunk[start - 1]
                if len(found) >= limit:
                    return found[:limit], None
                if time.monotonic() > end:
                    return found, before
        return found, None


def _after(before: Place | None, places: Iterable[Place], limit: int) -> list[Place]:
    """The first places after one, the latest first."""
    return sorted((p for p in places if before is None or p < before), reverse=True)[:limit]


def cursor_of(place: Place) -> str:
    """What the next page is asked for with."""
    return base64.urlsafe_b64encode(f"{place[0]} {place[1]}".encode()).decode()


def place_of(cursor: str | None) -> Place | None:
    """Where a page begins. Raises BadCursor."""
    if cursor is None:
        return None
    try:
        at, conversation_id = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").split(" ")
        return int(at), conversation_id
    except (ValueError, binascii.Error):
        raise BadCursor("cursor: use the next_cursor of an earlier answer") from None
