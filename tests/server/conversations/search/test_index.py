"""The search index: it finds what the plain way finds, in all that was said, and forgets with Redis."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from structlog.testing import capture_logs

from server.bots.bot import Bot, BotRuntime, runtime_of, runtimes
from server.config.settings import Settings
from server.conversations.listing import ConversationList
from server.conversations.search import index as module
from server.conversations.search import index_file
from server.conversations.search.index import SearchIndex
from server.conversations.search.index_file import IndexFile
from server.operators import privacy
from server.store.client import client
from server.store.keys import key
from server.store.records import Entry
from tests.support.office import heard


def desk_at(redis: Redis, tmp_path: Path, bot_id: str = "default") -> BotRuntime:
    settings = Settings(_env_file=None, data_dir=tmp_path, transcript_messages=12)
    runtime = runtimes(settings, redis)["default"]
    return runtime if bot_id == "default" else runtime_of(Bot(bot_id, runtime.bot.context), redis)


async def found(searched: ConversationList, *shops: BotRuntime, **asked: Any) -> list[tuple[str, str]]:
    """Who is found, with the line, over all pages."""
    rows: list[tuple[str, str]] = []
    cursor: str | None = None
    while not rows or cursor:
        page = await searched.page({shop.bot.id: shop for shop in shops}, cursor=cursor, **asked)
        rows += [(row.contact.id, row.found) for row in page.rows]
        cursor = page.cursor
        if not page.rows:
            break
    return rows


async def names(searched: ConversationList, query: str, *shops: BotRuntime) -> list[str]:
    page = await searched.page({shop.bot.id: shop for shop in shops}, query=query)
    return sorted(row.contact.name for row in page.rows)


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("search.sqlite*")))


@contextmanager
def margin(ms: int) -> Iterator[None]:
    before, module.MARGIN = module.MARGIN, ms
    yield
    module.MARGIN = before


# Letters of several sizes and scripts, what JSON and SQLite write otherwise, and what ends a text in C.
LETTERS = st.text(alphabet='aAbBéÉßИиЯя価格١٢07 "\\\n\0_%*é/-' + "\U0001f600", max_size=14)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["say", "say", "say", "hear", "name", "forget", "erase", "before", "follow", "follow", "lose"]
        ),
        st.integers(0, 3),
        LETTERS,
    ),
    min_size=3,
    max_size=14,
)


async def step(redis: Any, runtime: BotRuntime, index: SearchIndex, what: str, who: int, text: str) -> None:
    """Something happens to a contact, or to the index."""
    if what == "follow":
        await index.catch_up({"default": runtime})
        return
    if what == "lose":
        IndexFile(index._file.path).remove()  # pyright: ignore[reportPrivateUsage]
        return
    conversation = await heard(runtime, f"7701000000{who}", text if what == "say" else "hello", f"Ann {who}")
    if what == "hear":
        await runtime.conversations.hear(conversation, "m", text)
    elif what == "name":
        await runtime.conversations.learn(conversation, {"name": text, "company": text[::-1]}, "operator")
    elif what == "forget":
        await redis.zrem(key("default", "due"), conversation)
        await redis.delete(key("default", "inbox", conversation))
        await runtime.mailbox.forget(conversation, 2**53)
    elif what == "erase" and (contact := await runtime.conversations.contact(conversation)):
        await privacy.erased(redis, runtime, contact, index=index)
        runtime.conversations.look_again()


@given(STEPS, st.lists(st.tuples(LETTERS, st.integers(0, 5)), max_size=3), st.sampled_from([0, 60_000]))
async def test_with_the_index_a_search_answers_as_without_it(
    redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, int, str]],
    asked: list[tuple[str, int]],
    clocks: int,
):
    redis = cast(Any, client(redis_url))
    await redis.flushdb()
    folder = tmp_path_factory.mktemp("index")
    runtime, index = desk_at(redis, folder), SearchIndex(redis, folder)
    with margin(clocks):
        for what, who, text in steps:
            await step(redis, runtime, index, what, who, text)
        queries = [text for text, _ in asked] + [text[cut:] for _, cut, text in steps] + ["ann", "7701000"]
        for query in {form for text in queries for form in (text, text.upper(), f"ann {text}")}:
            plain = await found(ConversationList(redis), runtime, query=query, limit=2)
            assert await found(ConversationList(redis, index), runtime, query=query, limit=2) == plain
    await redis.aclose()
    shutil.rmtree(folder)


async def test_it_is_the_index_that_says_where_to_look(redis: Redis, tmp_path: Path):
    runtime, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    for n in range(30):
        await heard(runtime, f"770100000{n:02}", f"something about a sofa no. {n * 7919}!", f"N{n}")
    assert await index.narrowed("default", [["7919"]]) is None, "there is nothing yet"
    with capture_logs() as log:
        await index.catch_up({"default": runtime})
        await index.catch_up({"default": runtime})
    assert [line["event"] for line in log] == ["search_index_built"]
    worth = await index.narrowed("default", [["no. 15838!"]])
    assert worth is not None and len(worth) == 1
    assert await index.narrowed("default", [["no"]]) is None, "two letters are looked for the plain way"
    assert (tmp_path / "search.sqlite").stat().st_mode & 0o777 == 0o600


async def test_every_line_is_looked_through(redis: Redis, tmp_path: Path):
    runtime = runtimes(Settings(_env_file=None, data_dir=tmp_path), redis)["default"]
    index = SearchIndex(redis, tmp_path)
    for n in range(450):
        conversation = await heard(runtime, "77010000000", f"line{n}of many", "Anna")
    await index.catch_up({"default": runtime})
    for searched in (ConversationList(redis), ConversationList(redis, index)):
        for line in ("line3of", "line249of", "line449of"):
            assert await found(searched, runtime, query=line) == [(conversation, f"{line} many")]


@pytest.mark.parametrize("query", ['"ace" auto', 'Anna "Ace" Ivanova', "back\\slash", "a/b"])
async def test_names_and_lines_are_found_with_what_json_writes_otherwise(
    redis: Redis, tmp_path: Path, query: str
):
    runtime, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    conversation = await heard(runtime, "77010000000", "that is a/b", 'Anna "Ace" Ivanova')
    await runtime.conversations.learn(conversation, {"company": '"Ace" Auto\\parts'}, "operator")
    await runtime.conversations.hear(conversation, "m", 'it says "back\\slash"')
    await index.catch_up({"default": runtime})
    for searched in (ConversationList(redis), ConversationList(redis, index)):
        assert await names(searched, query, runtime) == ['Anna "Ace" Ivanova']


async def test_an_operator_of_some_bots_finds_theirs_only(redis: Redis, tmp_path: Path):
    shops = {name: desk_at(redis, tmp_path, name) for name in ("default", "other")}
    index = SearchIndex(redis, tmp_path)
    for name, shop in shops.items():
        await heard(shop, "77010000000", "an armchair, please", name)
    await index.catch_up(shops)
    searched = ConversationList(redis, index)
    assert await names(searched, "armchair", *shops.values()) == ["default", "other"]
    assert await names(searched, "armchair", shops["other"]) == ["other"]
    await index.catch_up({"other": shops["other"]})  # the first bot was deleted
    assert IndexFile(tmp_path / "search.sqlite").bots() == ["other"]
    assert await names(searched, "armchair", *shops.values()) == ["default", "other"]


async def test_nothing_of_the_erased_is_left_in_the_bytes_of_any_host(redis: Redis, tmp_path: Path):
    hosts = [tmp_path / "one", tmp_path / "two"]
    for host in hosts:
        host.mkdir()
    indexes, runtime = [SearchIndex(redis, host) for host in hosts], desk_at(redis, tmp_path)
    number, ids = "77019876543", list[str]()
    for n in range(60):  # texts move from page to page while others come and go
        for line in range(8):
            ids.append(await heard(runtime, f"770100000{n:02}", f"words {n * line} " * (n + line), f"N{n}"))
    for line in range(8):
        erased = await heard(runtime, number, f"Absinthefee {line} for {number} " * (line + 1), "Wormwood")
        for index in indexes:
            await index.catch_up({"default": runtime})
    assert all(b"absinthefee" in bytes_of(host) and number.encode() in bytes_of(host) for host in hosts)
    contact = await runtime.conversations.contact(erased)
    assert contact
    done = await privacy.erased(redis, runtime, contact, verify=True, index=indexes[0])
    assert done.left == []
    await indexes[1].catch_up({"default": runtime})
    for host in hosts:
        assert not [w for w in (b"absinthe", b"wormwood", number.encode()) if w in bytes_of(host).lower()]
        rest = sqlite3.connect(host / "search.sqlite")
        gone = (f'"{part}"' for part in ("abs", "thf", "mwo", "987", "543"))
        assert not [g for g in gone if rest.execute("SELECT 1 FROM said WHERE said MATCH ?", (g,)).fetchone()]
        rest.close()
    assert not [
        name async for name in privacy.holders(redis, "default", [erased.encode()]) if "seen" not in name
    ]
    searched = ConversationList(redis, indexes[0])
    assert await names(searched, "words", runtime) and not await names(searched, number, runtime)


async def test_verifying_an_erasure_names_the_file_that_still_holds_the_number(redis: Redis, tmp_path: Path):
    runtime, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    await heard(runtime, "77010000001", "ask my friend at 77019876543", "Anna")
    erased = await heard(runtime, "77019876543", "hello", "Ben")
    await index.catch_up({"default": runtime})
    contact = await runtime.conversations.contact(erased)
    assert contact
    done = await privacy.erased(redis, runtime, contact, verify=True, index=index)
    assert done.left and str(tmp_path / "search.sqlite") in done.left


async def test_what_is_trimmed_or_forgotten_goes_from_the_file(redis: Redis, tmp_path: Path):
    runtime, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    conversation = await heard(runtime, "77010000000", "the very first gooseberry", "Anna")
    await index.catch_up({"default": runtime})
    assert b"gooseberry" in bytes_of(tmp_path)
    for n in range(12):  # as many as are kept
        await heard(runtime, "77010000000", f"then quince {n}", "Anna")
    await index.catch_up({"default": runtime})
    assert b"gooseberry" not in bytes_of(tmp_path) and b"quince" in bytes_of(tmp_path)
    await redis.zrem(key("default", "due"), conversation)
    await redis.delete(key("default", "inbox", conversation))
    await runtime.mailbox.forget(conversation, 2**53)
    await index.catch_up({"default": runtime})
    assert b"quince" not in bytes_of(tmp_path)


async def test_an_index_of_other_data_is_made_anew(redis: Redis, tmp_path: Path):
    runtime, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    await heard(runtime, "77010000000", "a gooseberry", "Anna")
    await index.catch_up({"default": runtime})
    await redis.flushdb()
    await heard(runtime := desk_at(redis, tmp_path), "77010000001", "a gooseberry", "Ben")
    searched = ConversationList(redis, index)
    assert await names(searched, "gooseberry", runtime) == ["Ben"]
    await index.catch_up({"default": runtime})
    assert await names(searched, "gooseberry", runtime) == ["Ben"]
    assert await index.narrowed("default", [["gooseberry"]]) is not None and b"anna" not in bytes_of(tmp_path)


async def test_one_process_of_a_host_follows_at_a_time(redis: Redis, tmp_path: Path):
    runtime = desk_at(redis, tmp_path)
    one, other = SearchIndex(redis, tmp_path), SearchIndex(redis, tmp_path)
    await heard(runtime, "77010000000", "a gooseberry", "Anna")
    with one._alone() as mine:  # pyright: ignore[reportPrivateUsage]
        assert mine and not await other.catch_up({"default": runtime})
        assert not (tmp_path / "search.sqlite").exists()
    await other.catch_up({"default": runtime})
    assert await one.narrowed("default", [["gooseberry"]]) is not None


@pytest.mark.parametrize("trouble", ["no folder", "no trigrams", "damaged"])
async def test_where_there_can_be_no_index_the_plain_way_goes_on(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
):
    runtime = desk_at(redis, tmp_path)
    folder = tmp_path / "nowhere" if trouble == "no folder" else tmp_path
    if trouble == "no trigrams":
        schema = index_file._SCHEMA.replace("trigram", "unheard_of")  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(index_file, "_SCHEMA", schema)
    if trouble == "damaged":
        (tmp_path / "search.sqlite").write_bytes(b"no database at all " * 1000)
    index = SearchIndex(redis, folder)
    erased = await heard(runtime, "77010000000", "a gooseberry", "Anna")
    with capture_logs() as log:
        for _ in range(3):
            await index.catch_up({"default": runtime})
            assert await names(ConversationList(redis, index), "gooseberry", runtime) == ["Anna"]
    said = [line["event"] for line in log if line["event"] != "search_index_built"]
    assert said == ["search_index_remade" if trouble == "damaged" else "search_not_indexed"]
    contact = await runtime.conversations.contact(erased)
    assert contact and (await privacy.erased(redis, runtime, contact, True, index)).left == []


async def test_earlier_lines_put_before_are_found(redis: Redis, tmp_path: Path):
    from server.operators.importing import _put_before  # pyright: ignore[reportPrivateUsage]

    runtime, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    conversation = await heard(runtime, "77010000000", "hello", "Anna")
    await redis.lset(  # pyright: ignore[reportGeneralTypeIssues, reportUnknownMemberType]
        key("default", "transcript", conversation),
        0,
        Entry(id="m", author="contact", text="hello", at=9_000).model_dump_json(),
    )
    await index.catch_up({"default": runtime})
    assert await _put_before(runtime, conversation, [Entry(id="o", author="contact", text="elder", at=5)])
    with margin(0):
        assert await names(ConversationList(redis, index), "elder", runtime) == ["Anna"]
        await index.catch_up({"default": runtime})
        assert await names(ConversationList(redis, index), "elder", runtime) == ["Anna"]
