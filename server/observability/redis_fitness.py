"""Whether a Redis keeps what was acknowledged: what it says of itself, and what to do about it.

A server that throws keys away when it is full, or forgets everything when it is restarted, loses messages
that were answered with 200. Such a one is refused, with the remedy, unless REDIS_MAY_LOSE says otherwise;
then health and dashboard keep saying so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from server.config.settings import Settings
from server.store import alerts
from server.store.client import Redis
from server.store.keys import SHARED, key

ALERT = "redis"
# How often it is looked at while we work, seconds.
PAUSE = 30.0
# Of the clients a server takes: left for others, and how many processes share the rest.
LEFT, SHARES = 6, 3
FEW = 4

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fitness:
    """What a server says of itself. `refused`: why it must not be used, with the remedy; `warned`: what may
    go wrong; `noted`: what would be better; `clients`: how many it takes (0: it does not say)."""

    refused: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    clients: int = 0
    noted: tuple[str, ...] = ()

    def connections(self, wanted: int) -> int:
        """How many connections a process may have when it wants so many."""
        return max(FEW, min(wanted, (self.clients - LEFT) // SHARES)) if self.clients else wanted


async def inspect_redis(redis: Redis, replicas: int = 0) -> Fitness:
    """What a server, or each primary of a cluster, says of itself; `replicas`: how many must have a write
    (REDIS_WAIT). Raises RedisError while it does not answer."""
    refused, warned, clients = list[str](), list[str](), list[int]()
    try:
        rows = await _infos(redis)
    except (NoPermissionError, ResponseError) as error:
        return Fitness(
            warned=(
                f"the user of REDIS_URL may not ask INFO, so nobody knows whether messages last ({error})",
            )
        )
    for row in rows:
        policy = str(row.get("maxmemory_policy", "noeviction"))
        if policy != "noeviction":
            refused.append(
                f"it throws keys away when it is full (maxmemory-policy {policy}), acknowledged messages "
                "among them; set maxmemory-policy noeviction"
            )
        if str(row.get("aof_enabled", 1)) == "0":
            refused.append(
                "it forgets what came since its last snapshot when it ends (appendonly no), acknowledged "
                "messages among them; set appendonly yes"
            )
        if str(row.get("role", "master")) not in ("master", "primary"):
            refused.append("it is a replica and takes no writes; name its primary, or use redis+sentinel://")
        if (here := int(row.get("connected_slaves", 0))) < replicas:
            warned.append(
                f"{here} replicas are connected, and REDIS_WAIT waits for {replicas}: nothing is accepted or "
                "sent until they are"
            )
        if str(row.get("aof_last_write_status", "ok")) != "ok":
            warned.append("it cannot write its append-only file; see to its disk")
        if int(row.get("maxmemory", 0)) and int(row.get("used_memory", 0)) > 0.9 * int(row["maxmemory"]):
            warned.append(
                "over 90 % of its memory is used; when it is full nothing more is accepted: raise maxmemory"
            )
        clients.append(int(row.get("maxclients", 0)))
    synced = await _fsync(redis)
    noted = [
        "up to two seconds of messages go with a power failure (appendfsync everysec); always keeps them"
    ]
    if synced == "no":
        warned.append(
            "a power failure loses half a minute of messages (appendfsync no); set appendfsync always or "
            "everysec"
        )
    most = min((count for count in clients if count), default=0)
    better = tuple(noted if synced == "everysec" else ())
    return Fitness(tuple(dict.fromkeys(refused)), tuple(dict.fromkeys(warned)), most, better)


async def _infos(redis: Redis) -> list[dict[str, Any]]:
    target = {"target_nodes": "primaries"} if hasattr(redis, "get_primaries") else {}
    found = await redis.info(**target)
    nested = found and all(isinstance(row, dict) and "redis_version" in row for row in found.values())
    return list(found.values()) if nested else [found]


async def _fsync(redis: Redis) -> str:
    """The setting, empty where it cannot be asked for: many rented servers do not let anybody."""
    try:
        found = await redis.config_get("appendfsync")
    except (ResponseError, NoPermissionError):
        return ""
    return str(found.get("appendfsync", ""))


@dataclass
class Judge:
    """Keeps looking while a process works. `refused`: why nothing may be accepted or answered just now."""

    settings: Settings
    redis: Redis
    refused: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    _seen: bool = field(default=False, repr=False)

    async def keep_looking(self) -> None:
        """Look until cancelled; what is wrong is an alert until it is right."""
        while True:
            try:
                await self.look()
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            await asyncio.sleep(PAUSE if self._seen else 1)

    async def look(self) -> None:
        """Look once. Raises RedisError."""
        asked = self.settings.confirmation
        found, self._seen = await inspect_redis(self.redis, asked.replicas if asked else 0), True
        may = self.settings.redis_may_lose
        before = (self.refused, self.warned)
        self.refused = () if may else found.refused
        self.warned = (*found.refused, *found.warned) if may else found.warned
        if (self.refused, self.warned) != before:
            log.error("redis_unfit", refused=self.refused, warned=self.warned)
        if self.warned != before[1]:
            await alerts.clear(self.redis, ALERT)
        if self.warned:
            await alerts.raise_alert(self.redis, ALERT, f"Redis: {'; '.join(self.warned)}", "REDIS_URL")
        elif not self.refused and any(row["name"] == ALERT for row in await alerts.all_alerts(self.redis)):
            await alerts.clear(self.redis, ALERT)


async def oldest_due(redis: Redis, bots: list[str], now: int) -> float:
    """For how many seconds the conversation that waits longest has been due, of all bots. Raises
    RedisError."""
    async with redis.pipeline(transaction=False) as pipe:
        for bot_id in bots:
            pipe.zrange(key(bot_id, "due"), 0, 0, withscores=True)
        rows = await pipe.execute()
    return max((max(0.0, now - row[0][1]) / 1000 for row in rows if row), default=0.0)


async def check_writing(redis: Redis, now: int) -> None:
    """Write something, since reading works where nothing can be accepted. Raises RedisError."""
    await redis.set(key(SHARED, "health"), now, ex=3600)
