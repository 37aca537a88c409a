"""Drafts: what the agent would say waits for a person, who sends it, changes it or discards it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from redis.asyncio import Redis

from agent.checkpointer import RedisCheckpointer
from agent.models.chat import Models
from agent.state import State
from server.clock import now_ms
from server.conversations.drafts import of_turn
from server.conversations.drafts.draft import UNANSWERED, WAITING, Draft, draft_of, kept_draft
from server.operators import takeover
from server.operators.takeover import Refused
from server.operators.teamwork import draft_replies
from server.outreach.follow_ups import FollowUps
from server.store.keys import key, thread_prefix
from server.store.records import Contact, Entry, Plan, Reply
from tests.support.office import Office
from tests.support.servers.front_door import front_door, settings_of
from tests.support.shop.chatting import Scripted, polite
from tests.support.stack import text, webhook
from tests.support.waiting import until

CONTACT = "77010000001"


def models() -> Models:
    return Models(Scripted(script=polite, asked=[]))


def office_of(redis: Redis, tmp_path: Any, mode: str = "draft", **settings: Any) -> Office:
    office = Office(redis, tmp_path, **settings)
    bot = replace(office.runtime.bot, reply_mode=mode)  # pyright: ignore[reportArgumentType]
    office.runtime = replace(office.runtime, bot=bot)
    return office


async def contact_of(office: Office, conversation: str) -> Contact:
    found = await office.runtime.conversations.contact(conversation)
    assert found
    return found


async def drafted(office: Office, conversation: str, before: str = "") -> str:
    """The turn of the draft that waits, once it is another than `before`."""

    async def there() -> str:
        draft = draft_of(await contact_of(office, conversation))
        return draft.turn_id if draft and draft.turn_id != before else ""

    return await until(there)


async def remembered(office: Office, conversation: str) -> list[str]:
    saver = RedisCheckpointer(office.redis, prefix=thread_prefix("default"))
    found = await saver.aget_tuple({"configurable": {"thread_id": conversation}})
    return [message.text for message in found.checkpoint["channel_values"]["messages"]] if found else []


async def test_a_reply_waits_until_a_person_sends_it_and_goes_out_once(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path)
    async with office.working(models()):
        conversation = await office.writes(CONTACT, "do you sell grinders?")
        turn = await drafted(office, conversation)
        await until(office.idle)
        contact = await contact_of(office, conversation)
        draft = draft_of(contact)
        assert draft and draft.text and office.replies(CONTACT) == []
        assert contact.task == WAITING and contact.asked_at, "it waits among those that need a person"
        assert [entry.author for entry in await office.runtime.conversations.transcript(conversation)] == [
            "contact"
        ]
        taken = await asyncio.gather(
            draft_replies.send_draft(office.runtime, contact, turn),
            draft_replies.send_draft(office.runtime, contact, turn),
            return_exceptions=True,
        )
        assert sorted(isinstance(one, Refused) for one in taken) == [False, True]
        with pytest.raises(Refused):
            await draft_replies.discard_draft(office.runtime, contact, turn)
        assert await until(lambda: office.replies(CONTACT)) == [draft.text]
        await until(office.idle)
        now = await contact_of(office, conversation)
        assert draft_of(now) is None and now.task == "" and now.assignee == "bot" and not now.asked_at
        line = (await office.runtime.conversations.transcript(conversation))[-1]
        assert line.author == "bot" and line.by and line.draft == ""
        with pytest.raises(Refused):
            await draft_replies.send_draft(office.runtime, now, turn)
    assert office.replies(CONTACT) == [draft.text]


async def test_other_words_go_out_in_its_place_and_the_agent_remembers_those(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path)
    async with office.working(models()):
        conversation = await office.writes(CONTACT, "do you sell grinders?")
        turn = await drafted(office, conversation)
        contact = await contact_of(office, conversation)
        was = draft_of(contact)
        assert was
        await draft_replies.send_instead(office.runtime, contact, turn, "Yes, seven models.")
        with pytest.raises(Refused):  # a colleague was slower
            await draft_replies.send_instead(office.runtime, contact, turn, "No.")
        assert await until(lambda: office.replies(CONTACT)) == ["Yes, seven models."]
        line = (await office.runtime.conversations.transcript(conversation))[-1]
        assert line.author == "person" and line.draft == was.text
        assert (await contact_of(office, conversation)).assignee == "bot"
        await office.writes(CONTACT, "and mills?")
        await drafted(office, conversation, before=turn)
        await until(office.idle)
        said = await remembered(office, conversation)
        assert said[:3] == ["do you sell grinders?", "Yes, seven models.", "and mills?"] and len(said) == 4
    assert office.replies(CONTACT) == ["Yes, seven models."]


async def test_a_discarded_draft_and_one_that_came_too_late_are_forgotten(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path)
    async with office.working(models()):
        conversation = await office.writes(CONTACT, "do you sell grinders?")
        first = await drafted(office, conversation)
        await office.writes(CONTACT, "and mills?")
        second = await drafted(office, conversation, before=first)
        await until(office.idle)
        contact = await contact_of(office, conversation)
        for late in (draft_replies.send_draft, draft_replies.discard_draft):
            with pytest.raises(Refused):
                await late(office.runtime, contact, first)
        said = await remembered(office, conversation)
        assert said[:2] == ["do you sell grinders?", "and mills?"] and len(said) == 3
        await draft_replies.discard_draft(office.runtime, contact, second)
        now = await contact_of(office, conversation)
        assert draft_of(now) is None and now.task == "" and now.asked_at, "the contact still waits"
        await office.writes(CONTACT, "hello?")
        await drafted(office, conversation, before=second)
        await until(office.idle)
        said = await remembered(office, conversation)
        assert said[:3] == ["do you sell grinders?", "and mills?", "hello?"] and len(said) == 4
    assert office.replies(CONTACT) == []


async def test_stop_is_confirmed_at_once_and_own_words_end_the_draft(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path)
    async with office.working(models()):
        conversation = await office.writes(CONTACT, "do you sell grinders?")
        await drafted(office, conversation)
        written = takeover.Written(text="We do.")
        await takeover.queue_message(office.runtime, await contact_of(office, conversation), {}, written)
        assert draft_of(await contact_of(office, conversation)) is None
        await until(lambda: office.replies(CONTACT) == ["We do."])
        await office.runtime.conversations.assign(conversation, "bot")
        await office.writes(CONTACT, "STOP")
        await until(lambda: len(office.replies(CONTACT)) == 2)
        contact = await contact_of(office, conversation)
        assert contact.stopped and draft_of(contact) is None


async def test_where_the_agent_is_off_it_records_and_people_see_who_waits(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path, "off")
    async with office.working(models()):
        conversation = await office.writes(CONTACT, "do you sell grinders?")
        await until(office.idle)
        contact = await contact_of(office, conversation)
        assert contact.task == UNANSWERED and contact.asked_at and contact.assignee == "bot"
        await office.runtime.conversations.set(conversation, reply_mode="auto")
        await office.writes(CONTACT, "hello?")
        await until(lambda: office.replies(CONTACT))


async def test_whoever_has_a_conversation_may_ask_what_the_agent_would_say(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path, "auto")
    async with office.working(models()):
        conversation = await office.writes(CONTACT, "do you sell grinders?")
        await until(lambda: office.replies(CONTACT))
        await takeover.take_over(office.runtime, conversation)
        with pytest.raises(Refused):
            await draft_replies.request_draft(office.runtime, await contact_of(office, conversation))
        await office.writes(CONTACT, "and mills?")
        await until(office.idle)
        await draft_replies.request_draft(office.runtime, await contact_of(office, conversation))
        turn = await drafted(office, conversation)
        await until(office.idle)
        contact = await contact_of(office, conversation)
        assert contact.assignee == "person" and len(office.replies(CONTACT)) == 1
        await draft_replies.send_draft(office.runtime, contact, turn)
        await until(lambda: len(office.replies(CONTACT)) == 2)
        await office.writes(CONTACT, "I want to talk to a human")
        await until(office.idle)
        await draft_replies.request_draft(office.runtime, await contact_of(office, conversation))
        await drafted(office, conversation, before=turn)
        now = draft_of(await contact_of(office, conversation))
        assert now and not now.replies and "asks for a person" in now.why
    assert len(office.replies(CONTACT)) == 2


async def test_who_asked_for_a_draft_hears_a_stop_and_the_contact_a_confirmation(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path, "auto")
    conversation = await office.writes(CONTACT, "do you sell grinders?")
    contact = await contact_of(office, conversation)
    with pytest.raises(Refused):  # it answers here by itself
        await draft_replies.request_draft(office.runtime, contact)
    await takeover.take_over(office.runtime, conversation)
    await draft_replies.request_draft(office.runtime, await contact_of(office, conversation))
    await office.writes(CONTACT, "STOP")
    async with office.working(models()):
        await until(lambda: office.replies(CONTACT))
        await until(office.idle)
        contact = await contact_of(office, conversation)
    assert contact.stopped and len(office.replies(CONTACT)) == 1


async def test_a_draft_cannot_be_sent_once_a_turn_answers_anew(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path)
    async with office.working(models()):
        conversation = await office.writes(CONTACT, "do you sell grinders?")
        turn = await drafted(office, conversation)
        await until(office.idle)
    contact = await contact_of(office, conversation)
    now = await of_turn.begun(office.runtime, contact)
    with pytest.raises(Refused):
        await draft_replies.send_draft(office.runtime, contact, turn)
    said = [AIMessage("x", id=name) for name in remembered_ids(now)]
    assert [gone.id for gone in of_turn.unsaid(now, State(messages=list(said)))] == [m.id for m in said] != []


def remembered_ids(contact: Contact) -> tuple[str, ...]:
    draft = kept_draft(contact)
    return draft.remembered if draft else ()


@pytest.mark.parametrize("mode", ["auto", "draft"])
async def test_nobody_hears_an_apology_that_no_person_has_sent(redis: Redis, tmp_path, mode: str):
    office = office_of(redis, tmp_path, mode, turn_attempts=1)
    async with office.working(models(), shelf=object()):
        await office.writes(CONTACT, "do you sell grinders?")
        await until(office.idle)
        assert len(await office.runtime.dead_letters.every()) == 1
    assert len(office.replies(CONTACT)) == (mode == "auto")


async def test_no_touch_goes_out_where_replies_wait(redis: Redis, tmp_path):
    office = office_of(redis, tmp_path)
    outreach = office.runtime.bot.outreach.model_copy(update={"enabled": True})
    office.runtime = replace(office.runtime, bot=replace(office.runtime.bot, outreach=outreach))
    conversation = await office.writes(CONTACT, "hello")
    plan = Plan(anchor=now_ms() - 86_400_000, due=now_ms() - 1)
    await redis.set(f"sg:{{default}}:follow:{conversation}", plan.model_dump_json())
    _, decision = await FollowUps(redis).judged(office.runtime, await contact_of(office, conversation))
    assert decision.what != "go"


async def test_drafts_by_api_and_on_the_page(redis: Redis, tmp_path):
    async with front_door(settings_of(tmp_path, reply_mode="draft"), redis) as door:
        await door.post(webhook(text(CONTACT, "do you sell grinders?", "wamid.1")))
        ((row,), place) = (await door.read("/api/conversations"))["items"], "/api/conversations/"
        place += f"{row['id']}/draft"
        nothing = {"reply_mode": "draft", "turn_id": "", "at": 0, "messages": [], "why": ""}
        assert await door.read(place) == nothing
        assert (await door.http.post(place)).status_code == 202, "their question waits"
        reply = Reply(id="t1:0", text="Yes <b>seven</b>.")
        kept = Draft(turn_id="t1", at=now_ms(), replies=(reply,), entries=(Entry(id="t1:0", author="bot"),))
        await redis.hset(key("default", "contact", row["id"]), "draft", kept.model_dump_json())  # pyright: ignore[reportGeneralTypeIssues]
        assert (await door.read(place))["messages"] == ["Yes <b>seven</b>."]
        page = await door.read(f"/dashboard/default/{row['id']}")
        assert "The agent would say" in page and "Yes &lt;b&gt;seven&lt;/b&gt;." in page
        assert (await door.http.post(f"{place}/send", json={"turn_id": "t0"})).status_code == 409
        assert (await door.http.delete(f"{place}/t0")).status_code == 409
        sent = await door.http.post(f"{place}/send", json={"turn_id": "t1", "text": "Yes, seven."})
        assert sent.status_code == 202 and sent.json() == {"ids": ["t1:0"]}
        page = await door.read(f"/dashboard/default/{row['id']}")
        assert "The agent would say" not in page and "The agent had drafted" in page
        mode = await door.http.put(f"{place[:-6]}/reply-mode", json={"reply_mode": "auto"})
        assert mode.json()["reply_mode"] == "auto" and (await door.read(place))["reply_mode"] == "auto"
        assert (await door.http.put(f"{place[:-6]}/reply-mode", json={"reply_mode": "x"})).status_code == 422
