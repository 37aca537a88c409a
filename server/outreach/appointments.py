"""Appointments for a phone call: free slots inside working hours, booked without overlap, confirmed, reminded
of, listed. The keys and ids begin with `call`, the word of older versions, whose rows are read here too.

call_slots    HASH   ms of a slot -> appointments in it
call_rows     HASH   appointment id -> JSON of an `Appointment`
call_starts   ZSET   appointment id -> ms of its start
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import structlog
from icalendar import Alarm, Component, Event
from icalendar import Calendar as ICalendar
from pydantic import Field

from agent.language.appointment_phrases import confirmed, reminder
from server.bots.bot import Bot, BotRuntime
from server.clock import now_ms
from server.conversations import outbox
from server.outreach.rules import WINDOW, barred
from server.store.client import Redis
from server.store.counters import COUNTING, day_of
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Contact, Record, Reply, TextFile
from server.store.scripts import Scripts

MINUTE = 60_000
# Nobody is called sooner than this, and slots are proposed for so many days.
LEAD, DAYS = 60 * MINUTE, 14
# How many slots the agent is told of: the next ones, or all of a day.
PROPOSED, A_DAY = 8, 60
# Before an appointment its contact is reminded: a day and an hour.
REMINDERS = {"day": 24 * 60 * MINUTE, "hour": 60 * MINUTE}

log = structlog.get_logger()


class Appointment(Record):
    """When somebody at the business will ring a contact."""

    id: str = Field(description="The appointment's id")
    bot_id: str = Field(description="The bot that booked it")
    conversation_id: str = Field(description="The conversation it was booked in")
    start: int = Field(description="When it begins, Unix milliseconds")
    minutes: int = Field(description="How long it may take")
    about: str = Field(default="", description="What it is for, in the contact's words")
    name: str = Field(default="", description="The contact's name")
    phone: str = Field(default="", description="The number to call")
    booked_at: int = Field(default=0, description="When it was booked, Unix milliseconds")
    turn_id: str = Field(default="", description="The turn it was booked in; empty: by a form")


@dataclass(frozen=True, slots=True)
class BookingStep:
    """What books an appointment: `made_by` names the step, `turn_id` its turn, `old` the appointment that is
    moved."""

    made_by: str
    turn_id: str = ""
    old: str = ""


class Appointments:
    """The appointments of every bot."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)

    def _keys(self, bot_id: str) -> list[str]:
        return [key(bot_id, part) for part in ("call_slots", "call_rows", "call_starts")]

    async def free(self, bot: Bot, after: int, most: int) -> list[int]:
        """The first `most` free slots (ms) that begin at `after` (ms) or later, in DAYS days."""
        plan, earliest = bot.outreach, max(after, now_ms() + LEAD)
        taken = await self._redis.hgetall(key(bot.id, "call_slots"))
        full = {int(at) for at, count in taken.items() if int(count) >= plan.appointments_at_once}
        last = now_ms() + DAYS * 24 * 60 * MINUTE
        length = plan.appointment_minutes * MINUTE
        slots = (
            at
            for first, end in plan.hours.openings(earliest)
            for at in range(first, end, length)
            if at + length <= end
        )
        upcoming = itertools.takewhile(lambda at: at < last, (at for at in slots if at >= earliest))
        return list(itertools.islice((at for at in upcoming if at not in full), most))

    async def book(
        self, bot: Bot, contact: Contact, start: int, about: str, origin: BookingStep | None = None
    ) -> Appointment | None:
        """Book a slot (ms), or move the appointment `origin.old` to it; None when it is taken or no slot.
        What is asked for again with the same `made_by` is booked once."""
        origin = origin or BookingStep(uuid4().hex)
        if start not in await self.free(bot, start, 1):
            mine = await self.of(bot.id, contact.id)
            return next((booked for booked in mine if booked.start == start), None)
        booked = Appointment(
            id=hashlib.blake2b(f"{origin.made_by} {start}".encode(), digest_size=12).hexdigest(),
            bot_id=bot.id,
            conversation_id=contact.id,
            start=start,
            minutes=bot.outreach.appointment_minutes,
            about=about[:300],
            name=contact.profile.get("name") or contact.name,
            phone=contact.profile.get("phone") or (f"+{contact.wa_id}" if contact.wa_id else ""),
            booked_at=now_ms(),
            turn_id=origin.turn_id,
        )
        asked = {
            "id": booked.id,
            "slot": start,
            "row": booked.model_dump_json(),
            "capacity": bot.outreach.appointments_at_once,
        }
        asked |= {"conversation": contact.id, "day": day_of(bot.limits.timezone)}
        if not await self._scripts.run("book", self._keys(bot.id), {**asked, "old": origin.old}):
            return None
        log.info(
            "appointment_booked",
            bot=bot.id,
            conversation=contact.id,
            appointment=booked.id,
            moved=bool(origin.old),
        )
        return booked

    async def cancel(self, bot_id: str, appointment_id: str) -> bool:
        """Give an appointment's slot back; False when there is no such appointment (any more)."""
        done = bool(await self._scripts.run("cancel", self._keys(bot_id), {"id": appointment_id}))
        if done:
            log.info("appointment_cancelled", bot=bot_id, appointment=appointment_id)
        return done

    async def coming(self, bot_id: str, after: int = 0) -> list[Appointment]:
        """Appointments that start at `after` (ms) or later, the next first."""
        ids = await self._redis.zrangebyscore(key(bot_id, "call_starts"), after, "+inf")
        rows = await self._redis.hmget(key(bot_id, "call_rows"), ids) if ids else []
        return readable(rows, Appointment.model_validate_json, "an appointment")

    async def of(self, bot_id: str, conversation_id: str) -> list[Appointment]:
        """The appointments of one contact that are still to come."""
        return [
            booked
            for booked in await self.coming(bot_id, now_ms())
            if booked.conversation_id == conversation_id
        ]

    async def confirm(
        self, runtime: BotRuntime, contact: Contact, turn_id: str, pairs: Sequence[outbox.Pair] = ()
    ) -> list[outbox.Pair]:
        """The replies of a turn, with the calendar file of what was booked in it: along with the last one's
        words where they fit, since a message more may be paid for, else as one more."""
        told = list(pairs)
        for booked in await self.of(runtime.bot.id, contact.id):
            if booked.turn_id != turn_id:
                continue
            reply, entry = outbox.pair_of(_confirmation(runtime.bot, contact, booked))
            if told and outbox.takes_file(told[-1][0]):
                told[-1] = told[-1][0].model_copy(update={"file": reply.file}), told[-1][1]
            else:
                told.append((reply, entry.model_copy(update={"turn_id": turn_id})))
        return told

    async def remind(self, runtime: BotRuntime) -> int:
        """Tell contacts of appointments that are near, each reminder once however many workers look; how many
        were queued."""
        count = 0
        for booked in await self.coming(runtime.bot.id, now_ms()):
            for name, before in REMINDERS.items():
                due = booked.start - before
                if not (due <= now_ms() < due + 30 * MINUTE) or booked.booked_at > due:
                    continue
                contact = await runtime.conversations.contact(booked.conversation_id)
                if contact is None or (barred(contact) and contact.assignee != "person"):
                    continue
                language, at = contact.profile.get("language") or "en", when(runtime.bot, booked.start)
                reply = Reply(id=f"call:{booked.id}:{name}", text=reminder(language, at), notice=True)
                if runtime.bot.windowed(contact.account) and now_ms() > contact.heard_at + WINDOW:
                    chosen = runtime.bot.outreach.appointment_template({**contact.profile, "when": at})
                    if chosen is None:
                        continue
                    reply = reply.model_copy(update={"template": chosen[0], "variables": chosen[1]})
                count += await outbox.post(runtime, contact, reply)
        return count


