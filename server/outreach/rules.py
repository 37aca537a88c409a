"""When and how a bot may write to a contact who has not written: the rules, without any input or output.

Touch n of a sequence is due so many hours after the silence began. It moves into working hours, keeps a day's
distance to the touch before, and goes out only while everything allows it; every refusal has a reason that
operators can read. Sources: WhatsApp's 24-hour window and templates ("Send messages", "Templates"), its
policy on opt-out and escalation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from agent.profile import region_of
from server.config.follow_ups import MAPPED, Outreach
from server.config.working_hours import Hours
from server.store.message_templates import MessageTemplate, MissingVariable
from server.store.records import Contact, Plan

HOUR, DAY = 3_600_000, 86_400_000
# Meta's window is closed this much earlier for us: a touch must not arrive a second too late.
WINDOW = DAY - 5 * 60_000
# A thousand touches that wait for the morning go out over this time, and any other within five minutes.
SPREAD, LITTLE = 30 * 60_000, 5 * 60_000
# How often a provider may put one touch off (errors 131049, 130472: "wait at least 24 hours").
PUT_OFF = 2
SKIPPED = 1000


@dataclass(frozen=True, slots=True)
class TouchDecision:
    """`go`: send it, as `template` with `variables` or as text; `skip`: leave this touch out; `later`: at
    `at` (ms); `end`: no more touches. `why` for people."""

    what: Literal["go", "skip", "later", "end"]
    why: str = ""
    at: int = 0
    template: str = ""
    variables: tuple[str, ...] = ()
    text: str = ""


def scheduled(outreach: Outreach, plan: Plan, conversation_id: str) -> Plan:
    """The plan with the moment of its next touch, or ended when there is none."""
    hours = plan.intervals or outreach.intervals
    if plan.touch > len(hours):
        return plan.model_copy(update={"ended": "all touches sent", "due": 0})
    at = plan.anchor + int(hours[plan.touch - 1] * HOUR)
    if plan.touched_at:
        at = max(at, plan.touched_at + DAY // outreach.a_day)
    return plan.model_copy(
        update={"due": spread_moment(outreach.hours, at, f"{conversation_id}:{plan.touch}")}
    )


def spread_moment(hours: Hours, at: int, seed: str) -> int:
    """The first open moment from `at`, moved a little by `seed`, so that many do not fall on one second."""
    opening = hours.next_open(at)
    closing = next(hours.openings(opening))[1]
    room = min(SPREAD if opening > at else LITTLE, closing - opening - 1)
    share = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=4).digest()) / 2**32
    return opening + int(share * room)


def within_window(outreach: Outreach, plan: Plan, conversation_id: str, ends: Iterable[int]) -> Plan:
    """The plan with its next touch before the last end (Unix ms) of a window that it would just miss: by not
    more than a tenth of its interval. What lies outside of the opening hours stays as it was."""
    hours = plan.intervals or outreach.intervals
    if not outreach.free_windows_first or plan.ended or not 0 < plan.touch <= len(hours):
        return plan
    interval = int(hours[plan.touch - 1] * HOUR)
    early, wanted = interval // 10, plan.anchor + interval
    spaced = plan.touched_at + DAY // outreach.a_day if plan.touched_at else 0
    for end in sorted(ends, reverse=True):
        opening = next(outreach.hours.openings(end - early), None)
        if opening is None or not end <= wanted <= end + early:
            continue
        last = min(end - LITTLE, opening[1] - 1)
        first = max(opening[0], end - early, spaced)
        if first <= last < plan.due:
            share = int.from_bytes(hashlib.blake2b(conversation_id.encode(), digest_size=4).digest()) / 2**32
            return plan.model_copy(update={"due": last - int(share * min(LITTLE, last - first))})
    return plan


def barred(contact: Contact) -> str:
    """Why a contact must not be written to, or nothing."""
    if contact.stopped:
        return "opted out"
    if contact.assignee == "person":
        return "a person has taken over"
    if contact.profile.get("class") == "non_client":
        return "not a client"
    if contact.profile.get("undeliverable"):
        return f"cannot be reached (error {contact.profile['undeliverable']})"
    return ""


def after_turn(
    outreach: Outreach, plan: Plan, contact: Contact, decision: str, replied: bool, now: int
) -> tuple[Plan, list[str]]:
    """The plan once a contact's messages were answered, and what the turn counts as in the funnel."""
    counts = [f"answered:{plan.last}"] if plan.unanswered else []
    counts += [decision] if decision in ("yes", "no") else []
    maybe = decision == "uncertain" and plan.last > 0
    begins = {"touch": plan.touch, "why": "said maybe"} if maybe else {"touch": 1, "why": "silence"}
    anew = {"anchor": now, "unanswered": 0, "put_off": 0, "ended": "", "due": 0}
    fresh = plan.model_copy(update={**anew, **begins})
    why = (
        barred(contact)
        or (f"said {decision}" if decision in ("yes", "no") else "")
        or ("" if replied else "no reply")
    )
    if why or not outreach.enabled:
        return fresh.model_copy(update={"ended": why or "follow-ups are off"}), counts
    if maybe:  # its interval counts from now, whatever the touches before took
        fresh = fresh.model_copy(update={"touched_at": 0})
    return scheduled(outreach, fresh, contact.id), counts


