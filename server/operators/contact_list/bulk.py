"""One thing done to many contacts: each by the function that does it to one.

A call is bounded, and what it does is done by the time it answers. Doing it again changes nothing more, so a
call that was cut short is simply made again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from server.bots.bot import BotRuntime
from server.operators.takeover import Refused
from server.operators.teamwork import handling
from server.operators.tokens import Operator, who
from server.outreach.consent import change_consent
from server.store.client import Redis
from server.store.keys import key
from server.store.records import Contact, Record

# Contacts of one call, and those that are worked on in one moment.
MOST_AT_ONCE, TOGETHER = 500, 25

BulkKind = Literal["add_label", "remove_label", "assign", "resolve", "opt_out"]


@dataclass(frozen=True, slots=True)
class BulkAction:
    """What is done: with a label, or with the id of a colleague (empty: nobody)."""

    kind: BulkKind
    label: str = ""
    colleague: str = ""


class RefusedContact(Record):
    """A contact to whom it was not done."""

    id: str = Field(description="The contact's id")
    bot_id: str = Field(description="Their bot; empty where there is no such contact")
    name: str = Field(description="Their name, or their number")
    reason: str = Field(description="Why not")


@dataclass(slots=True)
class BulkOutcome:
    """What became of it: how many contacts of each bot it was done to, and to whom not."""

    done: Counter[str] = field(default_factory=Counter[str])
    refused: list[RefusedContact] = field(default_factory=list[RefusedContact])

    def summary(self, action: BulkAction) -> dict[str, str]:
        """What the audit log says of it, for each bot."""
        refused = Counter(row.bot_id for row in self.refused if row.bot_id)
        return {
            bot_id: f"{action.kind}: {self.done[bot_id]} done, {refused[bot_id]} refused"
            for bot_id in sorted({*self.done, *refused})
        }


async def do_to_contacts(
    redis: Redis, runtimes: Mapping[str, BotRuntime], contact_ids: Sequence[str], action: BulkAction
) -> BulkOutcome:
    """Do something to contacts by their ids, of whichever of these bots they are. Raises Refused where it
    can be done to nobody, such as a label without letters."""
    if action.kind in ("add_label", "remove_label"):
        handling.one_label(action.label)
    outcome = BulkOutcome()
    ids = list(dict.fromkeys(contact_ids))
    owners = await _owners(redis, runtimes.values(), ids)
    for name in ids:
        if name not in owners:
            gone = RefusedContact(id=name, bot_id="", name="", reason="there is no such contact")
            outcome.refused.append(gone)
    for runtime in {runtime.bot.id: runtime for runtime in owners.values()}.values():
        mine = [name for name in ids if name in owners and owners[name].bot.id == runtime.bot.id]
        people = [contact for contact, _ in await runtime.conversations.latest(mine)]
        try:
            colleague = await handling.named_colleague(redis, runtime, action.colleague)
        except Refused as error:
            outcome.refused += [_refusal(contact, str(error)) for contact in people]
            continue
        for start in range(0, len(people), TOGETHER):
            part = people[start : start + TOGETHER]
            reasons = await asyncio.gather(
                *(_do(redis, runtime, contact, action, colleague) for contact in part)
            )
            outcome.refused += [
                _refusal(contact, why) for contact, why in zip(part, reasons, strict=True) if why
            ]
            outcome.done[runtime.bot.id] += sum(not why for why in reasons)
    return outcome


async def _owners(redis: Redis, runtimes: Iterable[BotRuntime], ids: Sequence[str]) -> dict[str, BotRuntime]:
    found = dict[str, BotRuntime]()
    for runtime in runtimes:
        async with redis.pipeline(transaction=False) as pipe:
            for name in ids:
                pipe.exists(key(runtime.bot.id, "contact", name))
            known = await pipe.execute()
        found |= {name: runtime for name, exists in zip(ids, known, strict=True) if exists}
    return found


async def _do(
    redis: Redis, runtime: BotRuntime, contact: Contact, action: BulkAction, colleague: Operator | None
) -> str:
    """Do it to one; why not, or nothing."""
    try:
        if action.kind == "assign":
            await handling.assign(runtime, contact.id, colleague)
        elif action.kind == "resolve":
            await handling.resolve(runtime, contact.id, who.get())
        elif action.kind == "opt_out":
            await change_consent(redis, runtime.conversations, contact.id, True, "operator", "")
        else:
            await handling.change_label(runtime, contact.id, action.label, action.kind == "add_label")
    except Refused as error:
        return str(error)
    return ""


def _refusal(contact: Contact, why: str) -> RefusedContact:
    name = contact.profile.get("name") or contact.name or contact.own_phone.get("phone", "")
    return RefusedContact(id=contact.id, bot_id=contact.bot_id, name=name, reason=why)
