"""What happened, counted as it happens (`counters.lua`), and read for a period.

figures:DAY   HASH   name -> how often on a day of TIMEZONE; kept for 400 days
totals        HASH   the same, since the beginning; and calls, input, output, nano of model calls
fields        HASH   profile field -> how many contacts have it
unread, failed, needs, class:CLASS   SET   conversations with messages nobody has looked at, whose last send
                                           failed, that need a person, whose contact is of a class
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import key

COUNTING = Path(__file__).with_suffix(".lua")
# Decimals of a sum that is counted.
WORTH = 4
# How long figures are kept (`counters.lua`), days.
KEPT = 400
WITHIN = (5, 15, 60, 300, 3600)
# Upper ends, in seconds, of the steps in which answers are counted (`counters.lua`); the last ones took
# longer than any.
STEPS = (1, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)

_zone = lru_cache(maxsize=1000)(ZoneInfo)


def day_of(timezone: str, at: int | None = None) -> str:
    """YYYY-MM-DD at `at` (Unix ms; now)."""
    return _day_of_minute(timezone, (now_ms() if at is None else at) // 60_000)


@lru_cache(maxsize=1000)
def _day_of_minute(timezone: str, minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(_zone(timezone)).strftime("%Y-%m-%d")


def month_until(last: str) -> str:
    """The first of the 30 days that end with a day, as a period is where none is asked for. Raises
    ValueError."""
    return (date.fromisoformat(last) - timedelta(days=29)).isoformat()


def days(first: str, last: str) -> list[str]:
    """Every day from one to another. Raises ValueError for what are no days, and for more than are kept."""
    a, b = date.fromisoformat(first), date.fromisoformat(last)
    if not 0 <= (b - a).days < KEPT:
        raise ValueError(f"choose a period of 1 to {KEPT} days")
    return [(a + timedelta(days=n)).isoformat() for n in range((b - a).days + 1)]


async def by_day(
    redis: Redis, bot_ids: Sequence[str], period: Iterable[str], part: str = "figures"
) -> list[dict[str, int]]:
    """The figures of each day, of all these bots together; of another `part` of them where one is named."""
    names = list(period)
    async with redis.pipeline(transaction=False) as pipe:
        for day in names:
            for bot_id in bot_ids:
                pipe.hgetall(key(bot_id, part, day))
        rows: list[dict[bytes, Any]] = await pipe.execute()
    found: list[dict[str, int]] = []
    for number in range(len(names)):
        total: dict[str, int] = {}
        for row in rows[number * len(bot_ids) : (number + 1) * len(bot_ids)]:
            for name, value in row.items():
                total[name.decode()] = total.get(name.decode(), 0) + int(value)
        found.append(total)
    return found


def summed(rows: Iterable[dict[str, int]]) -> dict[str, int]:
    """All days together."""
    total: dict[str, int] = {}
    for row in rows:
        for name, value in row.items():
            total[name] = total.get(name, 0) + value
    return total


def median(total: dict[str, int], *authors: str) -> float | None:
    """Seconds within which half of the answers of these (`bot`, `person`) came, between the ends of a step as
    if they were spread evenly in it; None without any answer."""
    counts = [
        sum(total.get(f"answers of {author} le {end}", 0) for author in authors) for end in (*STEPS, "more")
    ]
    half, below, start = sum(counts) / 2, 0, 0.0
    if not half:
        return None
    for end, count in zip((*STEPS, STEPS[-1]), counts, strict=True):
        if count and below + count >= half:
            return round(start + (end - start) * (half - below) / count, 1)
        below, start = below + count, float(end)
    return start


async def ad_of(redis: Redis, bot_id: str, conversation_id: str) -> str:
    """The last ad that a contact came from, by its id or address (`of_ad` of `counters.lua`); empty: none."""
    found = await redis.hmget(key(bot_id, "contact", conversation_id), ["r:source_id", "r:source_url"])
    return next((raw.decode() for raw in found if raw), "")[:200]


def by_ad(total: dict[str, int]) -> dict[str, dict[str, int]]:
    """Ad -> what its people did -> how often, among the figures of a period."""
    found: dict[str, dict[str, int]] = {}
    for name, count in total.items():
        kind, _, rest = name.partition(" ")
        what, _, ad = rest.partition(" ")
        if kind == "ad" and ad:
            found.setdefault(ad, {})[what] = count
    return found


def worth_of(value: Decimal | str) -> str:
    """A sum as it is counted: in ten-thousandths of its currency."""
    return str(int(Decimal(value).scaleb(WORTH)))


async def totals(redis: Redis, bot_id: str) -> dict[str, int]:
    """Everything since the beginning; it only ever rises."""
    raw = await redis.hgetall(key(bot_id, "totals"))
    return {name.decode(): int(count) for name, count in raw.items()}


async def fields(redis: Redis, bot_id: str) -> dict[str, int]:
    """How many contacts have each profile field."""
    raw = await redis.hgetall(key(bot_id, "fields"))
    return {name.decode(): int(count) for name, count in raw.items()}
