"""A three-node cluster from the bundled server binary."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from server.store.embedded import die_with_parent, server_binary
from tests.support.waiting import slowness

SLOTS = 16384


def _port() -> int:
    """A free port whose cluster bus (10,000 above) is in range."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 55_000:
            return port


@contextlib.contextmanager
def cluster(nodes: int = 3, replicas: int = 0) -> Iterator[str]:
    """The URL of a running cluster of primaries, each with so many replicas."""
    ports = [_port() for _ in range(nodes * (1 + replicas))]
    with tempfile.TemporaryDirectory(prefix="sg") as folder, contextlib.ExitStack() as stack:
        processes = []
        for port in ports:
            place = Path(folder) / str(port)
            place.mkdir()
            arguments = [
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                str(place),
                "--save",
                "",
                "--appendonly",
                "yes",
            ]
            options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--daemonize", "no"]
            log = stack.enter_context(open(place / "log", "wb"))
            command = [server_binary(), *arguments, *options]
            processes.append(subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent))
        try:
            clients = [stack.enter_context(Redis(port=port)) for port in ports]
            _until(lambda: all(client.ping() for client in clients))
            for number, client in enumerate(clients[:nodes]):
                first, last = SLOTS * number // nodes, SLOTS * (number + 1) // nodes - 1
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            for port in ports:
                clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
            _until(lambda: all("cluster_state:ok" in _info(client) for client in clients))
            _until(lambda: all(f"cluster_known_nodes:{len(ports)}" in _info(client) for client in clients))
            for number, client in enumerate(clients[nodes:]):
                whose = str(clients[number % nodes].execute_command("CLUSTER", "MYID"), "ascii")
                client.execute_command("CLUSTER", "REPLICATE", whose)
            yield f"redis+cluster://127.0.0.1:{ports[0]}"
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _info(client: Redis) -> str:
    found = client.execute_command("CLUSTER", "INFO")
    return found.decode() if isinstance(found, bytes) else str(found)


def _until(look: object) -> None:
    end = time.monotonic() + 20 * slowness()
    while time.monotonic() < end:
        try:
            if look():  # pyright: ignore[reportCallIssue]
                return
        except RedisError:
            pass
        time.sleep(0.05)
    raise AssertionError("the cluster did not come up")
