"""Working memory of conversations on plain Redis: no modules, Cluster-safe, one hash per conversation.

One key means one expiry, one deletion, one slot, and one HGETALL loads a thread. Fields, separated by \\x1f
because namespaces hold ':' and '|':

    l NS                     id of the checkpoint put last
    c NS ID                  checkpoint without its channel values, metadata, parent id
    b NS CHANNEL VERSION     a channel value, stored once per version
    w NS ID TASK INDEX       a pending write, with its channel and the path of its task
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import ormsgpack
import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
    writes_sort_key,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from redis.exceptions import RedisError

from agent.memory.redis_hashes import Hashes
from agent.serializer import Poisoned, StrictSerializer

_SEP = "\x1f"
LATE = 0.02

log = structlog.get_logger()

# KEYS thread [holder] | ARGV ttl keep-latest namespace id fence live-count live-field... field value... : 0
# when another holds the conversation now
_PUT = """
if KEYS[2] and redis.call('HGET', KEYS[2], 'fence') ~= ARGV[5] then return 0 end
local sep, ns, id = '\\31', ARGV[3], ARGV[4]
local live, first = {}, 7 + tonumber(ARGV[6])
for i = 7, first - 1 do live[ARGV[i]] = true end
for i = first, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if ARGV[2] == '1' then
  local own, gone = sep .. ns .. sep, {}
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 2, 1 + #own) == own then
      local kind = string.sub(field, 1, 1)
      local head = string.match(string.sub(field, 2 + #own), '^[^' .. sep .. ']*')
      local old = kind == 'b' and not live[field] or (kind == 'c' or kind == 'w') and head ~= id
      if old then gone[#gone + 1] = field end
    end
  end
  for i = 1, #gone, 500 do redis.call('HDEL', KEYS[1], unpack(gone, i, math.min(i + 499, #gone))) end
end
if tonumber(ARGV[1]) > 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return 1
"""
# KEYS thread | ARGV ttl, then triples: overwrite field value
_WRITE = """
for i = 2, #ARGV, 3 do
  redis.call(ARGV[i] == '1' and 'HSET' or 'HSETNX', KEYS[1], ARGV[i + 1], ARGV[i + 2])
end
if tonumber(ARGV[1]) > 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return 1
"""


class LeaseLost(RuntimeError):
    """Another run holds the thread now; this one must store nothing more."""


# What one task wrote: (channel, value) pairs, task id, task path.
_Writes = tuple[Sequence[tuple[str, Any]], str, str]


class RedisCheckpointer(BaseCheckpointSaver[str]):
    """A LangGraph checkpointer for Redis 6.2+ or Valkey; asynchronous only.

    `keep="latest"` keeps one checkpoint per namespace, so a thread stays as small as its state: no history,
    no time travel, and no `DeltaChannel`, which replays old writes. `keep="all"` keeps every checkpoint.
    `ttl` is in seconds, 0 for ever, renewed by every write. One run at a time may write to a thread: `holder`
    names the hash (in the same slot) whose field `fence` must be the `fence` of the run's config, else
    LeaseLost is raised and nothing stored.

    With `keep="latest"`, what a task wrote is stored `LATE` seconds later, unless the next checkpoint, which
    holds it too, is stored before: in most steps it is. A process killed in that moment runs the task again
    when it resumes."""

    def __init__(
        self,
        client: Hashes,
        *,
        prefix: str = "thread",
        keep: Literal["latest", "all"] = "latest",
        ttl: int = 0,
        holder: Callable[[str], str] | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde or StrictSerializer())
        self._client, self._prefix, self._keep_latest, self._ttl = client, prefix, keep == "latest", ttl
        self._holder = holder
        self._late: dict[tuple[str, str, str], list[_Writes]] = {}
        self._flushes: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._put, self._write = client.register_script(_PUT), client.register_script(_WRITE)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The named or the latest checkpoint; an unreachable server raises, it is never "no conversation".
        Raises Poisoned for what we did not write."""
        thread_id, ns = _place(config)
        thread = await self._thread(thread_id)
        checkpoint_id = get_checkpoint_id(config) or thread.latest.get(ns)
        return self._tuple(thread, thread_id, ns, checkpoint_id) if checkpoint_id else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Checkpoints, newest first; without a config those of every thread (a scan: for maintenance
        only)."""
        wanted = config["configurable"] if config and "configurable" in config else {}
        ids = [str(wanted["thread_id"])] if "thread_id" in wanted else [i async for i in self._thread_ids()]
        only_id = get_checkpoint_id(config) if config else None
        before_id = get_checkpoint_id(before) if before else None
        left = limit if limit is not None else float("inf")
        for thread_id in ids:
            thread = await self._thread(thread_id)
            for ns, checkpoint_id in sorted(thread.checkpoints, key=lambda place: place[1], reverse=True):
                if wanted.get("checkpoint_ns") not in (None, ns) or only_id not in (None, checkpoint_id):
                    continue
                if before_id and checkpoint_id >= before_id:
                    continue
                found = self._tuple(thread, thread_id, ns, checkpoint_id)
                if found is None or any(found.metadata.get(k) != v for k, v in (filter or {}).items()):
                    continue
                if left <= 0:
                    return
                left -= 1
                yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint and its new channel values in one atomic step."""
        thread_id, ns = _place(config)
        checkpoint_id, parent = checkpoint["id"], config.get("configurable", {}).get("checkpoint_id")
        body: dict[str, Any] = dict(checkpoint)
        values = body.pop("channel_values", {})
        record = ormsgpack.packb(
            [self._dump(body), self._dump(get_checkpoint_metadata(config, metadata)), parent]
        )
        fields: list[str | bytes] = [_field("l", ns), checkpoint_id, _field("c", ns, checkpoint_id), record]
        for channel, version in new_versions.items():
            if channel in values:
                fields += [_field("b", ns, channel, str(version)), self._dump(values[channel])]
        live = [
            _field("b", ns, channel, str(version))
            for channel, version in checkpoint["channel_versions"].items()
        ]
        if parent:
            self._late.pop((thread_id, ns, parent), None)
        fence = config.get("configurable", {}).get("fence")
        keys = [self._key(thread_id)]
        if self._holder and fence is not None:
            keys.append(self._holder(thread_id))
        latest = int(self._keep_latest)
        args = [
            self._ttl,
            latest,
            ns,
            checkpoint_id,
            "" if fence is None else fence,
            len(live),
            *live,
            *fields,
        ]
        if not await self._put(keys=keys, args=args):
            raise LeaseLost(thread_id)
        return _config(thread_id, ns, checkpoint_id)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store all writes of one task in one atomic step; a repeated ordinary write changes nothing."""
        thread_id, ns = _place(config)
        place = (thread_id, ns, config.get("configurable", {})["checkpoint_id"])
        if not self._keep_latest:
            await self._store(place, (writes, task_id, task_path))
        elif place in self._late:
            self._late[place].append((writes, task_id, task_path))
        else:
            self._late[place] = [(writes, task_id, task_path)]
            asyncio.get_running_loop().call_later(LATE, self._begin_flush, place)

    def _begin_flush(self, place: tuple[str, str, str]) -> None:
        if place in self._late:
            self._flushes[place] = asyncio.create_task(self._flush(place))
            self._flushes[place].add_done_callback(lambda _: self._flushes.pop(place, None))

    async def _flush(self, place: tuple[str, str, str]) -> None:
        try:
            for written in self._late.pop(place, ()):
                await self._store(place, written)
        except (RedisError, OSError) as error:  # the next checkpoint fails too, and the turn with it
            log.warning("writes_not_stored", error=repr(error)[:200])

    async def _store(self, place: tuple[str, str, str], written: _Writes) -> None:
        thread_id, ns, checkpoint_id = place
        writes, task_id, task_path = written
        args: list[Any] = [self._ttl]
        for position, (channel, value) in enumerate(writes):
            index = WRITES_IDX_MAP.get(channel, position)
            record = ormsgpack.packb([channel, task_path, self._dump(value)])
            args += [int(index < 0), _field("w", ns, checkpoint_id, task_id, str(index)), record]
        if writes:
            await self._write(keys=[self._key(thread_id)], args=args)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        for place in [place for place in self._late if place[0] == thread_id]:
            del self._late[place]
        await self._client.delete(self._key(thread_id))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread, onto an empty target."""
        raw = await self._raw(source_thread_id)
        if raw:
            await self._client.hset(self._key(target_thread_id), mapping=raw)
            if self._ttl:
                await self._client.expire(self._key(target_thread_id), self._ttl)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that these runs wrote, in every thread (a scan: for maintenance only)."""
        runs = set(run_ids)
        async for thread_id in self._thread_ids():
            thread = await self._thread(thread_id)
            places = [
                p
                for p in thread.checkpoints
                if (t := self._tuple(thread, thread_id, *p)) and t.metadata.get("run_id") in runs
            ]
            await self._drop(thread_id, thread, set(places))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep only the latest checkpoint of each namespace, or (`delete`) nothing."""
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
                continue
            thread = await self._thread(thread_id)
            await self._drop(thread_id, thread, set(thread.checkpoints) - set(thread.latest.items()))

    def get_next_version(self, current: str | None, channel: None) -> str:
        """A version that two branches of one checkpoint never share, so neither reads the other's values."""
        count = 0 if current is None else int(str(current).split(".")[0])
        return f"{count + 1:012d}.{random.getrandbits(32):08x}"

    def _key(self, thread_id: str) -> str:
        return f"{self._prefix}:{thread_id}"

    async def _raw(self, thread_id: str) -> Any:
        for place in [place for place in (*self._late, *self._flushes) if place[0] == thread_id]:
            await (self._flushes.get(place) or self._flush(place))
        return await self._client.hgetall(self._key(thread_id))

    async def _thread(self, thread_id: str) -> _Thread:
        raw = await self._raw(thread_id)
        try:
            return _Thread(raw)
        except (ValueError, TypeError, IndexError) as error:
            raise Poisoned(f"fields that cannot be read ({type(error).__name__})") from error

    async def _thread_ids(self) -> AsyncIterator[str]:
        pattern = "".join(f"[{c}]" if c in "[]*?\\" else c for c in self._prefix) + ":*"
        async for found in self._client.scan_iter(match=pattern, count=500):
            yield found.decode().removeprefix(f"{self._prefix}:")

    def _dump(self, value: Any) -> bytes:
        kind, data = self.serde.dumps_typed(value)
        return kind.encode() + b"\0" + data

    def _load(self, raw: bytes) -> Any:
        kind, _, data = raw.partition(b"\0")
        return self.serde.loads_typed((kind.decode("ascii", "replace"), data))

    def _tuple(self, thread: _Thread, thread_id: str, ns: str, checkpoint_id: str) -> CheckpointTuple | None:
        raw = thread.checkpoints.get((ns, checkpoint_id))
        if raw is None:
            return None
        try:
            body, metadata, parent = ormsgpack.unpackb(raw)
            checkpoint = self._load(body)
            blobs = {
                channel: thread.blobs.get((ns, channel, str(v)))
                for channel, v in checkpoint["channel_versions"].items()
            }
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, Poisoned):
                raise
            raise Poisoned(f"a checkpoint that cannot be read ({type(error).__name__})") from error
        values = {channel: self._load(blob) for channel, blob in blobs.items() if blob is not None}
        return CheckpointTuple(
            config=_config(thread_id, ns, checkpoint_id),
            checkpoint=cast(Checkpoint, {**checkpoint, "channel_values": values}),
            metadata=self._load(metadata),
            parent_config=_config(thread_id, ns, parent) if parent else None,
            pending_writes=[
                (task, channel, self._load(data)) for task, channel, data in thread.writes(ns, checkpoint_id)
            ],
        )

    async def _drop(self, thread_id: str, thread: _Thread, gone: set[tuple[str, str]]) -> None:
        if not gone:
            return
        kept: dict[str, str] = {}
        live: set[tuple[str, str, str]] = set()
        for ns, checkpoint_id in thread.checkpoints.keys() - gone:
            kept[ns] = max(kept.get(ns, ""), checkpoint_id)
            versions = self._load(ormsgpack.unpackb(thread.checkpoints[ns, checkpoint_id])[0])[
                "channel_versions"
            ]
            live |= {(ns, channel, str(version)) for channel, version in versions.items()}
        fields = [_field("c", *place) for place in gone] + [
            _field("b", *blob) for blob in thread.blobs.keys() - live
        ]
        fields += [name for place in gone for name in thread.write_fields(*place)]
        fields += [_field("l", ns) for ns in thread.latest.keys() - kept.keys()]
        moved = {_field("l", ns): kept[ns] for ns in kept if (ns, thread.latest.get(ns)) in gone}
        async with self._client.pipeline() as pipe:
            if moved:
                pipe.hset(self._key(thread_id), mapping=moved)
            pipe.hdel(self._key(thread_id), *fields)
            await pipe.execute()


class _Thread:
    """One HGETALL, indexed."""

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self.latest: dict[str, str] = {}
        self.checkpoints: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[tuple[str, str, str], bytes] = {}
        self._writes: dict[tuple[str, str], list[tuple[Any, str, str, bytes, str]]] = {}
        for name, value in raw.items():
            kind, *place = name.decode().split(_SEP)
            if kind == "l":
                self.latest[place[0]] = value.decode()
            elif kind == "c":
                self.checkpoints[place[0], place[1]] = value
            elif kind == "b":
                self.blobs[place[0], place[1], place[2]] = value
            elif kind == "w":
                ns, checkpoint_id, task, index = place
                channel, path, data = ormsgpack.unpackb(value)
                row = (writes_sort_key(path, task, int(index)), task, channel, data, name.decode())
                self._writes.setdefault((ns, checkpoint_id), []).append(row)

    def writes(self, ns: str, checkpoint_id: str) -> Iterable[tuple[str, str, bytes]]:
        """(task id, channel, value) in the order in which the tasks ran."""
        rows = sorted(self._writes.get((ns, checkpoint_id), ()), key=lambda row: row[0])
        return [(task, channel, data) for _, task, channel, data, _ in rows]

    def write_fields(self, ns: str, checkpoint_id: str) -> list[str]:
        """Names of the hash fields that hold a checkpoint's pending writes."""
        return [row[-1] for row in self._writes.get((ns, checkpoint_id), ())]


def _field(*parts: str) -> str:
    return _SEP.join(parts)


def _place(config: RunnableConfig) -> tuple[str, str]:
    wanted = config.get("configurable", {})
    return str(wanted["thread_id"]), wanted.get("checkpoint_ns", "")


def _config(thread_id: str, ns: str, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ns, "checkpoint_id": checkpoint_id}}
