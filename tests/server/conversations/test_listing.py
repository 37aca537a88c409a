"""The list of conversations: sorted, filtered, searched, paged, and still quick when there are very many."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from redis.asyncio import Redis

from agent.models.chat import Models
from server.bots.bot import Bot, BotRuntime, runtime_of, runtimes
from server.config.settings import Settings
from server.conversations import listing as module
from server.conversations.listing import BadCursor, ConversationList, cursor_of, place_of
from server.conversations.search import scan
from server.store.client import client
from server.store.keys import key
from server.store.records import Entry, Reply, SendState
from tests.support.office import Office, heard
from tests.support.shop.chatting import Scripted, polite
from tests.support.waiting import until


def desk_at(redis: Redis, tmp_path: Path, bot_id: str = "default") -> BotRuntime:
    runtime = runtimes(Settings(_env_file=None, data_dir=tmp_path), redis)["default"]
    return runtime if bot_id == "default" else runtime_of(Bot(bot_id, runtime.bot.context), redis)


async def names(conversation_list: ConversationList, runtime: BotRuntime, **asked: object) -> list[str]:
    page = await conversation_list.page({runtime.bot.id: runtime}, **asked)  # pyright: ignore[reportArgumentType]
    return [row.contact.name for row in page.rows]


async def test_filters_show_what_they_say(redis: Redis, tmp_path: Path):
    runtime, conversation_list = desk_at(redis, tmp_path), ConversationList(redis)
    ids = {name: await heard(runtime, f"7701000000{n}", "hello", name) for n, name in enumerate("abcd")}
    await runtime.conversations.learn(ids["a"], {"class": "client"}, "m1")
    await runtime.conversations.learn(ids["b"], {"class": "client"}, "m1")
    await runtime.conversations.learn(ids["b"], {"class": "non_client"}, "operator")
    await runtime.conversations.set(ids["c"], task="wants a price for 500 pieces")
    await runtime.conversations.assign(ids["d"], "person")
    await runtime.conversations.see(ids["a"])
    await redis.zadd(key("default", "timers"), {ids["b"]: 5})
    assert sorted(await names(conversation_list, runtime)) == ["a", "b", "c", "d"]
    assert await names(conversation_list, runtime, show="client") == ["a"]
    assert await names(conversation_list, runtime, show="non_client") == ["b"]
    assert sorted(await names(conversation_list, runtime, show="needs_person")) == ["c", "d"]
    assert sorted(await names(conversation_list, runtime, show="unread")) == ["b", "c", "d"]
    assert await names(conversation_list, runtime, show="follow_up") == ["b"]
    await runtime.conversations.set(ids["c"], task="")
    await runtime.conversations.assign(ids["d"], "bot")
    assert await names(conversation_list, runtime, show="needs_person") == []
    contact = await runtime.conversations.contact(ids["b"])
    assert contact and contact.unread == 1 and contact.waiting_since


async def test_a_failed_send_is_shown_until_another_arrives(redis: Redis, tmp_path: Path):
    office, conversation_list = Office(redis, tmp_path), ConversationList(redis)
    runtime = office.runtime
    conversation = await office.writes("77010000001", "hello")
    for number, state in (
        (1, SendState("failed", "131026 not on WhatsApp")),
        (2, SendState("failed", "a person has taken over")),
        (3, SendState("delivered")),
    ):
        reply, entry = Reply(id=f"r:{number}", text="hi"), Entry(id=f"r:{number}", author="bot", text="hi")
        await runtime.mailbox.post(conversation, reply, entry)
        await runtime.mailbox.status(conversation, "", f"r:{number}", "p", state)
        expected = [] if number == 3 else [conversation]
        page = await conversation_list.page({"default": runtime}, "failed")
        assert [row.contact.id for row in page.rows] == expected
    assert (await runtime.conversations.transcript(conversation))[-1].status == "delivered"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("доставка", ["Anna"]),
        ("ДОСТАВКА Астану", ["Anna"]),
        ('say "yes"', ["Ben"]),
        ("back\\slash", ["Ben"]),
        ("line break", ["Ben"]),
        ("قهوة", ["Cem"]),
        ("anna", ["Anna"]),
        ("+7 701 000-00-02", ["Cem"]),
        ("author", []),
        ("contact", []),
        ("%d+", []),
        ("spoken", ["Cem"]),
        ("IPHONE whatsapp", ["Dan"]),
        ("iphone", ["Dan"]),
        ("2024-0115", ["Dan"]),
        ("150 000", ["Dan"]),
    ],
)
async def test_words_are_found_as_people_write_them(
    redis: Redis, tmp_path: Path, query: str, found: list[str]
):
    runtime, conversation_list = desk_at(redis, tmp_path), ConversationList(redis)
    await heard(runtime, "77010000000", "Сколько стоит Доставка в Астану?", "Anna")
    await heard(runtime, "77010000001", 'did you say "yes" to back\\slash?\na line\tbreak', "Ben")
    await heard(runtime, "77010000003", "An iPhone on WhatsApp, order 2024-0115, for 150 000 KZT", "Dan")
    voice = await heard(runtime, "77010000002", "سعر ماكينة قهوة", "Cem")
    await runtime.conversations.hear(voice, "m", "a spoken sentence")
    page = await conversation_list.page({"default": runtime}, query=query)
    assert [row.contact.name for row in page.rows] == found
    if found and query == "доставка":
        assert page.rows[0].found.startswith("Сколько")


@examples(max_examples=60)
@given(st.text(min_size=1, max_size=40), st.text(max_size=20))
async def test_no_query_breaks_the_search(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory, query: str, said: str
):
    redis = cast(Any, client(redis_url))
    await redis.flushdb()
    runtime, clean = desk_at(redis, tmp_path_factory.getbasetemp()), query.encode("utf-8", "replace").decode()
    await heard(runtime, "77010000000", said.encode("utf-8", "replace").decode() + clean, "N")
    page = await ConversationList(redis).page({"default": runtime}, query=clean)
    digits = "".join(c for c in clean if c.isdigit())
    if not digits:  # what is given as a number is looked for as one
        assert len(page.rows) == 1
    await redis.aclose()


async def many(redis: Redis, runtime: BotRuntime, count: int) -> None:
    """So many conversations, written as the scripts leave them."""
    for start in range(0, count, 10_000):
        async with redis.pipeline(transaction=False) as pipe:
            for n in range(start, min(count, start + 10_000)):
                name = f"{runtime.bot.id[0]}{n:06}"
                pipe.zadd(key(runtime.bot.id, "active"), {name: 1000 + n // 3})
                pipe.hset(
                    key(runtime.bot.id, "contact", name),
                    mapping={"wa_id": f"7{n:010}", "name": f"N{n}", "created": 1},
                )
                entry = Entry(id=f"m{n}", author="contact", text=f"word{n % 1000}", at=n)
                pipe.rpush(key(runtime.bot.id, "transcript", name), entry.model_dump_json())
                if n % 2:
                    pipe.sadd(key(runtime.bot.id, "unread"), name)
            await pipe.execute()


async def test_pages_follow_each_other_without_gap_or_overlap(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two bots, equal times, a set that is too large to be read as a whole, and one that is not."""
    monkeypatch.setattr(module, "WHOLE", 60)
    monkeypatch.setattr(module, "CHUNK", 17)
    shops = {name: desk_at(redis, tmp_path, name) for name in ("default", "other")}
    await many(redis, shops["default"], 150)
    await many(redis, shops["other"], 101)
    conversation_list = ConversationList(redis)
    for show, count in (("all", 251), ("unread", 125)):
        seen, cursor = [], None
        while True:
            page = await conversation_list.page(shops, show, limit=20, cursor=cursor)  # pyright: ignore[reportArgumentType]
            seen += [(row.at, row.contact.id, row.contact.bot_id) for row in page.rows]
            cursor = page.cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == count
        assert [row[:2] for row in seen] == sorted((row[:2] for row in seen), reverse=True)


