"""Follow-ups of a bot's contacts: what a turn leaves planned, what becomes of a touch that is due, what
operators change.

follow:C   STRING   the plan (`server.outreach.rules.Plan`), set by the commit of a turn
skipped    LIST     JSON of the last touches that were left out, and why
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import structlog
from pydantic import Field

from agent.language.follow_up_phrases import kind_of
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.drafts.draft import mode_of
from server.observability.charges.forecast import free_entry_until
from server.observability.charges.ledger import price_at
from server.observability.charges.touch_price import warn_of_price
from server.outreach import rules
from server.outreach.reach import Reach
from server.outreach.rules import DAY, HOUR, SKIPPED, TouchDecision
from server.outreach.timers import Timers
from server.store.client import Redis
from server.store.counters import day_of
from server.store.keys import key
from server.store.mailbox import NOTHING, TurnOutcome
from server.store.message_templates import templates
from server.store.readable import readable
from server.store.records import Contact, Plan, Record

log = structlog.get_logger()


class NextTouch(Record):
    """The next touch of a contact for people: when, why, in which form, or why it will not go out."""

    id: str = Field(description="The contact's id, and that of the conversation")
    bot_id: str = Field(description="The bot that writes")
    name: str = Field(description="The contact's name")
    touch: int = Field(description="Its number in the sequence, from 1")
    of: int = Field(description="How many touches the sequence has")
    kind: str = Field(description="What it is for: reminder, value, social proof, last chance, farewell")
    due: int = Field(description="When it goes out, Unix milliseconds")
    due_local: str = Field(description="The same by the business's clock, ISO 8601")
    why: str = Field(description="Why the contact is written to")
    form: str | None = Field(
        description="`text` or `template NAME:LANGUAGE`; null: it will not go out as things stand"
    )
    will_be: Literal["go", "skip", "later", "end"] = Field(
        description="What the rules make of it: it goes out, is left out, moves, or the sequence ends"
    )
    reason: str = Field(description="Why it does not go out; empty: it does")
    price: float | None = Field(
        description="US dollars that it will cost at WhatsApp as things stand; null: nobody knows the price"
    )
    paused: bool = Field(description="Whether the sequence is held")
    ended: str = Field(description="Why no more touches come; empty: some do")
    unanswered: int = Field(description="Touches since the contact last wrote")


class SkippedTouch(Record):
    """A touch that was left out."""

    at: int = Field(description="When, Unix milliseconds")
    conversation_id: str = Field(description="The contact's id, and that of the conversation")
    bot_id: str = Field(default="", description="The bot that would have written")
    touch: int = Field(description="Its number in the sequence, from 1")
    reason: str = Field(default="", description="Why it was left out")
    anchor: int | None = Field(
        default=None, description="When the contact's silence began, Unix milliseconds"
    )


class Funnel(Record):
    """What became of touches."""

    contacted: int = Field(description="Contacts that were written to")
    yes: int = Field(description="Contacts who said yes")
    no: int = Field(description="Contacts who said no")
    touched: dict[str, int] = Field(description="Touches that went out, by their number")
    answered: dict[str, int] = Field(description="Contacts who answered, by the number of the touch before")
    skipped: dict[str, int] = Field(description="Touches that were left out, by their number")


class FunnelSoFar(Funnel):
    """What became of a bot's touches since it began."""

    opted_out: int = Field(description="Contacts who wanted no more messages")