def when(bot: Bot, at: int) -> str:
    """A moment by the business's clock, as people and the agent write it."""
    return f"{bot.outreach.hours.local(at):%Y-%m-%d %H:%M}"


class ContactCalendar:
    """The appointments as the agent's tool sees them, for one contact; times are `YYYY-MM-DD HH:MM` by the
    business's clock."""

    def __init__(
        self, appointments: Appointments, runtime: BotRuntime, contact: Contact, turn_id: str = ""
    ) -> None:
        """`turn_id`: of the turn that it is for; its end confirms what was booked in it."""
        self._appointments, self._runtime, self._contact = appointments, runtime, contact
        self._turn_id = turn_id

    async def free(self, day: str = "") -> list[str]:
        """The next free slots, or those of a day."""
        bot = self._runtime.bot
        after = self._moment(f"{day} 00:00") if day else 0
        slots = await self._appointments.free(bot, after or 0, A_DAY if day else PROPOSED)
        return [text for text in (when(bot, at) for at in slots) if not day or text.startswith(day)]

    async def mine(self) -> list[str]:
        """The contact's appointments."""
        return [
            when(self._runtime.bot, booked.start)
            for booked in await self._appointments.of(self._runtime.bot.id, self._contact.id)
        ]

    async def book(self, start: str, about: str, idempotency_key: str) -> bool:
        """Book, or move the contact's appointment if there is one; a calendar file follows, at the end of
        the turn or, outside of one, at once. The same turn books once."""
        at, bot = self._moment(start), self._runtime.bot
        old = await self._appointments.of(bot.id, self._contact.id)
        if at is None:
            return False
        moved = old[0].id if old and old[0].start != at else ""
        origin = BookingStep(idempotency_key, self._turn_id, moved)
        booked = await self._appointments.book(bot, self._contact, at, about, origin)
        if booked and not await self._confirmed(booked):
            await outbox.post(self._runtime, self._contact, _confirmation(bot, self._contact, booked))
        return booked is not None

    async def _confirmed(self, booked: Appointment) -> bool:
        """Whether the end of a turn confirms it, this one's or that of one that has ended."""
        lines = await self._runtime.conversations.transcript(self._contact.id)
        ended = {line.turn_id for line in lines}
        return bool(booked.turn_id) and booked.turn_id in {self._turn_id, *ended}

    async def cancel(self) -> bool:
        """Cancel the contact's appointments; False when there are none."""
        mine = await self._appointments.of(self._runtime.bot.id, self._contact.id)
        return any([await self._appointments.cancel(self._runtime.bot.id, booked.id) for booked in mine])

    def _moment(self, text: str) -> int | None:
        try:
            local = datetime.strptime(text.strip()[:16].replace("T", " "), "%Y-%m-%d %H:%M")
        except ValueError:
            return None
        hours = self._runtime.bot.outreach.hours
        return int(local.replace(tzinfo=hours.local(0).tzinfo).timestamp() * 1000)


