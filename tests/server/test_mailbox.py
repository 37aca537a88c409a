"""Nothing accepted is lost, nothing is taken twice, and a worker that lost its lease changes nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from server.keys import key
from server.mailbox import Mailbox, UnknownContact, Work
from tests.waiting import until


def mailbox(redis: Redis, debounce: int = 0, longest: int = 0, lease: int = 60_000) -> Mailbox:
    return Mailbox(redis, "b", debounce=debounce, longest=longest, lease=lease)


async def put(box: Mailbox, conversation: str, message: str, **options: bool) -> bool:
    await box._redis.hset(key("b", "contact", conversation), "created", "0")
    return await box.accept(conversation, message, json.dumps({"id": message}), json.dumps({"id": message}), **options)


async def take(box: Mailbox) -> tuple[str, Work]:
    ids = await until(lambda: _claimed(box))
    return ids[0], await box.begin(ids[0])


async def _claimed(box: Mailbox) -> list[str]:
    return (await box.claim(10))[0]


def ids(work: Work) -> list[str]:
    return [json.loads(raw)["id"] for raw in work.batch]


def reply(reply_id: str) -> tuple[str, str]:
    return json.dumps({"id": reply_id, "text": "hi"}), json.dumps({"id": reply_id})


async def transcript(redis: Redis, conversation: str) -> list[str]:
    return [json.loads(row)["id"] for row in await redis.lrange(key("b", "transcript", conversation), 0, -1)]


async def test_a_message_is_accepted_once(redis: Redis):
    box = mailbox(redis)
    assert await put(box, "c", "m1")
    assert not await put(box, "c", "m1")
    assert await put(box, "c", "m2")
    _, work = await take(box)
    assert ids(work) == ["m1", "m2"]
    assert await transcript(redis, "c") == ["m1", "m2"]


async def test_a_message_for_a_contact_that_was_erased_stores_nothing(redis: Redis):
    box = mailbox(redis)
    with pytest.raises(UnknownContact):
        await box.accept("ghost", "m1", "{}", "{}")
    assert await redis.keys("*") == []


async def test_what_needs_no_answer_is_recorded_and_wakes_nobody(redis: Redis):
    box = mailbox(redis)
    assert await put(box, "c", "reaction", answer=False)
    assert await box.claim(10) == ([], -1)
    assert await transcript(redis, "c") == ["reaction"]


async def test_a_burst_waits_for_quiet_but_not_for_ever(redis: Redis):
    box = mailbox(redis, debounce=60_000, longest=120_000)
    await put(box, "c", "m1")
    claimed, wait = await box.claim(10)
    assert not claimed and 50_000 < wait <= 60_000
    bounded = mailbox(redis, debounce=60_000, longest=0)
    await put(bounded, "d", "m1")
    assert await _claimed(bounded) == ["d"]


async def test_a_button_does_not_wait(redis: Redis):
    box = mailbox(redis, debounce=60_000, longest=120_000)
    await put(box, "c", "m1")
    await put(box, "c", "pressed", at_once=True)
    _, work = await take(box)
    assert ids(work) == ["m1", "pressed"]


async def test_one_worker_at_a_time(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    assert await _claimed(box) == ["c"]
    await put(box, "c", "m2")
    assert await _claimed(box) == []


async def test_a_dead_workers_turn_comes_again_with_the_same_batch(redis: Redis):
    dying, heir = mailbox(redis, lease=1), mailbox(redis)
    await put(dying, "c", "m1")
    _, lost = await take(dying)
    await put(heir, "c", "m2")
    _, again = await take(heir)
    assert (again.turn_id, ids(again), again.attempt) == (lost.turn_id, ["m1"], 2)
    assert again.fence > lost.fence


async def test_a_worker_that_lost_its_lease_changes_nothing(redis: Redis):
    slow, heir = mailbox(redis, lease=1), mailbox(redis)
    await put(slow, "c", "m1")
    _, lost = await take(slow)
    _, held = await take(heir)
    assert await slow.commit("c", lost.fence, lost.turn_id, [reply("t:0")]) == 0
    assert await slow.bury("c", lost.fence, lost.turn_id, "why") == 0
    assert not await slow.renew("c", lost.fence)
    assert not await slow.park("c", lost.fence, 1)
    assert (await slow.send_begin("c", lost.fence, "t:0"))[0] == "lost"
    assert await redis.llen(key("b", "outbox", "c")) == 0
    assert await heir.commit("c", held.fence, held.turn_id, []) == 3


async def test_commit_takes_the_batch_and_leaves_what_came_meanwhile(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    _, work = await take(box)
    await put(box, "c", "m2")
    assert await box.commit("c", work.fence, work.turn_id, []) == 2
    _, following = await take(box)
    assert ids(following) == ["m2"]
    assert following.turn_id != work.turn_id


async def test_a_commit_repeated_after_a_lost_answer_is_harmless(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    _, work = await take(box)
    for _ in range(3):
        assert await box.commit("c", work.fence, work.turn_id, [reply("t:0")]) == 1
    assert await redis.llen(key("b", "outbox", "c")) == 1
    assert await transcript(redis, "c") == ["m1", "t:0"]


async def test_replies_go_out_before_the_next_turn_starts(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    _, work = await take(box)
    await put(box, "c", "m2")
    await box.commit("c", work.fence, work.turn_id, [reply("t:0"), reply("t:1")])
    for number in range(2):
        sending = await box.begin("c", None if number else work.fence)
        assert json.loads(sending.reply)["id"] == f"t:{number}"
        assert not sending.batch
        assert await box.send_begin("c", sending.fence, f"t:{number}") == ("go", "1")
        code = await box.send_done("c", sending.fence, f"t:{number}", f"wamid.{number}", "accepted")
        assert code == (2 if number else 1)
    _, following = await take(box)
    assert ids(following) == ["m2"]


async def test_an_attempt_without_an_outcome_is_seen_by_the_next_worker(redis: Redis):
    dying, heir = mailbox(redis, lease=1), mailbox(redis)
    await dying.post("c", *reply("t:0"))
    _, work = await take(dying)
    assert (await dying.send_begin("c", work.fence, "t:0"))[0] == "go"
    _, held = await take(heir)
    go, age = await heir.send_begin("c", held.fence, "t:0")
    assert go == "open" and int(age) >= 0
    await heir.status("c", "t:0", "wamid.9", "sent")
    assert await heir.send_begin("c", held.fence, "t:0") == ("sent", "wamid.9")


async def test_a_request_that_never_left_may_go_again(redis: Redis):
    box = mailbox(redis)
    await box.post("c", *reply("t:0"))
    _, work = await take(box)
    await box.send_begin("c", work.fence, "t:0")
    assert await box.send_abort("c", work.fence, "t:0", 0)
    _, again = await take(box)
    assert await box.send_begin("c", again.fence, "t:0") == ("go", "2")


async def test_a_status_wakes_who_waits_for_it(redis: Redis):
    box = mailbox(redis)
    await box.post("c", *reply("t:0"))
    _, work = await take(box)
    await box.send_begin("c", work.fence, "t:0")
    await box.park("c", work.fence, 600_000)
    assert await _claimed(box) == []
    await box.status("c", "t:0", "wamid.9", "delivered")
    assert await _claimed(box) == ["c"]


@given(st.lists(st.sampled_from(["sent", "delivered", "read"]), min_size=1, max_size=8))
@settings(max_examples=30)
async def test_statuses_only_rise(redis: Redis, order: list[str]):
    box, ranks = mailbox(redis), ["sent", "delivered", "read"]
    await redis.delete(key("b", "status", "c"))
    for status in order:
        await box.status("c", "t:0", "w", status)
    assert await redis.hget(key("b", "status", "c"), "t:0") == max(order, key=ranks.index).encode()


async def test_a_dead_letter_is_kept_and_can_be_tried_again(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    await put(box, "c", "m2")
    _, work = await take(box)
    await put(box, "c", "m3")
    assert await box.bury("c", work.fence, work.turn_id, "failed 5 times") == 2
    letter = (await box.dead_letters())[0]
    assert (letter["conversation_id"], letter["reason"]) == ("c", "failed 5 times")
    assert await box.revive("c", letter["id"])
    assert not await box.revive("c", letter["id"])
    assert await box.dead_letters() == []
    _, again = await take(box)
    assert ids(again) == ["m1", "m2", "m3"]


@given(steps=st.lists(st.tuples(st.sampled_from(["new", "repeat", "work", "crash"]), st.integers(0, 2)), max_size=40))
@settings(max_examples=40)
async def test_in_any_order_of_events_each_message_is_in_one_turn_and_in_its_place(
    redis: Redis, steps: list[tuple[str, int]]
):
    await redis.flushdb()
    box = mailbox(redis, lease=0)
    sent: dict[str, list[str]] = {}
    answered: dict[str, list[str]] = {}

    async def work(crash: bool) -> None:
        for conversation in await _claimed(box):
            held = await box.begin(conversation)
            if held.batch and not crash:
                answered.setdefault(conversation, []).extend(ids(held))
                assert await box.commit(conversation, held.fence, held.turn_id, [])

    for what, number in steps:
        conversation = f"c{number}"
        mine = sent.setdefault(conversation, [])
        if what == "new":
            mine.append(f"m{len(mine)}")
            assert await put(box, conversation, mine[-1])
        elif what == "repeat" and mine:
            assert not await put(box, conversation, mine[len(mine) // 2])
        elif what in ("work", "crash"):
            await work(what == "crash")

    async def drained() -> bool:
        await work(False)
        return await box.backlog() == 0

    await until(drained)
    assert answered == {conversation: mine for conversation, mine in sent.items() if mine}


async def test_bots_are_apart(redis: Redis):
    one, other = mailbox(redis), Mailbox(redis, "other", debounce=0, longest=0)
    await put(one, "c", "m1")
    assert await other.claim(10) == ([], -1)
    assert await other.dead_letters() == []


@pytest.mark.parametrize("name", ["due", "busy"])
async def test_nothing_is_left_behind_when_all_is_answered(redis: Redis, name: str):
    box = mailbox(redis)
    await put(box, "c", "m1")
    _, work = await take(box)
    await box.commit("c", work.fence, work.turn_id, [])
    assert not await redis.exists(key("b", name))


async def test_a_dead_letter_tried_again_during_a_turn_waits_for_the_next(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    _, failed = await take(box)
    await put(box, "c", "m2")
    assert await box.bury("c", failed.fence, failed.turn_id, "why") == 2
    _, running = await take(box)
    assert await box.revive("c", failed.turn_id)
    assert await box.commit("c", running.fence, running.turn_id, []) == 2
    _, following = await take(box)
    assert ids(following) == ["m1"]


async def test_a_success_is_known_even_when_the_lease_was_lost_meanwhile(redis: Redis):
    slow, heir = mailbox(redis, lease=1), mailbox(redis)
    await slow.post("c", *reply("t:0"))
    _, work = await take(slow)
    await slow.send_begin("c", work.fence, "t:0")
    _, held = await take(heir)
    assert await slow.send_done("c", work.fence, "t:0", "wamid.1", "accepted") == 0
    assert await heir.send_begin("c", held.fence, "t:0") == ("sent", "wamid.1")