class FollowUps:
    """One per process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.timers = Timers(redis)

    async def judged(self, runtime: BotRuntime, contact: Contact) -> tuple[Plan, TouchDecision]:
        """The plan of a touch that is due, and what becomes of it."""
        plan = await self.timers.plan(runtime.bot.id, contact.id) or Plan(ended="cancelled")
        known = await templates(self._redis, runtime.bot.id)
        decision = rules.decide_touch(
            runtime.bot.outreach, plan, contact, known, now_ms(), runtime.bot.windowed(contact.account)
        )
        if decision.what != "go":
            return plan, decision
        if mode_of(runtime, contact) != "auto":
            hours, why = runtime.bot.outreach.hours, "replies wait for a person here"
            return plan, TouchDecision(
                "later", why, rules.spread_moment(hours, now_ms() + DAY, f"{contact.id}:draft")
            )
        held = await Reach(self._redis).ahead(runtime, contact.account, decision.template)
        if held is None:
            await warn_of_price(runtime, contact, decision.template)
            return plan, decision
        at = rules.spread_moment(runtime.bot.outreach.hours, now_ms() + held.wait, f"{contact.id}:held")
        return plan, TouchDecision("later", held.why, at)

    async def left_out(
        self, runtime: BotRuntime, contact: Contact, plan: Plan, decision: TouchDecision
    ) -> TurnOutcome:
        """What a turn leaves behind whose touch did not go out."""
        bound = log.bind(bot=runtime.bot.id, conversation=contact.id, touch=plan.touch)
        if decision.what == "later":
            bound.info("touch_moved", reason=decision.why)
            return _then(plan.model_copy(update={"due": decision.at}))
        bound.info("touch_skipped" if decision.what == "skip" else "sequence_ended", reason=decision.why)
        if decision.what == "end":
            return _then(plan.model_copy(update={"ended": decision.why, "due": 0}))
        await self._note_skipped(runtime, contact, plan, decision.why)
        return _then(*rules.passed(runtime.bot.outreach, plan, contact, False, now_ms()))

    def sent(self, runtime: BotRuntime, contact: Contact, plan: Plan, replied: bool) -> TurnOutcome:
        """What the turn of a touch leaves behind."""
        then, counts = rules.passed(runtime.bot.outreach, plan, contact, replied, now_ms())
        return _then(_in_free_window(runtime, contact, then), counts)

    async def answered(
        self, runtime: BotRuntime, contact_id: str, decision: str, replied: bool
    ) -> TurnOutcome:
        """What the turn leaves behind that answered a contact."""
        if not runtime.bot.outreach.enabled:
            return TurnOutcome(count=decision) if decision in ("yes", "no") else NOTHING
        contact = await runtime.conversations.contact(contact_id)
        plan = await self.timers.plan(runtime.bot.id, contact_id) or Plan()
        if contact is None:
            return NOTHING
        then, counts = rules.after_turn(runtime.bot.outreach, plan, contact, decision, replied, now_ms())
        return _then(_in_free_window(runtime, contact, then), counts)

    async def _note_skipped(self, runtime: BotRuntime, contact: Contact, plan: Plan, why: str) -> None:
        row = SkippedTouch(
            at=now_ms(),
            conversation_id=contact.id,
            bot_id=runtime.bot.id,
            touch=plan.touch,
            reason=why,
            anchor=plan.anchor,
        )
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.lpush(key(runtime.bot.id, "skipped"), row.model_dump_json())
            pipe.ltrim(key(runtime.bot.id, "skipped"), 0, SKIPPED - 1)
            await pipe.execute()

    async def described(self, runtime: BotRuntime, contact: Contact, plan: Plan) -> NextTouch:
        """The next touch of a contact."""
        known, of = (
            await templates(self._redis, runtime.bot.id),
            len(plan.intervals or runtime.bot.outreach.intervals),
        )
        decision = rules.decide_touch(runtime.bot.outreach, plan, contact, known, plan.due)
        form = f"template {decision.template}" if decision.template else "text"
        return NextTouch(
            id=contact.id,
            bot_id=runtime.bot.id,
            name=contact.profile.get("name") or contact.name,
            touch=plan.touch,
            of=of,
            kind=kind_of(plan.touch, of),
            due=plan.due,
            due_local=runtime.bot.outreach.hours.local(plan.due).isoformat(timespec="minutes"),
            why=plan.why,
            form=form if decision.what == "go" else None,
            will_be=decision.what,
            reason=decision.why,
            price=(await price_at(runtime, contact, decision.template, plan.due)).price,
            paused=plan.paused,
            ended=plan.ended,
            unanswered=plan.unanswered,
        )

    async def next_of(self, runtime: BotRuntime, conversation_id: str) -> NextTouch | None:
        """`described` of a conversation; None where nothing was ever planned."""
        contact = await runtime.conversations.contact(conversation_id)
        plan = await self.timers.plan(runtime.bot.id, conversation_id)
        return await self.described(runtime, contact, plan) if contact and plan else None

    async def skipped(self, runtime: BotRuntime, limit: int = 100) -> list[SkippedTouch]:
        """The last touches that were left out, newest first, with the reason."""
        rows: Any = await self._redis.lrange(key(runtime.bot.id, "skipped"), 0, limit - 1)
        left_out = readable(reversed(rows), SkippedTouch.model_validate_json, "a touch left out")
        found = {(row.conversation_id, row.touch, row.anchor): row for row in left_out}
        return list(reversed(found.values()))  # a turn that ran again after a crash noted its touch twice

    async def put_off(self, runtime: BotRuntime, contact: Contact, touch: int, code: int) -> None:
        """The provider wants no touch to this contact for a day: the same one again after it, or none when
        that was so before."""

        def again(plan: Plan) -> Plan | None:
            if plan.last != touch or not plan.unanswered:  # answered, or already past it
                return None
            if plan.put_off >= rules.PUT_OFF:
                return None
            at = rules.spread_moment(
                runtime.bot.outreach.hours, now_ms() + DAY, f"{contact.id}:{touch}:again"
            )
            back = {
                "touch": touch,
                "last": touch - 1,
                "unanswered": plan.unanswered - 1,
                "touches": plan.touches - 1,
            }
            why = f"the provider put it off (error {code})"
            return plan.model_copy(
                update={**back, "due": at, "ended": "", "put_off": plan.put_off + 1, "why": why}
            )

        await self.timers.change(runtime.bot.id, contact.id, again)

    async def end(self, bot_id: str, conversation_id: str, why: str) -> Plan | None:
        """No more touches, until the contact writes."""
        return await self.timers.change(
            bot_id, conversation_id, lambda plan: plan.model_copy(update={"ended": why, "due": 0})
        )

    async def pause(self, runtime: BotRuntime, conversation_id: str, paused: bool) -> Plan | None:
        """Hold the sequence, or let it go on where it was; what fell due meanwhile comes at the next
        opening."""

        def change(plan: Plan) -> Plan:
            due = (
                plan.due
                if paused or plan.ended
                else max(plan.due, runtime.bot.outreach.hours.next_open(now_ms()))
            )
            return plan.model_copy(update={"paused": paused, "due": due})

        return await self.timers.change(runtime.bot.id, conversation_id, change)

    async def skip(self, runtime: BotRuntime, contact: Contact) -> Plan | None:
        """Leave the next touch out."""
        plan = await self.timers.change(
            runtime.bot.id,
            contact.id,
            lambda plan: (
                None if plan.ended else rules.passed(runtime.bot.outreach, plan, contact, False, now_ms())[0]
            ),
        )
        if plan:
            await self._note_skipped(
                runtime, contact, plan.model_copy(update={"touch": plan.touch - 1}), "by an operator"
            )
        return plan

    async def run_now(self, runtime: BotRuntime, conversation_id: str) -> Plan | None:
        """Let the next touch be due at once; the rules still hold."""
        found = await self.timers.change(
            runtime.bot.id,
            conversation_id,
            lambda plan: None if plan.ended else plan.model_copy(update={"due": now_ms(), "paused": False}),
        )
        if found:
            await self.timers.ring(runtime.bot.id)
        return found

    async def override(
        self, runtime: BotRuntime, conversation_id: str, hours: Sequence[float] | None
    ) -> Plan | None:
        """Intervals (hours) of this contact's own; None: the bot's."""

        def change(plan: Plan) -> Plan:
            own = plan.model_copy(update={"intervals": tuple(hours) if hours else None})
            return own if own.ended else rules.scheduled(runtime.bot.outreach, own, conversation_id)

        return await self.timers.change(runtime.bot.id, conversation_id, change)

    async def funnel(self, bot_id: str) -> FunnelSoFar:
        """What became of a bot's touches."""
        raw: Any = await self._redis.hgetall(key(bot_id, "funnel"))
        counts = {name.decode(): int(count) for name, count in raw.items()}

        def numbered(kind: str) -> dict[str, int]:
            return {
                name.partition(":")[2]: n for name, n in sorted(counts.items()) if name.startswith(f"{kind}:")
            }

        return FunnelSoFar(
            contacted=counts.get("contacted", 0),
            yes=counts.get("yes", 0),
            no=counts.get("no", 0),
            opted_out=counts.get("opted_out", 0),
            touched=numbered("touched"),
            answered=numbered("answered"),
            skipped=numbered("skipped"),
        )

    async def count(self, bot_id: str, name: str) -> None:
        """Count something that no turn does."""
        await self._redis.hincrby(key(bot_id, "funnel"), name, 1)


def _in_free_window(runtime: BotRuntime, contact: Contact, plan: Plan) -> Plan:
    """The plan with its next touch in a window in which it costs less or nothing, where it would just miss
    it."""
    if not runtime.bot.charged(contact.account):
        return plan
    day = day_of(runtime.bot.limits.timezone)
    ends = [contact.heard_at + rules.WINDOW, free_entry_until(runtime.bot.prices.card(), contact, day)]
    return rules.within_window(runtime.bot.outreach, plan, contact.id, ends)


def hours_of_silence(plan: Plan) -> int:
    """Hours since the silence began."""
    return max(1, round((now_ms() - plan.anchor) / HOUR))


def _then(plan: Plan, counts: Sequence[str] = ()) -> TurnOutcome:
    return TurnOutcome(plan, " ".join(counts))
