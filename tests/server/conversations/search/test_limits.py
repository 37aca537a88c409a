"""The search index within its limits: of room, of time, and of what it may be trusted with."""

from __future__ import annotations

import random
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from channels.base import Message
from server.bots.bot import BotRuntime, runtimes
from server.config.settings import Settings
from server.conversations.listing import ConversationList
from server.conversations.search import index as module
from server.conversations.search import index_file
from server.conversations.search.index import SearchIndex
from server.conversations.search.index_file import IndexFile, Progress
from server.conversations.search.scan import ReadConversation
from server.operators.contact_list.begun import list_contact
from server.store.keys import key
from tests.support.office import heard

DAY = 86_400


def desk_at(redis: Redis, tmp_path: Path) -> BotRuntime:
    return runtimes(Settings(_env_file=None, data_dir=tmp_path, transcript_messages=12), redis)["default"]


async def names(redis: Redis, index: SearchIndex | None, query: str, desk: BotRuntime) -> list[str]:
    page = await ConversationList(redis, index).page({desk.bot.id: desk}, query=query)
    return sorted(row.contact.name for row in page.rows)


def of_file(path: Path, query: str) -> list[Any]:
    db = sqlite3.connect(path)
    try:
        rows = db.execute(query).fetchall()
        db.commit()
        return rows
    finally:
        db.close()


def test_what_was_replaced_is_overwritten_within_a_day_and_what_was_erased_at_once(tmp_path: Path):
    file = IndexFile(tmp_path / "search.sqlite")
    file.prepare()
    file.note("default", Progress("mark", 0))
    file.put("default", [ReadConversation("a", 1, 0, "Anna", ("a gooseberry",))])
    assert not file.tidy(time.time() + 2 * DAY), "nothing was taken out"
    file.put("default", [ReadConversation("a", 2, 0, "Berta", ("a gooseberry",))])
    assert not file.tidy(time.time() + 1)
    assert file.tidy(time.time() + DAY + 1) and not file.tidy(time.time() + 2 * DAY)
    file.put("default", [ReadConversation("a", 3, 0, "", ())])
    assert file.tidy(time.time() + 1)


