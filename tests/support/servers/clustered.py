"""A Redis Cluster with replicas, as processes that can be killed."""

from __future__ import annotations

import time
from pathlib import Path

from redis.exceptions import RedisError

from tests.fakes.serving import free_port
from tests.support.servers.replicated import KEEPS, Server, until_true

CLUSTERED = (
    *("--cluster-enabled", "yes", "--cluster-node-timeout", "1500"),
    *("--cluster-replica-validity-factor", "0"),
)
SLOTS, PRIMARIES = 16384, 3


class Clustered:
    """A Redis Cluster of three primaries, each with a replica. `beside`: a key; the primary that is lost is
    the one that has it."""

    def __init__(self, folder: Path, beside: str) -> None:
        ports = [_cluster_port() for _ in range(2 * PRIMARIES)]
        self._beside = beside
        self.servers = [
            Server(folder / f"node{number}", "127.0.0.1", port) for number, port in enumerate(ports)
        ]
        self.url = f"redis+cluster://127.0.0.1:{ports[0]}"

    def start(self) -> None:
        """Start all, and wait until each slot has a primary and each primary its replica."""
        for server in self.servers:
            server.start(*KEEPS, *CLUSTERED)
        primaries, replicas = self.servers[:PRIMARIES], self.servers[PRIMARIES:]
        for number, server in enumerate(primaries):
            first, last = SLOTS * number // PRIMARIES, SLOTS * (number + 1) // PRIMARIES - 1
            server.direct.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            server.direct.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in self.servers[1:]:
            self.servers[0].direct.execute_command("CLUSTER", "MEET", server.host, server.port)
        known = f"cluster_known_nodes:{len(self.servers)}"
        until_true(lambda: all(known in self._says(server) for server in self.servers))
        for primary, replica in zip(primaries, replicas, strict=True):
            whose = primary.direct.execute_command("CLUSTER", "MYID")
            until_true(lambda r=replica, w=whose: _done(r, "CLUSTER", "REPLICATE", w))
        until_true(self.whole)

    def _says(self, server: Server) -> str:
        found = server.direct.execute_command("CLUSTER", "INFO")
        return found.decode() if isinstance(found, bytes) else str(found)

    def stop(self) -> None:
        """End all."""
        for server in self.servers:
            server.kill()

    def primary(self) -> Server | None:
        """Who has the key, if those who live agree."""
        named: set[int] = set()
        for server in self.servers:
            if server.alive:
                try:
                    named.add(self._holder(server))
                except (RedisError, StopIteration):
                    return None
        found = next((one for one in self.servers if {one.port} == named), None)
        return found if found and found.alive and found.role() == "master" else None

    def _holder(self, server: Server) -> int:
        """The port of the primary of the key's slot, as this node sees it."""
        slot = int(server.direct.execute_command("CLUSTER", "KEYSLOT", self._beside))
        rows = server.direct.execute_command("CLUSTER", "NODES")
        lines = rows.splitlines() if isinstance(rows, str) else rows.decode().splitlines()
        for words in map(str.split, lines):
            for held in words[8:] if "master" in words[2] else ():
                first, _, last = held.partition("-")
                if first.isdigit() and int(first) <= slot <= int(last or first):
                    return int(words[1].split("@")[0].rpartition(":")[2])
        raise StopIteration

    def whole(self) -> bool:
        """Whether every node says that all is well, and every primary has its replica."""
        try:
            if not all(server.alive and "cluster_state:ok" in self._says(server) for server in self.servers):
                return False
            told = [server.direct.info("replication") for server in self.servers]
        except RedisError:
            return False
        primaries = [row for row in told if row["role"] == "master"]  # pyright: ignore[reportIndexIssue]
        return len(primaries) == PRIMARIES and all(
            row["connected_slaves"] == 1 and row["slave0"]["state"] == "online"  # pyright: ignore[reportIndexIssue]
            for row in primaries
        )

    def lose_primary(self, away: float) -> None:
        """kill -9 the primary of the key; once its replica is promoted and `away` seconds have gone by, it
        comes back as the replica."""
        until_true(lambda: self.primary() is not None)
        old = self.primary()
        assert old
        old.kill()
        until_true(lambda: self.primary() is not None)
        time.sleep(away)
        old.start(*KEEPS, *CLUSTERED)
        until_true(self.whole)


def _done(server: Server, *command: str | bytes) -> bool:
    try:
        return bool(server.direct.execute_command(*command))
    except RedisError:  # it does not know of the other yet
        return False


def _cluster_port() -> int:
    """A free port whose cluster bus (10,000 above) is in range."""
    while (port := free_port()) >= 55_000:
        pass
    return port
