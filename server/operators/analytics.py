"""What a period was like, from figures that were counted as it happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.bots.bot import BotRuntime
from server.conversations.listing import Inbox
from server.observability.answered_otherwise import counted
from server.observability.costs import NANO
from server.store.client import Redis
from server.store.counters import WITHIN, by_day, days, fields, median, summed

# What stands in a day's row, and the figure it is.
DAILY = {
    "contacts": "contacts",
    "conversations": "conversations",
    "messages_in": "messages in",
    "replies": "messages out by bot",
    "written_by_people": "messages out by person",
    "answers": "answers",
    "clients": "class client",
    "non_clients": "class non_client",
    "handoffs": "handoffs",
    "touch_messages": "touch messages",
    "yes": "funnel yes",
    "no": "funnel no",
    "opted_out": "opted out",
    "calls_booked": "calls booked",
    "delivered": "sends delivered",
    "read": "sends read",
    "failed_sends": "sends failed",
    "given_up": "given up",
}


async def report(redis: Redis, runtimes: Mapping[str, BotRuntime], first: str, last: str) -> dict[str, Any]:
    """The figures of these bots from one day (YYYY-MM-DD) to another, in all and day by day. Raises
    ValueError for what is no period."""
    period, names = days(first, last), list(runtimes)
    daily = await by_day(redis, names, period)
    spent = await by_day(redis, names, period, "spent")
    total, bill = summed(daily), summed(spent)
    within, so_far = {}, 0
    for seconds in WITHIN:
        so_far += total.get(f"answers in {seconds}", 0)
        within[str(seconds)] = so_far
    return {
        "first": first,
        "last": last,
        "bots": names,
        "total": _row(total),
        "answered_within": within,
        "answer_seconds": median(total, "bot", "person"),
        "answer_seconds_bot": median(total, "bot"),
        "answer_seconds_people": median(total, "person"),
        "otherwise": counted(total),
        "funnel": funnel(total),
        "usage": _usage(bill),
        "contacts": await _contacts(redis, runtimes),
        "days": [
            {"day": day, **_row(row), **_usage(paid)}
            for day, row, paid in zip(period, daily, spent, strict=True)
        ],
    }


def _row(counted: Mapping[str, int]) -> dict[str, int]:
    touches = sum(count for name, count in counted.items() if name.startswith("funnel touched:"))
    return {**{name: counted.get(figure, 0) for name, figure in DAILY.items()}, "touches": touches}


def funnel(total: Mapping[str, int]) -> dict[str, Any]:
    """What became of touches: contacts written to, touches sent and left out, answers after each, yes and
    no."""

    def numbered(kind: str) -> dict[str, int]:
        start = f"funnel {kind}:"
        return {name.removeprefix(start): n for name, n in sorted(total.items()) if name.startswith(start)}

    plain = {name: total.get(f"funnel {name}", 0) for name in ("contacted", "yes", "no")}
    return {
        **plain,
        "touched": numbered("touched"),
        "skipped": numbered("skipped"),
        "answered": numbered("answered"),
    }


def _usage(paid: Mapping[str, int]) -> dict[str, Any]:
    return {
        "calls": paid.get("calls", 0),
        "input_tokens": paid.get("input", 0),
        "output_tokens": paid.get("output", 0),
        "cost": round(paid.get("nano", 0) / NANO, 6),
    }


async def _contacts(redis: Redis, runtimes: Mapping[str, BotRuntime]) -> dict[str, Any]:
    """As things stand now: how many contacts there are, clients among them, and how many have each field."""
    total, known = {"all": 0, "client": 0, "non_client": 0}, dict[str, int]()
    sizes = await Inbox(redis).counts(runtimes.values(), ("all", "client", "non_client"))
    for bot_id, runtime in runtimes.items():
        for kind in total:
            total[kind] += sizes[bot_id][kind]
        have = await fields(redis, bot_id)
        for name in runtime.bot.context.missing({"phone": "known"}):  # whoever writes has a number
            known[name] = known.get(name, 0) + have.get(name, 0)
    return {**total, "fields": known}
