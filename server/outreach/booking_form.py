"""The form that books a call: what its data endpoint answers, screen by screen (`book_a_call.json` of
`channels.flows`).

The days and times are those that the agent's tool offers, and a booking is made the same way: whoever sends
the same form twice, or taps twice, has one appointment, and a second choice moves it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from babel.dates import format_skeleton

from agent.language.locale import SPOKEN
from agent.language.phrases import say
from agent.profile import checked_facts, facts_schema
from channels.json_parts import as_dict, clean_text
from server.bots.bot import BotRuntime
from server.conversations.form_tokens import FormToken, read_token
from server.outreach.appointments import Appointments, ContactCalendar, when
from server.store.records import Contact

# Slots that are looked at for the days, and options that one list takes ("Dropdown").
LOOKED_AT, OPTIONS = 2_000, 200
NO_DAY = "none"
ABOUT = 300

log = structlog.get_logger()
JSON = dict[str, Any]


class OldForm(Exception):
    """The token is of no form that can be filled in now (any more); `told` is for the contact (HTTP 427)."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


async def answer_form(appointments: Appointments, runtime: BotRuntime, asked: JSON) -> JSON:
    """What a call of the data endpoint is answered with ("Data exchange request", "Data exchange response"),
    in both versions of the data API: 4.0 differs from 3.0 in a signature of the token by Meta, which was
    looked at before. Raises OldForm."""
    action, data = asked.get("action"), as_dict(asked.get("data"))
    if action == "ping":
        return {"data": {"status": "active"}}
    if data.get("error"):
        log.warning(
            "form_refused",
            bot=runtime.bot.id,
            error=clean_text(data["error"])[:100],
            detail=clean_text(data.get("error_message"))[:300],
        )
        return {"data": {"acknowledged": True}}
    known = await read_token(runtime.redis, runtime.bot.id, clean_text(asked.get("flow_token")))
    contact = await runtime.conversations.contact(known.conversation_id) if known else None
    books = any(known and form.name == known.form and form.books for form in runtime.bot.context.forms)
    if known is None or contact is None or not books:
        language = contact.profile.get("language", "en") if contact else "en"
        raise OldForm(say("form_old", language))
    booking = _Booking(appointments, runtime, contact, known, clean_text(asked.get("flow_token")))
    if action == "data_exchange" and asked.get("screen") == "DAY":
        return await booking.times(clean_text(data.get("day")))
    if action == "data_exchange" and asked.get("screen") == "TIME":
        return await booking.book(data)
    return await booking.days()


class _Booking:
    """One contact's way through the form."""

    def __init__(
        self, appointments: Appointments, runtime: BotRuntime, contact: Contact, known: FormToken, token: str
    ) -> None:
        self._appointments, self._runtime, self._contact = appointments, runtime, contact
        self._known, self._token = known, token
        self._language = contact.profile.get("language") or "en"

    async def days(self) -> JSON:
        """The first screen: days with a free slot."""
        free = await self._free()
        days = list(dict.fromkeys(slot[:10] for slot in free))
        options = [{"id": day, "title": self._day(day)} for day in days[:OPTIONS]]
        return {
            "screen": "DAY",
            "data": {
                "days": options or [{"id": NO_DAY, "title": "–"}],
                "free": bool(options),
                "full": not options,
                "note": "" if options else say("no_slots", self._language),
            },
        }

    async def times(self, day: str, wrong: str = "") -> JSON:
        """The second screen: the free slots of a day, or the next ones where it has none (any more)."""
        free = await self._free()
        slots = [slot for slot in free if slot.startswith(f"{day} ")] or free
        if not slots:
            return await self.days()
        options = [{"id": slot, "title": f"{self._day(slot[:10])}, {slot[11:]}"} for slot in slots[:OPTIONS]]
        name = self._contact.profile.get("name") or self._contact.name
        data: JSON = {"slots": options, "name": name[:60]}
        return {"screen": "TIME", "data": {**data, **({"error_message": wrong} if wrong else {})}}

    async def book(self, data: JSON) -> JSON:
        """Book the slot; the form is done, or shown again where the slot was taken meanwhile."""
        slot, about = clean_text(data.get("slot")), " ".join(clean_text(data.get("about")).split())[:ABOUT]
        contact = await self._named(clean_text(data.get("name")))
        calendar = ContactCalendar(self._appointments, self._runtime, contact)
        if not await calendar.book(slot, about, f"form {self._token}"):
            return await self.times(slot[:10], say("slot_taken", self._language))
        answers = {"slot": slot, "name": clean_text(data.get("name"))[:80], "about": about}
        params = {"flow_token": self._token, **{name: value for name, value in answers.items() if value}}
        return {"screen": "SUCCESS", "data": {"extension_message_response": {"params": params}}}

    async def _named(self, name: str) -> Contact:
        """The contact with the name they have just written, which is learned as said in our message with the
        form."""
        try:
            facts = checked_facts(facts_schema(()).model_validate({"name": name or None}), name, None)
        except ValueError:
            facts = dict[str, str]()
        if not facts:
            return self._contact
        await self._runtime.conversations.learn(self._contact.id, facts, self._known.reply_id)
        return await self._runtime.conversations.contact(self._contact.id) or self._contact

    async def _free(self) -> list[str]:
        bot = self._runtime.bot
        return [when(bot, at) for at in await self._appointments.free(bot, 0, LOOKED_AT)]

    def _day(self, day: str) -> str:
        """A day in few characters: `Tue, Dec 1`."""
        locale = self._language if self._language in SPOKEN else "en"
        return format_skeleton("MMMEd", datetime.fromisoformat(day), locale=locale)
