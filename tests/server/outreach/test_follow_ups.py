"""Follow-ups on a virtual clock: when they come, what stops them, in what form they go out, what operators
can do."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from redis.asyncio import Redis

from agent.models.chat import Models
from channels.base import Message, StatusUpdate, TemplateStatus
from channels.cloud_webhook import parse
from channels.emulators.base import SendFault
from server import clock
from server.config.follow_ups import Outreach
from server.outreach import consent
from server.outreach.follow_ups import FollowUps
from server.outreach.rules import DAY, HOUR, decide_touch
from server.pipeline.send_failures import undelivered
from server.store.message_templates import MessageTemplate, note_status, store_templates
from server.store.records import Contact, Entry, Plan
from tests.support.office import NUMBER, Office
from tests.support.shop.chatting import Scripted, call, quiet
from tests.support.virtual_clock import at, local, ms
from tests.support.waiting import until

ANNA = "77010000001"


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    yield
    clock.move_to(0)


def models(script: Any = quiet) -> Models:
    return Models(Scripted(script=script, asked=[]))


class Silence:
    """An office whose contact has asked a question and now says nothing."""

    def __init__(self, office: Office, conversation: str) -> None:
        self.office, self.conversation = office, conversation
        self.follow_ups = FollowUps(office.redis)

    async def plan(self) -> Plan:
        found = await self.follow_ups.timers.plan("default", self.conversation)
        assert found
        return found

    async def settled(self) -> bool:
        up = await self.office.redis.zcount("sg:{default}:timers", "-inf", clock.now_ms())
        return not up and await self.office.idle()

    async def passes(self) -> None:
        """The time until the next touch goes by, and it is dealt with."""
        clock.move_to(clock.ahead() + max(0, (await self.plan()).due - clock.now_ms()) + 1000)
        await self.follow_ups.timers.ring("default")
        await until(self.settled)

    def texts(self) -> list[str]:
        return self.office.replies(ANNA)

    async def answers(self, text: str) -> None:
        replies = len(self.texts())
        await self.office.writes(ANNA, text)
        await until(self.settled)
        assert len(self.texts()) > replies


@contextlib.asynccontextmanager
async def silence(
    redis: Redis, tmp_path: Any, script: Any = quiet, when: str = "2026-11-23 12:00", **settings: Any
) -> AsyncIterator[Silence]:
    at(when)
    given = {"enable_follow_ups": True, "debounce_seconds": 0, "debounce_max_seconds": 0}
    settings = {**given, "free_windows_first": False, **settings}
    office = Office(redis, tmp_path, **settings)
    async with office.working(models(script)):
        conversation = await office.writes(ANNA, "how much is the blue vase?")
        scene = Silence(office, conversation)
        await until(lambda: office.replies(ANNA))
        await until(scene.settled)
        yield scene


async def test_five_touches_come_in_working_hours_and_the_last_says_farewell(redis: Redis, tmp_path):
    everywhere = {"*": "come_back:en"}
    async with silence(redis, tmp_path, follow_up_templates=everywhere) as scene:
        await note_status(
            redis, "default", TemplateStatus(name="come_back", language="en", status="APPROVED")
        )
        days = []
        for _ in range(5):
            days.append(local((await scene.plan()).due)[:10])
            await scene.passes()
        assert days == ["2026-11-24", "2026-11-26", "2026-11-30", "2026-12-07", "2026-12-23"]
        plan = await scene.plan()
        assert (plan.ended, plan.touches, plan.unanswered) == ("all touches sent", 5, 5)
        assert len(scene.texts()) == 6
        sent = [e for e in await scene.office.runtime.conversations.transcript(scene.conversation) if e.touch]
        assert [(e.touch, e.template) for e in sent] == [(n, "come_back:en") for n in range(1, 6)]
        funnel = await scene.follow_ups.funnel("default")
        assert funnel.contacted == 1 and funnel.touched == {str(n): 1 for n in range(1, 6)}


async def test_a_touch_inside_the_window_is_written_from_the_conversation(
    redis: Redis, tmp_path, monkeypatch
):
    def script(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
        if "unasked" in str(messages[0].content):
            assert "touch 1 of 5" in str(messages[0].content)
            return AIMessage("Is the blue vase still of interest?")
        return quiet(messages, offered)

    own = Models.made

    def made(models: Models, name: str, *options: Any, **more: Any) -> BaseChatModel:
        asked = name == "openai:x"
        return Scripted(script=script, asked=[]) if asked else own(models, name, *options, **more)

    monkeypatch.setattr(Models, "made", made)
    async with silence(
        redis, tmp_path, script, follow_up_intervals=(23, 72, 168, 336, 720), chat_model="openai:x"
    ) as scene:
        await scene.passes()
        assert len(scene.texts()) == 2
        (touch,) = [
            e for e in await scene.office.runtime.conversations.transcript(scene.conversation) if e.touch
        ]
        assert touch.touch == 1 and not touch.template and "blue vase" in touch.text.lower()


async def test_without_a_template_a_late_touch_is_left_out_and_the_reason_is_on_record(
    redis: Redis, tmp_path
):
    async with silence(redis, tmp_path) as scene:
        await scene.passes()
        assert len(scene.texts()) == 1
        (row,) = await scene.follow_ups.skipped(scene.office.runtime)
        assert row.touch == 1 and "no template is set for touch 1 (en)" in row.reason
        assert (await scene.plan()).touch == 2


@pytest.mark.parametrize(
    ("status", "mapping", "reason"),
    [
        ("PAUSED", "back:en", "back:en is paused (low quality)"),
        ("REJECTED", "back:en", "back:en is rejected"),
        ("APPROVED", "other:en", "the account has no template other:en"),
        ("APPROVED", "back:en(name)", "needs name"),
        ("APPROVED", "back:en(phone, email)", "needs"),
        ("APPROVED", "back:en", "has 1 variables, and 0 are mapped"),
    ],
)
async def test_a_template_that_cannot_go_out_is_named(
    redis: Redis, tmp_path, status: str, mapping: str, reason: str
):
    async with silence(redis, tmp_path, follow_up_templates={"*": mapping}) as scene:
        await store_templates(
            redis,
            "default",
            [MessageTemplate(name="back", language="en", body="Hi {{1}}, still interested?")],
        )
        why = "low quality" if status == "PAUSED" else ""
        told = TemplateStatus(name="back", language="en", status=status, reason=why)
        await note_status(redis, "default", told)
        await scene.passes()
        (row,) = await scene.follow_ups.skipped(scene.office.runtime)
        assert reason in row.reason and len(scene.texts()) == 1


async def test_numbers_of_the_united_states_get_no_marketing_templates():
    hours = Outreach(enabled=True, templates={"*": "back:en"})
    plan = Plan(anchor=1, due=ms("2026-11-24 11:00"))
    for number, category, what in (
        ("12025550143", "MARKETING", "skip"),
        ("12025550143", "UTILITY", "go"),
        ("77010000001", "MARKETING", "go"),
    ):
        contact = Contact(id="c", bot_id="b", wa_id=number)
        known = {"back:en": MessageTemplate(name="back", language="en", category=category)}
        assert decide_touch(hours, plan, contact, known, plan.due).what == what


async def test_a_channel_without_a_window_is_followed_up_only_when_that_is_switched_on():
    plan, contact = (
        Plan(anchor=1, due=ms("2026-11-24 11:00")),
        Contact(id="c", bot_id="b", wa_id="77010000001"),
    )
    for switched, what in ((False, "end"), (True, "go")):
        found = decide_touch(
            Outreach(enabled=True, unofficial=switched), plan, contact, {}, plan.due, windowed=False
        )
        assert found.what == what and ("banned" in found.why) == (not switched)


async def test_a_template_is_filled_from_the_profile(redis: Redis, tmp_path):
    async with silence(redis, tmp_path, follow_up_templates={"1": "back:en(name)"}) as scene:
        await store_templates(
            redis,
            "default",
            [MessageTemplate(name="back", language="en", body="Hi {{1}}, still interested?")],
        )
        await scene.office.runtime.conversations.learn(scene.conversation, {"name": "Anna"}, "m")
        await scene.passes()
        (touch,) = [
            e for e in await scene.office.runtime.conversations.transcript(scene.conversation) if e.touch
        ]
        assert touch.text == "Hi Anna, still interested?" and len(scene.texts()) == 2


@pytest.mark.parametrize(
    ("decision", "ended"), [("yes", "said yes"), ("no", "said no"), ("uncertain", ""), (None, "")]
)
async def test_what_an_answer_does_to_the_sequence(redis: Redis, tmp_path, decision: str | None, ended: str):
    answered = [False]

    def script(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
        if offered == ["Facts"] and decision and answered[0]:
            return call("Facts", {"decision": decision, "quote": "well then"})
        return quiet(messages, offered)

    async with silence(redis, tmp_path, script, follow_up_templates={"*": "b:en"}) as scene:
        await scene.passes()
        await scene.passes()
        answered[0] = True
        before = clock.now_ms()
        await scene.answers("well then")
        plan = await scene.plan()
        assert plan.ended == ended and plan.unanswered == 0
        if decision == "uncertain":  # the next touch after its interval from now
            assert plan.touch == 3 and before + 168 * HOUR <= plan.due <= before + 168 * HOUR + 4 * DAY
        elif not ended:
            assert plan.touch == 1 and before + 24 * HOUR <= plan.due <= before + 5 * DAY
        funnel = await scene.follow_ups.funnel("default")
        assert funnel.answered == {"2": 1} and funnel.yes == (decision == "yes")


@pytest.mark.parametrize("door", ["words", "preferences", "operator", "handoff", "non-client"])
async def test_every_door_out_stops_the_sequence(redis: Redis, tmp_path, door: str):
    async with silence(redis, tmp_path, follow_up_templates={"*": "b:en"}) as scene:
        conversations = scene.office.runtime.conversations
        if door == "words":
            await scene.answers("stop")
        elif door == "handoff":
            await conversations.assign(scene.conversation, "person")
        elif door == "non-client":
            await conversations.learn(scene.conversation, {"class": "non_client"}, "operator")
        else:
            await consent.change_consent(redis, conversations, scene.conversation, True, door, "x")  # pyright: ignore[reportArgumentType]
        replies = len(scene.texts())
        for _ in range(3):
            if (await scene.plan()).timer:
                await scene.passes()
        assert len(scene.texts()) == replies and (await scene.plan()).ended
        stopped = await consent.suppressed(redis, conversations)
        assert [row.wa_id for row in stopped] == (
            [ANNA] if door in ("words", "preferences", "operator") else []
        )


async def test_start_takes_an_opt_out_back_and_both_are_on_record(redis: Redis, tmp_path):
    async with silence(redis, tmp_path) as scene:
        await scene.answers("stop")
        await scene.answers("start")
        assert not await consent.suppressed(redis, scene.office.runtime.conversations)
        log = await consent.changes(redis, "default")
        assert [(row.stopped, row.door) for row in log] == [(False, "words"), (True, "words")]


def update(field: str, **value: Any) -> bytes:
    """The body of a webhook of the Cloud API."""
    change = {"field": field, "value": {"metadata": {"phone_number_id": "4242"}, **value}}
    return json.dumps({"entry": [{"changes": [change]}]}).encode()


async def test_the_button_of_a_template_is_an_opt_out_whatever_it_says(redis: Redis, tmp_path):
    pressed = {"text": "No more, please", "payload": "STOP_PROMO"}
    message = {"from": "77010000001", "id": "wamid.b", "timestamp": "1", "type": "button", "button": pressed}
    body = update("messages", contacts=[{"wa_id": "77010000001"}], messages=[message])
    (pressed,) = parse(body).messages
    async with silence(redis, tmp_path) as scene:
        entry = Entry(id="wamid.b", author="contact", at=1)
        box = scene.office.runtime.mailbox
        await box.accept(scene.conversation, pressed, entry)
        await until(scene.settled)
        assert "no more messages from us" in scene.texts()[-1]
        assert len(await consent.suppressed(redis, scene.office.runtime.conversations)) == 1


async def test_an_answer_that_comes_while_a_touch_is_due_wins(redis: Redis, tmp_path):
    async with silence(redis, tmp_path, follow_up_templates={"*": "b:en"}) as scene:
        clock.move_to(clock.ahead() + (await scene.plan()).due - clock.now_ms() + 1000)
        await scene.office.writes(ANNA, "and the red one?")
        assert await scene.follow_ups.timers.ring("default") == 0
        await until(scene.settled)
        assert len(scene.texts()) == 2 and not await scene.follow_ups.skipped(scene.office.runtime)


async def test_operators_pause_skip_override_cancel_and_run_now(redis: Redis, tmp_path):
    async with silence(redis, tmp_path, follow_up_templates={"*": "b:en"}) as scene:
        follow_ups, runtime, name = scene.follow_ups, scene.office.runtime, scene.conversation
        assert await follow_ups.pause(runtime, name, True) and not await follow_ups.timers.active("default")
        resumed = await follow_ups.pause(runtime, name, False)
        assert resumed and resumed.timer and await follow_ups.timers.active("default")
        contact = await runtime.conversations.contact(name)
        assert contact
        skipped = await follow_ups.skip(runtime, contact)
        assert skipped and skipped.touch == 2
        assert (await follow_ups.skipped(runtime))[0].reason == "by an operator"
        own = await follow_ups.override(runtime, name, [24, 48])
        assert own and local(own.due)[:10] == "2026-11-25"
        at("2026-11-24 11:00")
        await follow_ups.run_now(runtime, name)
        await until(scene.settled)
        assert len(scene.texts()) == 2 and (await scene.plan()).ended == "all touches sent"
        assert await follow_ups.end("default", name, "cancelled")


async def test_a_provider_that_puts_a_touch_off_gets_it_a_day_later_and_then_no_more(redis: Redis, tmp_path):
    async with silence(redis, tmp_path, follow_up_templates={"*": "b:en"}) as scene:
        scene.office.emulator.faults.append(SendFault(times=9, status=400, code=131049))
        days = []
        for _ in range(4):
            days.append(local((await scene.plan()).due)[:10])
            await scene.passes()
        assert len(scene.texts()) == 1 and len(set(days)) == 4
        assert days[:3] == ["2026-11-24", "2026-11-25", "2026-11-26"]


async def test_a_touch_that_fails_after_it_was_taken_goes_out_anew_with_its_variables(redis: Redis, tmp_path):
    async with silence(redis, tmp_path, follow_up_templates={"1": "back:en(name)"}) as scene:
        await store_templates(
            redis,
            "default",
            [MessageTemplate(name="back", language="en", body="Hi {{1}}, still interested?")],
        )
        await scene.office.runtime.conversations.learn(scene.conversation, {"name": "Anna"}, "m")
        await scene.passes()
        (touch,) = [
            e for e in await scene.office.runtime.conversations.transcript(scene.conversation) if e.touch
        ]
        told = StatusUpdate(
            id="w", account=NUMBER, status="failed", error_code=131000, error="try again", failure="retry"
        )
        await undelivered(scene.office.runtime, scene.conversation, touch.id, told)
        clock.move_to(clock.ahead() + HOUR)
        await until(lambda: len(scene.texts()) == 3)
        first, again = [r["template"] for r in scene.office.emulator.requests if "template" in r]
        assert first == again


async def test_a_contact_who_cannot_be_reached_is_left_alone(redis: Redis, tmp_path):
    async with silence(redis, tmp_path, follow_up_templates={"*": "b:en"}) as scene:
        scene.office.emulator.faults.append(SendFault(times=9, status=400, code=131026))
        await scene.passes()
        assert "cannot be reached" in (await scene.plan()).ended
        scene.office.emulator.faults.clear()
        await scene.answers("I am back")
        contact = await scene.office.runtime.conversations.contact(scene.conversation)
        assert contact and "undeliverable" not in contact.profile
        assert not (await scene.plan()).ended


async def test_a_message_from_whatsapps_own_switch_is_an_opt_out(redis: Redis, tmp_path):
    said = {
        "wa_id": "77015550101",
        "category": "marketing_messages",
        "value": "stop",
        "timestamp": 1786000200,
    }
    contacts = [{"wa_id": "77015550101", "user_id": "KZ.1349"}]
    body = update("user_preferences", contacts=contacts, user_preferences=[said])
    (preference,) = parse(body).preferences
    assert (preference.stopped, preference.wa_id, preference.user_id) == (True, "77015550101", "KZ.1349")
    office = Office(redis, tmp_path)
    card = Message(id="x", account=NUMBER, kind="system", wa_id="77015550101")
    conversation = await office.runtime.conversations.identify(card)
    for stopped in (True, True, False):
        await consent.change_consent(
            redis, office.runtime.conversations, conversation, stopped, "preferences", "p"
        )
    log = await consent.changes(redis, "default")
    assert [(row.stopped, row.door) for row in log] == [(False, "preferences"), (True, "preferences")]