def decide_touch(
    outreach: Outreach,
    plan: Plan,
    contact: Contact,
    known: Mapping[str, MessageTemplate],
    now: int,
    windowed: bool = True,
) -> TouchDecision:
    """What becomes of the touch that is due. `known`: the templates of the provider by `name:language`, empty
    when nobody has asked for them."""
    if why := barred(contact):
        return TouchDecision("end", why)
    if plan.ended or plan.paused:
        return TouchDecision("end", plan.ended or "paused")
    if not outreach.enabled:
        return TouchDecision("end", "follow-ups are off")
    if not windowed and not outreach.unofficial:
        return TouchDecision(
            "end", "off on this channel: unasked messages get its numbers banned (outreach: unofficial)"
        )
    if plan.touch > len(plan.intervals or outreach.intervals):
        return TouchDecision("end", "all touches sent")
    if plan.unanswered >= outreach.in_all:
        return TouchDecision("end", f"{plan.unanswered} touches without an answer")
    earliest = plan.touched_at + DAY // outreach.a_day if plan.touched_at and plan.unanswered else now
    if earliest > now or not outreach.hours.is_open(now):
        at = spread_moment(outreach.hours, max(earliest, now), f"{contact.id}:{plan.touch}")
        return TouchDecision(
            "later", "outside working hours" if earliest <= now else "too soon after the last", at
        )
    if not windowed or now < contact.heard_at + WINDOW:
        return TouchDecision("go")
    return _by_template(outreach, plan, contact, known)


def _by_template(
    outreach: Outreach, plan: Plan, contact: Contact, known: Mapping[str, MessageTemplate]
) -> TouchDecision:
    language = contact.profile.get("language") or "en"
    mapped = MAPPED.match(outreach.template(plan.touch, language))
    if mapped is None:
        return TouchDecision(
            "skip", f"the 24-hour window is closed and no template is set for touch {plan.touch} ({language})"
        )
    name = f"{mapped['name']}:{mapped['language']}"
    template = known.get(name)
    if known and template is None:
        return TouchDecision("skip", f"the account has no template {name}")
    if template and not template.usable:
        because = f" ({template.reason})" if template.reason else ""
        return TouchDecision("skip", f"template {name} is {template.status.lower()}{because}")
    if template and template.category == "MARKETING" and region_of(contact.wa_id) == "US":
        return TouchDecision(
            "skip", "WhatsApp delivers no marketing templates to numbers of the United States"
        )
    fields = [field.strip() for field in (mapped["fields"] or "").split(",") if field.strip()]
    if missing := [field for field in fields if not contact.profile.get(field)]:
        return TouchDecision(
            "skip", f"template {name} needs {', '.join(missing)}, which the profile does not have"
        )
    values = tuple(contact.profile[field] for field in fields)
    if template and len(values) != len(template.variables):
        return TouchDecision(
            "skip", f"template {name} has {len(template.variables)} variables, and {len(values)} are mapped"
        )
    try:
        if template:
            template.require(None)
    except MissingVariable as error:  # nothing of a profile fills it
        return TouchDecision("skip", str(error))
    text = template.filled(values) if template else f"[{name}]"
    return TouchDecision("go", "", 0, name, values, text)


def passed(outreach: Outreach, plan: Plan, contact: Contact, sent: bool, now: int) -> tuple[Plan, list[str]]:
    """The plan after its touch was sent, or left out."""
    update: dict[str, object] = {"touch": plan.touch + 1, "put_off": 0, "why": "silence"}
    counts: list[str] = []
    if sent:
        update |= {
            "unanswered": plan.unanswered + 1,
            "last": plan.touch,
            "touched_at": now,
            "touches": plan.touches + 1,
        }
        counts = [f"touched:{plan.touch}"] + (["contacted"] if plan.touches == 0 else [])
    else:
        counts = [f"skipped:{plan.touch}"]
    return scheduled(outreach, plan.model_copy(update=update), contact.id), counts
