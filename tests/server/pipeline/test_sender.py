"""Every class of failure on the way out: what is repeated, what waits, what is given up, and what is learnt
from it."""

from __future__ import annotations

import uuid

import pytest
from redis.asyncio import Redis

from channels.base import StatusUpdate
from channels.cloud_errors import classify
from channels.emulators.base import SendFault
from server.pipeline import send_failures
from tests.support.office import NUMBER, Office
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        (SendFault(status=500, code=131000), 0, 1000),
        (SendFault(status=503, code=131016, retry_after=30), 20_000, 30_000),
        (SendFault(status=429, code=130429, retry_after=30), 20_000, 30_000),
        (SendFault(status=400, code=131056), 0, 1000),
        (SendFault(status=401, code=190), 50_000, 60_000),
        (SendFault(status=502, html=True), 50_000, 60_000),
    ],
    ids=["server error", "retry-after", "throughput", "pair", "token", "no answer"],
)
async def test_what_may_heal_is_tried_again_in_its_own_time(
    redis: Redis, tmp_path, fault: SendFault, least: int, most: int
):
    office = Office(redis, tmp_path)
    office.emulator.faults.append(fault.model_copy())
    conversation = await office.reply("77010000001")
    await office.send()
    assert least < await office.next_in() <= most
    assert await office.status(conversation) == "queued"


@pytest.mark.parametrize(("hits", "seconds"), [(2, 4), (3, 16), (4, 64)])
async def test_the_pair_limit_is_waited_for_longer_each_time(redis: Redis, tmp_path, hits: int, seconds: int):
    office = Office(redis, tmp_path)
    office.emulator.faults.append(SendFault(times=9, status=400, code=131056))
    conversation = await office.reply("77010000002")
    for _ in range(hits):
        await redis.zadd("sg:{default}:due", {conversation: 1})
        await office.send()
    assert seconds / 4 * 1000 < await office.next_in() <= seconds * 1000


@pytest.mark.parametrize(
    ("fault", "state", "profile"),
    [
        (SendFault(status=400, code=131026), "failed 131026", {"undeliverable": "131026"}),
        (SendFault(status=400, code=131050), "failed 131050", {"consent": "stopped"}),
        (SendFault(status=400, code=100), "failed 100", {}),
        (SendFault(status=400, code=131030), "failed 131030", {}),
        (SendFault(status=400, code=131049), "failed 131049", {}),
        (SendFault(status=400, code=131047), "failed 131047", {}),
    ],
    ids=[
        "undeliverable",
        "opted out",
        "wrong message",
        "not on the list of a test number",
        "marketing cap",
        "window",
    ],
)
async def test_what_does_not_heal_is_given_up_and_what_it_says_is_kept(
    redis: Redis, tmp_path, fault: SendFault, state: str, profile: dict
):
    office = Office(redis, tmp_path)
    office.emulator.faults.append(fault.model_copy())
    conversation = await office.reply("77010000003")
    await office.send()
    assert (await office.status(conversation)).startswith(state)
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and contact.profile == profile
    assert await office.next_in() == -1 and len(office.emulator.requests) == 1


async def test_out_of_the_window_the_template_goes_in_place_of_the_reply(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, whatsapp_reply_template="we_answered:en_US")
    office.emulator.faults.append(SendFault(status=400, code=131047))
    conversation = await office.reply("77010000004")
    await office.send()
    sent = [(request["type"], request.get("template")) for request in office.emulator.requests]
    assert sent == [("text", None), ("template", {"name": "we_answered", "language": {"code": "en_US"}})]
    entries = await office.runtime.conversations.transcript(conversation)
    assert [entry.status for entry in entries] == ["failed", "accepted"]
    assert entries[0].reason.startswith("131047")


async def test_a_template_that_is_refused_too_is_not_sent_for_ever(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, whatsapp_reply_template="we_answered:en")
    office.emulator.faults.append(SendFault(times=5, status=400, code=131047))
    await office.reply("77010000005")
    await office.send()
    assert len(office.emulator.requests) == 2 and await office.next_in() == -1


