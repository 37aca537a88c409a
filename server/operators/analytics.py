"""What a period was like, from figures that were counted as it happened."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from server.bots.bot import BotRuntime
from server.conversations.listing import ConversationList, Show
from server.observability.answered_otherwise import counts_by_reason
from server.observability.charges.merged import SavedMessages, saved_messages
from server.observability.costs import Usage, usage_of
from server.outreach.follow_ups import Funnel
from server.store.client import Redis
from server.store.counters import WITHIN, by_day, days, fields, median, summed
from server.store.records import Record

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
    "appointments_booked": "calls booked",
    "orders": "orders",
    "delivered": "sends delivered",
    "read": "sends read",
    "failed_sends": "sends failed",
    "given_up": "given up",
    "bursts": "bursts",
    "merged_messages": "burst messages",
    "saved_messages": "burst saved",
}


class Figures(Record):
    """What happened in a time."""

    contacts: int = Field(description="New contacts")
    conversations: int = Field(description="New conversations")
    messages_in: int = Field(description="Messages of contacts")
    replies: int = Field(description="Messages of the bot")
    written_by_people: int = Field(description="Messages of people at the business")
    answers: int = Field(description="Messages of contacts that were answered")
    clients: int = Field(description="Contacts who became known as clients")
    non_clients: int = Field(description="Contacts who became known not to be clients")
    handoffs: int = Field(description="Conversations that a person took over")
    touch_messages: int = Field(description="Messages that touches were sent in")
    yes: int = Field(description="Contacts who said yes")
    no: int = Field(description="Contacts who said no")
    opted_out: int = Field(description="Contacts who wanted no more messages")
    appointments_booked: int = Field(description="Appointments that were made")
    orders: int = Field(description="Orders that were placed")
    delivered: int = Field(description="Messages that reached a phone")
    read: int = Field(description="Messages that were read")
    failed_sends: int = Field(description="Messages that the provider did not deliver")
    given_up: int = Field(description="Turns that were given up on")
    bursts: int = Field(description="Turns that answered several messages at once")
    merged_messages: int = Field(description="Messages of contacts in them")
    saved_messages: int = Field(description="Messages that were not sent for it")
    touches: int = Field(description="Touches that went out")


class DayFigures(Figures, Usage):
    """What happened on a day, and what it cost."""

    day: str = Field(description="YYYY-MM-DD, by TIMEZONE")


class ContactFigures(Record):
    """How many contacts there are now."""

    all: int = Field(description="All of them")
    client: int = Field(description="Clients of the business")
    non_client: int = Field(description="Those who are none")
    fields: dict[str, int] = Field(description="Field of the profile -> contacts of whom it is known")


class UnitCosts(Record):
    """What the period cost, US dollars, models and WhatsApp together, and what that makes for one of each."""

    total: float = Field(description="Model calls and messages")
    per_conversation: float | None = Field(description="Of a new conversation; null: there was none")
    per_appointment: float | None = Field(description="Of an appointment made; null: there was none")
    per_order: float | None = Field(description="Of an order placed; null: there was none")
    paid_messages_per_conversation: float | None = Field(
        description="Messages that WhatsApp charges for, of a new conversation; null: there was none"
    )


class Analytics(Record):
    """The figures of a period."""

    first: str = Field(description="Its first day, YYYY-MM-DD")
    last: str = Field(description="Its last day, YYYY-MM-DD")
    bots: list[str] = Field(description="The bots that are counted")
    total: Figures = Field(description="All days together")
    answered_within: dict[str, int] = Field(
        description="Seconds -> messages that were answered within them, sooner ones included"
    )
    answer_seconds: float | None = Field(
        description="Half of the answers came within so many seconds; null: there were none"
    )
    answer_seconds_bot: float | None = Field(description="The same of the bot's answers")
    answer_seconds_people: float | None = Field(description="The same of people's answers")
    otherwise: dict[str, int] = Field(
        description="Why messages were not answered by the model as it is set -> how many of them"
    )
    funnel: Funnel = Field(description="What became of touches")
    usage: Usage = Field(description="Model calls and messages, and their cost")
    unit_costs: UnitCosts = Field(description="What a conversation, an appointment and an order cost")
    saved: SavedMessages = Field(description="What was saved by answering messages together")
    contacts: ContactFigures = Field(description="Contacts as they are now")
    days: list[DayFigures] = Field(description="Each day of the period, the first one first")


# Columns of a day's row, in their order.
COLUMNS = ("day", *Figures.model_fields, *Usage.model_fields)


async def report(redis: Redis, runtimes: Mapping[str, BotRuntime], first: str, last: str) -> Analytics:
    """The figures of these bots from one day (YYYY-MM-DD) to another, in all and day by day. Raises
    ValueError for what is no period."""
    period, names = days(first, last), list(runtimes)
    daily = await by_day(redis, names, period)
    spent = await by_day(redis, names, period, "spent")
    total, bill = summed(daily), summed(spent)
    within: dict[str, int] = {}
    so_far = 0
    for seconds in WITHIN:
        so_far += total.get(f"answers in {seconds}", 0)
        within[str(seconds)] = so_far
    usage = usage_of(bill)
    return Analytics(
        first=first,
        last=last,
        bots=names,
        total=Figures(**_row(total)),
        answered_within=within,
        answer_seconds=median(total, "bot", "person"),
        answer_seconds_bot=median(total, "bot"),
        answer_seconds_people=median(total, "person"),
        otherwise=counts_by_reason(total),
        funnel=funnel(total),
        usage=usage,
        unit_costs=_unit_costs(usage, total),
        saved=saved_messages(total),
        contacts=await _contacts(redis, runtimes),
        days=[
            DayFigures.model_validate({"day": day, **_row(row), **usage_of(paid).model_dump()})
            for day, row, paid in zip(period, daily, spent, strict=True)
        ],
    )


def _unit_costs(usage: Usage, total: Mapping[str, int]) -> UnitCosts:
    spent = round(usage.cost + usage.whatsapp_cost, 6)

    def per(amount: float, what: str) -> float | None:
        return round(amount / count, 6) if (count := total.get(DAILY[what], 0)) else None

    return UnitCosts(
        total=spent,
        per_conversation=per(spent, "conversations"),
        per_appointment=per(spent, "appointments_booked"),
        per_order=per(spent, "orders"),
        paid_messages_per_conversation=per(usage.paid_messages, "conversations"),
    )


def _row(counted: Mapping[str, int]) -> dict[str, int]:
    touches = sum(count for name, count in counted.items() if name.startswith("funnel touched:"))
    return {**{name: counted.get(figure, 0) for name, figure in DAILY.items()}, "touches": touches}


def funnel(total: Mapping[str, int]) -> Funnel:
    """What became of touches, from the figures of a period."""

    def numbered(kind: str) -> dict[str, int]:
        start = f"funnel {kind}:"
        return {name.removeprefix(start): n for name, n in sorted(total.items()) if name.startswith(start)}

    return Funnel(
        contacted=total.get("funnel contacted", 0),
        yes=total.get("funnel yes", 0),
        no=total.get("funnel no", 0),
        touched=numbered("touched"),
        answered=numbered("answered"),
        skipped=numbered("skipped"),
    )


async def _contacts(redis: Redis, runtimes: Mapping[str, BotRuntime]) -> ContactFigures:
    """As things stand now: how many contacts there are, clients among them, and how many have each field."""
    kinds: tuple[Show, ...] = ("all", "client", "non_client")
    total, known = dict.fromkeys(kinds, 0), dict[str, int]()
    sizes = await ConversationList(redis).counts(runtimes.values(), kinds)
    for bot_id, runtime in runtimes.items():
        for kind in kinds:
            total[kind] += sizes[bot_id][kind]
        have = await fields(redis, bot_id)
        for name in runtime.bot.context.missing({"phone": "known"}):  # whoever writes has a number
            known[name] = known.get(name, 0) + have.get(name, 0)
    return ContactFigures(**total, fields=known)
