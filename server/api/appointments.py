"""The operator API of appointments. Their address is `/api/calls`."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import Field

from server.api.common import Here, Limit, Offset, OneBot, Page
from server.clock import now_ms
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.tokens import feed_address
from server.outreach.appointments import Appointment, when

routes = APIRouter(prefix="/api", tags=["appointments"], route_class=Audited)


class ComingAppointment(Appointment):
    """An appointment that is still to come."""

    start_local: str = Field(description="When it begins by the business's clock, YYYY-MM-DD HH:MM")


class AppointmentPage(Page[ComingAppointment]):
    """Appointments that are still to come, the next first."""

    count: int = Field(description="How many there are on all pages")
    feeds: dict[str, str] = Field(description="Bot -> path of its calendar (iCalendar) for whoever asks")


@routes.get("/calls", summary="Appointments that are still to come, the next first", dependencies=[READER])
async def list_appointments(
    api: Here, bot_id: OneBot = None, limit: Limit = 50, start: Offset = 0
) -> AppointmentPage:
    chosen = list(api.lookup.some(bot_id).values())
    rows = [
        ComingAppointment(**booked.model_dump(), start_local=when(runtime.bot, booked.start))
        for runtime in chosen
        for booked in await api.appointments.coming(runtime.bot.id, now_ms())
    ]
    rows.sort(key=lambda booked: booked.start)
    feeds = {
        runtime.bot.id: await feed_address(api.settings, api.redis, runtime.bot.id) for runtime in chosen
    }
    return AppointmentPage.sliced(rows, limit, start, count=len(rows), feeds=feeds)


@routes.delete(
    "/calls/{appointment_id}", status_code=204, summary="Cancel an appointment", dependencies=[AGENT]
)
async def cancel_appointment(api: Here, appointment_id: str) -> None:
    for runtime in api.runtimes.values():
        if await api.appointments.cancel(runtime.bot.id, appointment_id):
            return
    raise HTTPException(404, "there is no appointment of this id")
