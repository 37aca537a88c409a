"""A primary with replicas and Sentinels, as processes that can be killed, stopped and cut off."""

from __future__ import annotations

import contextlib
import os
import signal
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

KEEPS = ("--appendonly", "yes", "--save", "", "--repl-diskless-sync-delay", "0")
# A replica is taken for gone after this, and a failover that does not succeed is tried again (ms).
DOWN_AFTER, FAILOVER_TIMEOUT = 1000, 3000
SENTINELS = 3


class Server:
    """One server process, at an address of its own; `inside`: words before its command, which put it into a
    network namespace."""

    def __init__(self, folder: Path, host: str, port: int, inside: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.host, self.port = folder, host, port
        self._inside = inside
        self._process: subprocess.Popen[bytes] | None = None
        self.direct = Redis(host=host, port=port, socket_timeout=2, socket_connect_timeout=2)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, *options: str) -> None:
        """Start it, with what its folder holds, and wait until it answers."""
        place = ("--port", str(self.port), "--bind", self.host, "--dir", str(self.folder))
        self._run([server_binary(), *place, "--protected-mode", "no", *options])

    def start_sentinel(self, *lines: str) -> None:
        """Start it as a Sentinel with these lines of configuration."""
        conf = self.folder / "sentinel.conf"
        if not conf.exists():  # what a Sentinel has learned stands in it
            conf.write_text(
                "\n".join([f"port {self.port}", f"bind {self.host}", "protected-mode no", *lines, ""])
            )
        self._run([server_binary(), str(conf), "--sentinel"])

    def _run(self, command: list[str]) -> None:
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [*self._inside, *command], stdout=log, stderr=log, preexec_fn=die_with_parent
            )
        end = time.monotonic() + 20 * slowness()
        while not self._answers():
            assert self.alive and time.monotonic() < end, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return bool(self.direct.ping())
        except RedisError as error:
            return "LOADING" in str(error) or "loading" in str(error)

    def signal(self, what: int) -> None:
        """Send its process a signal."""
        if self._process is not None and self.alive:
            self._process.send_signal(what)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def role(self) -> str:
        """`master` or `slave`; empty while it does not answer."""
        try:
            return str(self.direct.info("replication")["role"])  # pyright: ignore[reportIndexIssue]
        except RedisError:
            return ""


@contextlib.contextmanager
def replica_of(port: int, *options: str) -> Iterator[Server]:
    """A replica of a server on this machine."""
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        server = Server(Path(folder) / "replica", "127.0.0.1", free_port())
        try:
            server.start(*(options or KEEPS), "--replicaof", "127.0.0.1", str(port))
            yield server
        finally:
            server.kill()
