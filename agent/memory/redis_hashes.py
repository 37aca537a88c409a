"""What working memory asks of a Redis client: a few commands on hashes, and scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class HashScript(Protocol):
    """A script that the server keeps."""

    async def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run it."""


class HashPipeline(Protocol):
    """Commands that are sent together."""

    async def execute(self) -> list[Any]: ...
    def hdel(self, name: str, *keys: str | bytes) -> object: ...
    def hset(self, name: str, *, mapping: Mapping[str, str]) -> object: ...


class Hashes(Protocol):
    """A client of a server or of a cluster."""

    def pipeline(self) -> AbstractAsyncContextManager[HashPipeline]: ...
    def register_script(self, script: str) -> HashScript: ...
    def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]: ...
    async def delete(self, *names: str) -> int: ...
    async def expire(self, name: str, time: int) -> bool: ...
    async def hgetall(self, name: str) -> dict[bytes, bytes]: ...
    async def hset(self, name: str, *, mapping: Mapping[bytes, bytes]) -> int: ...