@pytest.mark.parametrize(
    ("code", "sent", "profile", "paused"),
    [
        (131047, ["template"], {}, None),
        (131026, [], {"undeliverable": "131026"}, None),
        (131050, [], {"consent": "stopped"}, None),
        (131042, [], {}, "131042"),
    ],
    ids=["window", "undeliverable", "opted out", "payment"],
)
async def test_a_failed_status_means_what_the_same_answer_would(
    redis: Redis, tmp_path, code: int, sent: list[str], profile: dict, paused: str | None
):
    """Meta takes the message and says so later; told twice, it counts once."""
    office = Office(redis, tmp_path, whatsapp_reply_template="we_answered:en")
    conversation = await office.reply("77010000006")
    await office.send()
    reply = (await office.runtime.conversations.transcript(conversation))[0].id
    told = StatusUpdate(
        id="wamid", account=NUMBER, status="failed", error_code=code, error="why", failure=classify(code, 0)
    )
    for _ in range(2):
        await send_failures.undelivered(office.runtime, conversation, reply, told)
    await office.send()
    assert [request["type"] for request in office.emulator.requests][1:] == sent
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and contact.profile == profile
    assert (await office.runtime.mailbox.paused(NUMBER)).get("code") == paused


async def test_a_broken_account_pauses_alerts_once_and_one_message_tries_for_all(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    office.emulator.faults.append(SendFault(times=1, status=401, code=190))
    conversations = [await office.reply(f"7701000001{n}") for n in range(4)]
    await office.send()
    assert len(office.emulator.requests) == 1
    paused = await office.runtime.mailbox.paused(NUMBER)
    assert paused["code"] == "190" and "WHATSAPP_ACCESS_TOKEN" in paused["reason"]
    await redis.hset(f"sg:{{default}}:paused:{NUMBER}", "probe", 1)
    for name in conversations:
        await redis.zadd("sg:{default}:due", {name: 1})
    await office.send()
    assert await office.runtime.mailbox.paused(NUMBER) == {}
    for name in conversations:
        await redis.zadd("sg:{default}:due", {name: 1}, xx=True)
    await office.send()
    assert [await office.status(name) for name in conversations] == ["accepted"] * 4


async def test_a_number_without_a_token_pauses_too(redis: Redis, tmp_path):
    office = Office(redis, tmp_path, whatsapp_access_token="")
    await office.reply("77010000020")
    await office.send()
    assert "WHATSAPP_ACCESS_TOKEN" in (await office.runtime.mailbox.paused(NUMBER))["reason"]


async def test_a_throttled_number_waits_as_a_whole_and_the_simulator_does_not(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    office.emulator.faults.append(SendFault(status=429, code=130429, retry_after=30))
    for contact in ("77010000031", "77010000032", "77010000033"):
        await office.reply(contact)
    await office.send()
    assert len(office.emulator.requests) == 1
    assert office.router.channel("default", "sim-default").pace.interval == 0  # pyright: ignore[reportOptionalMemberAccess]


async def test_no_second_sees_more_than_the_numbers_throughput(redis: Redis, tmp_path):
    """80 a second at most (Meta's default), however many wait: slots that are given out lie that far
    apart."""
    office = Office(redis, tmp_path)
    for number in range(200):
        await office.reply(f"77010001{number:03}")
    claimed = [name for _ in range(7) for name in (await office.runtime.mailbox.claim(32)).ids]
    times = []
    now = (await redis.time())[0] * 1000 + (await redis.time())[1] // 1000
    pace = office.router.channel("default", NUMBER).pace  # pyright: ignore[reportOptionalMemberAccess]
    for name in claimed:
        held = await office.runtime.mailbox.begin(name)
        assert held.reply
        tried = await office.runtime.mailbox.send_begin(name, held.fence, NUMBER, held.reply.id, pace)
        asked = (await redis.time())[0] * 1000 + (await redis.time())[1] // 1000
        times.append(asked - now + (int(tried.detail) if tried.go == "wait" else 0))
    times.sort()
    assert len(times) == 200
    assert max(sum(start <= at < start + 1000 for at in times) for start in times) <= 81


def fresh() -> tuple[str, str]:
    contact = f"7702{uuid.uuid4().int % 10**7:07}"
    return contact, f"wamid.{contact}.1"


async def _status(stack: Stack, contact: str, status: str) -> bool:
    last = (await stack.conversation_of(contact))["messages"][-1]
    return last["author"] == "bot" and last["status"] == status


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "code": 131000},
        {"status": 429, "code": 130429, "retry_after": 0.1},
        {"status": 400, "code": 131056},
    ],
    ids=["server error", "throughput", "pair"],
)
async def test_a_refused_send_is_repeated(stack: Stack, fault: dict):
    contact, message_id = fresh()
    stack.emulator.faults.append(SendFault(**fault))
    await stack.post(webhook(text(contact, "hello shop", message_id)))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    assert sum(r.get("to") == f"+{contact}" for r in stack.emulator.requests) == 2
    assert len(stack.replies(contact)) == 1


