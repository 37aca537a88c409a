"""Scripts and confirmed writes on a Redis Cluster: each goes to the primary of its slot by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio.cluster import PipelineCommand, RedisCluster
from redis.exceptions import (
    ConnectionError,
    MovedError,
    NoScriptError,
    SlotNotCoveredError,
    TimeoutError,
)

from server.store.wire.confirming import Confirmation, Value, touch, with_refusals

# How often a confirmed write looks for the primary of its slot anew.
TRIES = 3


class Cluster(RedisCluster):
    """A client of a cluster."""

    confirmation: Confirmation | None = None

    def register_script(self, script: Any) -> Any:
        return ClusterScript(self, script)

    async def confirmed(self, *command: Value) -> Any:
        """A command whose first argument is its key, answered once enough replicas have what it writes.
        Raises RedisError."""
        return await self.confirmed_at(str(command[1]), command)

    async def confirmed_at(self, name: str | bytes, command: tuple[Value, ...]) -> Any:
        """The same for a command on the slot of the key `name`."""
        client = cast(Any, self)  # redis-py types it in part
        if self.confirmation is None:
            return await client.execute_command(*command)
        asked = (command, touch(name), self.confirmation.command)
        for left in reversed(range(TRIES)):
            commands = [PipelineCommand(number, *one) for number, one in enumerate(asked)]
            try:
                await client.initialize()
                node = client.get_node_from_key(name)
                await node.execute_pipeline(commands)
                # what a node that is no primary answers is an error, and its touch and WAIT say nothing
                lost = next((c.result for c in commands if isinstance(c.result, ELSEWHERE)), None)
            except SlotNotCoveredError as error:  # no RedisError by itself
                lost = ConnectionError(str(error))
            except ELSEWHERE as error:
                lost = error
            if lost is None:
                answer, _, waited = (one.result for one in commands)
                (found,) = with_refusals([answer], waited, self.confirmation)
                if isinstance(found, Exception):
                    raise found
                return found
            if not left:
                raise lost
            # a command that redis-py sends itself finds out who has the slot now
            await client.execute_command("EXISTS", name)


ELSEWHERE = (MovedError, ConnectionError, TimeoutError)


class ClusterScript:
    """A script that every primary keeps; called with keys and arguments."""

    def __init__(self, cluster: Cluster, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._cluster = cluster

    async def __call__(
        self, keys: Sequence[str | bytes], args: Sequence[Value] = (), confirmed: bool = False
    ) -> Any:
        """Run it. Raises RedisError."""
        rest = (len(keys), *keys, *args)
        try:
            return await self._run(keys[0], ("EVALSHA", self.sha, *rest), confirmed)
        except NoScriptError:
            return await self._run(keys[0], ("EVAL", self.text, *rest), confirmed)

    async def _run(self, name: str | bytes, command: tuple[Value, ...], confirmed: bool) -> Any:
        if confirmed:
            return await self._cluster.confirmed_at(name, command)
        return await cast(Any, self._cluster).execute_command(*command)