def _confirmation(bot: Bot, contact: Contact, booked: Appointment) -> Reply:
    """A line that says when, with a calendar file."""
    file = TextFile(name="call.ics", mime_type="text/plain", text=invitation(bot, booked).decode())
    text = confirmed(contact.profile.get("language") or "en", when(bot, booked.start))
    return Reply(id=f"call:{booked.id}:ics", text=text, file=file, notice=True)


def _put(part: Component, name: str, value: str | datetime | timedelta) -> None:
    part.add(name, value)  # pyright: ignore[reportUnknownMemberType] icalendar leaves `value` without a type


def _event(bot: Bot, booked: Appointment) -> Event:
    event = Event()
    start = datetime.fromtimestamp(booked.start / 1000, UTC)
    who = bot.context.business.partition(",")[0]
    _put(event, "uid", f"{booked.id}@salesgraph")
    _put(event, "dtstamp", datetime.fromtimestamp(booked.booked_at / 1000, UTC))
    _put(event, "dtstart", start)
    _put(event, "dtend", start + timedelta(minutes=booked.minutes))
    _put(event, "summary", f"{who}: {booked.name or booked.phone or 'call'}")
    return event


def invitation(bot: Bot, booked: Appointment) -> bytes:
    """The appointment as an iCalendar file (RFC 5545) for the contact, with an alarm ten minutes before."""
    event, alarm = _event(bot, booked), Alarm()
    event["summary"] = summary = bot.context.business.partition(",")[0]
    _put(alarm, "action", "DISPLAY")
    _put(alarm, "description", summary)
    _put(alarm, "trigger", timedelta(minutes=-10))
    event.add_component(alarm)
    return _calendar(event)


def feed(bot: Bot, appointments: list[Appointment]) -> bytes:
    """All appointments as an iCalendar feed for the operator, with whom and about what."""
    events: list[Event] = []
    for booked in appointments:
        event = _event(bot, booked)
        _put(event, "description", f"{booked.name} {booked.phone}\n{booked.about}".strip())
        events.append(event)
    return _calendar(*events)


def _calendar(*events: Event) -> bytes:
    calendar = ICalendar()
    _put(calendar, "prodid", "-//Salesgraph//EN")
    _put(calendar, "version", "2.0")
    for event in events:
        calendar.add_component(event)
    return calendar.to_ical()
