"""Appointments: slots, no double booking, confirmation with a calendar file, reminders, moving and
cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from icalendar import Calendar as ICalendar
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from redis.asyncio import Redis

from agent.models.chat import Models
from channels.base import Message
from server import clock
from server.conversations.outbox import Pair, pair_of
from server.outreach.appointments import Appointments, BookingStep, ContactCalendar, feed, when
from server.store.records import Contact, Reply
from tests.support.office import NUMBER, Office
from tests.support.shop.chatting import Scripted, call, quiet
from tests.support.virtual_clock import at, local
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    at("2026-11-23 11:59")
    yield
    clock.move_to(0)


async def contact_of(office: Office, number: str) -> Contact:
    card = Message(id="x", account=NUMBER, kind="text", wa_id=number, name=f"N{number[-2:]}")
    found = await office.runtime.conversations.contact(await office.runtime.conversations.identify(card))
    assert found
    return found


async def test_slots_lie_in_working_hours_and_a_taken_one_is_gone(redis: Redis, tmp_path):
    office, appointments = Office(redis, tmp_path, holidays="KZ"), Appointments(redis)
    bot = office.runtime.bot
    slots = [local(slot) for slot in await appointments.free(bot, 0, 400)]
    assert slots[:2] == ["2026-11-23 13:00", "2026-11-23 13:30"] and slots[9:11] == [
        "2026-11-23 17:30",
        "2026-11-24 10:00",
    ]
    assert all("10:00" <= slot[11:] <= "17:30" for slot in slots) and slots[-1] < "2026-12-08"
    contact = await contact_of(office, "77010000001")
    start = (await appointments.free(bot, 0, 1))[0]
    assert await appointments.book(bot, contact, start, "a grinder")
    assert start not in await appointments.free(bot, 0, 400)
    assert await appointments.book(bot, await contact_of(office, "77010000002"), start, "") is None
    assert await appointments.book(bot, contact, start + 60_000, "") is None  # no slot begins then


@pytest.mark.parametrize("capacity", [1, 3])
async def test_no_slot_is_overbooked_however_many_want_it(redis: Redis, tmp_path, capacity: int):
    office, appointments = Office(redis, tmp_path), Appointments(redis)
    bot_file = tmp_path / "bot.yaml"
    bot_file.write_text(f"outreach: {{appointments_at_once: {capacity}}}")
    office = Office(redis, tmp_path, bot_file=bot_file)
    bot = office.runtime.bot
    people = [await contact_of(office, f"7701000{n:04}") for n in range(25)]
    start = (await appointments.free(bot, 0, 1))[0]
    booked = await asyncio.gather(*(appointments.book(bot, person, start, "") for person in people))
    assert sum(each is not None for each in booked) == capacity == len(await appointments.coming(bot.id))
    moved = (await appointments.free(bot, start + 1, 1))[0]
    (first, *_) = [(each, person) for each, person in zip(booked, people, strict=True) if each]
    assert await appointments.book(bot, first[1], moved, "", BookingStep("moved", old=first[0].id))  # type: ignore[union-attr]
    assert len(await appointments.coming(bot.id)) == capacity and start in await appointments.free(
        bot, 0, 400
    )
    for booked in await appointments.coming(bot.id):
        assert await appointments.cancel(bot.id, booked.id) and not await appointments.cancel(
            bot.id, booked.id
        )
    assert {start, moved} <= set(await appointments.free(bot, 0, 400))


async def test_a_turn_that_runs_again_books_once(redis: Redis, tmp_path):
    office, appointments = Office(redis, tmp_path), Appointments(redis)
    contact, start = (
        await contact_of(office, "77010000001"),
        (await appointments.free(office.runtime.bot, 0, 1))[0],
    )
    origin = BookingStep("the same turn")
    one, two = [await appointments.book(office.runtime.bot, contact, start, "", origin) for _ in range(2)]
    assert one and two and one.id == two.id and len(await appointments.coming("default")) == 1


async def test_the_agent_books_and_the_contact_gets_a_calendar_file_and_a_reminder(redis: Redis, tmp_path):
    late = {"appointment": "call_soon:en(when)"}
    office = Office(redis, tmp_path, debounce_seconds=0, debounce_max_seconds=0, follow_up_templates=late)

    def script(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
        answers = [str(m.content) for m in messages if isinstance(m, ToolMessage)]
        if "book_call" not in offered:
            return quiet(messages, offered)
        if not answers:
            return call("book_call", {"action": "free"})
        if len(answers) == 1:
            assert answers[0].startswith("Free: 2026-11-23 13:00, 2026-11-23 13:30")
            return call("book_call", {"action": "book", "start": "2026-11-24 15:00", "about": "a grinder"})
        assert "booked for 2026-11-24 15:00" in answers[-1]
        return AIMessage("We call you on 2026-11-24 at 15:00.")

    who, appointments = "77010000001", Appointments(redis)
    async with office.working(Models(Scripted(script=script, asked=[]))):
        await office.writes(who, "please call me tomorrow")
        (reply,) = await until(lambda: office.replies(who))  # one message: each may be paid for
        assert reply == "[document call.ics] We call you on 2026-11-24 at 15:00."
        (sent,) = office.emulator.files.kept.values()
        (event,) = ICalendar.from_ical(sent.data).walk("VEVENT")
        assert event.decoded("dtstart").isoformat() == "2026-11-24T10:00:00+00:00" and event.walk("VALARM")
        await until(office.idle)
        for moment, count in (("2026-11-23 14:50", 1), ("2026-11-23 15:05", 2), ("2026-11-24 14:05", 3)):
            at(moment)
            for _ in range(2):
                await appointments.remind(office.runtime)
            await until(office.idle)
            await until(lambda n=count: len(office.replies(who)) >= n or None)
            assert len(office.replies(who)) == count
        assert (
            office.replies(who)[1]
            == "A reminder: we call you at 2026-11-24 15:00. Write here if it does not suit you any more."
        )
        assert office.replies(who)[2] == "[template call_soon]"
        assert (
            office.emulator.requests[-1]["template"]["components"][0]["parameters"][0]["text"]
            == "2026-11-24 15:00"
        )
    (booked,) = await appointments.coming("default")
    (listed,) = ICalendar.from_ical(feed(office.runtime.bot, [booked])).walk("VEVENT")
    assert "a grinder" in str(listed["description"]) and f"+{who}" in str(listed["description"])


async def test_what_a_turn_booked_is_confirmed_at_its_end_or_when_it_is_given_up(redis: Redis, tmp_path):
    office, appointments = Office(redis, tmp_path), Appointments(redis)
    anna = await contact_of(office, "77010000001")
    hers = ContactCalendar(appointments, office.runtime, anna, "turn")
    assert await hers.book("2026-11-24 15:00", "x", "1")

    async def ended(*pairs: Pair) -> list[Pair]:
        return await appointments.confirm(office.runtime, anna, "turn", pairs)

    def said(text: str, **more: Any) -> Pair:
        return pair_of(Reply(id="turn:0", text=text, **more))

    ((reply, entry),) = await ended(said("Till tomorrow!"))
    assert (
        reply.file and reply.file.name == "call.ics" and (reply.text, entry.text) == ("Till tomorrow!",) * 2
    )
    for long in (said("x" * 1025), said("Till tomorrow!", template="t:en")):
        ((first, _), (second, entry)) = await ended(long)
        assert not first.file and second.file and second.text.startswith("Your call is booked for 2026-11-24")
        assert entry.turn_id == "turn"
    ((alone, _),) = await ended()  # whoever is silent has booked all the same
    assert alone.file
    hello = said("Hello")
    assert await appointments.confirm(office.runtime, anna, "another", [hello]) == [hello]
    # the turn was split after it had booked: who asks for the call again gets its file
    assert await ContactCalendar(appointments, office.runtime, anna, "later").book(
        "2026-11-24 15:00", "x", "2"
    )
    assert len(await office.runtime.conversations.transcript(anna.id)) == 1


async def test_the_calendar_moves_and_cancels_in_the_contacts_name_only(redis: Redis, tmp_path):
    office, appointments = Office(redis, tmp_path), Appointments(redis)
    anna, boris = await contact_of(office, "77010000001"), await contact_of(office, "77010000002")
    hers, his = (
        ContactCalendar(appointments, office.runtime, anna),
        ContactCalendar(appointments, office.runtime, boris),
    )
    assert await hers.book("2026-11-24 15:00", "x", "1") and not await his.book("2026-11-24 15:00", "y", "2")
    assert await hers.book("2026-11-25T11:30", "x", "3") and await hers.mine() == ["2026-11-25 11:30"]
    assert "2026-11-24 15:00" in await his.free("2026-11-24") and not await his.cancel()
    for wrong in ("tomorrow", "", "2026-11-28 15:00", "2026-11-24 09:00", "2020-01-01 10:00"):
        assert not await his.book(wrong, "", "4")
    assert await hers.cancel() and not await hers.mine()
    assert [when(office.runtime.bot, booked.start) for booked in await appointments.coming("default")] == []
