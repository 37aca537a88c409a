"""Floods, shares of a number and of a contact, pauses, and what happens beside all that."""

from __future__ import annotations

import itertools
import json

from redis.asyncio import Redis

from channels.base import Pace
from server.store.dead_letters import DeadLetters
from server.store.keys import key
from server.store.mailbox import Arrival, Limits, Mailbox
from server.store.records import SendState
from tests.support.mailboxes import claimed_of, ids, mailbox, put, reply, said, take, transcript, try_to_send
from tests.support.waiting import until


def limited(redis: Redis, **limits: int) -> Mailbox:
    return Mailbox(redis, "b", Limits(debounce=0, longest=0, **limits))


async def test_a_flood_keeps_its_newest_messages_and_the_transcript_all_of_them(redis: Redis):
    box = limited(redis, messages=3)
    for number in range(6):
        await put(box, "c", f"m{number}")
    _, work = await take(box)
    assert ids(work) == ["m3", "m4", "m5"]
    assert len(await transcript(redis, "c")) == 6
    skipped = await redis.hgetall(key("b", "status", "c"))
    assert set(skipped) == {b"m0", b"m1", b"m2"} and all(
        why.startswith(b"skipped") for why in skipped.values()
    )


async def test_a_flood_during_a_turn_leaves_the_turns_own_messages_alone(redis: Redis):
    box = limited(redis, messages=2)
    await put(box, "c", "m0")
    await put(box, "c", "m1")
    _, work = await take(box)
    for number in range(2, 7):
        await put(box, "c", f"m{number}")
    assert await box.commit("c", work.fence, work.turn_id, []) == 2
    _, following = await take(box)
    assert (ids(work), ids(following)) == (["m0", "m1"], ["m5", "m6"])


async def test_many_characters_are_a_flood_too_but_one_message_always_gets_in(redis: Redis):
    box = limited(redis, characters=100)
    for number, length in enumerate([60, 60, 30, 500]):
        await redis.hset(key("b", "contact", "c"), "created", "0")
        await box.accept("c", *said(f"m{number}", "x" * length))
        if number == 2:
            kept = await redis.lrange(key("b", "inbox", "c"), 0, -1)
            assert [json.loads(raw.split(b" ", 2)[2])["id"] for raw in kept] == ["m1", "m2"]
    _, work = await take(box)
    assert ids(work) == ["m3"]


async def test_what_waited_too_long_is_not_answered_any_more(redis: Redis):
    box = limited(redis, age=-1)
    await put(box, "c", "m0")
    claimed = await until(lambda: claimed_of(box))
    assert claimed == ["c"]
    assert not (await box.begin("c")).batch
    assert (await redis.hgetall(key("b", "status", "c"))) == {b"m0": b"skipped waited too long"}
    assert await box.backlog() == 0


async def test_a_note_is_never_too_old(redis: Redis):
    box = limited(redis, age=-1000)
    await box.remember("c", said("note")[0])
    await put(limited(redis), "c", "m0")
    _, work = await take(box)
    assert ids(work) == ["note", "m0"]


async def test_a_batch_that_keeps_failing_comes_message_by_message(redis: Redis):
    box = mailbox(redis)
    for number in range(3):
        await put(box, "c", f"m{number}")
    _, work = await take(box)
    assert await box.split("c", work.fence, work.turn_id)
    taken = []
    fence = work.fence
    for number in range(3):
        held = await box.begin("c", fence)
        taken.append(ids(held))
        if number == 0:
            await put(box, "c", "m3")
        if number == 1:
            await box.bury("c", held.fence, held.turn_id, "poison")
        else:
            await box.commit("c", held.fence, held.turn_id, [])
        if number < 2:
            await until(lambda: claimed_of(box))
            fence = None
    assert taken == [["m0"], ["m1"], ["m2"]]
    assert [json.loads(raw)["id"] for raw in (await DeadLetters(redis, "b").every())[0].batch] == ["m1"]
    _, rest = await take(box)
    assert ids(rest) == ["m3"]


async def test_a_message_is_posted_once_however_often(redis: Redis):
    box = mailbox(redis)
    assert await box.post("c", *reply("t:sorry"))
    assert not await box.post("c", *reply("t:sorry"))
    assert await redis.llen(key("b", "outbox", "c")) == 1
    assert await transcript(redis, "c") == ["t:sorry"]


async def test_a_transcript_is_bounded_by_number_and_by_age(redis: Redis):
    box = limited(redis, lines=3, keep=60_000)
    await redis.hset(key("b", "contact", "c"), "created", "0")
    await redis.rpush(key("b", "transcript", "c"), json.dumps({"id": "old", "at": 5}))
    await redis.hset(key("b", "status", "c"), "old", "read")
    for number in range(5):
        await put(box, "c", f"m{number}")
    assert await transcript(redis, "c") == ["m2", "m3", "m4"]
    assert await redis.hgetall(key("b", "status", "c")) == {}


