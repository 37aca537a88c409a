"""Two records that turn out to be one person: merged once neither is busy, with nothing lost, the stricter
consent holding."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from agent.memory import notes
from channels.base import Message
from server.clock import now_ms
from server.operators import privacy
from server.outreach import consent
from server.outreach.appointments import Appointments
from server.pipeline.agents import note_store
from server.pipeline.merging import Merging
from server.store.contacts import OPERATOR
from server.store.keys import key
from server.store.records import Entry
from tests.support.office import NUMBER, Office
from tests.support.people.customers import asked, fresh, quiet, raw
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until

PHONE, OTHER_PHONE, USER = "77010000001", "77010000002", "KZ.1"


def card(number: str = "", user: str = "") -> Message:
    return Message(id="m", account=NUMBER, kind="text", wa_id=number, user_id=user)


async def line(office: Office, conversation: str, name: str, at: int, author: Any = "contact") -> None:
    entry = Entry(id=name, author=author, text=name, at=at, turn_id=f"turn-{name}")
    await office.redis.zadd(key("default", "active"), {conversation: at})
    await office.redis.rpush(
        key("default", "transcript", conversation), entry.model_dump_json(exclude={"status"})
    )  # pyright: ignore[reportGeneralTypeIssues]


async def test_a_number_and_a_user_id_that_meet_are_one_person(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    runtime, merging = office.runtime, Merging(office.settings, redis)
    conversations = runtime.conversations
    mine, theirs = await conversations.identify(card(PHONE)), await conversations.identify(card(user=USER))
    assert mine != theirs
    for name, conversation, at in (("a", mine, 10), ("b", theirs, 20), ("c", mine, 30), ("d", theirs, 30)):
        await line(office, conversation, name, at)
    await redis.set(key("default", "trace", theirs, "turn-b"), "{}")
    await conversations.learn(mine, {"name": "Anna", "email": "a@x.kz", "class": "client"}, "wamid.1")
    await conversations.learn(theirs, {"name": "Anya", "company": "Sun", "class": "non_client"}, "wamid.2")
    await conversations.learn(theirs, {"email": "b@x.kz"}, OPERATOR)
    await consent.change_consent(redis, conversations, theirs, True, "words", "wamid.3")
    appointments, absorbed = Appointments(redis), await conversations.contact(theirs)
    assert absorbed
    booked = await appointments.book(
        runtime.bot, absorbed, (await appointments.free(runtime.bot, now_ms(), 1))[0], "a visit"
    )
    assert await conversations.identify(card(PHONE, USER)) == mine
    assert await merging.catch_up(runtime) == 1
    contact = await conversations.contact(mine)
    assert contact and (contact.wa_id, contact.user_id) == (PHONE, USER)
    kept = {"name": "Anna", "email": "b@x.kz", "company": "Sun", "class": "client", "consent": "stopped"}
    assert {name: contact.profile[name] for name in kept} == kept
    assert (contact.sources["email"], contact.sources["company"]) == (OPERATOR, "wamid.2")
    entries = await conversations.transcript(mine)
    assert [entry.id for entry in entries[:4]] == ["a", "b", "c", "d"]
    assert "name: Anya (wamid.2)" in entries[-1].text and "email: a@x.kz (wamid.1)" in entries[-1].text
    assert await redis.exists(key("default", "trace", mine, "turn-b"))
    assert await redis.zscore(key("default", "suppressed"), mine)
    assert booked and [one.id for one in await Appointments(redis).of("default", mine)] == [booked.id]
    assert [await conversations.identify(one) for one in (card(PHONE), card(user=USER))] == [mine, mine]
    assert await conversations.contact(theirs) is None and await conversations.merged_into(theirs) == mine
    assert await conversations.count() == 1 and await redis.hlen(key("default", "merges")) == 0  # pyright: ignore[reportGeneralTypeIssues]
    assert not [name async for name in redis.scan_iter(match=f"*{theirs}*")]
    fields: Any = await redis.hgetall(key("default", "fields"))  # pyright: ignore[reportGeneralTypeIssues]
    assert {fields[name.encode()] for name in kept} == {b"1"}
    erased = await privacy.erased(redis, runtime, contact, verify=True)
    assert erased.left == [] and not await redis.hlen(key("default", "merged"))  # pyright: ignore[reportGeneralTypeIssues]


async def test_notes_of_both_are_kept_and_the_later_of_one_key(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    runtime, merging = office.runtime, Merging(office.settings, redis)
    conversations, store = runtime.conversations, note_store(redis, "default")
    mine, theirs = await conversations.identify(card(PHONE)), await conversations.identify(card(user=USER))
    await notes.write_notes(store, "default", mine, {"budget": ("40 000", "m1"), "pet": ("a cat", "m2")})
    await notes.write_notes(store, "default", theirs, {"budget": ("60 000", "m3"), "allergy": ("nuts", "m4")})
    assert await conversations.identify(card(PHONE, USER)) == mine
    assert await merging.catch_up(runtime) == 1
    found = {note.key: note.text for note in await notes.read_notes(store, "default", mine)}
    assert found == {"budget": "60 000", "pet": "a cat", "allergy": "nuts"}
    assert await notes.read_notes(store, "default", theirs) == []


async def test_notes_go_with_the_person_and_stand_in_the_export(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    runtime, store = office.runtime, note_store(redis, "default")
    mine = await runtime.conversations.identify(card(PHONE))
    contact = await runtime.conversations.contact(mine)
    assert contact
    await notes.write_notes(store, "default", mine, {"allergy": ("nuts", "m1")})
    packed = await privacy.contact_archive(redis, runtime, contact, office.router)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (note,) = json.loads(archive.read("notes.json"))
    assert (note["key"], note["text"], note["message_id"]) == ("allergy", "nuts", "m1")
    await privacy.erased(redis, runtime, contact)
    assert await notes.read_notes(store, "default", mine) == []


async def test_a_simulated_contact_of_the_same_digits_has_notes_of_its_own(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    store, conversations = note_store(redis, "default"), office.runtime.conversations
    simulated = card(PHONE).model_copy(update={"account": office.runtime.bot.simulated_account})
    real, played = await conversations.identify(card(PHONE)), await conversations.identify(simulated)
    await notes.write_notes(store, "default", played, {"allergy": ("nuts", "m1")})
    assert real != played and await notes.read_notes(store, "default", real) == []


async def test_nothing_is_merged_while_something_is_in_hand(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path, debounce_seconds=0)
    runtime, merging = office.runtime, Merging(office.settings, redis)
    mine = await runtime.conversations.identify(card(PHONE))
    other = await office.writes(OTHER_PHONE, "hello")
    assert await runtime.conversations.move(mine, NUMBER, OTHER_PHONE, "") == other
    assert await merging.catch_up(runtime) == 0  # a message of theirs waits
    work = await runtime.mailbox.begin((await runtime.mailbox.claim(1)).ids[0])
    assert await merging.catch_up(runtime) == 0  # its turn is in hand
    await runtime.mailbox.commit(other, work.fence, work.turn_id, [])
    assert await merging.catch_up(runtime) == 1
    contact = await runtime.conversations.contact(mine)
    assert contact and contact.wa_id == OTHER_PHONE
    assert (
        await runtime.conversations.identify(card(PHONE))
        == await runtime.conversations.identify(card(OTHER_PHONE))
        == mine
    )
    # what was seen of the other one is not taken again
    [again] = work.batch
    entry = Entry(id=again.id, author="contact", text="hello", at=now_ms())
    assert not await runtime.mailbox.accept(mine, again, entry)


async def test_what_cannot_be_merged_is_shown_and_stops_no_other(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    conversations, merges = office.runtime.conversations, key("default", "merges")
    mine, other, third = [await conversations.identify(card(n)) for n in (PHONE, OTHER_PHONE, "77010000003")]
    await redis.hset(merges, mapping={"a": b"\xff", "b": "5", "c": "{}", third: json.dumps({"into": mine})})  # pyright: ignore[reportGeneralTypeIssues]
    await redis.hset(key("default", "contact", third), "heard_at", "soon")  # pyright: ignore[reportGeneralTypeIssues]
    assert await conversations.move(mine, NUMBER, OTHER_PHONE, "") == other
    assert await Merging(office.settings, redis).catch_up(office.runtime) == 1
    assert await conversations.contact(other) is None
    assert len(await conversations.quarantined(10)) == 4 and not await redis.exists(merges)
    assert await redis.exists(key("default", "contact", third))


async def test_whoever_changes_their_number_twice_is_reached_at_the_last_one(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    runtime, third = office.runtime, "77010000003"
    mine, other = [await runtime.conversations.identify(card(number)) for number in (PHONE, OTHER_PHONE)]
    assert await runtime.conversations.move(mine, NUMBER, OTHER_PHONE, "") == other
    assert await runtime.conversations.move(other, NUMBER, third, "") == ""
    assert await Merging(office.settings, redis).catch_up(runtime) == 1
    contact = await runtime.conversations.contact(mine)
    assert contact and contact.wa_id == third
    ways = [card(PHONE), card(OTHER_PHONE), card(third)]
    assert {await runtime.conversations.identify(one, afresh=True) for one in ways} == {mine}


@settings(max_examples=25)
@given(
    lines=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=30),
    stopped=st.tuples(st.booleans(), st.booleans()),
    facts=st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from(["name", "email", "city"]),
            st.text("ab", min_size=1, max_size=2),
            st.sampled_from(["wamid.9", OPERATOR]),
        ),
        max_size=8,
    ),
)
async def test_nothing_is_lost_and_the_stricter_holds(
    redis: Redis, tmp_path: Path, lines: Any, stopped: Any, facts: Any
):
    await redis.flushdb()
    office = Office(redis, tmp_path)
    conversations = office.runtime.conversations
    both = [await conversations.identify(card(PHONE)), await conversations.identify(card(user=USER))]
    clock = [0, 0]
    for number, (which, later) in enumerate(lines):
        clock[which] += later
        await line(office, both[which], f"l{number}", clock[which])
    for which, name, value, source in facts:
        await conversations.learn(both[which], {name: value}, source)
    for which in (0, 1):
        if stopped[which]:
            await consent.change_consent(redis, conversations, both[which], True, "words", "wamid.s")
    before = [await conversations.contact(one) for one in both]
    await conversations.identify(card(PHONE, USER))
    assert await Merging(office.settings, redis).catch_up(office.runtime) == 1
    after, entries = await conversations.contact(both[0]), await conversations.transcript(both[0])
    assert after and after.stopped is any(stopped)
    assert sorted(e.id for e in entries[:-1]) == sorted(f"l{n}" for n in range(len(lines)))
    assert [e.at for e in entries[:-1]] == sorted(e.at for e in entries[:-1])
    for contact in before:
        assert contact
        for name, value in contact.profile.items():
            assert (
                after.profile.get(name) == value
                or f"{name}: {value} ({contact.sources[name]})" in entries[-1].text
            )
            if contact.sources[name] == OPERATOR:
                assert after.sources[name] == OPERATOR


async def test_a_changed_number_that_had_written_already_is_one_conversation(stack: Stack):
    (old, message_id), (new, _) = fresh(), fresh()
    await stack.post(webhook(text(old, "my email is dana@example.kz", message_id)))
    await quiet(stack, old, 1)
    await stack.post(webhook(text(new, "I like emerald vases", f"{message_id}.2")))
    await quiet(stack, new, 1)
    known, other = (await stack.conversation_of(old))["id"], (await stack.conversation_of(new))["id"]
    assert known != other
    moved = {"type": "user_changed_number", "wa_id": new, "body": "changed"}
    await stack.post(webhook(raw(old, "system", moved)))

    async def merged() -> bool:
        return (await stack.http.get(f"/api/conversations/{other}")).status_code == 404

    await until(merged)
    gone = (await stack.http.get(f"/api/conversations/{other}")).json()["detail"]
    assert known in gone
    found = await stack.conversation_of(new)
    assert found["id"] == known
    said = [entry["text"] for entry in found["messages"] if entry["author"] == "contact"]
    assert said[:2] == ["my email is dana@example.kz", "I like emerald vases"]
    await stack.post(webhook(text(new, "so, how much?", f"{message_id}.3")))
    await quiet(stack, new, 2)
    assert asked(stack)[-1] == "so, how much?"
    assert "emerald" in json.dumps(stack.model.sales_calls()[-1])  # the agent knows of it
