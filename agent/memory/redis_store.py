"""LangGraph's store over plain Redis: one hash a namespace, all of them of one bot.

    PREFIX:part:part  HASH  key of an item -> JSON {v: value, c: created, u: updated}, times in ISO 8601

A namespace is (bot id, part) or (bot id, part, part); the bot's id stands in the prefix, so that no bot
reaches the items of another. Search is by prefix and filter, in the order of the latest change; there is no
search by meaning, and no item expires: whoever keeps something here bounds it. A search in a namespace of
three parts reads one hash; one by a shorter prefix goes through all keys of the server, and is nothing for
every turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from agent.memory.redis_hashes import Hashes

Namespace = tuple[str, ...]
# The bot, and what names a hash of its items: nothing can be below it, so that nobody has to look.
DEEPEST = 3


class WrongNamespace(ValueError):
    """A namespace of another bot; the message says which one to use."""


class RedisItemStore(BaseStore):
    """The items of one bot. `prefix` names its keys in Redis, `bot_id` begins every namespace."""

    supports_ttl = False

    def __init__(self, client: Hashes, prefix: str, bot_id: str) -> None:
        self._client, self._prefix, self._bot_id = client, prefix, bot_id

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Refused inside a running event loop, which it would block; use `abatch` there."""
        return asyncio.run(self.abatch(ops))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """The results in the order of the operations; of several writes of one item the last one counts, and
        what is read is as it was before them. Raises WrongNamespace."""
        asked = list(ops)
        found: list[Result] = [await self._read(op) for op in asked]
        last = {(op.namespace, op.key): op for op in asked if isinstance(op, PutOp)}
        for op in last.values():
            await self._write(op)
        return found

    async def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            return (await self._items(op.namespace)).get(op.key)
        if isinstance(op, SearchOp):
            return await self._search(op)
        if isinstance(op, ListNamespacesOp):
            names: Any = await self._namespaces()
            return _in_memory(names, {}).batch([op])[0]
        return None

    async def _search(self, op: SearchOp) -> list[SearchItem]:
        if op.query:
            raise NotImplementedError("this store has no search by meaning; leave `query` out")
        names = await self._under(op.namespace_prefix)
        held = {name: items for name in names if (items := await self._items(name))}
        every = op._replace(limit=sum(map(len, held.values())) or 1, offset=0)
        matching: Any = _in_memory(list(held), held).batch([every])[0]
        original = [held[item.namespace][item.key] for item in matching]
        original.sort(key=lambda item: item.updated_at, reverse=True)
        return [
            SearchItem(item.namespace, item.key, item.value, item.created_at, item.updated_at)
            for item in original[op.offset : op.offset + op.limit]
        ]

    async def _write(self, op: PutOp) -> None:
        name = self._key(op.namespace)
        if op.value is None:
            async with self._client.pipeline() as pipe:
                pipe.hdel(name, op.key)
                await pipe.execute()
            return
        now = datetime.now(UTC)
        before = (await self._items(op.namespace)).get(op.key)
        row = {
            "v": dict(op.value),
            "c": (before.created_at if before else now).isoformat(),
            "u": now.isoformat(),
        }
        text = json.dumps(row, ensure_ascii=False)
        await self._client.hset(name, mapping={op.key.encode(): text.encode()})

    async def _items(self, namespace: Namespace) -> dict[str, Item]:
        rows = await self._client.hgetall(self._key(namespace))
        found: dict[str, Item] = {}
        for field, row in rows.items():
            held, key = json.loads(row), field.decode()
            created, updated = datetime.fromisoformat(held["c"]), datetime.fromisoformat(held["u"])
            found[key] = Item(
                value=held["v"], key=key, namespace=namespace, created_at=created, updated_at=updated
            )
        return found

    async def _under(self, prefix: Namespace) -> list[Namespace]:
        if len(prefix) >= DEEPEST and prefix[0] == self._bot_id:
            return [prefix] if len(prefix) == DEEPEST else []
        return [n for n in await self._namespaces() if n[: len(prefix)] == prefix]

    async def _namespaces(self) -> list[Namespace]:
        pattern = "".join(f"[{c}]" if c in "[]*?\\" else c for c in self._prefix) + ":*"
        names = [name async for name in self._client.scan_iter(match=pattern, count=1000)]
        parts = [name.decode().removeprefix(f"{self._prefix}:").split(":") for name in dict.fromkeys(names)]
        return [(self._bot_id, *map(unquote, some)) for some in parts]

    def _key(self, namespace: Namespace) -> str:
        if not 2 <= len(namespace) <= DEEPEST or namespace[0] != self._bot_id:
            raise WrongNamespace(
                f"{namespace}: a namespace here begins with the bot's id, {self._bot_id!r}, and has one part "
                "or two behind it"
            )
        return ":".join((self._prefix, *(quote(part, safe="-_.") for part in namespace[1:])))


def _in_memory(names: Sequence[Namespace], held: dict[Namespace, dict[str, Item]]) -> InMemoryStore:
    """A store of LangGraph's own with these items: its rules for filters and names are ours."""
    store = InMemoryStore()
    for name in names:
        items = list(held.get(name, {}).values())
        store.batch([PutOp(name, item.key, item.value) for item in items] or [PutOp(name, "", {"": ""})])
    return store