async def outcomes(box: Mailbox, pace: Pace, count: int, conversations: int = 1) -> list[str]:
    """What `send_begin` says to `count` replies, spread over conversations."""
    told = []
    for number in range(count):
        name = f"c{number % conversations}"
        await box.post(name, *reply(f"t:{number}"))
        await box.claim(100)
        held = await box.begin(name)
        go, _ = await try_to_send(box, name, held.fence, "number", pace)
        told.append(go)
        if go == "go":
            await box.send_done(name, held.fence, "number", held.reply.id, "wamid", SendState("accepted"))
    return told


async def test_a_number_has_its_share_and_every_later_slot_is_reserved_once(redis: Redis):
    box = mailbox(redis)
    assert (
        await outcomes(box, Pace(interval=60_000, burst=3), 6, conversations=6) == ["go"] * 3 + ["wait"] * 3
    )
    due = [score for _, score in await redis.zrange(key("b", "due"), 0, -1, withscores=True)]
    gaps = [round((b - a) / 60_000) for a, b in itertools.pairwise(sorted(due))]
    assert gaps == [1, 1]


async def test_a_contact_has_its_share_and_others_are_not_held_up(redis: Redis):
    box = mailbox(redis)
    pace = Pace(pair_interval=60_000, pair_burst=2)
    assert await outcomes(box, pace, 3) == ["go", "go", "wait"]
    await box.post("other", *reply("t:9"))
    held = await box.begin("other")
    assert (await try_to_send(box, "other", held.fence, "number", pace))[0] == "go"


async def test_a_reserved_slot_is_used_when_its_time_has_come(redis: Redis):
    box = mailbox(redis)
    pace = Pace(interval=3_000, burst=1)  # long enough for a machine that has other things to do
    assert await outcomes(box, pace, 2, conversations=2) == ["go", "wait"]

    async def goes() -> bool:
        for name in await claimed_of(box):
            held = await box.begin(name)
            if (await try_to_send(box, name, held.fence, "number", pace))[0] == "go":
                return True
        return False

    await until(goes)


async def test_a_busy_number_waits_as_a_whole(redis: Redis):
    box = mailbox(redis)
    await box.post("c", *reply("t:0"))
    held = await box.begin("c")
    await try_to_send(box, "c", held.fence, "number", Pace(interval=1))
    await box.send_abort("c", held.fence, "number", 10, hold=60_000)
    assert await outcomes(box, Pace(interval=1), 1) == ["wait"]
    await box.post("d", *reply("t:1"))
    other = await box.begin("d")
    assert (await try_to_send(box, "d", other.fence, "another", Pace(interval=1)))[0] == "go"


async def test_a_paused_account_alerts_once_and_opens_with_the_first_message_that_goes_through(redis: Redis):
    box = mailbox(redis)
    assert await box.pause("number", 190, "token") and not await box.pause("number", 190, "token")
    assert await outcomes(box, Pace(), 2, conversations=2) == ["wait", "wait"]
    assert (await box.paused("number"))["code"] == "190"
    await redis.hset(key("b", "paused", "number"), "probe", 1)
    held = await box.begin("c0")
    assert (await try_to_send(box, "c0", held.fence, "number", Pace()))[0] == "go"
    assert int((await box.paused("number"))["probe"]) > 1
    await box.send_done("c0", held.fence, "number", "t:0", "wamid", SendState("accepted"))
    assert await box.paused("number") == {}