async def test_a_search_that_takes_long_says_how_far_it_got_and_goes_on(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runtime, conversation_list = desk_at(redis, tmp_path), ConversationList(redis)
    await many(redis, runtime, 300)
    monkeypatch.setattr(module, "CHUNK", 40)
    monkeypatch.setattr(scan, "LINES", 7)
    monkeypatch.setattr(module, "PATIENCE", 0)
    found, cursor, rounds = [], None, 0
    while rounds == 0 or cursor:
        page = await conversation_list.page({"default": runtime}, query="word5", limit=10, cursor=cursor)
        found += [row.contact.id for row in page.rows]
        cursor, rounds = page.cursor, rounds + 1
        assert page.until or cursor is None or len(page.rows) == 10
    assert rounds > 10
    assert found == sorted((f"d{n:06}" for n in range(300) if f"word{n}".startswith("word5")), reverse=True)


async def test_what_retention_forgets_is_in_no_filter_until_they_write_again(redis: Redis, tmp_path: Path):
    runtime, conversation_list = desk_at(redis, tmp_path), ConversationList(redis)
    conversation = await heard(runtime, "77010000000", "hello", "a")
    await redis.zrem(key("default", "due"), conversation)
    await redis.delete(key("default", "inbox", conversation))
    await runtime.conversations.assign(conversation, "person")
    assert await runtime.mailbox.forget(conversation, 2**53)
    shows = ("all", "unread", "needs_person", "failed")
    assert (await conversation_list.counts([runtime], shows))["default"] == dict.fromkeys(shows, 0)
    await heard(runtime, "77010000000", "hello again", "a")
    assert (await conversation_list.counts([runtime], shows))["default"] == {
        "all": 1,
        "unread": 1,
        "needs_person": 1,
        "failed": 0,
    }


async def test_an_earlier_version_s_conversations_are_listed_once(redis: Redis, tmp_path: Path):
    runtime, conversation_list = desk_at(redis, tmp_path), ConversationList(redis)
    await many(redis, runtime, 3)
    await redis.delete(key("default", "unread"))
    await redis.hset(
        key("default", "contact", "d000001"),
        mapping={"p:class": "client", "p:email": "a@b.c", "task": "call"},
    )  # pyright: ignore[reportGeneralTypeIssues]
    assert await conversation_list.rebuild(runtime)
    assert (
        await names(conversation_list, runtime, show="client")
        == await names(conversation_list, runtime, show="needs_person")
        == ["N1"]
    )
    assert not await conversation_list.rebuild(runtime)


@given(st.integers(0, 2**53), st.uuids())
def test_a_cursor_is_read_back(at: int, conversation: object):
    assert place_of(cursor_of((at, str(conversation)))) == (at, str(conversation))


@given(st.text(max_size=40))
def test_any_other_cursor_is_refused(text: str):
    try:
        place = place_of(text)
    except BadCursor:
        return
    assert place is not None and cursor_of(place)


async def test_whoever_waits_waits_until_somebody_answers(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    conversation = await office.writes("77010000009", "anybody?")
    contact = await office.runtime.conversations.contact(conversation)
    assert contact and contact.waiting_since and contact.unread == 1

    async def answered() -> bool:
        found = await office.runtime.conversations.contact(conversation)
        return found is not None and not found.waiting_since

    async with office.working(Models(Scripted(script=polite, asked=[]))):
        await until(answered)


def test_markup_takes_no_longer_than_its_text():
    """A contact once could stop the page with a message full of stars."""
    from server.web.dashboard.layout import rendered_markup

    assert rendered_markup("*a* _b_ ~c~ <i> 2*3*4") == "<b>a</b> <i>b</i> <s>c</s> &lt;i&gt; 2*3*4"
    for hostile in (" *a" * 22_000, "*" * 65_000, " *" + "a " * 32_000, "_*~" * 20_000):
        assert len(rendered_markup(hostile)) >= len(hostile)
