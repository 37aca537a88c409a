"""A primary with replicas and Sentinels, as processes that can be killed, stopped and cut off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
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
CLUSTERED = (
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1500",
    "--cluster-replica-validity-factor",
    "0",
)
SLOTS, PRIMARIES = 16384, 3


def until_true(look: Callable[[], bool]) -> None:
    """Wait for it; AssertionError after a minute on a quick machine."""
    end = time.monotonic() + 60 * slowness()
    while not look():
        assert time.monotonic() < end, "no primary with its replicas"
        time.sleep(0.05)


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


class Network:
    """A network namespace for each of some hosts on one bridge, so that one can be cut off from the others
    while this machine still reaches all of them. Needs root and iproute2."""

    def __init__(self, hosts: int) -> None:
        unique = os.getpid()
        self._bridge, self._names = f"sgb{unique}", [f"sg{unique}h{number}" for number in range(hosts)]
        self._net = f"10.{200 + unique // 250 % 50}.{unique % 250}"
        self.addresses = [f"{self._net}.{number + 1}" for number in range(hosts)]

    def start(self) -> None:
        """Make it. Raises CalledProcessError or OSError where that is not allowed."""
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self._net}.254/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for number, (name, address) in enumerate(zip(self._names, self.addresses, strict=True)):
            _ip("netns", "add", name)
            end = f"{self._bridge}.{number}"
            _ip("link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", end, "master", self._bridge, "up")
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", name, "link", "set", device, "up")

    def stop(self) -> None:
        """Take it away, as far as it is there."""
        for name in self._names:
            _ip("netns", "del", name, check=False)
        _ip("link", "del", self._bridge, check=False)

    def inside(self, host: int) -> tuple[str, ...]:
        """The words before a command that runs on a host."""
        return ("ip", "netns", "exec", self._names[host])

    def cut(self, host: int) -> None:
        """Nothing goes from a host to the others any more."""
        self._routes(host, "add")

    def join(self, host: int) -> None:
        """The end of `cut`."""
        self._routes(host, "del")

    def _routes(self, host: int, what: str) -> None:
        for other, address in enumerate(self.addresses):
            if other != host:
                _ip("-n", self._names[host], "route", what, "blackhole", f"{address}/32")


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)


class Watched:
    """A primary with two replicas, and a Sentinel beside each; on one address, or on a network of their
    own."""

    def __init__(self, folder: Path, network: Network | None = None) -> None:
        hosts = network.addresses if network else ["127.0.0.1"] * SENTINELS
        places = [network.inside(number) if network else () for number in range(SENTINELS)]
        ports = [6379] * SENTINELS if network else [free_port() for _ in range(SENTINELS)]
        watchers = [26379] * SENTINELS if network else [free_port() for _ in range(SENTINELS)]
        self._network = network
        self.servers = [
            Server(folder / f"server{number}", hosts[number], ports[number], places[number])
            for number in range(SENTINELS)
        ]
        self.sentinels = [
            Server(folder / f"sentinel{number}", hosts[number], watchers[number], places[number])
            for number in range(SENTINELS)
        ]
        seen = ",".join(f"{one.host}:{one.port}" for one in self.sentinels)
        self.url = f"redis+sentinel://{seen}/main"

    def start(self) -> None:
        """Start all, and wait until each replica has all of the primary."""
        first, *others = self.servers
        first.start(*KEEPS)
        for server in others:
            server.start(*KEEPS, "--replicaof", first.host, str(first.port))
        for sentinel in self.sentinels:
            sentinel.start_sentinel(
                f"sentinel monitor main {first.host} {first.port} 2",
                f"sentinel down-after-milliseconds main {DOWN_AFTER}",
                f"sentinel failover-timeout main {FAILOVER_TIMEOUT}",
                "sentinel parallel-syncs main 2",
            )
        until_true(lambda: self.whole() and all(self._knows_all(one) for one in self.sentinels))

    def _knows_all(self, sentinel: Server) -> bool:
        (row,) = sentinel.direct.sentinel_masters().values()  # pyright: ignore[reportAttributeAccessIssue]
        return row["num-other-sentinels"] == SENTINELS - 1 and row["num-slaves"] == SENTINELS - 1

    def stop(self) -> None:
        """End all."""
        for server in (*self.sentinels, *self.servers):
            server.kill()

    def primary(self, asked: tuple[int, ...] = tuple(range(SENTINELS))) -> Server | None:
        """Whom all of these Sentinels name, if they agree and it takes writes."""
        try:
            named = {
                self.sentinels[number].direct.sentinel_get_master_addr_by_name("main")  # pyright: ignore[reportAttributeAccessIssue]
                for number in asked
            }
        except RedisError:
            return None
        if len(named) != 1:
            return None
        host, port = named.pop()
        where = (host.decode() if isinstance(host, bytes) else host, int(port))
        server = next(one for one in self.servers if (one.host, one.port) == where)
        return server if server.role() == "master" else None

    def whole(self) -> bool:
        """Whether there is one primary, and both of the others follow it with all that it has."""
        primary = self.primary()
        try:
            if primary is None or any(not server.alive for server in self.servers):
                return False
            told = primary.direct.info("replication")
            rows = [told[f"slave{number}"] for number in range(told["connected_slaves"])]  # pyright: ignore[reportIndexIssue]
        except (RedisError, KeyError):
            return False
        return len(rows) == SENTINELS - 1 and all(row["state"] == "online" for row in rows)

    def lose_primary(self, away: float) -> None:
        """kill -9 the primary; once another is promoted and `away` seconds have gone by, the old one comes
        back as its replica."""
        old = self._primary_soon()
        old.kill()
        new = self._promoted(old, tuple(range(SENTINELS)))
        time.sleep(away)
        old.start(*KEEPS, "--replicaof", new.host, str(new.port))
        until_true(self.whole)

    def cut_off_primary(self, away: float) -> None:
        """Cut the primary off from its replicas and from the other Sentinels, while clients reach it as
        before; `away` seconds after another is promoted they come together again."""
        assert self._network
        old = self._primary_soon()
        number = self.servers.index(old)
        self._network.cut(number)
        try:
            self._promoted(old, tuple(other for other in range(SENTINELS) if other != number))
            time.sleep(away)
        finally:
            self._network.join(number)
        until_true(self.whole)

    def _primary_soon(self) -> Server:
        until_true(lambda: self.primary() is not None)
        found = self.primary()
        assert found
        return found

    def _promoted(self, old: Server, asked: tuple[int, ...]) -> Server:
        until_true(lambda: self.primary(asked) not in (None, old))
        found = self.primary(asked)
        assert found and found is not old
        return found
