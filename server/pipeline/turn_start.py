"""What the graph begins a turn with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AnyMessage, RemoveMessage

from agent.state import State, Touch
from server.bots.bot import Bot
from server.conversations.ads import ad_words
from server.outreach.follow_ups import hours_of_silence
from server.outreach.rules import TouchDecision
from server.store.records import Contact, Plan


def touch_of(bot: Bot, plan: Plan, decision: TouchDecision) -> Touch:
    """The touch that is due, as the graph takes it."""
    of = len(plan.intervals or bot.outreach.intervals)
    return Touch(number=plan.touch, of=of, hours=hours_of_silence(plan), text=decision.text)


def start_of(
    bot: Bot,
    contact: Contact,
    turn_id: str,
    messages: Sequence[AnyMessage | RemoveMessage],
    values: State,
    now: int,
) -> dict[str, Any]:
    """What the graph begins a turn with: `messages` of a contact, and what is taken back, `values` of the
    turn before, `now` in Unix ms."""
    gone = dict.fromkeys(values.get("profile", {}), None)
    known = {**contact.own_phone, **contact.profile}
    return {
        "messages": messages,
        "bot_id": bot.id,
        "turn_id": turn_id,
        "profile": {**gone, **known},
        "owner": contact.assignee,
        "started_with": {"profile": known, "owner": contact.assignee},
        "identity": contact.wa_id or contact.user_id,
        "ad": ad_words(contact, now),
        "at": now,
        "now": f"{bot.outreach.hours.local(now):%A %-d %B %Y, %H:%M}",
        "back_at": bot.outreach.hours.back_at(now),
        "opening": bot.outreach.hours.told(now),
        "touch": None,
        "idle_minutes": (now - before) // 60_000 if (before := values.get("at", 0)) else 0,
    }
