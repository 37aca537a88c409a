"""Outgoing webhooks and what is sent to them, as they are stored: which events there are, who asked for them,
and how far each delivery has come."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from server.store.records import Record

EventName = Literal[
    "lead_created",
    "ad_clicked",
    "purchased",
    "profile_changed",
    "class_changed",
    "needs_person",
    "appointment_booked",
    "order_created",
    "order_changed",
    "yes",
    "no",
    "opted_out",
]


def current_name(name: Any) -> Any:
    """An event by today's name: older versions stored, and were asked for, `call_booked`."""
    return "appointment_booked" if name == "call_booked" else name


Event = Annotated[EventName, BeforeValidator(current_name)]
EVENTS: tuple[str, ...] = get_args(EventName)


class Hook(Record):
    """Who wants to be told of what."""

    id: str = Field(description="The webhook's id")
    bot_id: str = Field(description="The bot whose events it tells of")
    url: str = Field(description="The address that is told")
    events: tuple[Event, ...] = Field(
        default=(), description="The events it is told of; none named: all of them"
    )
    created: int = Field(default=0, description="When it was made, Unix milliseconds")
    kind: Literal["webhook", "conversions"] = Field(
        default="webhook", description="`conversions`: Meta's Conversions API, as the bot is set"
    )

    def wants(self, event: str) -> bool:
        """Whether it is to be told of this."""
        return not self.events or event in self.events or event == "ping"


class Delivery(Record):
    """One event on its way to one webhook."""

    id: str = Field(description="Its id, the same however often it is sent")
    hook_id: str = Field(description="The webhook it goes to")
    event: str = Field(description="What happened: one of the events, or `ping`")
    payload: dict[str, Any] = Field(description="The JSON that is sent")
    at: int = Field(description="When it happened, Unix milliseconds")
    status: Literal["waiting", "delivered", "failed"] = Field(
        default="waiting", description="`failed` when it was given up"
    )
    attempts: int = Field(default=0, description="How often it was sent")
    answer: str = Field(default="", description="HTTP status of the last answer, or why there was none")
    next: int = Field(default=0, description="When it is sent again, Unix milliseconds; 0: it is not")
    conversation_id: str = Field(default="", description="Whose it is, where the JSON does not say")
