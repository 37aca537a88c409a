"""`salesgraph ingest` of a folder; `salesgraph knowledge move` into a real PostgreSQL server and back, and
what is said otherwise."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.bots.knowledge import RedisStore
from tests.support.command_line import run


@pytest.mark.slow
def test_documents_are_moved_into_postgresql_and_checked(tmp_path: Path, postgres_url: str):
    (tmp_path / "hours.md").write_text("# Hours\n\nThe shop is open from 10 to 19 on weekdays.")
    assert run(tmp_path, "ingest", str(tmp_path / "hours.md")).returncode == 0
    done = run(tmp_path, "knowledge", "move", "memory", "postgres", "--engine", postgres_url)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "default: 1 documents, 1 passages moved; 1 looked for, 0 problems" in said
    assert "Set KNOWLEDGE_ENGINE" in said
    back = run(tmp_path, "knowledge", "move", "postgres", "memory", "--bot", "default")
    assert back.returncode == 0 and "1 passages moved" in back.stderr


async def test_a_folder_is_announced_once(tmp_path: Path, redis: Redis, redis_url: str):
    shop = tmp_path / "shop"
    shop.mkdir()
    for number in range(4):
        (shop / f"{number}.md").write_text(f"# Shop {number}\n\nIt is open from 10 to 19.")
    done = await asyncio.to_thread(run, tmp_path, "ingest", str(shop), REDIS_URL=redis_url)
    assert done.returncode == 0, done.stderr
    store = RedisStore(redis)
    assert len(await store.versions("default")) == 4 and await store.version("default") == "1"


@pytest.mark.slow
def test_a_move_that_cannot_be_names_the_remedy(tmp_path: Path):
    for words, remedy in (
        (("memory", "memory"), "TO: write another engine than FROM"),
        (("memory", "qdrant"), "TO: write one of memory, postgres, own"),
        (("memory", "postgres"), "--engine: write postgresql://"),
        (("memory", "own"), "--engine: write module:function"),
    ):
        done = run(tmp_path, "knowledge", "move", *words)
        assert done.returncode == 2 and remedy in done.stderr
    done = run(tmp_path, "knowledge", "move", "memory", "own", "--engine", "nowhere:made")
    assert done.returncode == 1 and "nowhere:made cannot be used" in done.stderr
    done = run(tmp_path, "doctor", KNOWLEDGE_ENGINE="oracle")
    assert done.returncode == 2 and "KNOWLEDGE_ENGINE: write memory, postgresql://" in done.stderr