@pytest.mark.parametrize(("code", "sends"), [(131026, 1), (131000, 2)], ids=["undeliverable", "written anew"])
async def test_a_failure_that_comes_as_a_status_counts_as_much(stack: Stack, code: int, sends: int):
    contact, message_id = fresh()
    stack.emulator.faults.append(SendFault(code=code, later=True))
    await stack.post(webhook(text(contact, "hello shop", message_id)))
    await until(lambda: sum(r.get("to") == f"+{contact}" for r in stack.emulator.requests) == sends)
    await until(lambda: _statuses(stack, contact, ["failed", "read"][:sends]))
    profile = (await stack.conversation_of(contact))["profile"]
    assert profile.get("undeliverable") == ("131026" if sends == 1 else None)


async def _statuses(stack: Stack, contact: str, statuses: list[str]) -> bool:
    entries = (await stack.conversation_of(contact))["messages"]
    return [entry["status"] for entry in entries if entry["author"] == "bot"] == statuses


async def test_a_provider_that_hangs_for_one_contact_holds_up_nobody_else(stack: Stack):
    slow, message_id = fresh()
    stack.emulator.faults.append(SendFault(status=200, seconds=1.5))
    await stack.post(webhook(text(slow, "hello", message_id)))
    await until(lambda: any(r.get("to") == f"+{slow}" for r in stack.emulator.requests))
    others = [fresh() for _ in range(5)]
    for contact, message_id in others:
        await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: all(stack.replies(contact) for contact, _ in others))
    await until(stack.idle)


async def test_typing_is_shown_before_the_burst_has_ended(stack: Stack):
    contact, message_id = fresh()
    stack.model.hang = 0.5
    await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: message_id in stack.emulator.reads)
    assert not stack.model.requests
    await until(lambda: stack.replies(contact))


async def test_a_send_whose_answer_is_lost_is_not_repeated(stack: Stack):
    """The provider takes the message and answers with a gateway's error page; the status tells that it
    arrived."""
    contact, message_id = fresh()
    stack.emulator.faults.append(SendFault(status=502, html=True, deliver=True))
    await stack.post(webhook(text(contact, "lost answer", message_id)))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    assert len(stack.replies(contact)) == 1
    await until(lambda: _status(stack, contact, "read"))


@pytest.mark.slow
async def test_a_provider_that_never_answers_does_not_get_the_same_bubble_for_ever(stack: Stack):
    contact, message_id = fresh()
    stack.emulator.faults.append(SendFault(times=9, status=502, html=True))
    await stack.post(webhook(text(contact, "anybody there?", message_id)))
    await until(lambda: _status(stack, contact, "failed"), 60)
    assert sum(r.get("to") == f"+{contact}" for r in stack.emulator.requests) == 3


async def test_statuses_never_step_back(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "status please", message_id)))
    await until(lambda: _status_of(stack, contact, "read"))
    bubble = next(b for b in stack.emulator.phones.bubbles.values() if b.contact == contact and not b.mine)
    late = {"id": bubble.id, "status": "sent", "timestamp": "1786000100", "recipient_id": contact}
    await stack.post(webhook(statuses=[late]))
    assert await _status_of(stack, contact, "read")


async def _status_of(stack: Stack, contact: str, status: str) -> bool:
    return bool(stack.replies(contact)) and bool(await _status(stack, contact, status))


async def test_only_attempts_without_an_answer_count_towards_giving_up(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    office.emulator.faults += [SendFault(times=4, status=500, code=131000), SendFault(status=502, html=True)]
    conversation = await office.reply("77010000040")
    for _ in range(5):
        await redis.zadd("sg:{default}:due", {conversation: 1})
        await office.send()
    assert len(office.emulator.requests) == 5
    assert await office.status(conversation) == "queued" and await office.next_in() > 50_000