def test_the_copy_made_when_tidying_up_is_not_in_memory(tmp_path: Path):
    file = IndexFile(tmp_path / "search.sqlite")
    file.prepare()
    file.note("default", Progress("mark", 0))
    file.put("default", [ReadConversation("a", 1, 0, "Anna", ("a gooseberry",))])
    file.put("default", [ReadConversation("a", 2, 0, "", ())])
    with pytest.MonkeyPatch.context() as patch:
        stores: list[int] = []
        rewrite = file._rewrite  # pyright: ignore[reportPrivateUsage]

        def watched(db: sqlite3.Connection) -> None:
            rewrite(db)
            stores.append(db.execute("PRAGMA temp_store").fetchone()[0])
            folder = db.execute("PRAGMA temp_store_directory").fetchone()
            assert folder is None or folder[0] == str(tmp_path.resolve())

        patch.setattr(file, "_rewrite", watched)
        assert file.tidy(time.time() + 1)
    assert stores == [1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["search.sqlite", "search.sqlite-tidying"]


async def test_an_index_whose_tidying_was_killed_is_made_anew(redis: Redis, tmp_path: Path):
    desk, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    await heard(desk, "77010000000", "a gooseberry", "Anna")
    await index.catch_up({"default": desk})
    of_file(tmp_path / "search.sqlite", "INSERT INTO untidy(due, tried) VALUES (0, 1)")
    with capture_logs() as log:
        for _ in range(3):
            await index.catch_up({"default": desk})
    assert [line["event"] for line in log] == ["search_index_remade", "search_index_built"]
    assert await names(redis, index, "gooseberry", desk) == ["Anna"]


async def test_an_index_that_grows_too_large_is_given_up(redis: Redis, tmp_path: Path):
    desk, letters = desk_at(redis, tmp_path), random.Random(1)
    for n in range(40):
        text = "".join(chr(letters.randrange(0x400, 0x4FF)) for _ in range(3000))
        await heard(desk, f"770100000{n:02}", f"gooseberry {text}", f"N{n}")
    with capture_logs() as log:
        for _ in range(2):  # of two processes, or after a restart
            index = SearchIndex(redis, tmp_path, 1)
            for _ in range(2):
                assert not await index.catch_up({"default": desk})
    assert [line["event"] for line in log if line["event"] != "search_index_built"] == [
        "search_index_too_large"
    ]
    assert not (tmp_path / "search.sqlite").exists()
    assert len(await names(redis, index, "gooseberry", desk)) == 40
    wider = SearchIndex(redis, tmp_path, 100)
    await wider.catch_up({"default": desk})
    assert await wider.narrowed("default", [["gooseberry"]]) is not None


async def test_an_index_that_stood_still_for_long_is_not_asked(redis: Redis, tmp_path: Path):
    desk, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    await heard(desk, "77010000000", "a gooseberry", "Anna")
    await index.catch_up({"default": desk})
    file = IndexFile(tmp_path / "search.sqlite")
    progress = file.progress("default")
    assert progress and await index.narrowed("default", [["gooseberry"]]) is not None
    file.note("default", replace(progress, until=progress.until - module.KEPT - 60_000))
    assert await index.narrowed("default", [["gooseberry"]]) is None


async def test_when_redis_went_back_every_index_is_made_anew(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MARGIN", 0)
    hosts = [tmp_path / "one", tmp_path / "two"]
    for host in hosts:
        host.mkdir()
    desk, indexes = desk_at(redis, tmp_path), [SearchIndex(redis, host) for host in hosts]
    client = cast(Any, redis)

    async def follow() -> None:
        for index in indexes:
            await index.catch_up({"default": desk})

    await heard(desk, "77010000000", "a gooseberry", "Anna")
    await follow()
    backup = {name: await client.dump(name) for name in await client.keys()}
    for n in range(12):  # as many lines as are kept
        await heard(desk, "77010000000", f"then quince {n}", "Anna")
    await follow()
    await client.flushdb()
    for name, value in backup.items():
        await client.restore(name, 0, value)
    for _ in range(2):
        assert [await names(redis, index, "gooseberry", desk) for index in indexes] == [["Anna"], ["Anna"]]
        await follow()
    assert await indexes[1].narrowed("default", [["gooseberry"]]) is not None


async def test_a_query_that_takes_too_long_goes_the_plain_way(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    desk, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    await heard(desk, "77010000000", "a gooseberry", "Anna")
    await index.catch_up({"default": desk})
    monkeypatch.setattr(index_file, "PATIENCE", -1.0)
    monkeypatch.setattr(index_file, "STEPS", 1)
    with capture_logs() as log:
        assert await index.narrowed("default", [["gooseberry"]]) is None
        assert await names(redis, index, "gooseberry", desk) == ["Anna"]
    assert log == []


async def test_a_long_word_and_numbers_together_or_apart_are_found(redis: Redis, tmp_path: Path):
    desk, index, word = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path), "abcdefghij" * 4
    await heard(desk, "77010000000", f"orders 12345 and 67890 {word}", "Anna")
    await heard(desk, "77010000001", "order 1234567890", "Ben")
    await heard(desk, "77010000002", f"order 12345 only {word[:-1]}", "Cleo")
    await index.catch_up({"default": desk})
    for asked in (None, index):
        assert await names(redis, asked, "12345 67890", desk) == ["Anna", "Ben"]
        assert await names(redis, asked, word, desk) == ["Anna"]


async def test_who_is_listed_with_an_old_date_is_found(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MARGIN", 0)
    monkeypatch.setattr(module, "ARGUMENTS", 2)
    desk, index = desk_at(redis, tmp_path), SearchIndex(redis, tmp_path)
    for n in range(5):
        await heard(desk, f"7701000000{n}", "a gooseberry", f"N{n}")
    card = Message(id="begun", account=desk.bot.account, kind="system", wa_id="77019876543")
    old = await desk.conversations.contact(await desk.conversations.identify(card, afresh=True))
    assert old
    await redis.delete(key("default", "changed"))
    await index.catch_up({"default": desk})
    await list_contact(desk, old.model_copy(update={"created": 1_000}))
    for _ in range(2):
        assert len(await names(redis, index, "77019876543", desk)) == 1
        await index.catch_up({"default": desk})
