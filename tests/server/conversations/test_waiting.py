"""Who waits for an answer, and in what order."""

from __future__ import annotations

from pathlib import Path

from redis.asyncio import Redis

from agent.models.chat import Models
from server.conversations.listing import ConversationList
from server.operators import takeover
from tests.support.office import Office
from tests.support.shop.chatting import Scripted, polite
from tests.support.waiting import until


async def test_who_was_answered_by_a_person_does_not_wait_any_more(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    async with office.working(Models(Scripted(script=polite, asked=[]))):
        conversation = await office.writes("77010000001", "a person, please")
        await takeover.take_over(office.runtime, conversation)
        await until(office.idle)

        async def waiting() -> int:
            contact = await office.runtime.conversations.contact(conversation)
            assert contact
            return contact.waiting_since

        first = await waiting()
        assert first
        contact = await office.runtime.conversations.contact(conversation)
        assert contact
        await takeover.queue_message(office.runtime, contact, {}, takeover.Written(text="I am here"))
        await until(lambda: "I am here" in office.replies("77010000001"))
        await until(office.idle)
        assert not await waiting()
        await office.writes("77010000001", "and the price?")
        await until(office.idle)
        assert await waiting() >= first


async def test_who_has_waited_longest_comes_first_and_who_has_an_answer_last(redis: Redis, tmp_path: Path):
    office, conversation_list = Office(redis, tmp_path), ConversationList(redis)
    people = {}
    for number in range(6):
        conversation = await office.writes(f"7701000000{number}", "a person, please")
        await takeover.take_over(office.runtime, conversation)
        people[number] = conversation
        # since when each waits: the later they wrote, the longer ago it was
        await redis.hset(
            f"sg:{{default}}:contact:{conversation}", "asked_at", 1_800_000_000_000 - number * 60_000
        )  # pyright: ignore[reportGeneralTypeIssues]
    for answered in (4, 1):
        await redis.hdel(f"sg:{{default}}:contact:{people[answered]}", "asked_at")  # pyright: ignore[reportGeneralTypeIssues]
    order, cursor = [], None
    while True:
        page = await conversation_list.page(
            {"default": office.runtime}, "needs_person", limit=2, cursor=cursor
        )
        order += [row.contact.id for row in page.rows]
        assert all(row.at > 0 for row in page.rows)
        cursor = page.cursor
        if cursor is None:
            break
    assert order[:4] == [people[n] for n in (5, 3, 2, 0)] and set(order[4:]) == {people[4], people[1]}
