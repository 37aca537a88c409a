"""One durable server a folder, gone with its owner."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from server.store.embedded import EmbeddedRedis
from tests.support.waiting import until


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sg") as name:
        yield Path(name)


def pid_of(server: EmbeddedRedis) -> int:
    return int(Redis.from_url(server.url).info("server")["process_id"])  # pyright: ignore[reportIndexIssue]


def test_data_survive_stop_and_kill(folder: Path):
    server = EmbeddedRedis(folder)
    client = Redis.from_url(server.start())
    client.set("a", "1")
    server.stop()
    server.start()
    assert client.get("a") == b"1"
    client.set("b", "2")
    os.kill(pid_of(server), signal.SIGKILL)
    assert server._process is not None
    server._process.wait()
    assert not server.alive
    server.start()
    assert (client.get("a"), client.get("b")) == (b"1", b"2")
    server.stop()


def test_what_customers_write_is_for_the_owner_of_the_folder_alone(folder: Path):
    server = EmbeddedRedis(folder)
    Redis.from_url(server.start()).set("a", "1")
    server.stop()
    files = [path for path in server.directory.rglob("*") if path.is_file()]
    assert {"server.log", "lock"} < {path.name for path in files}
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []


def test_a_second_process_attaches_to_the_same_server(folder: Path):
    owner, guest = EmbeddedRedis(folder), EmbeddedRedis(folder)
    owner.start()
    guest.start()
    assert (owner.owned, guest.owned) == (True, False)
    guest.stop()
    assert Redis.from_url(owner.url).ping()
    owner.stop()


async def test_the_server_ends_with_a_killed_owner_and_keeps_its_data(folder: Path):
    code = (
        "import sys,time; from pathlib import Path; from redis import Redis; from server.store.embedded "
        f"import EmbeddedRedis\ns=EmbeddedRedis(Path({str(folder)!r})); "
        "Redis.from_url(s.start()).set('a','1'); print('up',flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    heir = EmbeddedRedis(folder)
    pid = pid_of(heir)
    owner.kill()
    owner.wait()
    if sys.platform == "linux":
        await until(
            lambda: (
                not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
            )
        )
    assert Redis.from_url(heir.start()).get("a") == b"1"
    heir.stop()


def test_a_server_that_is_still_ending_is_waited_for(folder: Path):
    heir = EmbeddedRedis(folder)
    lock = os.open(heir.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    ends = threading.Timer(0.5, os.close, [lock])
    ends.start()
    assert Redis.from_url(heir.start()).ping() and heir.owned
    ends.join()
    heir.stop()


def test_only_its_owner_may_open_the_socket(folder: Path):
    server = EmbeddedRedis(folder)
    server.start()
    assert oct(os.stat(server.socket).st_mode)[-3:] == "700"
    server.stop()


def test_a_deep_folder_is_no_problem(folder: Path):
    deep = folder / ("d" * 90) / ("e" * 90)
    server = EmbeddedRedis(deep)
    assert Redis.from_url(server.start()).ping()
    server.stop()


def test_what_is_acknowledged_is_on_the_disk(tmp_path: Path):
    """Not `everysec`: while a sync is slow, that answers before it has written, and kill -9 takes the
    answer's reason."""
    server = EmbeddedRedis(tmp_path)
    with Redis.from_url(server.start()) as redis:
        assert redis.config_get("append*")["appendfsync"] == "always"  # pyright: ignore[reportIndexIssue]
        assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    server.stop()
