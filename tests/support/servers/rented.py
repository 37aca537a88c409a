"""A Redis-protocol server as people rent one: with limits, without a disk, with a narrow user, as a
replica."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from server.store.embedded import die_with_parent, server_binary
from tests.fakes.serving import free_port
from tests.support.waiting import slowness

KEEPS = ("--appendonly", "yes", "--save", "")


@contextlib.contextmanager
def rented(*options: str, sentinel: str = "") -> Iterator[int]:
    """The port of a server with these options, or of a Sentinel with this configuration."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sg") as folder, open(Path(folder) / "log", "wb") as log:
        command = [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, *options]
        if sentinel:
            place = Path(folder) / "sentinel.conf"
            place.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\n{sentinel}\n")
            command = [server_binary(), str(place), "--sentinel"]
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)
        try:
            end = time.monotonic() + 20 * slowness()
            while not _answers(port):
                assert process.poll() is None and time.monotonic() < end, (Path(folder) / "log").read_text()
                time.sleep(0.02)
            yield port
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with Redis(port=port, socket_timeout=1) as client:
            return bool(client.ping())
    except RedisError as error:
        return "NOAUTH" in str(error) or "Authentication" in str(error)