async def test_what_is_handed_back_is_due_at_once_and_only_by_its_holder(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    _, work = await take(box)
    assert not await box.hand_back("c", work.fence - 1)
    assert await claimed_of(box) == []
    assert await box.hand_back("c", work.fence)
    _, again = await take(box)
    assert (again.turn_id, ids(again)) == (work.turn_id, ["m1"])


async def test_a_slot_that_was_not_used_in_time_is_given_up(redis: Redis):
    """Or all that waited out an outage would go at once."""
    box, pace = mailbox(redis), Pace(interval=10_000, burst=1)
    assert await outcomes(box, pace, 4, conversations=4) == ["go", "wait", "wait", "wait"]
    for name in ("c1", "c2", "c3"):
        await redis.hset(key("b", "box", name), "slot", 5)
    told = []
    for name in ("c1", "c2", "c3"):
        held = await box.begin(name)
        told.append((await try_to_send(box, name, held.fence, "number", pace, held.reply.id))[0])
    assert told == ["wait"] * 3


async def test_slots_that_were_given_out_do_not_count_when_the_provider_wants_nothing(redis: Redis):
    box, pace = mailbox(redis), Pace(interval=1, burst=1)
    for name in ("c", "d"):
        await box.post(name, *reply(f"{name}:0"))
    first, second = await box.begin("c"), await box.begin("d")
    await redis.hset(key("b", "box", "d"), "slot", (await redis.time())[0] * 1000)
    await try_to_send(box, "c", first.fence, "number", pace, "c:0")
    await box.send_abort("c", first.fence, "number", 10, hold=60_000)
    go, ms = await try_to_send(box, "d", second.fence, "number", pace, "d:0")
    assert go == "wait" and int(ms) > 50_000


async def test_a_person_who_writes_takes_over_in_the_same_breath(redis: Redis):
    box, contact = mailbox(redis), key("b", "contact", "c")
    await redis.hset(contact, mapping={"owner": "bot", "account": "A"})
    assert await box.accept("c", *said("m1", account="B"), Arrival(assignee="person"))
    assert await redis.hmget(contact, "owner", "account") == [b"person", b"B"]
    await redis.hset(contact, "owner", "bot")
    assert not await box.accept("c", *said("m1", account="A"), Arrival(assignee="person"))
    assert await redis.hmget(contact, "owner", "account") == [b"bot", b"B"]


async def test_crashes_and_failures_are_counted_apart_and_handing_back_is_neither(redis: Redis):
    box = mailbox(redis, lease=0)
    await put(box, "c", "m1")
    _, work = await take(box)
    assert await box.park("c", work.fence, 0, failed=True)
    _, work = await take(box)
    assert (work.attempt, work.failures) == (2, 1)
    _, work = await take(box)
    assert (work.attempt, work.failures) == (3, 1)
    assert await box.hand_back("c", work.fence)
    _, work = await take(box)
    assert (work.attempt, work.failures) == (3, 1)


async def test_a_status_tells_of_an_attempt_that_was_thought_to_have_failed(redis: Redis):
    """HTTP 500, and yet it arrived."""
    box = mailbox(redis)
    await box.post("c", *reply("t:0"))
    held = await box.begin("c")
    await try_to_send(box, "c", held.fence, "a", Pace())
    await box.send_abort("c", held.fence, "a", 60_000)
    await box.status("c", "a", "t:0", "wamid.9", SendState("delivered"))
    assert await claimed_of(box) == ["c"]
    again = await box.begin("c")
    assert await try_to_send(box, "c", again.fence, "a", Pace()) == ("sent", "wamid.9")


async def test_who_learns_the_outcome_before_putting_the_conversation_down_does_not_wait(redis: Redis):
    box = mailbox(redis)
    await box.post("c", *reply("t:0"))
    held = await box.begin("c")
    await try_to_send(box, "c", held.fence, "a", Pace())
    await box.status("c", "a", "t:0", "wamid.9", SendState("sent"))
    await box.park("c", held.fence, 600_000)
    assert await claimed_of(box) == ["c"]


async def test_a_message_for_later_puts_nothing_off_and_is_itself_not_early(redis: Redis):
    box = mailbox(redis)
    await put(box, "c", "m1")
    await box.post("c", *reply("t:0+1"), delay=60_000)
    _, held = await take(box)
    go, ms = await try_to_send(box, "c", held.fence, "a", Pace(), "t:0+1")
    assert go == "wait" and int(ms) > 50_000


async def test_an_older_success_does_not_end_a_pause(redis: Redis):
    box = mailbox(redis)
    for name in ("c", "d"):
        await box.post(name, *reply(f"{name}:0"))
    first = await box.begin("c")
    await try_to_send(box, "c", first.fence, "number", Pace(), "c:0")
    await until(lambda: _later(redis))
    assert await box.pause("number", 190, "token")
    await box.send_done("c", first.fence, "number", "c:0", "wamid", SendState("accepted"))
    assert not await box.pause("number", 190, "token")


async def _later(redis: Redis) -> bool:
    """Whether the server's clock has gone on by a millisecond since the attempt."""
    seconds, micro = await redis.time()
    return seconds * 1000 + micro // 1000 > int(await redis.hget(key("b", "box", "c"), "trying"))


async def test_a_pause_that_a_status_began_ends_with_a_message_that_arrives(redis: Redis):
    box = mailbox(redis)
    await box.pause("a", 131042, "payment", "status")
    await redis.hset(key("b", "paused", "a"), mapping={"probe": 1, "at": 1})
    await box.post("c", *reply("t:0"))
    held = await box.begin("c")
    assert (await try_to_send(box, "c", held.fence, "a", Pace()))[0] == "go"
    await box.send_done("c", held.fence, "a", "t:0", "wamid", SendState("accepted"))
    assert await box.paused("a")
    await box.status("c", "a", "t:0", "wamid", SendState("failed", "131042 payment"))
    assert await box.paused("a")
    await box.status("c", "a", "t:0", "wamid", SendState("delivered"))
    assert await box.paused("a") == {}


async def test_a_clock_that_was_set_back_stops_nothing_for_hours(redis: Redis):
    box, far = mailbox(redis), (await redis.time())[0] * 1000 + 100 * 3_600_000
    await redis.hset(key("b", "rate", "number"), "used", far)
    await redis.hset(key("b", "box", "c0"), mapping={"pair": far, "slot": far})
    await redis.hset(key("b", "paused", "number"), mapping={"at": 1, "probe": far})
    await box.post("c0", *reply("t:0"))
    held = await box.begin("c0")
    go, ms = await try_to_send(box, "c0", held.fence, "number", Pace(10, 1, 6000, 45))
    assert go == "wait" and int(ms) < 62_000
