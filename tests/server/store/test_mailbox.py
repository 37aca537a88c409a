"""Nothing accepted is lost, nothing is taken twice, and a worker that lost its lease changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from channels.base import Pace
from server.store.dead_letters import DeadLetters
from server.store.keys import key
from server.store.mailbox import Claimed, Limits, Mailbox, UnknownContact
from server.store.records import SendState
from tests.support.mailboxes import claimed_of, ids, mailbox, put, reply, said, take, transcript, try_to_send


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
        await box.accept("ghost", *said("m1"))
    assert await redis.keys("*") == []


async def test_what_needs_no_answer_is_recorded_and_wakes_nobody(redis: Redis):
    box = mailbox(redis)
    assert await put(box, "c", "reaction", answer=False)
    assert await box.claim(10) == Claimed([], [], -1)
    assert await transcript(redis, "c") == ["reaction"]


async def test_a_burst_waits_for_quiet_but_not_for_ever(redis: Redis):
    box = mailbox(redis, debounce=60_000, longest=120_000)
    await put(box, "c", "m1")
    claimed = await box.claim(10)
    assert not claimed.ids and 50_000 < claimed.wait <= 60_000 and claimed.fresh == ["c"]
    bounded = mailbox(redis, debounce=60_000, longest=0)
    await put(bounded, "d", "m1")
    assert await claimed_of(bounded) == ["d"]


async def test_a_button_does_not_wait(redis: Redis):
    box = mailbox(redis, debounce=60_000, longest=120_000)
    await put(box, "c", "m1")
    await put(box, "c", "pressed", at_once=True)
    _, work = await take(box)
    assert ids(work) == ["m1", "pressed"]


async def test_one_worker_at_a_time(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    assert await claimed_of(box) == ["c"]
    await put(box, "c", "m2")
    assert await claimed_of(box) == []


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
    assert await slow.renew([("c", lost.fence), ("c", held.fence)]) == [0]
    assert not await slow.park("c", lost.fence, 1)
    assert (await try_to_send(slow, "c", lost.fence, "a", Pace()))[0] == "lost"
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
        assert sending.reply.id == f"t:{number}"
        assert not sending.batch
        assert await try_to_send(box, "c", sending.fence, "a", Pace()) == ("go", "1")
        code = await box.send_done(
            "c", sending.fence, "a", f"t:{number}", f"wamid.{number}", SendState("accepted")
        )
        assert code == (2 if number else 1)
    _, following = await take(box)
    assert ids(following) == ["m2"]


async def test_an_attempt_without_an_outcome_is_seen_by_the_next_worker(redis: Redis):
    dying, heir = mailbox(redis, lease=1), mailbox(redis)
    await dying.post("c", *reply("t:0"))
    _, work = await take(dying)
    assert (await try_to_send(dying, "c", work.fence, "a", Pace()))[0] == "go"
    _, held = await take(heir)
    go, age = await try_to_send(heir, "c", held.fence, "a", Pace())
    assert go == "open" and int(age) >= 0
    await heir.status("c", "a", "t:0", "wamid.9", SendState("sent"))
    assert await try_to_send(heir, "c", held.fence, "a", Pace()) == ("sent", "wamid.9")


async def test_a_request_that_never_left_may_go_again(redis: Redis):
    box = mailbox(redis)
    await box.post("c", *reply("t:0"))
    _, work = await take(box)
    await try_to_send(box, "c", work.fence, "a", Pace())
    assert await box.send_abort("c", work.fence, "a", 0)
    _, again = await take(box)
    assert await try_to_send(box, "c", again.fence, "a", Pace()) == ("go", "2")


async def test_a_status_does_not_hand_what_was_just_claimed_to_another(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    name, work = await take(box)
    await box.commit(name, work.fence, work.turn_id, [reply("t:0")])
    await try_to_send(box, name, work.fence, "a", Pace())
    await box.park(name, work.fence, 0)
    assert await claimed_of(box) == ["c"]
    await box.status(name, "a", "t:0", "w1", SendState("delivered"))
    assert await claimed_of(box) == []


async def test_a_status_wakes_who_waits_for_it(redis: Redis):
    box = mailbox(redis)
    await box.post("c", *reply("t:0"))
    _, work = await take(box)
    await try_to_send(box, "c", work.fence, "a", Pace())
    await box.park("c", work.fence, 600_000)
    assert await claimed_of(box) == []
    await box.status("c", "a", "t:0", "wamid.9", SendState("delivered"))
    assert await claimed_of(box) == ["c"]


@given(st.lists(st.sampled_from(["sent", "delivered", "read"]), min_size=1, max_size=8))
@settings(max_examples=30)
async def test_statuses_only_rise(redis: Redis, order: list[str]):
    box, ranks = mailbox(redis), ["sent", "delivered", "read"]
    await redis.hset(key("b", "status", "c"), "t:0", "queued")
    for status in order:
        await box.status("c", "a", "t:0", "w", SendState(status))
    assert await redis.hget(key("b", "status", "c"), "t:0") == max(order, key=ranks.index).encode()


async def test_what_was_given_up_on_turns_out_to_have_arrived_but_never_the_other_way_round(redis: Redis):
    box, kept = mailbox(redis), key("b", "status", "c")
    await redis.hset(kept, mapping={"t:0": "failed no answer in 3 tries", "t:1": "delivered"})
    await box.status("c", "a", "t:0", "w", SendState("delivered"))
    await box.status("c", "a", "t:1", "w", SendState("failed", "131026 gone"))
    await box.status("c", "a", "t:1", "w", SendState("read"))
    assert await redis.hgetall(kept) == {b"t:0": b"delivered", b"t:1": b"failed 131026 gone"}


async def test_a_status_of_something_unknown_stores_nothing(redis: Redis):
    await mailbox(redis).status("c", "a", "t:9", "w", SendState("delivered"))
    assert await redis.keys("*") == []


async def test_a_dead_letter_is_kept_and_can_be_tried_again(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    await put(box, "c", "m2")
    _, work = await take(box)
    await put(box, "c", "m3")
    assert await box.bury("c", work.fence, work.turn_id, "failed 5 times") == 2
    letter = (await DeadLetters(redis, "b").every())[0]
    assert (letter.conversation_id, letter.reason) == ("c", "failed 5 times")
    assert await DeadLetters(redis, "b").revive(letter.id)
    assert not await DeadLetters(redis, "b").revive(letter.id)
    assert await DeadLetters(redis, "b").every() == []
    _, again = await take(box)
    assert ids(again) == ["m1", "m2", "m3"]


async def test_bots_are_apart(redis: Redis):
    one, other = mailbox(redis), Mailbox(redis, "other", Limits(debounce=0, longest=0))
    await put(one, "c", "m1")
    assert await other.claim(10) == Claimed([], [], -1)
    assert await DeadLetters(redis, "other").every() == []


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
    assert await DeadLetters(redis, "b").revive(failed.turn_id)
    assert await box.commit("c", running.fence, running.turn_id, []) == 2
    _, following = await take(box)
    assert ids(following) == ["m1"]


async def test_a_success_is_known_even_when_the_lease_was_lost_meanwhile(redis: Redis):
    slow, heir = mailbox(redis, lease=1), mailbox(redis)
    await slow.post("c", *reply("t:0"))
    _, work = await take(slow)
    await try_to_send(slow, "c", work.fence, "a", Pace())
    _, held = await take(heir)
    assert await slow.send_done("c", work.fence, "a", "t:0", "wamid.1", SendState("accepted")) == 0
    assert await try_to_send(heir, "c", held.fence, "a", Pace()) == ("sent", "wamid.1")


async def test_a_damaged_box_keeps_no_neighbour_from_being_claimed_or_renewed(redis: Redis):
    box = mailbox(redis)
    for name in ("bad", "good"):
        await put(box, name, f"{name}1")
    await redis.delete(key("b", "box", "bad"))
    await redis.set(key("b", "box", "bad"), "no hash")
    claimed = await box.claim(5)
    assert sorted(claimed.ids) == ["bad", "good"]
    work = await box.begin("good")
    assert await box.renew([("bad", 1), ("good", work.fence)]) == [0]
